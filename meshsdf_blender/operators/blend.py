"""Going between two codes: stored ones, known shapes of the space, its mean, or other shapes."""

from __future__ import annotations

import bpy

from ..blending import blended, mixing
from ..blending.blend_properties import Blend
from ..shapes import shape
from .guarded import NeedsShape


class MESHSDF_OT_interpolate(Blend, NeedsShape, bpy.types.Operator):
    bl_idname = "meshsdf.interpolate"
    bl_label = "Blend"
    bl_description = "Give the active shape a code between two others, with their mesh"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        ob = context.active_object
        first, second = blended.end(ob, self.first), blended.end(ob, self.second)
        shape.extract(ob, mixing.between(first, second, self.factor, self.method))


classes = (MESHSDF_OT_interpolate,)
register, unregister = bpy.utils.register_classes_factory(classes)
