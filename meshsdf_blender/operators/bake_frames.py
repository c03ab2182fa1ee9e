"""Making an animated shape safe to render: frames baked to meshes, or the interface locked."""

from __future__ import annotations

from types import MappingProxyType

import bpy

from ..blending.bake import BakeRun, check_moving
from ..blending.blend_properties import Baked
from ..redraw import redraw, tell_status
from ..wording import counted
from .guarded import NeedsShape, Unset
from .live import RunsLive
from .needs import Need


class MESHSDF_OT_bake_frames(Baked, RunsLive, NeedsShape, bpy.types.Operator):
    bl_idname = "meshsdf.bake_frames"
    bl_label = "Bake Frames"
    bl_description = (
        "Add a plain object with a mesh for each frame, safe to render and export, and hide the "
        "shape; all frames of the scene where none are named; Esc leaves everything as it is"
    )
    bl_options = {"REGISTER", "UNDO"}

    asks = (
        Need("the shape shown, and animated", lambda context: check_moving(context.active_object)),
    )

    unset = MappingProxyType(
        {
            "start": Unset("the scene's", lambda operator, context: context.scene.frame_start),
            "end": Unset("the scene's", lambda operator, context: context.scene.frame_end),
        }
    )

    tick_seconds = 0.01
    _run: BakeRun

    def perform(self, context: bpy.types.Context) -> None:
        run = self.new_run(context)
        try:
            while not run.done:
                run.advance(wait=True)
            self._finish(run)
        except BaseException:
            run.fail()
            raise

    def new_run(self, context: bpy.types.Context) -> BakeRun:
        start, end = (self.given(name, context) for name in ("start", "end"))
        return BakeRun(context, start, end, self.step)

    def show_start(self, context: bpy.types.Context) -> None:
        self._show(context, "Starting the worker")

    def take_step(self, context: bpy.types.Context) -> set[str] | None:
        run = self._run
        if run.stopping:
            run.fail()
            self.report({"INFO"}, "The bake was stopped: nothing was added")
            return self.over(context, {"CANCELLED"})
        if context.mode != "OBJECT" or bpy.app.is_job_running("RENDER"):
            return None
        run.advance()
        if not run.done:
            self._show(context, f"Baking frame {len(run.keys) + 1} of {len(run.todo)}")
            return None
        self._finish(run)
        return self.over(context, {"FINISHED"})

    def _finish(self, run: BakeRun) -> None:
        ob = run.finish()
        self.report(
            {"INFO"},
            f"'{ob.name}': {counted(len(run.todo), 'frame')}, {len(run.meshes)} different mesh"
            + "es" * (len(run.meshes) != 1),
        )

    def _show(self, context: bpy.types.Context, text: str) -> None:
        told = context.window_manager.meshsdf
        told.step, told.steps = len(self._run.keys), len(self._run.todo)
        told.text, told.topology = text, ""
        tell_status(context.window_manager, f"MeshSDF: {text}", keys="Esc: stop and add nothing")
        redraw(context)


class MESHSDF_OT_lock_interface(bpy.types.Operator):
    bl_idname = "meshsdf.lock_interface"
    bl_label = "Lock Interface"
    bl_description = (
        "Let nothing in Blender be changed while the scene renders, so that animated shapes may "
        "follow each frame"
    )
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.scene.render.use_lock_interface = True
        return {"FINISHED"}


classes = (MESHSDF_OT_bake_frames, MESHSDF_OT_lock_interface)
register, unregister = bpy.utils.register_classes_factory(classes)
