"""Writing a space as a DeepSDF experiment folder, which code of that family can load."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty

from .. import blend_path, door
from ..compat import RELATIVE_PATH
from ..errors import Refusal
from ..spaces import catalogue
from ..training.training_source import file_stem
from ..wording import counted
from .from_space import FromSpace, space_of, there
from .guarded import NeedsNoFit


class MESHSDF_OT_space_export(FromSpace, NeedsNoFit, bpy.types.Operator):
    bl_idname = "meshsdf.space_export"
    bl_label = "Export Space as DeepSDF"
    bl_description = (
        "Write decoder and codes as a DeepSDF experiment folder, or as one file where the name "
        "ends in .safetensors"
    )

    filepath: StringProperty(
        name="Folder",
        description="The folder to make, an empty one, or a new .safetensors file",
        subtype="FILE_PATH",
        options=RELATIVE_PATH,
    )
    filter_folder: BoolProperty(default=True, options={"HIDDEN"})

    def perform(self, context: bpy.types.Context) -> None:
        space, up = there(self, context)
        path = catalogue.existing(space)
        if not self.filepath:
            raise Refusal("No folder is chosen", "Choose a folder that does not exist yet")
        folder = Path(blend_path.absolute(self.filepath))
        try:
            taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
        except OSError as error:
            raise Refusal(f"'{folder}' cannot be read: {error.strerror or error}") from error
        if taken:
            raise Refusal(f"'{folder}' is there already", "Choose a new name, or an empty folder")
        header = {"path": path, **catalogue.up_header(up), "folder": str(folder)}
        reply, _ = door.ready_worker().request("export", header)
        for note in reply.get("notes", []):
            self.report({"WARNING"}, note)
        count = len(reply.get("files", []))
        self.report({"INFO"}, f"{counted(count, 'file')} written to '{folder}'")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if bpy.app.background or self.filepath:
            return self.execute(context)
        space, _ = space_of(self, context)
        self.filepath = file_stem(f"{catalogue.title(space)} DeepSDF") if space else "DeepSDF"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}


classes = (MESHSDF_OT_space_export,)
register, unregister = bpy.utils.register_classes_factory(classes)
