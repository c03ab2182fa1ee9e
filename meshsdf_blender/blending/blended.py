"""The code that an object's blend stands for, and the mesh that follows it by hand."""

from __future__ import annotations

import bpy
import numpy as np

from ..errors import Refusal
from ..shapes import codes, mesh_upload, shape, slide, slider_live
from ..spaces import catalogue
from . import ends, held, stored
from .mixing import between, weighted

MOST_OBJECTS = 64  # that one blend may be made of, by way of others

# Codes of objects at one time, by session_uid; None while one is being found.
Walk = dict[int, np.ndarray | None]


def code(
    ob: bpy.types.Object,
    depsgraph: bpy.types.Depsgraph | None = None,
    *,
    walk: Walk | None = None,
) -> np.ndarray | None:
    """The code ``(L,)`` of a shape's blend; None where that leaves the code alone. Refusal.

    With a ``depsgraph`` all is as that evaluated it, other objects and their blends too: a render
    leaves the objects themselves as they were. Without, others are as they are seen now.
    """
    walk = {ob.session_uid: None} if walk is None else walk
    blend = ob.meshsdf.blend
    now = _at(ob, depsgraph).meshsdf.blend
    if blend.mode == "TWO":
        if not (blend.first and blend.second):
            return None
        first, second = (end_of(ob, which, depsgraph, walk) for which in held.ENDS)
        return between(first, second, now.factor, blend.method)
    if blend.mode == "WEIGHTS":
        # Codes without a weight are not looked at: one of another space may stay in the list.
        weights = [entry.weight for entry in now.codes]
        shares = [pair for pair in zip(blend.codes, weights, strict=False) if pair[1] > 0]
        found = [stored.code_of(ob, entry) for entry, _ in shares]
        return weighted(found, [weight for _, weight in shares]) if found else None
    return None


def end(ob: bpy.types.Object, name: str) -> np.ndarray:
    """The code ``(L,)`` that a name stands for, as the shape's space knows it. Raises Refusal.

    A stored code of the shape, a known shape of its space, its mean, or another shape object.
    """
    return _code_of(ob, ends.find(ob, name), None, {})


def end_of(
    ob: bpy.types.Object,
    which: str,
    depsgraph: bpy.types.Depsgraph | None = None,
    walk: Walk | None = None,
) -> np.ndarray:
    """The code ``(L,)`` of an end of a shape's blend, "first" or "second". Raises Refusal."""
    walk = {ob.session_uid: None} if walk is None else walk
    refusal = held.lost(ob, which)
    if refusal is not None:
        raise refusal
    found = held.shape_of(ob, which) or ends.find(ob, held.name(ob, which))
    return _code_of(ob, found, depsgraph, walk)


def _code_of(
    ob: bpy.types.Object,
    found: bpy.types.PropertyGroup | np.ndarray | bpy.types.Object,
    depsgraph: bpy.types.Depsgraph | None,
    walk: Walk,
) -> np.ndarray:
    if isinstance(found, np.ndarray):
        return found
    if not isinstance(found, bpy.types.Object):
        return stored.code_of(ob, found)
    info, other = stored.space_of(ob), found
    if catalogue.existing(other.meshsdf.space, other.library) != info.path:
        raise Refusal(
            f"Object '{other.name}' lives in space '{catalogue.title(other.meshsdf.space)}', "
            f"'{ob.name}' in '{catalogue.title(ob.meshsdf.space)}'",
            "Blend between shapes of one space",
        )
    theirs = _of_object(other, depsgraph, walk)
    return codes.check(theirs, other, info.code_length)


def _of_object(
    ob: bpy.types.Object, depsgraph: bpy.types.Depsgraph | None, walk: Walk
) -> np.ndarray:
    """The code of an object, of its blend where it follows one. Raises Refusal."""
    if depsgraph is None:
        return codes.read(ob)
    known = walk.get(ob.session_uid)
    if known is not None:
        return known
    if ob.session_uid in walk:
        raise _circle(ob)
    if len(walk) >= MOST_OBJECTS:
        raise Refusal(f"A blend is made of more than {MOST_OBJECTS} objects", "Store their codes")
    walk[ob.session_uid] = None
    found = code(ob, depsgraph, walk=walk)
    found = codes.read(_at(ob, depsgraph)) if found is None else found
    walk[ob.session_uid] = found
    return found


def _circle(ob: bpy.types.Object) -> Refusal:
    return Refusal(
        f"Object '{ob.name}' is blended of itself, by way of what it is blended of",
        "Choose another From or To for one of these objects",
    )


def check(ob: bpy.types.Object) -> np.ndarray | None:
    """The code of a shape's blend, that of itself not among what it is made of. Raises Refusal."""
    if ob in ends.made_of(ob):
        raise _circle(ob)
    return code(ob)


def check_named(ob: bpy.types.Object) -> None:
    """Raise Refusal where a shape follows a blend of two, and one of these is not named."""
    blend = ob.meshsdf.blend
    if blend.mode == "TWO":
        for which in held.ENDS:
            if not held.name(ob, which):
                raise ends.unnamed(ob, held.LABELS[which])


def _at(ob: bpy.types.Object, depsgraph: bpy.types.Depsgraph | None) -> bpy.types.Object:
    """The object as it was evaluated, or itself."""
    return ob if depsgraph is None else ob.evaluated_get(depsgraph)


def changed(ob: bpy.types.Object) -> None:
    """A value of the blend was set: let code and mesh follow, live in a window as with sliders.

    Nothing changes where the shape cannot be written to; its message says why.
    """
    if ob.is_evaluated or not shape.is_shape(ob) or ob.meshsdf.blend.mode == "NONE":
        return
    try:
        mesh_upload.check_writable(ob)
        before, wanted = codes.read(ob), check(ob)
        held.keep_objects(ob)
        if slide.in_script():  # the panel says it beside the ends
            check_named(ob)
        # A message may be of what was just put right: a new mesh has its own.
        if wanted is None or (np.array_equal(before, wanted) and not ob.meshsdf.message):
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
