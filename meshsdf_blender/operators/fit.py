"""Fitting the active shape: to the end in a script, live in a window, step by step by hand."""

from __future__ import annotations

import bpy
from bpy.app.handlers import persistent
from bpy.props import IntProperty

from .. import running
from ..errors import Refusal
from ..fitting import overlay
from ..fitting.fit_run import FitRun, FitStep
from ..fitting.progress import hide_progress, show_progress, show_stopping, show_waiting
from ..shapes import slider_live
from ..wording import counted
from .guarded import NeedsShape
from .live import RunsLive

TICK_SECONDS = 0.02
WAIT_SECONDS = 0.1
GONE_SECONDS = 10.0  # a live fit is seen to every TICK_SECONDS
SMALLEST_GAIN = 1e-4
GOOD_IOU = 0.95
POOR_IOU = 0.5


def run_to_end(context: bpy.types.Context, run: FitRun, *, print_every: int = 0) -> FitStep:
    """Drive a run to its last frame and write that one. Raises Refusal with all as before."""
    printed = 0
    try:
        while True:
            step = run.advance(WAIT_SECONDS)
            if step is not None and step.done:
                run.finish(context, step)
                return step
            # Steps may be passed over, as only the newest one is sent.
            if step is not None and print_every and step.step >= printed + print_every:
                printed = step.step
                print(f"Step {step.step} of {step.steps}: IoU {step.iou:.3f}", flush=True)
    except BaseException:  # a KeyboardInterrupt too leaves shape and worker in order
        run.fail()
        raise


def summary(ob: bpy.types.Object) -> str:
    """What a fit came to, in one line."""
    told = ob.meshsdf
    return (
        f"IoU {told.fit_start:.3f} to {told.fit_iou:.3f} in {counted(told.fit_steps, 'step')}: "
        f"{told.fit_reason}"
    )


def verdict(start: float, best: float, *, ended: bool) -> tuple[bool, str]:
    """Whether to warn of a fit's IoUs, and what to say of them; nothing where all is well.

    ``ended`` tells a whole fit from a few steps by hand, which may be far from the target yet.
    """
    check = (
        "Check that shape and target overlap in the camera's view, that Invert is right, "
        "or let the fit change the transform too"
    )
    if best - start < SMALLEST_GAIN and best < GOOD_IOU:
        if best < POOR_IOU:
            return True, f"No step came closer to the target. {check}"
        return False, "No step came closer to the target: the shape was already the best found"
    if ended and best < POOR_IOU:
        return True, f"The shape is still far from the target (IoU {best:.2f}). {check}"
    return False, ""


def tell(operator: bpy.types.Operator, run: FitRun, *, ended: bool = True) -> None:
    """Report what a fit came to, and what about it is worth a warning."""
    ob = run.object()
    operator.report({"INFO"}, summary(ob))
    for warning in run.warnings:
        operator.report({"WARNING"}, warning)
    warn, text = verdict(ob.meshsdf.fit_start, ob.meshsdf.fit_iou, ended=ended)
    if text:
        operator.report({"WARNING"} if warn else {"INFO"}, text)


class MESHSDF_OT_fit_step(NeedsShape, bpy.types.Operator):
    bl_idname = "meshsdf.fit_step"
    bl_label = "Step"
    bl_description = "Take a few steps towards the target, keeping the best of them"
    bl_options = {"REGISTER", "UNDO"}

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
        "Change the shape until its silhouette in the active camera matches the target; "
        "Esc keeps the best so far"
    )
    bl_options = {"REGISTER", "UNDO"}

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
        if run.finish(context, step, remesh=False):
            slider_live.follow(run.object(), rests=True)  # meshed anew beside the artist's work
        tell(self, run)
        return self.over(context, {"FINISHED"})


class MESHSDF_OT_fit_stop(bpy.types.Operator):
    bl_idname = "meshsdf.fit_stop"
    bl_label = "Stop"
    bl_description = "End the running fit and keep its best shape"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if running.current() is None:
            cls.poll_message_set("No fit is running")
            return False
        return True

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
            self.report({"ERROR"}, str(refusal))
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
