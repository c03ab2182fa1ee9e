"""Moving a shape along a direction of its space: what its sliders read and write."""

from __future__ import annotations

import sys

import bpy
import numpy as np

from .. import in_scripts
from ..errors import Refusal
from ..spaces import catalogue, space_sliders
from ..spaces.sliders import Sliders
from . import chosen, codes, history, mesh_upload, shape, slider_live


def of(ob: bpy.types.Object) -> Sliders | None:
    """The sliders of a shape's space, as far as they are known: for drawing."""
    found = catalogue.known(ob.meshsdf.space, ob.meshsdf.up, ob.library)
    return None if found is None else found.sliders


def _read(ob: bpy.types.Object) -> Sliders | None:
    """The same; a script, which has no timer to wait for, reads our own files for it at once."""
    if of(ob) is None and in_script():
        space_sliders.read_now(ob.meshsdf.space, ob.meshsdf.up, ob.library)
    return of(ob)


def value(ob: bpy.types.Object, number: int) -> float:
    """How far the shape lies along a direction; 0 where that is not known."""
    found = values(ob)
    # Not -0.00, which rounding errors of the code would be shown as.
    return round(float(found[number]), 6) + 0.0 if number < len(found) else 0.0


def values(ob: bpy.types.Object) -> np.ndarray:
    """All of them ``(K,)``; none where the space was not read yet, or the code does not fit."""
    known = _read(ob)
    if known is None:
        return np.zeros(0)
    try:
        return known.values(codes.check(codes.read(ob), ob, len(known.mean)))
    except Refusal:
        return np.zeros(0)


def drag(ob: bpy.types.Object, number: int, wanted: float) -> None:
    """Set a slider and let the mesh follow: live in a window, at once in a script.

    Nothing changes where that cannot be done: see :func:`tell`.
    """
    if ob.is_evaluated:
        return
    try:
        known = _known(ob, number)
        mesh_upload.check_writable(ob)
        was = shape.checked_code(ob)
        code = known.moved(was, number, wanted)
        if in_script():
            shape.extract(ob, code)
        else:
            codes.write(ob, code)
            shape.forget_fit(ob)
            slider_live.follow(ob)
        history.slid(ob, known.named[number].name, wanted, was)
    except Refusal as refusal:
        tell(ob, refusal)


def tell(ob: bpy.types.Object, refusal: Refusal) -> None:
    """Say why a property was not written: in the shape's message, and in a script on stderr.

    An exception would not reach the script: Blender prints those of a property's callbacks.
    """
    if ob.library is None:
        ob.meshsdf.message = str(refusal)
    if in_script():
        print(f"MeshSDF: {in_scripts.text(refusal)}", file=sys.stderr, flush=True)


def _known(ob: bpy.types.Object, number: int) -> Sliders:
    """The sliders of a shape's space, if there is one of that number. Raises Refusal."""
    chosen.check_shape(ob)
    known = _read(ob)
    if known is None:
        raise Refusal(
            f"The sliders of object '{ob.name}' are not known yet",
            "Use Show Sliders first",
            script="bpy.ops.meshsdf.slider_show()",
        )
    if number >= len(known.named):
        raise Refusal(
            f"Object '{ob.name}' has no slider {number + 1}",
            f"Its space has {len(known.named)}",
        )
    return known


def remesh(ob: bpy.types.Object) -> None:
    """Mesh a shape anew because of how it is to be meshed; in a window only: scripts ask for it."""
    if in_script() or not shape.is_shape(ob) or ob.is_evaluated or ob.get(codes.KEY) is None:
        return
    try:
        mesh_upload.check_writable(ob)
    except Refusal:
        return  # the panel says why; the setting is kept for the next mesh
    slider_live.follow(ob, rests=True)


def in_script() -> bool:
    """Whether no timer ticks: everything is to be done at once then."""
    return bpy.app.background
