"""Encoding the active mesh: the closest shape of a space, as a new object where the mesh stands."""

from __future__ import annotations

from collections.abc import Callable

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty

from .. import catalogue, fit_run
from ..encode_run import EncodeRun, EncodeStep
from ..errors import Refusal
from ..progress import hide_progress, show_encoding, show_stopping
from ..properties import LARGEST_RESOLUTION, SMALLEST_RESOLUTION, UP_AXES
from ..training_properties import Encoding
from .guarded import NeedsObjectMode

TICK_SECONDS = 0.05
WAIT_SECONDS = 0.1


class MESHSDF_OT_encode(Encoding, NeedsObjectMode, bpy.types.Operator):
    bl_idname = "meshsdf.encode"
    bl_label = "Encode Mesh"
    bl_description = (
        "Find the shape of the chosen space that is closest to the active object, and add it "
        "where the object stands; Esc keeps the best so far"
    )
    bl_options = {"REGISTER", "UNDO"}

    space: StringProperty(
        name="Space", description="builtin:NAME or a path; empty: the one chosen in the sidebar"
    )
    up: EnumProperty(name="Up Axis", description="The space's axis that points up", items=UP_AXES)
    resolution: IntProperty(
        name="Resolution",
        description="Cells along each side of the grid",
        default=64,
        min=SMALLEST_RESOLUTION,
        soft_min=16,
        soft_max=256,
        max=LARGEST_RESOLUTION,
    )
    steps: IntProperty(
        name="Steps",
        description="Steps in place of the worker's own number; 0 takes that",
        min=0,
        options={"SKIP_SAVE", "HIDDEN"},
    )

    _run: EncodeRun
    _timer: bpy.types.Timer | None

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        ob = context.active_object
        if ob is None or ob.type not in {"MESH", "POINTCLOUD"}:
            cls.poll_message_set("Select the mesh or point cloud to encode")
            return False
        return True

    def perform(self, context: bpy.types.Context) -> None:
        run = self._new_run(context)
        try:
            while True:
                step = run.advance(WAIT_SECONDS)
                if step is not None and step.done:
                    self._finish(context, run, step)
                    return
        except BaseException:
            run.abandon()
            raise

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if bpy.app.background:
            return self.execute(context)
        try:
            self._run = self._new_run(context)
        except Refusal as refusal:
            self.report({"ERROR"}, str(refusal))
            return {"CANCELLED"}
        self._timer = context.window_manager.event_timer_add(TICK_SECONDS, window=context.window)
        context.window_manager.modal_handler_add(self)
        show_encoding(context, 0, 0)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if fit_run.current() is not self._run:  # undo, a new file or the end of the add-on ended it
            return self._over(context, {"CANCELLED"})
        if event.type == "ESC" and event.value == "PRESS":
            return self._guard(context, lambda: self._stop(context)) or {"RUNNING_MODAL"}
        if event.type == "TIMER":
            return self._guard(context, lambda: self._tick(context)) or {"PASS_THROUGH"}
        return {"PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator itself, as when a file is opened."""
        self._run.abandon()
        self._over(context, {"CANCELLED"})

    def _new_run(self, context: bpy.types.Context) -> EncodeRun:
        space, up = (self.space, self.up) if self.space else catalogue.chosen(context.scene)
        return EncodeRun(
            context,
            context.active_object,
            space,
            up,
            placement=self.placement,
            partial=self.partial,
            selected=self.selected,
            options={"steps": self.steps} if self.steps else {},
        )

    def _guard(
        self, context: bpy.types.Context, action: Callable[[], set[str] | None]
    ) -> set[str] | None:
        try:
            return action()
        except Refusal as refusal:
            self._run.abandon()
            self.report({"ERROR"}, str(refusal))
            return self._over(context, {"CANCELLED"})
        except BaseException:  # a fault of ours must not lock every operator
            self._run.abandon()
            self._over(context, {"CANCELLED"})
            raise

    def _stop(self, context: bpy.types.Context) -> None:
        self._run.stop()
        show_stopping(context)

    def _tick(self, context: bpy.types.Context) -> set[str] | None:
        run = self._run
        run.seen()
        if run.stopped_early:
            run.abandon()
            return self._over(context, {"CANCELLED"})
        if context.mode != "OBJECT" or bpy.app.is_job_running("RENDER"):
            return None  # the new object waits until it can be added
        step = run.advance()
        if step is None:
            return None
        if not step.done:
            show_encoding(context, step.step, step.steps)
            return None
        self._finish(context, run, step)
        return self._over(context, {"FINISHED"})

    def _finish(self, context: bpy.types.Context, run: EncodeRun, step: EncodeStep) -> None:
        ob, error = run.finish(context, step, resolution=self.resolution)
        self.report({"INFO"}, f"'{ob.name}': surface error {100 * error:.2f} % of the source's box")

    def _over(self, context: bpy.types.Context, result: set[str]) -> set[str]:
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None
        hide_progress(context)
        return result


classes = (MESHSDF_OT_encode,)
register, unregister = bpy.utils.register_classes_factory(classes)
