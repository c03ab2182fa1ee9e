"""What a blend goes between: what the names of its ends stand for, and objects under any name.

An end is kept by its name; where that is an object's, a pointer beside it survives a rename.
"""

from __future__ import annotations

import bpy
import numpy as np

from .. import naming
from ..errors import Refusal
from ..shapes import shape
from ..spaces import catalogue
from ..spaces.catalogue import BUILTIN, SpaceInfo
from . import stored

ENDS = ("first", "second")


def name(ob: bpy.types.Object, which: str) -> str:
    """The name of an end, "first" or "second": an object's own, as it is now."""
    blend = ob.meshsdf.blend
    other = getattr(blend, f"{which}_object")
    return str(other.name if other is not None else getattr(blend, f"{which}_name"))


def set_name(ob: bpy.types.Object, which: str, text: str) -> None:
    """Set an end, whatever the name stands for, if anything."""
    blend = ob.meshsdf.blend
    setattr(blend, f"{which}_name", text)
    setattr(blend, f"{which}_object", None)
    keep_objects(ob)


def keep_objects(ob: bpy.types.Object) -> None:
    """Keep hold of ends that are objects, where no known shape can be meant by their names."""
    settings = ob.meshsdf
    known = catalogue.known(settings.space, settings.up, ob.library)
    if known is None and not settings.space.startswith(BUILTIN):
        return
    others = catalogue.shape_choices(settings.space, settings.up)
    for which in ENDS:
        text = getattr(settings.blend, f"{which}_name")
        other = bpy.data.objects.get(text) if text else None
        if shape.is_shape(other) and text not in others and text not in settings.blend.codes:
            setattr(settings.blend, f"{which}_object", other)


def held(ob: bpy.types.Object, which: str) -> bpy.types.Object | None:
    """The shape object that an end is, under whatever name; None where it is something else."""
    blend = ob.meshsdf.blend
    other: bpy.types.Object | None = getattr(blend, f"{which}_object")
    return other if shape.is_shape(other) else None


def objects(ob: bpy.types.Object) -> list[bpy.types.Object]:
    """The shape objects among its ends, found without asking anybody."""
    blend = ob.meshsdf.blend
    found = []
    for which in ENDS:
        text = getattr(blend, f"{which}_name")
        other = held(ob, which)
        if other is None and text and text not in blend.codes:
            other = bpy.data.objects.get(text)
        if other is not None and shape.is_shape(other):
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
    other: bpy.types.Object = bpy.data.objects.get(text)
    if shape.is_shape(other) and not info.is_named(text):
        return other
    entry = naming.place(text, [each.name for each in entries])
    if entry is not None and not info.is_named(text):
        return entries[entry]
    code = info.find(text)
    if code is not None:
        return code
    shapes = [each for each in bpy.data.objects if shape.is_shape(each)]
    at = naming.place(text, [each.name for each in shapes])
    if at is None:
        raise _unknown(ob, text, info, shapes)
    return shapes[at]


def unnamed(ob: bpy.types.Object, label: str) -> Refusal:
    """That nothing is named where the blend starts or ends, and what there is to name."""
    shapes = [each for each in bpy.data.objects if shape.is_shape(each)]
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
