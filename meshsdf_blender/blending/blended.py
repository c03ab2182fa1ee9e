"""The code that an object's blend stands for, and the mesh that follows it by hand."""

from __future__ import annotations

import bpy
import numpy as np

from ..errors import Refusal
from ..shapes import codes, mesh_upload, shape, slide, slider_live
from ..spaces import catalogue
from . import stored
from .mixing import between, weighted


def code(ob: bpy.types.Object, now: bpy.types.Object | None = None) -> np.ndarray | None:
    """The code ``(L,)`` of a shape's blend; None where that leaves the code alone. Refusal.

    ``now`` is the object as evaluated at another time, which animated values are read from.
    """
    blend = (now or ob).meshsdf.blend
    if blend.mode == "TWO":
        if not (blend.first and blend.second):
            return None
        first, second = end(ob, blend.first), end(ob, blend.second)
        return between(first, second, blend.factor, blend.method)
    if blend.mode == "WEIGHTS":
        # Codes without a weight are not looked at: one of another space may stay in the list.
        weights = [entry.weight for entry in blend.codes]
        shares = [
            pair for pair in zip(ob.meshsdf.blend.codes, weights, strict=False) if pair[1] > 0
        ]
        found = [stored.code_of(ob, entry) for entry, _ in shares]
        return weighted(found, [weight for _, weight in shares]) if found else None
    return None


def end(ob: bpy.types.Object, name: str) -> np.ndarray:
    """The code ``(L,)`` that a name stands for, as the shape's space knows it. Raises Refusal.

    A stored code of the shape, a known shape of its space, its mean, or another shape object.
    """
    entry = ob.meshsdf.blend.codes.get(name)
    if entry is not None:
        return stored.code_of(ob, entry)
    info = stored.space_of(ob)
    other: bpy.types.Object = bpy.data.objects.get(name)
    if name in info.shape_names or not shape.is_shape(other):
        return info.code(name)
    theirs = catalogue.existing(other.meshsdf.space, other.library)
    if theirs != info.path:
        raise Refusal(
            f"Object '{other.name}' lives in space '{catalogue.title(other.meshsdf.space)}', "
            f"'{ob.name}' in '{catalogue.title(ob.meshsdf.space)}'",
            "Blend between shapes of one space",
        )
    return codes.check(codes.read(other), f"object '{other.name}'", info.code_length)


def choices(ob: bpy.types.Object, context: bpy.types.Context) -> list[str]:
    """Names that :func:`end` takes, as far as they are known without asking."""
    if not shape.is_shape(ob):
        return []
    known = catalogue.shape_choices(ob.meshsdf.space, ob.meshsdf.up)
    others = [o.name for o in context.scene.objects if o.meshsdf.space and o != ob]
    return [*(entry.name for entry in ob.meshsdf.blend.codes), *known, *others]


def changed(ob: bpy.types.Object) -> None:
    """A value of the blend was set: let code and mesh follow, live in a window as with sliders.

    Nothing changes where the shape cannot be written to; its message says why.
    """
    if ob.is_evaluated or not shape.is_shape(ob) or ob.meshsdf.blend.mode == "NONE":
        return
    try:
        mesh_upload.check_writable(ob)
        before, wanted = codes.read(ob), code(ob)
        if wanted is None or np.array_equal(before, wanted):
            return
        codes.write(ob, wanted, blended=True)
        if not slide.in_script():
            shape.forget_fit(ob)
            slider_live.follow(ob)
            return
        try:
            shape.extract(ob, wanted)
        except Refusal:
            codes.write(ob, before, blended=True)
            raise
    except Refusal as refusal:
        if mesh_upload.is_editable(ob):
            ob.meshsdf.message = str(refusal)
