"""How the active shape's faces look."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty

from ..shapes import shape
from .guarded import NeedsShape


class MESHSDF_OT_shade(NeedsShape, bpy.types.Operator):
    bl_idname = "meshsdf.shade"
    bl_label = "Shade Shape"
    bl_description = "Show the active shape, and no other object, smooth or with flat faces"
    bl_options = {"REGISTER", "UNDO"}

    flat: BoolProperty(name="Flat", description="Show each face flat, instead of smooth ones")

    def perform(self, context: bpy.types.Context) -> None:
        mesh = shape.mesh_of(context.active_object)
        if self.flat:
            mesh.shade_flat()
        else:
            mesh.shade_smooth()


classes = (MESHSDF_OT_shade,)
register, unregister = bpy.utils.register_classes_factory(classes)
