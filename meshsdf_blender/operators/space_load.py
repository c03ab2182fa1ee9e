"""Loading a shape space from a file, and choosing the one that new shapes come from."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from .. import blend_path
from ..compat import RELATIVE_PATH
from ..errors import Refusal
from ..properties import UP_AXES
from ..spaces import catalogue
from ..spaces.space_offer import offer
from .guarded import NeedsNoFit


class MESHSDF_OT_space_load(NeedsNoFit, bpy.types.Operator, ImportHelper):
    bl_idname = "meshsdf.space_load"
    bl_label = "Load Space"
    bl_description = (
        "Read a shape space from a .safetensors file or a DeepSDF experiment folder, "
        "and offer it for new shapes"
    )
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(
        name="File",
        description="A .safetensors file, or a DeepSDF folder",
        subtype="FILE_PATH",
        options=RELATIVE_PATH,
    )
    filter_glob: StringProperty(default="*.safetensors;*.json;*.pth", options={"HIDDEN"})
    up: EnumProperty(
        name="Up Axis",
        description="The axis along which the training shapes stand",
        items=(("AUTO", "Automatic", "As the file says; Y for a DeepSDF folder"), *UP_AXES),
        default="AUTO",
    )

    def perform(self, context: bpy.types.Context) -> None:
        path = _space_path(self.filepath)
        up = self.up
        if up == "AUTO":
            up = "FILE" if path.lower().endswith(catalogue.OWN_SUFFIX) else "Y"
        info = catalogue.info(path, up)
        offer(context.scene, info.name, path, up)
        shapes = len(info.codes)
        self.report(
            {"INFO"}, f"{info.name}: {info.code_length} values a code, {shapes} known shapes"
        )
        for warning in info.warnings:
            self.report({"WARNING"}, warning)

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.use_property_split = True
        self.layout.prop(self, "up")


def _space_path(chosen: str) -> str:
    """The file or folder that is meant; of a DeepSDF folder, its specs.json means the folder."""
    if not chosen:
        raise Refusal("No file is chosen", "Choose a .safetensors file or a DeepSDF folder")
    blend_path.check(chosen)
    path = Path(catalogue.location(chosen))
    if not path.exists():
        hint = "Choose a .safetensors file or a DeepSDF folder"
        raise Refusal(f"'{path}' is not there", catalogue.builtin_hint(chosen) or hint)
    # A .pth is kept: it says which of the folder's snapshots is meant.
    return str(path.parent if path.name == "specs.json" else path)


class MESHSDF_OT_space_choose(NeedsNoFit, bpy.types.Operator):
    bl_idname = "meshsdf.space_choose"
    bl_label = "Choose Space"
    bl_description = "Let new shapes come from this space"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    space: StringProperty(name="Space", description="builtin:NAME or a path")
    up: EnumProperty(name="Up Axis", description="The space's up axis", items=UP_AXES)

    def perform(self, context: bpy.types.Context) -> None:
        catalogue.info(self.space, self.up)
        context.scene.meshsdf.space, context.scene.meshsdf.space_up = self.space, self.up


class MESHSDF_MT_spaces(bpy.types.Menu):
    bl_idname = "MESHSDF_MT_spaces"
    bl_label = "Spaces"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        for name in catalogue.builtin_names():
            space = catalogue.BUILTIN + name
            choice = layout.operator("meshsdf.space_choose", text=catalogue.title(space))
            choice.space, choice.up = space, "FILE"
        layout.separator()
        for entry in context.scene.meshsdf.loaded:
            choice = layout.operator("meshsdf.space_choose", text=entry.name)
            choice.space, choice.up = entry.path, entry.up
        layout.operator("meshsdf.space_load", text="Load from File...", icon="FILEBROWSER")
        export = layout.operator("meshsdf.space_export", text="Export as DeepSDF...", icon="EXPORT")
        export.space, export.up = catalogue.chosen(context.scene)


classes = (MESHSDF_OT_space_load, MESHSDF_OT_space_choose, MESHSDF_MT_spaces)
register, unregister = bpy.utils.register_classes_factory(classes)
