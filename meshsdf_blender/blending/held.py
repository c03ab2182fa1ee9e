"""Ends of a blend that are objects: held under whatever name, and nothing else once deleted.

An end is kept by its name; where that is an object's, a pointer beside it survives a rename, and it
is noted that it was an object.
"""

from __future__ import annotations

import bpy

from ..deleted import is_deleted
from ..errors import Refusal
from ..shapes import shape
from ..spaces import catalogue
from ..spaces.catalogue import BUILTIN

ENDS = ("first", "second")
LABELS = {"first": "From", "second": "To"}


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
    setattr(blend, f"{which}_is_object", False)
    keep_objects(ob)


def keep_objects(ob: bpy.types.Object) -> None:
    """Keep hold of ends that are objects, where no known shape can be meant by their names."""
    settings = ob.meshsdf
    known = catalogue.known(settings.space, settings.up, ob.library)
    if known is None and not settings.space.startswith(BUILTIN):
        return
    others = catalogue.shape_choices(settings.space, settings.up, examples=False)
    for which in ENDS:
        if is_object(ob, which):
            _keep(ob, which, getattr(settings.blend, f"{which}_object"))
            continue
        text = getattr(settings.blend, f"{which}_name")
        other = shape_called(text)
        if other is not None and text not in others and text not in settings.blend.codes:
            _keep(ob, which, other)


def _keep(ob: bpy.types.Object, which: str, other: bpy.types.Object | None) -> None:
    """Note an object, and what it is called now: it may be gone when that is told."""
    blend = ob.meshsdf.blend
    setattr(blend, f"{which}_is_object", True)
    if other is not None:
        setattr(blend, f"{which}_object", other)
        setattr(blend, f"{which}_name", other.name)


def let_go(ob: bpy.types.Object, which: str) -> None:
    """Point to an end's object no more; that it was one, and its name, are kept."""
    blend = ob.meshsdf.blend
    _keep(ob, which, getattr(blend, f"{which}_object"))
    setattr(blend, f"{which}_object", None)


def is_object(ob: bpy.types.Object, which: str) -> bool:
    """Whether an end is an object, or was one before that was deleted."""
    blend = ob.meshsdf.blend
    return (
        bool(getattr(blend, f"{which}_is_object")) or getattr(blend, f"{which}_object") is not None
    )


def shape_of(ob: bpy.types.Object, which: str) -> bpy.types.Object | None:
    """The shape object that an end is, under whatever name; None where it is something else."""
    other: bpy.types.Object | None = getattr(ob.meshsdf.blend, f"{which}_object")
    return other if shape.is_shape(other) and not is_deleted(other) else None


def lost(ob: bpy.types.Object, which: str) -> Refusal | None:
    """What became of an end that was a shape object and is none any more; None else."""
    if not is_object(ob, which) or shape_of(ob, which) is not None:
        return None
    other: bpy.types.Object | None = getattr(ob.meshsdf.blend, f"{which}_object")
    label, way = LABELS[which], LABELS[which].lower()
    goes = f"The blend of object '{ob.name}' goes {way} '{name(ob, which)}'"
    if other is None or is_deleted(other):
        return Refusal(
            f"{goes}, which was deleted or taken out of every collection",
            f"Undo that, or choose another {label}",
        )
    return Refusal(
        f"{goes}, which is no MeshSDF shape now", f"Make it one again, or choose another {label}"
    )


def problem(ob: bpy.types.Object) -> str:
    """What is wrong with an end that is an object; empty where nothing is: for drawing."""
    found = next((refusal for which in ENDS if (refusal := lost(ob, which))), None)
    return "" if found is None else str(found)


def shape_called(text: str) -> bpy.types.Object | None:
    """The shape object of that very name; None where there is none, or it was deleted."""
    other: bpy.types.Object | None = bpy.data.objects.get(text) if text else None
    return other if shape.is_shape(other) and not is_deleted(other) else None
