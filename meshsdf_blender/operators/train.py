"""Training a space: to the end in a script, beside the artist's work in a window."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any, TypeVar

import bpy
import numpy as np
from bpy.props import BoolProperty, IntProperty, StringProperty

from .. import in_scripts, naming
from ..compat import RELATIVE_PATH
from ..errors import Refusal
from ..spaces.space_offer import offer
from ..training import plyfile, training_folder, training_live, training_run, training_source
from ..training.background import Run
from ..training.training_preview import Stand
from ..training.training_properties import Training
from ..training.training_run import TrainingRun
from .guarded import InObjectMode, NeedsNoTraining, Polled
from .needs import Need

R = TypeVar("R", bound=Run)

WAIT_SECONDS = 0.2
APART = (
    "The shapes stand beside each other and Centre Each is off: the space learns their places too"
)


def run_to_end(run: Run, *, print_every: float = 0.0) -> None:
    """Drive a run to its last frame. Raises Refusal; the run can be resumed then."""
    printed = time.monotonic()
    try:
        while True:
            step = run.advance(WAIT_SECONDS)
            if step is not None and step.finished:
                return
            if step is not None and print_every and time.monotonic() - printed >= print_every:
                printed = time.monotonic()
                print(step.line, flush=True)
    except BaseException as error:  # a KeyboardInterrupt too leaves the worker in order
        run.fail(error)
        raise


def _resuming(run: TrainingRun) -> str:
    """The call that goes on with a run; empty where there is nothing to go on with."""
    outcome = run.outcome
    call = f"bpy.ops.meshsdf.train_resume(directory={outcome.folder!r})"
    return call if outcome.resumable else ""


def _at_cursor(context: bpy.types.Context, *, moved: bool) -> Stand:
    """Where previews stand whose family is not in the scene."""
    return Stand(np.array(context.scene.cursor.location), moved)


class _Trains(NeedsNoTraining):
    """Both ways to a training: ``prepare`` gives the run, and where its previews stand."""

    print_every: IntProperty(
        name="Print Every",
        description="In a script: print a line each so many seconds; 0 prints none",
        min=0,
        options={"SKIP_SAVE", "HIDDEN"},
    )

    def prepare(self, context: bpy.types.Context) -> tuple[TrainingRun, Stand]:
        """Check and write everything, and make the run. Raises Refusal with nothing left behind."""
        raise NotImplementedError

    def perform(self, context: bpy.types.Context) -> None:
        run, _ = self.prepare(context)
        try:
            run_to_end(run, print_every=self.print_every)
        except Refusal as refusal:
            raise Refusal(
                run.outcome.problem or str(refusal), fixes=refusal.fixes, script=_resuming(run)
            ) from refusal
        outcome = run.outcome
        for line in outcome.lines:
            if training_folder.is_remark(line):
                self.report({"WARNING"}, line)
        if not outcome.path:
            raise Refusal(
                "The training ended without a space",
                "Resume it, or train again",
                script=_resuming(run),
            )
        offer(context.scene, outcome.name, outcome.path, "FILE")
        self.report({"INFO"}, f"{outcome.text}: {outcome.path}")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return self.execute(context) if bpy.app.background else self.begin(context)

    def begin(self, context: bpy.types.Context) -> set[str]:
        """Start it beside the artist's work."""
        context.window.cursor_modal_set("WAIT")
        try:
            run, stand = self.prepare(context)
        except Refusal as refusal:
            self.report({"ERROR"}, in_scripts.text(refusal))
            return {"CANCELLED"}
        finally:
            context.window.cursor_modal_restore()
        training_live.begin(context, run, stand)
        if run.outcome.refused:
            self.report({"WARNING"}, f"{run.outcome.refused} left out: see the report in the panel")
        # Nothing of the file has changed yet: its undo step comes with the space.
        return {"INTERFACE"}


