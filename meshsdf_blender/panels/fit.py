"""Fitting: the target, the button, and what came of it."""

from __future__ import annotations

import bpy

from ..fitting import fit_run
from ..properties import ObjectSettings
from .tab import ShapeTab
from .views import draw_goal


class MESHSDF_PT_fit(ShapeTab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_fit"
    bl_label = "Fit"
    bl_parent_id = "MESHSDF_PT_main"
    bl_order = 3

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        told = context.window_manager.meshsdf
        column = layout.column()
        column.enabled = fit_run.current() is None
        draw_goal(column, context)
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


def _draw_result(layout: bpy.types.UILayout, told: ObjectSettings) -> None:
    if told.fit_iou < 0:
        return
    column = layout.column(align=True)
    column.label(text=f"IoU {told.fit_start:.3f} to {told.fit_iou:.3f}", icon="CHECKMARK")
    column.label(text=f"{told.fit_reason}, {told.fit_steps} steps", icon="BLANK1")
    if " to " in told.fit_topology:
        column.label(text=told.fit_topology, icon="BLANK1")


classes = (MESHSDF_PT_fit,)
register, unregister = bpy.utils.register_classes_factory(classes)
