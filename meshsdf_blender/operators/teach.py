"""Teaching the encoder of a space: to the end in a script, beside the artist's work in a window."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import bpy
from bpy.props import IntProperty

from .. import in_scripts
from ..errors import Refusal
from ..reconstruction import encoder_place, teach_live, teach_run
from ..reconstruction.teach_properties import Teaching
from ..reconstruction.teach_run import TeachRun
from ..spaces import catalogue
from ..trust import told
from .from_space import FromSpace, there
from .guarded import NeedsNoTraining, Polled
from .needs import Need
from .train import check_stoppable, run_to_end, stopped

DIALOG_PIXELS = 340
GOES_ON = "It goes on where it was stopped"
BEGINS_ANEW = "Other numbers than before: it begins anew"


def _resuming(run: TeachRun) -> str:
    """The call that goes on with a run; empty where there is nothing to go on with."""
    call = f"bpy.ops.meshsdf.teach_resume(space={run.outcome.space!r}, up={run.outcome.up!r})"
    return call if run.outcome.resumable else ""


class _Teaches(FromSpace, NeedsNoTraining):
    """Both ways to a teaching: ``lesson`` is what it begins with."""

    print_every: IntProperty(
        name="Print Every",
        description="In a script: print a line each so many seconds; 0 prints none",
        min=0,
        options={"SKIP_SAVE", "HIDDEN"},
    )

    def lesson(self) -> dict[str, Any] | None:
        """None goes on as it was begun."""
        return None

    def new_run(self, context: bpy.types.Context) -> TeachRun:
        """Check everything, and make the run. Raises Refusal with nothing left behind."""
        space, up = there(self, context)
        return TeachRun(space, up, self.lesson())

    def perform(self, context: bpy.types.Context) -> None:
        run = self.new_run(context)
        try:
            run_to_end(run, print_every=self.print_every)
        except Refusal as refusal:
            raise Refusal(
                run.outcome.problem or str(refusal), fixes=refusal.fixes, script=_resuming(run)
            ) from refusal
        if not run.outcome.path:
            raise Refusal(run.outcome.text, "Resume it, or teach again", script=_resuming(run))
        told.forget()  # a picture may have been refused for want of it
        self.report({"INFO"}, f"{run.outcome.text}: {run.outcome.path}")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return self.execute(context) if bpy.app.background else self.begin(context)

    def begin(self, context: bpy.types.Context) -> set[str]:
        """Start it beside the artist's work."""
        try:
            run = self.new_run(context)
        except Refusal as refusal:
            told.note(refusal)
            self.report({"ERROR"}, in_scripts.text(refusal))
            return {"CANCELLED"}
        told.forget()  # it is being mended
        teach_live.begin(context, run)
        return {"INTERFACE"}  # nothing of the file changes, now or later


class MESHSDF_OT_teach_encoder(Teaching, _Teaches, bpy.types.Operator):
    bl_idname = "meshsdf.teach_encoder"
    bl_label = "Teach Encoder"
    bl_description = (
        "Learn to tell a space's shapes from pictures, beside your other work; it can be stopped "
        "at any time and resumed, even after Blender was closed"
    )

    _asked = False
    _recorded: Mapping[str, int] = MappingProxyType({})  # of a teaching that was stopped

    def lesson(self) -> dict[str, Any] | None:
        return {name: getattr(self, name) for name in encoder_place.NUMBERS}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if bpy.app.background:
            return self.execute(context)
        try:
            space, _ = there(self, context)
            encoder_place.check_own(space)
        except Refusal as refusal:
            told.note(refusal)
            self.report({"ERROR"}, in_scripts.text(refusal))
            return {"CANCELLED"}
        self._asked = True
        self._recorded = encoder_place.recorded(catalogue.location(space))
        for name, number in self._recorded.items():
            if not self.properties.is_property_set(name):
                setattr(self, name, number)
        context.window_manager.invoke_props_dialog(
            self, width=DIALOG_PIXELS, confirm_text=self.bl_label
        )
        return {"RUNNING_MODAL"}

    def draw(self, context: bpy.types.Context) -> None:
        space, _ = there(self, context)
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.label(text=f"The encoder of {catalogue.title(space)}", icon="IMAGE_REFERENCE")
        for name in encoder_place.NUMBERS:
            layout.prop(self, name)
        if self._recorded:
            same = self._recorded == self.lesson()
            layout.label(text=GOES_ON if same else BEGINS_ANEW, icon="FILE_REFRESH")
        layout.label(text="It runs beside your work; the panel shows the time left", icon="INFO")

    def execute(self, context: bpy.types.Context) -> set[str]:
        # The dialog ends in execute, and there the artist must not wait for the teaching.
        if self._asked:
            self.begin(context)
            return {"CANCELLED"}  # no undo step: nothing of the file changes
        return super().execute(context)


class MESHSDF_OT_teach_resume(_Teaches, bpy.types.Operator):
    bl_idname = "meshsdf.teach_resume"
    bl_label = "Resume Teaching"
    bl_description = "Go on with the teaching of an encoder that was stopped or interrupted"


def _teaching_runs(context: bpy.types.Context) -> None:
    check_stoppable(teach_run.current(), "No encoder is being taught")


class MESHSDF_OT_teach_stop(Polled, bpy.types.Operator):
    bl_idname = "meshsdf.teach_stop"
    bl_label = "Stop Teaching"
    bl_description = "End the teaching where it is; it can be resumed"

    needs = (Need("a running teaching that was not stopped yet", _teaching_runs),)

    def execute(self, context: bpy.types.Context) -> set[str]:
        return stopped(self, teach_run.current(), _resuming)


classes = (MESHSDF_OT_teach_encoder, MESHSDF_OT_teach_resume, MESHSDF_OT_teach_stop)
register, unregister = bpy.utils.register_classes_factory(classes)
