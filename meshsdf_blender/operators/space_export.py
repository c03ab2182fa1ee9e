"""Writing a space as a DeepSDF experiment folder, which code of that family can load."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from .. import catalogue, door
from ..compat import RELATIVE_PATH
from ..errors import Refusal
from ..properties import UP_AXES
from ..training_source import file_stem
from .guarded import NeedsNoFit


class MESHSDF_OT_space_export(NeedsNoFit, bpy.types.Operator):
    bl_idname = "meshsdf.space_export"
    bl_label = "Export Space as DeepSDF"
    bl_description = "Write decoder and codes as a DeepSDF experiment folder"

    filepath: StringProperty(
        name="Folder",
        description="The folder to make, or an empty one",
        subtype="FILE_PATH",
        options=RELATIVE_PATH,
    )
    filter_folder: BoolProperty(default=True, options={"HIDDEN"})
    space: StringProperty(
        name="Space", description="builtin:NAME or a path; empty: the one chosen in the sidebar"
    )
    up: EnumProperty(name="Up Axis", description="The space's axis that points up", items=UP_AXES)

    def perform(self, context: bpy.types.Context) -> None:
        space, up = self._chosen(context)
        path = catalogue.existing(space)
        if not self.filepath:
            raise Refusal("No folder is chosen", "Choose a folder that does not exist yet")
        folder = Path(catalogue.location(self.filepath))
        try:
            taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
        except OSError as error:
            raise Refusal(f"'{folder}' cannot be read: {error.strerror or error}") from error
        if taken:
            raise Refusal(f"'{folder}' is there already", "Choose a new name, or an empty folder")
        header = {"path": path, **catalogue.up_header(up), "folder": str(folder)}
        reply, _ = door.ready_worker().request("export", header)
        self.report({"INFO"}, f"{len(reply.get('files', []))} files written to '{folder}'")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if bpy.app.background or self.filepath:
            return self.execute(context)
        space, _ = self._chosen(context)
        self.filepath = file_stem(f"{catalogue.title(space)} DeepSDF") if space else "DeepSDF"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def _chosen(self, context: bpy.types.Context) -> tuple[str, str]:
        return (self.space, self.up) if self.space else catalogue.chosen(context.scene)


classes = (MESHSDF_OT_space_export,)
register, unregister = bpy.utils.register_classes_factory(classes)
