"""The sidebar tab: what to do first on top, then the shape, blending, fitting.

Panels hold no logic and draw cached values only.
"""

from __future__ import annotations

import textwrap

import bpy

from . import catalogue, door, fit_run, mesh_upload, shape, slide
from .properties import ObjectSettings, SceneSettings
from .status_box import draw_failure

CHARACTER_PIXELS = 6.5
CHANGED = 5e-3  # a slider that shows 0.00 is at rest


class Tab:
    """Where all panels are: the sidebar of the 3D view."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "MeshSDF"


class _ShapeTab(Tab):
    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return shape.is_shape(context.active_object)


class MESHSDF_PT_main(Tab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_main"
    bl_label = "MeshSDF"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        if door.status.state == "failed":
            draw_failure(layout, characters(context))
        column = layout.column(align=True)
        row = column.row(align=True)
        space, up = catalogue.chosen(context.scene)
        title = catalogue.title(space) if space else "No Space"
        row.menu("MESHSDF_MT_spaces", text=title, icon="MESH_DATA")
        row.operator("meshsdf.space_load", text="", icon="FILEBROWSER")
        row = column.row(align=True)
        row.scale_y = 1.3
        add = row.operator("meshsdf.shape_add", icon="ADD")
        add.space, add.up = space, up
        row.menu("MESHSDF_MT_known", text="", icon="DOWNARROW_HLT")
        if not shape.is_shape(context.active_object):
            layout.label(text="Add or select a shape to go on", icon="INFO")


class MESHSDF_PT_sliders(_ShapeTab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_sliders"
    bl_label = "Sliders"
    bl_parent_id = "MESHSDF_PT_main"

    def draw(self, context: bpy.types.Context) -> None:
        layout, ob = self.layout, context.active_object
        known = slide.of(ob)
        if known is None:
            layout.operator("meshsdf.slider_show", icon="PLAY")
            return
        row = layout.row(align=True)
        row.operator("meshsdf.randomise", icon="FILE_REFRESH")
        row.prop(context.scene.meshsdf, "changed_only", text="", icon="FILTER")
        row.operator("meshsdf.slider_reset", text="", icon="LOOP_BACK").slider = ""
        column = layout.column(align=True)
        column.enabled = fit_run.current() is None and mesh_upload.is_editable(ob)
        values = slide.values(ob)
        for number, named in enumerate(known.named[: len(values)]):
            changed = bool(abs(values[number]) > CHANGED)  # not NumPy's: RNA refuses it
            if changed or not context.scene.meshsdf.changed_only:
                _draw_slider(column, ob.meshsdf, number, named.name, changed=changed)


def _draw_slider(
    layout: bpy.types.UILayout, settings: ObjectSettings, number: int, name: str, *, changed: bool
) -> None:
    row = layout.row(align=True)
    row.prop(settings, f"slider_{number + 1}", text=name, slider=True)
    reset = row.row(align=True)
    reset.enabled = changed
    reset.operator("meshsdf.slider_reset", text="", icon="LOOP_BACK").slider = str(number + 1)
    locked = settings.locks[number]
    row.prop(settings, "locks", index=number, text="", icon="LOCKED" if locked else "UNLOCKED")


class MESHSDF_PT_fit(_ShapeTab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_fit"
    bl_label = "Fit"
    bl_parent_id = "MESHSDF_PT_main"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        settings, told = context.scene.meshsdf, context.window_manager.meshsdf
        column = layout.column()
        column.enabled = fit_run.current() is None
        _draw_target(column, context, settings)
        if fit_run.current() is not None:
            column = layout.column(align=True)
            column.progress(factor=told.step / max(told.steps, 1), text=told.text)
            row = column.row(align=True)
            row.scale_y = 1.5
            row.operator("meshsdf.fit_stop", icon="CANCEL")
            if told.topology:
                layout.label(text=f"Best IoU {told.best_iou:.3f}, {told.topology}")
            return
        row = layout.row(align=True)
        row.scale_y = 1.5
        row.operator("meshsdf.fit", icon="PLAY")
        row.operator("meshsdf.fit_step", text="", icon="FRAME_NEXT")
        _draw_result(layout, context.active_object.meshsdf)


def _draw_target(
    layout: bpy.types.UILayout, context: bpy.types.Context, settings: SceneSettings
) -> None:
    layout.use_property_split = True
    layout.use_property_decorate = False
    layout.prop(settings, "target")
    if settings.target == "IMAGE":
        layout.template_ID(settings, "image", open="image.open")
    elif settings.target == "OBJECT":
        layout.prop(settings, "object")
    elif settings.target == "MASK":
        layout.prop(settings, "mask")
    if settings.target in {"IMAGE", "BACKGROUND"}:
        layout.prop(settings, "channel")
        layout.prop(settings, "threshold")
    layout.prop(settings, "invert")
    camera = context.scene.camera
    if camera is None:
        layout.label(text="The scene has no active camera", icon="ERROR")
    elif settings.target == "BACKGROUND" and not _shows_background(camera):
        layout.label(text=f"'{camera.name}' shows no background image", icon="ERROR")


def _shows_background(camera: bpy.types.Object) -> bool:
    backgrounds = getattr(camera.data, "background_images", ())
    shown = getattr(camera.data, "show_background_images", False)
    return shown and any(b.show_background_image and (b.image or b.clip) for b in backgrounds)


def _draw_result(layout: bpy.types.UILayout, told: ObjectSettings) -> None:
    if told.fit_iou < 0:
        return
    column = layout.column(align=True)
    column.label(text=f"IoU {told.fit_start:.3f} to {told.fit_iou:.3f}", icon="CHECKMARK")
    column.label(text=f"{told.fit_reason}, {told.fit_steps} steps", icon="BLANK1")
    if " to " in told.fit_topology:
        column.label(text=told.fit_topology, icon="BLANK1")


class MESHSDF_PT_fit_settings(_ShapeTab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_fit_settings"
    bl_label = "Settings"
    bl_parent_id = "MESHSDF_PT_fit"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.meshsdf
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.enabled = fit_run.current() is None
        column = layout.column(heading="Change", align=True)
        for name in ("fit_code", "move", "turn", "scale"):
            column.prop(settings, name)
        for name in ("steps", "rate", "prior", "resolution", "pixels"):
            layout.prop(settings, name)


class MESHSDF_PT_blend(_ShapeTab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_blend"
    bl_label = "Blend"
    bl_parent_id = "MESHSDF_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.meshsdf.blend
        layout.use_property_split = True
        layout.use_property_decorate = False
        names = ("first", "second", "factor", "method")
        for name in names:
            layout.prop(settings, name)
        blend = layout.operator("meshsdf.interpolate", icon="MOD_SIMPLEDEFORM")
        for name in names:
            setattr(blend, name, getattr(settings, name))


class MESHSDF_PT_shape(_ShapeTab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_shape"
    bl_label = "Shape"
    bl_parent_id = "MESHSDF_PT_main"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        told = context.active_object.meshsdf
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(told, "space")
        layout.prop(told, "resolution")
        layout.prop(told, "newton")
        layout.prop(told, "cap")
        layout.operator("meshsdf.shape_update", icon="FILE_REFRESH")
        column = layout.column(align=True)
        words = shape.topology(
            {
                "components": told.components,
                "genus": None if told.genus < 0 else told.genus,
            }
        )
        column.label(text=f"{words}, {told.faces:,} triangles")
        for number, line in enumerate(textwrap.wrap(told.message, characters(context))):
            column.label(text=line, icon="BLANK1" if number else "INFO")
        layout.operator("meshsdf.make_regular", icon="MESH_DATA")


classes = (
    MESHSDF_PT_main,
    MESHSDF_PT_sliders,
    MESHSDF_PT_shape,
    MESHSDF_PT_fit,
    MESHSDF_PT_fit_settings,
    MESHSDF_PT_blend,
)
register, unregister = bpy.utils.register_classes_factory(classes)


def characters(context: bpy.types.Context) -> int:
    """How many characters of text fit into the sidebar."""
    width = context.region.width if context.region else 240
    return max(20, int(width / (CHARACTER_PIXELS * context.preferences.system.ui_scale)) - 6)
