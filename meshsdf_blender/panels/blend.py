"""Stored codes, what the shape follows, and baking its frames."""

from __future__ import annotations

import bpy

from .. import running
from ..blending import held, pictures
from ..blending.bake import BakeRun
from ..blending.blend_properties import ShapeBlend
from ..shapes import mesh_upload
from .tab import ShapeTab, characters, draw_compared, wrapped

PICTURE_SCALE = 3.0


class MESHSDF_UL_codes(bpy.types.UIList):
    """Stored codes with their pictures; a double click renames one."""

    bl_idname = "MESHSDF_UL_codes"

    def draw_item(  # noqa: PLR0917  # as Blender calls it
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: ShapeBlend,
        item: bpy.types.PropertyGroup,
        icon: int,
        active_data: ShapeBlend,
        active_property: str,
        index: int = 0,
        flt_flag: int = 0,
    ) -> None:
        layout.prop(item, "name", text="", emboss=False, icon_value=pictures.icon(item))


class MESHSDF_PT_blend(ShapeTab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_blend"
    bl_label = "Blend"
    bl_parent_id = "MESHSDF_PT_main"
    bl_order = 4
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        ob = context.active_object
        draw_compared(self.layout, context)
        column = self.layout.column()
        column.enabled = running.current() is None and mesh_upload.is_editable(ob)
        _draw_list(column, ob.meshsdf.blend)
        _draw_blend(column, ob.meshsdf.blend)
        gone = held.problem(ob) if ob.meshsdf.blend.mode == "TWO" else ""
        if gone:
            wrapped(self.layout, gone, characters(context), icon="ERROR")


def _draw_list(layout: bpy.types.UILayout, blend: ShapeBlend) -> None:
    row = layout.row()
    row.template_list("MESHSDF_UL_codes", "", blend, "codes", blend, "active", rows=4, maxrows=8)
    side = row.column(align=True)
    side.operator("meshsdf.code_store", text="", icon="ADD").title = ""
    side.operator("meshsdf.code_remove", text="", icon="REMOVE").code = ""
    side.separator()
    up = side.operator("meshsdf.code_move", text="", icon="TRIA_UP")
    up.direction, up.code = "UP", ""
    down = side.operator("meshsdf.code_move", text="", icon="TRIA_DOWN")
    down.direction, down.code = "DOWN", ""
    if 0 <= blend.active < len(blend.codes):
        row = layout.row()
        row.template_icon(pictures.icon(blend.codes[blend.active]), scale=PICTURE_SCALE)
        column = row.column()
        column.label(text=blend.codes[blend.active].name)
        column.operator("meshsdf.code_apply", icon="CHECKMARK").code = ""


def _draw_blend(layout: bpy.types.UILayout, blend: ShapeBlend) -> None:
    layout.row().prop(blend, "mode", expand=True)
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = True
    if blend.mode == "TWO":
        column.prop(blend, "first")
        column.prop(blend, "second")
        column.prop(blend, "factor")
        column.prop(blend, "method")
        if not (blend.first and blend.second):
            column.label(text="Choose both ends first", icon="INFO")
    elif blend.mode == "WEIGHTS":
        for entry in blend.codes:
            column.prop(entry, "weight", text=entry.name, slider=True)
        if not any(entry.weight > 0.0 for entry in blend.codes):
            text = "Raise a weight" if blend.codes else "Store some codes first"
            column.label(text=text, icon="INFO")


class MESHSDF_PT_bake(ShapeTab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_bake"
    bl_label = "Bake Frames"
    bl_parent_id = "MESHSDF_PT_blend"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.meshsdf.bake
        layout.use_property_split = True
        layout.use_property_decorate = False
        run = running.current()
        column = layout.column()
        column.enabled = run is None
        column.prop(settings, "own_range")
        range_ = column.column(align=True)
        range_.enabled = settings.own_range
        source = settings if settings.own_range else context.scene
        names = ("start", "end") if settings.own_range else ("frame_start", "frame_end")
        for name, text in zip(names, ("Start", "End"), strict=True):
            range_.prop(source, name, text=text)
        column.prop(settings, "step")
        if isinstance(run, BakeRun):
            told = context.window_manager.meshsdf
            layout.progress(factor=told.step / max(told.steps, 1), text=told.text)
            return
        bake = column.operator("meshsdf.bake_frames", icon="RENDER_ANIMATION")
        bake.step = settings.step
        bake.start, bake.end = (getattr(source, name) for name in names)


classes = (MESHSDF_UL_codes, MESHSDF_PT_blend, MESHSDF_PT_bake)
register, unregister = bpy.utils.register_classes_factory(classes)
