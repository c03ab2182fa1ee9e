"""Meshing the active shape's code again, at its current resolution."""

from __future__ import annotations

import bpy

from ..shapes import shape
from .guarded import NeedsShape


class MESHSDF_OT_shape_update(NeedsShape, bpy.types.Operator):
    bl_idname = "meshsdf.shape_update"
    bl_label = "Update Mesh"
    bl_description = "Mesh the stored code anew, which drops edits made to the mesh by hand"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        ob = context.active_object
        shape.extract(ob, shape.checked_code(ob))


classes = (MESHSDF_OT_shape_update,)
register, unregister = bpy.utils.register_classes_factory(classes)