class MESHSDF_OT_train_space(Training, InObjectMode, _Trains, bpy.types.Operator):
    bl_idname = "meshsdf.train_space"
    bl_label = "Train Space"
    bl_description = (
        "Learn a shape space from meshes, beside your other work; it can be stopped at any time "
        "and resumed, even after Blender was closed"
    )
    bl_options = {"REGISTER", "UNDO"}

    collection: StringProperty(name="Collection", description="The name of the collection")
    more: StringProperty(
        name="More Options",
        description="In a script: more options of the request train, as a JSON object",
        options={"SKIP_SAVE", "HIDDEN"},
    )

    def prepare(self, context: bpy.types.Context) -> tuple[TrainingRun, Stand]:
        if self.source == "FOLDER":
            return self._from_folder(context)
        source, title = self._source(context)
        name = training_source.file_stem(self.name or title)
        options = self._options(name, "Z")
        folder = training_folder.fresh(self.output, name)
        meshes = ((mesh.name, mesh.vertices, mesh.faces) for mesh in source.meshes())
        try:
            plyfile.write_folder(folder / training_folder.MESHES, meshes)
            run = TrainingRun(
                folder,
                name,
                source=folder / training_folder.MESHES,
                options=options,
                lines=[f"{shape}{training_folder.REFUSED}{why}" for shape, why in source.refused],
            )
        except BaseException:
            training_folder.drop(folder)
            raise
        if source.apart and not self.centre:
            self.report({"WARNING"}, APART)
        return run, Stand.beside(source.bounds, source.largest, moved=self.centre or self.normalise)

    def _source(self, context: bpy.types.Context) -> tuple[training_source.Source, str]:
        if self.source == "SELECTED":
            selected = list(context.selected_objects)
            return training_source.from_objects(context, selected), "Space"
        collection: bpy.types.Collection = bpy.data.collections.get(self.collection)
        if collection is None and self.collection == context.scene.collection.name:
            collection = context.scene.collection
        if collection is None:
            named = f"There is no collection '{self.collection}'"
            there = naming.listed(each.name for each in bpy.data.collections)
            raise Refusal(
                named if self.collection else "No collection is chosen",
                f"Choose a collection: {there}" if there else "Put the meshes into a collection",
            )
        return training_source.from_collection(context, collection), collection.name

    def _from_folder(self, context: bpy.types.Context) -> tuple[TrainingRun, Stand]:
        path = training_folder.mesh_folder(self.folder)
        name = training_source.file_stem(self.name or path.name)
        options = self._options(name, self.up)
        folder = training_folder.fresh(self.output, name)
        run = TrainingRun(folder, name, source=path, options=options)
        return run, _at_cursor(context, moved=self.centre or self.normalise)

    def _options(self, name: str, up: str) -> dict[str, Any]:
        options: dict[str, Any] = {
            "name": name,
            "preset": self.preset.lower(),
            "up": up,
            "centre": self.centre,
            "normalise": self.normalise,
            "seed": self.seed,
            "fill_voids": self.fill_voids,
            "plain": self.plain,
            "thickness": self.thickness,
        }
        try:
            more = json.loads(self.more or "{}")
            return options | more
        except (ValueError, TypeError) as error:
            raise Refusal(f"'more' is no JSON object: {error}") from error


class MESHSDF_OT_train_resume(_Trains, bpy.types.Operator):
    bl_idname = "meshsdf.train_resume"
    bl_label = "Resume Training"
    bl_description = "Go on with a training that was stopped or interrupted, from its run folder"
    bl_options = {"REGISTER", "UNDO"}

    directory: StringProperty(
        name="Run Folder",
        description="The folder that holds run.json",
        subtype="DIR_PATH",
        options=RELATIVE_PATH,
    )
    filter_folder: BoolProperty(default=True, options={"HIDDEN"})

    _browsed = False

    def prepare(self, context: bpy.types.Context) -> tuple[TrainingRun, Stand]:
        folder = training_folder.existing(self.directory)
        run = TrainingRun(folder, training_folder.run_name(folder))
        return run, _at_cursor(context, moved=training_folder.run_moves_each(folder))

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if bpy.app.background or self.properties.is_property_set("directory"):
            return super().invoke(context, event)
        self._browsed = True
        where = training_folder.browsed(context.scene.meshsdf_training.output)
        self.directory = os.path.join(where, "")  # noqa: PTH118  # a folder ends with a separator
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        # The file browser ends in execute, and there the artist must not wait for the training.
        if self._browsed:
            self.begin(context)
            return {"CANCELLED"}  # no undo step yet: it comes with the space
        return super().execute(context)


def check_stoppable(run: Run | None, none: str) -> None:
    """Raises Refusal, which says ``none`` where there is no ``run``."""
    if run is None:
        raise Refusal(none)
    if run.stopping:
        raise Refusal("It stops as soon as its step is done")


def stopped(operator: bpy.types.Operator, run: R, resuming: Callable[[R], str]) -> set[str]:
    """Ask ``run`` to stop; where it cannot, it ends, and ``resuming`` says how it goes on."""
    try:
        run.stop()
    except Refusal as refusal:
        run.fail(refusal)
        mended = Refusal(run.outcome.problem, script=resuming(run))
        operator.report({"ERROR"}, in_scripts.text(mended))
        return {"CANCELLED"}
    return {"FINISHED"}


def _training_runs(context: bpy.types.Context) -> None:
    check_stoppable(training_run.current(), "No training is running")


class MESHSDF_OT_train_stop(Polled, bpy.types.Operator):
    bl_idname = "meshsdf.train_stop"
    bl_label = "Stop Training"
    bl_description = "End the training and keep the space as it is now; it can be resumed"

    needs = (Need("a running training that was not stopped yet", _training_runs),)

    def execute(self, context: bpy.types.Context) -> set[str]:
        return stopped(self, training_run.current(), _resuming)


classes = (MESHSDF_OT_train_space, MESHSDF_OT_train_resume, MESHSDF_OT_train_stop)
register, unregister = bpy.utils.register_classes_factory(classes)
