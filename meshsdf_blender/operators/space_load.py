"""Loading a shape space from a file, and choosing the one that new shapes come from."""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ..compat import RELATIVE_PATH
from ..properties import UP_AXES
from ..spaces import catalogue, pictures, space_choice
from ..spaces.catalogue import SpaceInfo
from ..spaces.space_offer import offer, read_file
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
        info, path, up = read_file(self.filepath, self.up)
        offer(context.scene, info.name, path, up)
        tell(self, info)

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.use_property_split = True
        self.layout.prop(self, "up")


def tell(operator: bpy.types.Operator, info: SpaceInfo) -> None:
    """Report what was found in a space, and what it warns of."""
    shapes = len(info.codes)
    operator.report(
        {"INFO"}, f"{info.name}: {info.code_length} values a code, {shapes} known shapes"
    )
    for warning in info.warnings:
        operator.report({"WARNING"}, warning)


class MESHSDF_OT_space_choose(NeedsNoFit, bpy.types.Operator):
    bl_idname = "meshsdf.space_choose"
    bl_label = "Choose Space"
    bl_description = "Let new shapes come from this space"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    space: StringProperty(name="Space", description="builtin:NAME or a path")
    up: EnumProperty(name="Up Axis", description="The space's up axis", items=UP_AXES)

    def perform(self, context: bpy.types.Context) -> None:
        space, settings = catalogue.canonical(self.space), context.scene.meshsdf
        catalogue.info(space, self.up)
        settings.space, settings.space_up = space, self.up


class MESHSDF_MT_spaces(bpy.types.Menu):
    bl_idname = "MESHSDF_MT_spaces"
    bl_label = "Spaces"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        for space, up, title in space_choice.spaces(context.scene):
            choice = layout.operator(
                "meshsdf.space_choose", text=title, icon_value=pictures.icon(space)
            )
            choice.space, choice.up = space, up
        layout.separator()
        layout.operator("meshsdf.space_load", text="Load from File...", icon="FILEBROWSER")
        export = layout.operator("meshsdf.space_export", text="Export as DeepSDF...", icon="EXPORT")
        export.space, export.up = catalogue.chosen(context.scene)


classes = (MESHSDF_OT_space_load, MESHSDF_OT_space_choose, MESHSDF_MT_spaces)
register, unregister = bpy.utils.register_classes_factory(classes)
