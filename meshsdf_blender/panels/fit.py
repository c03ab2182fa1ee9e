"""Fitting: the target, the button, and what came of it."""

from __future__ import annotations

import textwrap
from typing import Any

import bpy

from .. import running
from ..fitting import before, handles, overlay
from ..fitting.fit_state import FitState, fit_state
from ..fitting.verdict import changed, figures
from ..properties import ObjectSettings, Progress
from ..trust import problems
from ..views.aims import is_set
from ..wording import counted
from .fixit import draw_problem
from .tab import ShapeTab, characters
from .views import draw_goal

# The operator and icon behind each label of the big button.
BIG: dict[FitState, tuple[str, Any]] = {
    FitState.READY: ("meshsdf.fit", "PLAY"),
    FitState.RUNNING: ("meshsdf.fit_stop", "CANCEL"),
    FitState.UNFINISHED: ("meshsdf.fit", "PLAY"),
    FitState.ENDED: ("meshsdf.fit_accept", "CHECKMARK"),
    FitState.COMPARING: ("meshsdf.fit_compare", "LOOP_FORWARDS"),
}
# What stands beside it while a fit waits to be accepted.
BESIDE: dict[FitState, tuple[str, Any, str]] = {
    FitState.READY: ("meshsdf.fit_accept", "CHECKMARK", "Accept"),
    FitState.UNFINISHED: ("meshsdf.fit_accept", "CHECKMARK", "Accept"),
    FitState.ENDED: ("meshsdf.fit", "PLAY", "Continue"),
}


class MESHSDF_PT_fit(ShapeTab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_fit"
    bl_label = "Fit"
    bl_parent_id = "MESHSDF_PT_main"
    bl_order = 3

    def draw(self, context: bpy.types.Context) -> None:
        layout, ob = self.layout, context.active_object
        state = fit_state(ob)
        column = layout.column()
        column.enabled = state is not FitState.RUNNING
        draw_goal(column, context)
        _draw_handles(column, context)
        problem = problems.of_fit(context)
        if problem is not None:
            draw_problem(column, problem, characters(context))
        _draw_preview(column, context)
        if state is FitState.RUNNING:
            _draw_progress(layout, context.window_manager.meshsdf)
        _draw_buttons(layout, state, waits=before.exists(ob))
        if state is not FitState.RUNNING:
            _draw_result(layout, context, ob.meshsdf)


def _draw_handles(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """How many handles there are, and whether they are all that is fitted to."""
    ob = context.active_object
    if not len(ob.meshsdf.handles):
        return
    held = handles.used(ob)
    text = f"{len(held)} of {counted(len(ob.meshsdf.handles), 'handle')} on"
    alone = ", and no target" if held and not is_set(context.scene) else ""
    layout.label(text=text + alone, icon="EMPTY_AXIS")


def _draw_preview(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    shown = overlay.current()
    row = layout.row(align=True)
    row.operator(
        "meshsdf.target_preview",
        icon="HIDE_ON" if shown is None else "HIDE_OFF",
        depress=shown is not None,
    )
    if shown is None or running.current() is not None:
        return
    if shown.uid != context.active_object.session_uid:  # in another window, or selected since
        return
    view = context.region_data
    if shown.problem:
        for number, line in enumerate(textwrap.wrap(shown.problem, characters(context))):
            layout.label(text=line, icon="BLANK1" if number else "ERROR")
    elif view is not None and view.view_perspective != "CAMERA":
        row.operator("view3d.view_camera", text="", icon="VIEW_CAMERA")
        layout.label(text="It is drawn in the camera's view", icon="INFO")
    else:
        layout.label(text=f"IoU {shown.iou:.3f} as it is shown", icon="BLANK1")


def _draw_progress(layout: bpy.types.UILayout, told: Progress) -> None:
    column = layout.column(align=True)
    column.progress(factor=told.step / max(told.steps, 1), text=told.text)
    if told.topology:
        best = "" if told.alone else f"Best IoU {told.best_iou:.3f}, "
        column.label(text=f"{best}{told.topology}")


def _draw_buttons(layout: bpy.types.UILayout, state: FitState, *, waits: bool) -> None:
    """The big button; ``waits`` tells that a fit is there to be accepted."""
    column = layout.column(align=True)
    row = column.row(align=True)
    row.scale_y = 1.5
    operator, icon = BIG[state]
    row.operator(operator, text=state.value, icon=icon)
    if state is FitState.RUNNING:
        return
    if state is not FitState.COMPARING:
        row.operator("meshsdf.fit_step", text="", icon="FRAME_NEXT")
    if not waits:
        return
    row = column.row(align=True)
    if state in BESIDE:
        operator, icon, text = BESIDE[state]
        row.operator(operator, text=text, icon=icon)
        row.operator("meshsdf.fit_compare", text="Before", icon="LOOP_BACK")
    row.operator("meshsdf.fit_back", icon="TRASH")


def _draw_result(
    layout: bpy.types.UILayout, context: bpy.types.Context, told: ObjectSettings
) -> None:
    if told.before.mesh is not None and told.before.shown:
        iou, off = told.before.iou, told.before.off
        told_of = figures(None if iou < 0 else iou, off)
        layout.label(text=f"Before the fit: {told_of}", icon="LOOP_BACK")
        return
    if told.fit_iou < 0:
        return
    start = told.fit_start, told.fit_off_start
    if told.before.mesh is not None:
        start = told.before.iou, told.before.off
    column = layout.column(align=True)
    for number, line in enumerate(textwrap.wrap(changed(told, *start), characters(context))):
        column.label(text=line, icon="BLANK1" if number else "CHECKMARK")
    column.label(text=f"{told.fit_reason}, {counted(told.fit_steps, 'step')}", icon="BLANK1")
    if told.fit_topology:
        for line in textwrap.wrap(told.fit_topology, characters(context)):
            column.label(text=line, icon="BLANK1")


class MESHSDF_PT_overlay(ShapeTab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_overlay"
    bl_label = "Show Overlay"
    bl_parent_id = "MESHSDF_PT_fit"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 3

    def draw_header(self, context: bpy.types.Context) -> None:
        self.layout.prop(context.scene.meshsdf.overlay, "show", text="")

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.meshsdf.overlay
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.enabled = settings.show
        layout.prop(settings, "opacity")


classes = (MESHSDF_PT_fit, MESHSDF_PT_overlay)
register, unregister = bpy.utils.register_classes_factory(classes)
