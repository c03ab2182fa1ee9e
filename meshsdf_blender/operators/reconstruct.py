"""One picture to a shape: a new object, before the camera or with a camera that is guessed."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import StringProperty

from ..compat import RELATIVE_PATH
from ..fitting.progress import show_reconstructing
from ..reconstruction.picture_properties import Picturing
from ..reconstruction.reconstruct_run import Outcome, ReconstructRun
from ..reconstruction.reconstruct_step import ReconstructStep
from .from_space import NewShape, there
from .guarded import InObjectMode, NeedsNoFit
from .live import RunsToTheEnd

EXTENSIONS = ".png;.jpg;.jpeg;.webp;.tif;.tiff;.exr;.bmp"


class MESHSDF_OT_reconstruct(
    Picturing, NewShape, RunsToTheEnd, InObjectMode, NeedsNoFit, bpy.types.Operator
):
    bl_idname = "meshsdf.reconstruct"
    bl_label = "Reconstruct from Image"
    bl_description = (
        "Add the shape of the chosen space that a picture shows, and let fits go on from there; "
        "Esc keeps the best so far"
    )
    bl_options = {"REGISTER", "UNDO"}

    image: StringProperty(
        name="Image",
        description="The name of an image in this file; empty: the background image of the "
        "active camera",
        options={"SKIP_SAVE"},
    )
    filepath: StringProperty(
        name="File",
        description="A picture file to open in place of an image",
        subtype="FILE_PATH",
        options=RELATIVE_PATH | {"SKIP_SAVE"},
    )
    mask: StringProperty(
        name="Mask",
        description="The name of an image that is opaque where the object is, or without "
        "transparency bright; empty: the picture's transparency, or a mask that is guessed",
        options={"SKIP_SAVE"},
    )

    _run: ReconstructRun
    came_of: Outcome

    def new_run(self, context: bpy.types.Context) -> ReconstructRun:
        space, up = there(self, context)
        options: dict[str, Any] = {"guesses": self.guesses, "steps": self.steps, "pose": self.pose}
        return ReconstructRun(
            context,
            space,
            up,
            image=self.image,
            filepath=self.filepath,
            mask=self.mask,
            camera=self.camera,
            lens=self.lens,
            resolution=self.resolution,
            options=options,
        )

    def show_start(self, context: bpy.types.Context) -> None:
        show_reconstructing(context, "", 0, 0)

    def take_step(self, context: bpy.types.Context) -> set[str] | None:
        if context.mode != "OBJECT" or bpy.app.is_job_running("RENDER"):
            return None  # the new objects wait until they can be added
        run = self._run
        step = run.advance()
        if step is None:
            return None
        if step.done:
            self._finish(context, run, step)
            return self.over(context, {"FINISHED"})
        first = not run.placed.there
        run.placed.write(context, step)
        if first:
            self._look_through(context, step)
        show_reconstructing(context, step.text, step.step, step.steps)
        return None

    def _finish(
        self, context: bpy.types.Context, run: ReconstructRun, step: ReconstructStep
    ) -> None:
        self.came_of = run.finish(context, step)
        for remark in self.came_of.remarks:
            self.report({"WARNING"}, remark)
        self.report({"INFO"}, self.came_of.text)

    def _look_through(self, context: bpy.types.Context, step: ReconstructStep) -> None:
        """Show a camera that was made in the 3D view that the operator was called from."""
        view = getattr(context.space_data, "region_3d", None)
        if step.camera is not None and view is not None:
            view.view_perspective = "CAMERA"


class MESHSDF_FH_picture(bpy.types.FileHandler):
    bl_idname = "MESHSDF_FH_picture"
    bl_label = "Reconstruct from Image"
    bl_import_operator = "meshsdf.reconstruct"
    bl_file_extensions = EXTENSIONS

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return context.area is not None and context.area.type == "VIEW_3D"


classes = (MESHSDF_OT_reconstruct, MESHSDF_FH_picture)
register, unregister = bpy.utils.register_classes_factory(classes)
