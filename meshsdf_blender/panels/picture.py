"""The sub-panel that makes a shape of a picture. It holds no logic and draws cached values only."""

from __future__ import annotations

import bpy

from .. import running
from ..reconstruction import encoder_place, picture_source, reconstruct_run, teach_run
from ..spaces import catalogue
from .tab import Tab, characters, wrapped


class MESHSDF_PT_picture(Tab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_picture"
    bl_label = "From a Picture"
    bl_parent_id = "MESHSDF_PT_main"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 8

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.meshsdf_picture
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.template_ID(settings, "image", open="image.open")
        behind = picture_source.of_camera(context.scene)
        if settings.image is None:
            told = f"The camera's background: {behind.name}" if behind else NOTHING
            wrapped(layout, told, characters(context), icon="IMAGE_DATA" if behind else "INFO")
        if settings.image is None and behind is None:
            load = layout.operator(
                "meshsdf.example_load", text="Load Example Picture", icon="IMAGE_DATA"
            )
            load.what = "PICTURE"
        layout.prop(settings, "mask")
        layout.prop(settings, "camera")
        if running.current() is not None:
            told = context.window_manager.meshsdf
            layout.progress(factor=told.step / max(told.steps, 1), text=told.text)
            layout.operator("meshsdf.fit_stop", icon="CANCEL")
            _draw_encoder(layout, context)
            return
        row = layout.row()
        row.scale_y = 1.3
        row.enabled = settings.image is not None or behind is not None
        call = row.operator("meshsdf.reconstruct", icon="IMAGE_REFERENCE")
        call.space, call.up = catalogue.chosen(context.scene)
        call.image = settings.image.name if settings.image else ""
        call.mask = settings.mask.name if settings.mask else ""
        for name in ("camera", "lens", "guesses", "steps", "pose"):
            setattr(call, name, getattr(settings, name))
        _draw_outcome(layout, context)
        _draw_encoder(layout, context)


NOTHING = "Open a picture, or drop its file onto the 3D view"
WIDE_LETTERS = 3  # by which names in a text may be wider than the usual letter
UNTAUGHT = "{} has no encoder yet, which tells its shapes from pictures"
LACKING = "{} comes without an encoder, which tells shapes from pictures: choose another space"


def _draw_outcome(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    outcome = reconstruct_run.last(context.active_object)
    if outcome is None:
        return
    width = characters(context)
    column = layout.column(align=True)
    wrapped(column, f"{outcome.text}. Fit goes on from here", width, icon="CHECKMARK")
    for remark in outcome.remarks:
        wrapped(column, remark, width, icon="ERROR")


def _draw_encoder(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What the space lacks, the button that teaches it, and how far that is."""
    run, width = teach_run.current(), characters(context)
    if run is not None:
        _draw_teaching(layout, context, run.name)
        return
    space, up = catalogue.chosen(context.scene)
    seen, outcome = encoder_place.seen(space), teach_run.last(space)
    column = layout.column(align=True)
    if outcome is not None:
        told = outcome.problem or outcome.text
        wrapped(column, told, width, icon="CHECKMARK" if outcome.path else "ERROR")
        if outcome.installable:
            column.operator("meshsdf.copy_command", icon="CONSOLE")
    own = encoder_place.is_own(space)
    if not seen.there and outcome is None:
        title = catalogue.title(space)
        told = (UNTAUGHT if own else LACKING).format(title)
        wrapped(column, told, width - WIDE_LETTERS, icon="INFO")
    if not own:
        return
    if seen.begun:
        resume = column.operator("meshsdf.teach_resume", icon="FILE_REFRESH")
        resume.space, resume.up = space, up
    # A short trial, or a space that was trained further, wants another one.
    text = "Teach Encoder Again" if seen.there else "Teach Encoder"
    teach = column.operator("meshsdf.teach_encoder", text=text, icon="IMAGE_REFERENCE")
    teach.space, teach.up = space, up


def _draw_teaching(layout: bpy.types.UILayout, context: bpy.types.Context, name: str) -> None:
    told = context.window_manager.meshsdf_teaching
    column = layout.column(align=True)
    column.label(text=f"The encoder of {name}", icon="SORTTIME")
    column.progress(factor=told.factor, text=told.text)
    column.operator("meshsdf.teach_stop", icon="CANCEL")
    if told.detail:
        wrapped(column, told.detail, characters(context))


class MESHSDF_PT_picture_settings(Tab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_picture_settings"
    bl_label = "Settings"
    bl_parent_id = "MESHSDF_PT_picture"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.meshsdf_picture
        layout.use_property_split = True
        layout.use_property_decorate = False
        for name in ("lens", "guesses", "steps", "pose"):
            layout.prop(settings, name)


classes = (MESHSDF_PT_picture, MESHSDF_PT_picture_settings)
register, unregister = bpy.utils.register_classes_factory(classes)
