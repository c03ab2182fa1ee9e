"""Turning a shape into a plain mesh."""

from __future__ import annotations

import bpy

from ..shapes import shape
from .guarded import NeedsShape


class MESHSDF_OT_make_regular(NeedsShape, bpy.types.Operator):
    bl_idname = "meshsdf.make_regular"
    bl_label = "Make Regular Mesh"
    bl_description = "Keep the mesh and forget its code, so that it can be edited like any other"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        shape.forget(context.active_object)


classes = (MESHSDF_OT_make_regular,)
register, unregister = bpy.utils.register_classes_factory(classes)
