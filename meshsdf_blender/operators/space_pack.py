"""Packing a space into the .blend, so that its shapes work on any machine, and taking it out."""

from __future__ import annotations

import bpy
from bpy.props import StringProperty

from ..compat import RELATIVE_PATH
from ..spaces import catalogue, packed, space_pack
from .from_space import FromSpace, space_of
from .guarded import NeedsNoFit


class MESHSDF_OT_space_pack(FromSpace, NeedsNoFit, bpy.types.Operator):
    bl_idname = "meshsdf.space_pack"
    bl_label = "Pack Space"
    bl_description = (
        "Keep the space inside this .blend, so that its shapes can be changed on any machine; "
        "the file grows by the space's size"
    )
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        space, up = space_of(self, context)
        now = space_pack.pack(context.scene, space, up)
        size = packed.size_of(now) / 1e6
        self.report({"INFO"}, f"Packed '{catalogue.title(now)}' into this file: {size:.1f} MB")


class MESHSDF_OT_space_unpack(FromSpace, NeedsNoFit, bpy.types.Operator):
    bl_idname = "meshsdf.space_unpack"
    bl_label = "Unpack Space"
    bl_description = (
        "Take the space out of this .blend: its shapes use the built-in space again, or a file "
        "that is written now"
    )
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(
        name="File",
        description="Where to write it; beside the .blend if empty",
        subtype="FILE_PATH",
        options=RELATIVE_PATH,
    )
    filter_glob: StringProperty(default="*.safetensors", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        space, _ = space_of(self, context)
        if bpy.app.background or self.filepath or catalogue.same_builtin(space):
            return self.execute(context)
        self.filepath = f"{packed.name_of(space)}{packed.SUFFIX}"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def perform(self, context: bpy.types.Context) -> None:
        space, _ = space_of(self, context)
        if not packed.is_packed(space):
            raise catalogue.not_packed(space)
        chosen = self.filepath or space_pack.default_file(space)
        now = space_pack.unpack(context.scene, space, chosen)
        self.report({"INFO"}, f"Unpacked to '{now}'")


classes = (MESHSDF_OT_space_pack, MESHSDF_OT_space_unpack)
register, unregister = bpy.utils.register_classes_factory(classes)
