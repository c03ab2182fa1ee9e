"""Encoding the active mesh: the closest shape of a space, as a new object where the mesh stands."""

from __future__ import annotations

from types import MappingProxyType

import bpy
from bpy.props import IntProperty

from ..errors import Refusal
from ..fitting.progress import show_encoding
from ..training.encode_run import EncodeRun, EncodeStep
from ..training.training_properties import Encoding, is_part
from .from_space import NewShape, there
from .guarded import InObjectMode, NeedsNoFit, Unset
from .live import RunsToTheEnd
from .needs import Need


def _has_points(context: bpy.types.Context) -> None:
    ob = context.active_object
    if ob is None or ob.type not in {"MESH", "POINTCLOUD"}:
        raise Refusal("Select the mesh or point cloud to encode")


def _placement(settings: Encoding, context: bpy.types.Context) -> str:
    return "KEEP" if is_part(settings) else settings.placement


class MESHSDF_OT_encode(
    Encoding, NewShape, RunsToTheEnd, InObjectMode, NeedsNoFit, bpy.types.Operator
):
    bl_idname = "meshsdf.encode"
    bl_label = "Encode Mesh"
    bl_description = (
        "Find the shape of the chosen space that is closest to the active object, and add it "
        "where the object stands; Esc keeps the best so far"
    )
    bl_options = {"REGISTER", "UNDO"}

    steps: IntProperty(
        name="Steps",
        description="Steps in place of the worker's own number; 0 takes that",
        min=0,
        options={"SKIP_SAVE", "HIDDEN"},
    )

    _run: EncodeRun

    needs = (Need("an active mesh or point cloud", _has_points),)
    unset = MappingProxyType({"placement": Unset('`"MATCH"`; `"KEEP"` for a part', _placement)})

    def new_run(self, context: bpy.types.Context) -> EncodeRun:
        space, up = there(self, context)
        return EncodeRun(
            context,
            context.active_object,
            space,
            up,
            placement=self.given("placement", context),
            partial=self.partial,
            selected=self.selected,
            options={"steps": self.steps} if self.steps else {},
        )

    def show_start(self, context: bpy.types.Context) -> None:
        show_encoding(context, 0, 0)

    def take_step(self, context: bpy.types.Context) -> set[str] | None:
        if context.mode != "OBJECT" or bpy.app.is_job_running("RENDER"):
            return None  # the new object waits until it can be added
        run = self._run
        step = run.advance()
        if step is None:
            return None
        if not step.done:
            show_encoding(context, step.step, step.steps)
            return None
        self._finish(context, run, step)
        return self.over(context, {"FINISHED"})

    def _finish(self, context: bpy.types.Context, run: EncodeRun, step: EncodeStep) -> None:
        ob, error = run.finish(context, step, resolution=self.resolution)
        for warning in step.warnings:
            self.report({"WARNING"}, warning)
        self.report({"INFO"}, f"'{ob.name}': surface error {100 * error:.2f} % of the source's box")


classes = (MESHSDF_OT_encode,)
register, unregister = bpy.utils.register_classes_factory(classes)
