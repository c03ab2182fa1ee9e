"""The top of the tab: what to do first, which space, and a new shape of it."""

from __future__ import annotations

from itertools import islice
from typing import Any

import bpy

from ..after import former
from ..errors import Refusal
from ..shapes import chosen, shape
from ..spaces import catalogue, packed
from .tab import Tab, characters, wrapped

PICTURE_SCALE, POPUP_SCALE = 8.0, 5.0
MOST_NAMED = 3  # shapes that are offered for selection


class MESHSDF_PT_main(Tab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_main"
    bl_label = "MeshSDF"

    def draw(self, context: bpy.types.Context) -> None:
        layout, ob = self.layout, context.active_object
        if shape.is_shape(ob):
            title = catalogue.title(ob.meshsdf.space)
            layout.label(text=f"{ob.name}: a shape of {title}", icon="OBJECT_DATA")
            _draw_new(layout, context)
            return
        if context.mode != "OBJECT":
            _draw_mode(layout, context)
            return
        if former.is_former(ob):
            _draw_former(layout, context)
        found = (each.name for each in context.view_layer.objects if shape.is_shape(each))
        shapes = list(islice(found, MOST_NAMED))
        if shapes:
            _draw_selection(layout, shapes)
            _draw_new(layout, context)
        else:
            _draw_guide(layout, context)


def _draw_guide(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Nothing is there yet: three steps, each with its button."""
    layout.label(text="1.  Choose what to make")
    layout.template_icon_view(
        context.scene.meshsdf.choice,
        "picked",
        show_labels=True,
        scale=PICTURE_SCALE,
        scale_popup=POPUP_SCALE,
    )
    _draw_space(layout, context)
    layout.label(text="2.  Add it to the scene")
    _draw_add(layout, context, scale=1.6)
    layout.label(text="3.  Move its sliders, or fit it")
    layout.separator()
    layout.label(text="Or see a fit to a photo first")
    layout.operator("meshsdf.example_load", icon="IMAGE_DATA")


def _draw_selection(layout: bpy.types.UILayout, shapes: list[str]) -> None:
    column = layout.column(align=True)
    column.label(text="Select a shape to go on:")
    for name in shapes:
        row = column.row()
        row.scale_y = 1.3
        row.operator("meshsdf.shape_select", text=name, icon="RESTRICT_SELECT_OFF").name = name


def _draw_former(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Why there are no sliders, and the way back to them."""
    try:
        chosen.check_shape(context.active_object)
    except Refusal as refusal:
        column = layout.column()
        wrapped(column, refusal.problem, characters(context), icon="MESH_DATA")
        for fix in refusal.fixes:
            column.operator(fix.operator, text=fix.label, icon=fix.icon)  # type: ignore[arg-type]
        layout.separator()


def _draw_mode(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    column = layout.column()
    text = "Shapes are added and selected in Object Mode"
    wrapped(column, text, characters(context), icon="INFO")
    row = column.row()
    row.scale_y = 1.3
    row.operator(
        "object.mode_set", text="Go to Object Mode", icon="OBJECT_DATAMODE"
    ).mode = "OBJECT"


def _draw_new(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What a further shape is of, which is no matter of the active one."""
    column = layout.column(align=True)
    column.label(text="New shape:")
    _draw_space(column, context)
    _draw_add(column, context)


def _draw_space(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    space, _ = catalogue.chosen(context.scene)
    row = layout.row(align=True)
    title = catalogue.title(space) if space else "No Space"
    icon: Any = "PACKAGE" if packed.is_packed(space) else "MESH_DATA"
    row.menu("MESHSDF_MT_spaces", text=title, icon=icon)
    row.operator("meshsdf.space_load", text="", icon="FILEBROWSER")


def _draw_add(
    layout: bpy.types.UILayout, context: bpy.types.Context, *, scale: float = 1.3
) -> None:
    space, up = catalogue.chosen(context.scene)
    row = layout.row(align=True)
    row.scale_y = scale
    add = row.operator("meshsdf.shape_add", icon="ADD")
    add.space, add.up = space, up
    row.menu("MESHSDF_MT_known", text="", icon="DOWNARROW_HLT")


classes = (MESHSDF_PT_main,)
register, unregister = bpy.utils.register_classes_factory(classes)
