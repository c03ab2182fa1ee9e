"""Dropping a space's file onto the 3D view: the space is loaded, and a shape of it stands there."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

import bpy
from bpy.props import CollectionProperty, FloatVectorProperty, StringProperty
from bpy_extras import view3d_utils
from mathutils import Vector

from ..compat import RELATIVE_PATH
from ..properties import Meshed
from ..shapes import shape_new
from ..spaces.space_offer import offer, read_file, stored_path
from .guarded import InObjectMode, NeedsNoFit, Unset
from .space_load import tell


class MESHSDF_OT_space_drop(Meshed, InObjectMode, NeedsNoFit, bpy.types.Operator):
    bl_idname = "meshsdf.space_drop"
    bl_label = "Drop Space"
    bl_description = "Load a shape space from its file, and add a shape of it"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    filepath: StringProperty(
        name="File",
        description="A .safetensors file, or one of a DeepSDF folder",
        subtype="FILE_PATH",
        options=RELATIVE_PATH | {"SKIP_SAVE", "HIDDEN"},
    )
    directory: StringProperty(
        name="Folder",
        description="Where the dropped files are",
        subtype="DIR_PATH",
        options=RELATIVE_PATH | {"SKIP_SAVE", "HIDDEN"},
    )
    files: CollectionProperty(
        name="Files",
        description="The dropped files; a shape is added of the last one",
        type=bpy.types.OperatorFileListElement,
        options={"SKIP_SAVE", "HIDDEN"},
    )
    location: FloatVectorProperty(
        name="Location",
        description="Where the shape goes; the 3D cursor where it is not given",
        subtype="TRANSLATION",
        size=3,
        options={"SKIP_SAVE"},
    )

    unset = MappingProxyType(
        {
            "location": Unset(
                "the 3D cursor's", lambda operator, context: context.scene.cursor.location
            )
        }
    )

    def perform(self, context: bpy.types.Context) -> None:
        names = [file.name for file in self.files if file.name]
        dropped = [str(Path(self.directory) / name) for name in names] or [self.filepath]
        # All are read before anything is changed.
        found = [read_file(path, "AUTO") for path in dropped]
        info, path, up = found[-1]
        place = Vector(self.given("location", context))
        ob = shape_new.add(
            context, stored_path(path), up, info.mean, name=info.name, resolution=self.resolution
        )
        ob.location = place
        for each, where, axis in found:
            offer(context.scene, each.name, where, axis)
            tell(self, each)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        region, view = context.region, getattr(context.space_data, "region_3d", None)
        if view is not None and region is not None and region.type == "WINDOW":
            mouse = (event.mouse_region_x, event.mouse_region_y)
            depth = context.scene.cursor.location
            self.location = view3d_utils.region_2d_to_location_3d(region, view, mouse, depth)
        return self.execute(context)


class MESHSDF_FH_space(bpy.types.FileHandler):
    bl_idname = "MESHSDF_FH_space"
    bl_label = "MeshSDF Shape Space"
    bl_import_operator = "meshsdf.space_drop"
    bl_file_extensions = ".safetensors;.json;.pth"

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return context.area is not None and context.area.type == "VIEW_3D"


classes = (MESHSDF_OT_space_drop, MESHSDF_FH_space)
register, unregister = bpy.utils.register_classes_factory(classes)
