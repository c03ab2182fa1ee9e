"""Going between two codes: known shapes of the space, its mean, or other shape objects."""

from __future__ import annotations

import bpy
import numpy as np

from .. import door
from ..errors import Refusal
from ..properties import Blend
from ..shapes import codes, shape
from ..spaces import catalogue
from .guarded import NeedsShape


class MESHSDF_OT_interpolate(Blend, NeedsShape, bpy.types.Operator):
    bl_idname = "meshsdf.interpolate"
    bl_label = "Blend"
    bl_description = "Give the active shape a code between two others, with their mesh"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        ob = context.active_object
        ends = np.stack([_end(ob, self.first), _end(ob, self.second)])
        method, factor = self.method.lower(), self.factor
        if method == "smooth":
            # The worker's smooth path bends only through three codes and more.
            method, factor = "linear", factor * factor * (3.0 - 2.0 * factor)
        header = {**shape.source(ob), "method": method, "factor": factor}
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
