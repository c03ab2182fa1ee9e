"""The latent code of an object: a float array among its ID properties, L values of space units.

An ID property is saved in the .blend, undone, animated per index, and holds any length
(``FloatVectorProperty`` ends at 32).
"""

from __future__ import annotations

import bpy
import numpy as np

from ..errors import Fix, Refusal

KEY = "meshsdf_code"
TOOLTIP = "Latent code of the shape"


def read(ob: bpy.types.Object) -> np.ndarray:
    """The object's code ``(L,)`` float32. Raises Refusal where it is missing or not finite."""
    stored = ob.get(KEY)
    if stored is None:
        raise Refusal(
            f"Object '{ob.name}' has no latent code (its custom property '{KEY}' is gone)",
            "Undo what removed it, or start from the mean",
            fixes=_renewing(ob),
        )
    try:
        code = np.array(stored, dtype=np.float32).reshape(-1)
    except (TypeError, ValueError) as error:
        raise Refusal(
            f"The custom property '{KEY}' of object '{ob.name}' is no list of numbers",
            "Undo what changed it, or start from the mean",
            fixes=_renewing(ob),
        ) from error
    return check(code, ob)


def _renewing(ob: bpy.types.Object) -> tuple[Fix, ...]:
    """What mends an object's code, whichever object is active."""
    return (
        Fix("ed.undo", "Undo", icon="LOOP_BACK"),
        Fix("meshsdf.fix_code", "Start from the Mean", {"object": ob.name}, "MESH_DATA"),
    )


def write(ob: bpy.types.Object, code: np.ndarray, *, blended: bool = False) -> None:
    """Store a code ``(L,)``. Another one than the shape's blend made (``blended``) ends that blend.

    The trap: writing an array over one of another length corrupts Blender's heap (4.2 to 5.2), so
    the old one is always deleted first.
    """
    if not blended and ob.meshsdf.blend.mode != "NONE" and not _holds(ob, code):
        ob.meshsdf.blend.mode = "NONE"
    drop(ob)
    ob[KEY] = np.ascontiguousarray(code, dtype=np.float32)
    ob.id_properties_ui(KEY).update(description=TOOLTIP)  # went with the old one; 5 µs


def _holds(ob: bpy.types.Object, code: np.ndarray) -> bool:
    try:
        return np.array_equal(read(ob), code)
    except Refusal:  # there is none, or no code at all
        return False


def drop(ob: bpy.types.Object) -> None:
    """Remove the code, if there is one."""
    if ob.get(KEY) is not None:
        del ob[KEY]


def check(
    code: np.ndarray,
    owner: bpy.types.Object | str,
    length: int | None = None,
    *,
    remedy: str = "",
    script: str = "",
) -> np.ndarray:
    """``code`` if it is finite and of the right length; Refusal otherwise, naming ``owner``.

    That is an object, whose code can be mended, or words for something else, with the ``remedy``
    and the line of a ``script`` that there are for it.
    """
    named, fixes = str(owner), tuple[Fix, ...]()
    if isinstance(owner, bpy.types.Object):
        named, fixes = f"object '{owner.name}'", _renewing(owner)
    if length is not None and len(code) != length:
        raise Refusal(
            f"The code of {named} has {len(code)} values, its space's codes have {length}",
            remedy or "Choose the space that the code was made with, or add a new shape",
            fixes=fixes,
            script=script,
        )
    bad = np.flatnonzero(~np.isfinite(code))
    if len(bad):
        mends = "Set that value to a number, undo, or start from the mean" if fixes else ""
        raise Refusal(
            f"The code of {named} holds {code[bad[0]]} at index {bad[0]}",
            remedy or mends,
            fixes=fixes,
            script=script,
        )
    return code
