"""Going between two codes: known shapes of the space, its mean, or other shape objects."""

from __future__ import annotations

import bpy
import numpy as np
from bpy.props import EnumProperty, FloatProperty, StringProperty

from .. import catalogue, codes, door, shape
from ..errors import Refusal
from ..properties import BLENDS
from .guarded import NeedsShape


def _choices(operator: MESHSDF_OT_interpolate, context: bpy.types.Context, edit: str) -> list[str]:
    return catalogue.blend_choices(context)


class MESHSDF_OT_interpolate(NeedsShape, bpy.types.Operator):
    bl_idname = "meshsdf.interpolate"
    bl_label = "Blend"
    bl_description = "Give the active shape a code between two others, with their mesh"
    bl_options = {"REGISTER", "UNDO"}

    first: StringProperty(
        name="From",
        description="A known shape, Mean, or the name of a shape object",
        search=_choices,
    )
    second: StringProperty(
        name="To", description="A known shape, Mean, or the name of a shape object", search=_choices
    )
    factor: FloatProperty(
        name="Factor",
        description="How far to go from the first to the second",
        default=0.5,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    method: EnumProperty(name="Path", description="How to go from one to the other", items=BLENDS)

    def perform(self, context: bpy.types.Context) -> None:
        ob = context.active_object
        ends = np.stack([_end(ob, self.first), _end(ob, self.second)])
        header = {**shape.source(ob), "method": self.method, "factor": self.factor}
        _, arrays = door.ready_worker().request("interpolate", header, {"codes": ends})
        shape.extract(ob, codes.check(arrays["code"], "the blend", ends.shape[1]))


def _end(ob: bpy.types.Object, name: str) -> np.ndarray:
    """The code ``(L,)`` that a name stands for, as the active shape's space knows it."""
    settings = ob.meshsdf
    info = catalogue.info(settings.space, settings.up, ob.library)
    other: bpy.types.Object = bpy.data.objects.get(name)
    if name in info.shape_names or not shape.is_shape(other):
        return info.code(name)
    theirs = catalogue.existing(other.meshsdf.space, other.library)
    if theirs != info.path:
        raise Refusal(
            f"Object '{other.name}' lives in space '{catalogue.title(other.meshsdf.space)}', "
            f"'{ob.name}' in '{catalogue.title(settings.space)}'",
            "Blend between shapes of one space",
        )
    return codes.check(codes.read(other), f"object '{other.name}'", info.code_length)


classes = (MESHSDF_OT_interpolate,)
register, unregister = bpy.utils.register_classes_factory(classes)
