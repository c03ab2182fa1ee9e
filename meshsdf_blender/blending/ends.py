"""What a blend goes between: what the names of its ends stand for."""

from __future__ import annotations

import bpy
import numpy as np

from .. import naming
from ..deleted import is_deleted
from ..errors import Refusal
from ..shapes import shape
from ..spaces import catalogue
from ..spaces.catalogue import SpaceInfo
from . import held, stored


def objects(ob: bpy.types.Object) -> list[bpy.types.Object]:
    """The shape objects among its ends, found without asking anybody."""
    blend = ob.meshsdf.blend
    found = []
    for which in held.ENDS:
        text = getattr(blend, f"{which}_name")
        other = held.shape_of(ob, which)
        if not held.is_object(ob, which) and text not in blend.codes:
            other = held.shape_called(text)
        if other is not None:
            found.append(other)
    return found


def made_of(ob: bpy.types.Object) -> list[bpy.types.Object]:
    """The objects that a shape is blended of, and those that these are; itself in a circle."""
    found: list[bpy.types.Object] = []
    todo = [ob]
    while todo:
        each = todo.pop()
        if each.meshsdf.blend.mode == "TWO":
            new = [other for other in objects(each) if other not in found]
            found += new
            todo += new
    return found


def find(
    ob: bpy.types.Object, text: str
) -> bpy.types.PropertyGroup | np.ndarray | bpy.types.Object:
    """What a name stands for: a stored code, the code of a known shape, or a shape object. Refusal.

    In that order; a name as it is written goes before one in another case.
    """
    info, entries = stored.space_of(ob), ob.meshsdf.blend.codes
    exact = entries.get(text)
    if exact is not None:
        return exact
    other = held.shape_called(text)
    if other is not None and text not in info.shape_names:  # but before a card's name for one
        return other
    entry = naming.place(text, [each.name for each in entries])
    if entry is not None and not info.is_named(text):
        return entries[entry]
    code = info.find(text)
    if code is not None:
        return code
    shapes = [each for each in bpy.data.objects if shape.is_shape(each) and not is_deleted(each)]
    at = naming.place(text, [each.name for each in shapes])
    if at is None and shape.is_shape(bpy.data.objects.get(text)):
        raise Refusal(f"Object '{text}' was deleted", "Undo that, or name another")
    if at is None:
        raise _unknown(ob, text, info, shapes)
    return shapes[at]


def unnamed(ob: bpy.types.Object, label: str) -> Refusal:
    """That nothing is named where the blend starts or ends, and what there is to name."""
    shapes = [each for each in bpy.data.objects if shape.is_shape(each) and not is_deleted(each)]
    return Refusal(f"'{label}' names nothing to blend", _choices(ob, stored.space_of(ob), shapes))


def _unknown(
    ob: bpy.types.Object, text: str, info: SpaceInfo, shapes: list[bpy.types.Object]
) -> Refusal:
    return Refusal(
        f"Space '{info.name}' knows no shape '{text}', and it is no stored code of object "
        f"'{ob.name}' and no shape object",
        _choices(ob, info, shapes),
    )


def _choices(ob: bpy.types.Object, info: SpaceInfo, shapes: list[bpy.types.Object]) -> str:
    """What can be named, in words."""
    entries = naming.listed(entry.name for entry in ob.meshsdf.blend.codes)
    others = naming.listed(
        each.name
        for each in shapes
        if each != ob and catalogue.location(each.meshsdf.space, each.library) == info.path
    )
    choices = [f"Stored codes: {entries}"] if entries else []
    choices += [info.choices, *([f"Objects: {others}"] if others else [])]
    return ". ".join(choices)


def choices(ob: bpy.types.Object, context: bpy.types.Context) -> list[str]:
    """Names that :func:`find` takes, as far as they are known without asking."""
    if not shape.is_shape(ob):
        return []
    known = catalogue.shape_choices(ob.meshsdf.space, ob.meshsdf.up)
    others = [o.name for o in context.scene.objects if o.meshsdf.space and o != ob]
    return [*(entry.name for entry in ob.meshsdf.blend.codes), *known, *others]
