"""Going between two codes: stored ones, known shapes of the space, its mean, or other shapes."""

from __future__ import annotations

import bpy
from bpy.props import StringProperty

from ..blending import blended, ends, mixing
from ..blending.blend_properties import END, Blend, name_choices
from ..shapes import shape
from .guarded import NeedsShape


class MESHSDF_OT_interpolate(Blend, NeedsShape, bpy.types.Operator):
    bl_idname = "meshsdf.interpolate"
    bl_label = "Blend"
    bl_description = (
        "Give the active shape a code between two others, with their mesh; Mean is the name of "
        "the mean of all"
    )
    bl_options = {"REGISTER", "UNDO"}

    # Names of the last shape's space would keep the dialog from coming.
    first: StringProperty(name="From", description=END, search=name_choices, options={"SKIP_SAVE"})
    second: StringProperty(name="To", description=END, search=name_choices, options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self.first and self.second:
            return self.execute(context)
        return set(context.window_manager.invoke_props_dialog(self))

    def perform(self, context: bpy.types.Context) -> None:
        ob = context.active_object
        for label, name in (("From (first)", self.first), ("To (second)", self.second)):
            if not name:
                raise ends.unnamed(ob, label)
        first, second = blended.end(ob, self.first), blended.end(ob, self.second)
        shape.extract(ob, mixing.between(first, second, self.factor, self.method))


classes = (MESHSDF_OT_interpolate,)
register, unregister = bpy.utils.register_classes_factory(classes)
