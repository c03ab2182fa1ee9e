"""Going to a known shape of the space."""

from __future__ import annotations

import bpy
from bpy.props import StringProperty

from ..shapes import known_shapes, shape
from ..spaces import catalogue
from .guarded import NeedsShape


def _names(operator: object, context: bpy.types.Context, edit: str) -> list[str]:
    ob = context.active_object
    if not shape.is_shape(ob):
        return []
    return catalogue.shape_choices(ob.meshsdf.space, ob.meshsdf.up)


class MESHSDF_OT_known_shape(NeedsShape, bpy.types.Operator):
    bl_idname = "meshsdf.known_shape"
    bl_label = "Take Known Shape"
    bl_description = "Make the active shape one of those that its space was trained on"
    bl_options = {"REGISTER", "UNDO"}

    shape: StringProperty(
        name="Known Shape",
        description="Its name or its number; the mean of all where empty",
        search=_names,
    )

    def perform(self, context: bpy.types.Context) -> None:
        known_shapes.take(context.active_object, self.shape)


classes = (MESHSDF_OT_known_shape,)
register, unregister = bpy.utils.register_classes_factory(classes)
