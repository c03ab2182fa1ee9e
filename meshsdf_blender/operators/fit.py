"""Fitting the active shape: to the end in a script, live in a window, step by step by hand."""

from __future__ import annotations

import bpy
from bpy.app.handlers import persistent
from bpy.props import IntProperty

from .. import in_scripts, running
from ..errors import Refusal
from ..fitting import overlay
from ..fitting.fit_run import FitRun
from ..fitting.fit_to_end import run_to_end
from ..fitting.progress import hide_progress, show_progress, show_stopping, show_waiting
from ..fitting.verdict import missed, summary, verdict
from ..shapes import slider_live
from .guarded import NeedsShape, Polled
from .live import RunsLive
from .needs import FITTED, Need

TICK_SECONDS = 0.02
GONE_SECONDS = 10.0  # a live fit is seen to every TICK_SECONDS


def tell(operator: bpy.types.Operator, run: FitRun, *, ended: bool = True) -> None:
    """Report what a fit came to, and what about it is worth a warning."""
    ob = run.object()
    operator.report({"INFO"}, summary(ob))
    for warning in run.warnings:
        operator.report({"WARNING"}, warning)
    if ended and (text := missed(ob)):
        operator.report({"WARNING"}, text)
    if ob.meshsdf.fit_alone:
        return
    warn, text = verdict(ob.meshsdf.fit_start, ob.meshsdf.fit_iou, ended=ended)
    if text:
        operator.report({"WARNING"} if warn else {"INFO"}, text)


class MESHSDF_OT_fit_step(NeedsShape, bpy.types.Operator):
    bl_idname = "meshsdf.fit_step"
    bl_label = "Step"
    bl_description = "Take a few steps towards target and handles, keeping the best of them"
    bl_options = {"REGISTER", "UNDO"}

    asks = (FITTED,)

    steps: IntProperty(
        name="Steps",
        description="How many steps to take",
        default=1,
        min=1,
        soft_max=100,
        max=10000,
    )

    def perform(self, context: bpy.types.Context) -> None:
        run = FitRun(context, context.active_object, exact_steps=self.steps)
        run_to_end(context, run)
        tell(self, run, ended=False)


class MESHSDF_OT_fit(RunsLive, NeedsShape, bpy.types.Operator):
    bl_idname = "meshsdf.fit"
    bl_label = "Fit"
    bl_description = (
        "Change the shape until its silhouette in the active camera matches the target, and its "
        "surface passes through its handles; Esc keeps the best so far"
    )
    bl_options = {"REGISTER", "UNDO"}

    asks = (FITTED,)

    print_every: IntProperty(
        name="Print Every",
        description="In a script: print a line each so many steps; 0 prints none",
        min=0,
        options={"SKIP_SAVE", "HIDDEN"},
    )

    tick_seconds = TICK_SECONDS
    _run: FitRun

    def perform(self, context: bpy.types.Context) -> None:
        run = FitRun(context, context.active_object)
        run_to_end(context, run, print_every=self.print_every)
        tell(self, run)

    def new_run(self, context: bpy.types.Context) -> FitRun:
        return FitRun(context, context.active_object)

    def show_start(self, context: bpy.types.Context) -> None:
        run = self._run
        overlay.begin(context, run.object(), run.request)
        show_waiting(context, run)

    def take_step(self, context: bpy.types.Context) -> set[str] | None:
        run = self._run
        if run.object().mode != "OBJECT":
            # Mesh and code were written together, so what is shown is whole; it only cannot go on.
            run.abandon()
            self.report(
                {"WARNING"}, "The fit ended with its last step: the object left Object Mode"
            )
            return self.over(context, {"FINISHED"})
        if bpy.app.is_job_running("RENDER"):
            return None  # changing a mesh that is being rendered crashes Blender
        step = run.advance()
        if step is None:
            return None
        if not step.done:
            run.write(context, step)
            overlay.show_step(step)
            show_progress(context, step)
            return None
        run.finish(context, step, remesh=False)
        slider_live.follow(run.object(), rests=True)  # meshed anew beside the artist's work
        tell(self, run)
        return self.over(context, {"FINISHED"})


def _runs(context: bpy.types.Context) -> None:
    if running.current() is None:
        raise Refusal("No fit is running")


class MESHSDF_OT_fit_stop(Polled, bpy.types.Operator):
    bl_idname = "meshsdf.fit_stop"
    bl_label = "Stop"
    bl_description = "End the running fit and keep its best shape"

    needs = (Need("a running fit, encoding or bake", _runs),)

    def execute(self, context: bpy.types.Context) -> set[str]:
        run = running.current()
        if run.unseen_seconds > GONE_SECONDS:
            run.abandon()
            hide_progress(context)
            self.report({"WARNING"}, "Nothing drove the fit any more: its last step is kept")
            return {"FINISHED"}
        try:
            run.stop()
        except Refusal as refusal:
            self.report({"ERROR"}, in_scripts.text(refusal))
            return {"CANCELLED"}
        show_stopping(context)
        return {"FINISHED"}


@persistent
def _data_changes(*_: object) -> None:
    """Undo, redo and another file replace the data that a fit is writing to."""
    running.abandon_current()


HANDLERS = (bpy.app.handlers.undo_pre, bpy.app.handlers.redo_pre, bpy.app.handlers.load_pre)
classes = (MESHSDF_OT_fit_step, MESHSDF_OT_fit, MESHSDF_OT_fit_stop)
_register, _unregister = bpy.utils.register_classes_factory(classes)


def register() -> None:
    _register()
    for handlers in HANDLERS:
        handlers.append(_data_changes)


def unregister() -> None:
    running.abandon_current()
    for handlers in HANDLERS:
        handlers.remove(_data_changes)
    _unregister()
