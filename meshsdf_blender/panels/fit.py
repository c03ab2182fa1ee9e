"""Fitting: the target, the button, what came of it, and the settings."""

from __future__ import annotations

import bpy

from ..fitting import fit_run
from ..properties import ObjectSettings, SceneSettings
from ..trust import problems
from .fixit import draw_problem
from .tab import ShapeTab, characters


class MESHSDF_PT_fit(ShapeTab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_fit"
    bl_label = "Fit"
    bl_parent_id = "MESHSDF_PT_main"
    bl_order = 3

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
    problem = problems.of_fit(context)
    if problem is not None:
        draw_problem(layout, problem, characters(context))


def _draw_result(layout: bpy.types.UILayout, told: ObjectSettings) -> None:
    if told.fit_iou < 0:
        return
    column = layout.column(align=True)
    column.label(text=f"IoU {told.fit_start:.3f} to {told.fit_iou:.3f}", icon="CHECKMARK")
    column.label(text=f"{told.fit_reason}, {told.fit_steps} steps", icon="BLANK1")
    if " to " in told.fit_topology:
        column.label(text=told.fit_topology, icon="BLANK1")


class MESHSDF_PT_fit_settings(ShapeTab, bpy.types.Panel):
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


classes = (
    MESHSDF_PT_fit,
    MESHSDF_PT_fit_settings,
)
register, unregister = bpy.utils.register_classes_factory(classes)
