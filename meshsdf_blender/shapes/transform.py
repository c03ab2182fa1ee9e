"""The object's transform in a fit: which ones can be fitted, and writing one so that it holds."""

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Matrix

from ..compat import driving_curves
from ..errors import Fix, Refusal

SHEAR_TOLERANCE = 1e-4
READ_BACK_TOLERANCE = 1e-4
LEAVE_TRANSFORM = Fix("meshsdf.fix_transform", "Fit the Shape Alone", icon="ORIENTATION_LOCAL")


def written_channels(
    ob: bpy.types.Object, *, move: bool, turn: bool, scale: bool
) -> tuple[str, ...]:
    """The object's properties that a fit of these parts writes; empty where it fits none.

    A fit turns and scales about the shape's middle, which moves its origin too.
    """
    if not (move or turn or scale):
        return ()
    return ("location", *((rotation_channel(ob),) * turn), *(("scale",) * scale))


def rotation_channel(ob: bpy.types.Object) -> str:
    """The property that holds the object's rotation in its rotation mode."""
    special = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}
    return special.get(ob.rotation_mode, "rotation_euler")


def fit_matrix(ob: bpy.types.Object, channels: tuple[str, ...]) -> np.ndarray:
    """``matrix_world`` ``(4, 4)`` float64, checked for a fit that writes ``channels``.

    A code-only fit takes any invertible matrix; a pose fit needs a rotation, a move and one
    positive scale, and nothing else that moves the object. Raises Refusal, by name.
    """
    matrix = np.array(ob.matrix_world, dtype=np.float64)
    linear = matrix[:3, :3]
    lengths = np.linalg.norm(linear, axis=0)
    if not np.isfinite(matrix).all() or lengths.min() < 1e-9 or np.linalg.det(linear) == 0.0:
        raise Refusal(f"Object '{ob.name}' is scaled to nothing", "Give it a scale above zero")
    if not channels:
        return matrix
    if np.linalg.det(linear) < 0:
        raise Refusal(
            f"Object '{ob.name}' has a negative scale (it is mirrored)",
            "Make its scale positive, or turn off fitting the transform",
            fixes=(LEAVE_TRANSFORM,),
        )
    unit = linear / lengths.mean()
    if np.abs(unit.T @ unit - np.eye(3)).max() > SHEAR_TOLERANCE:
        raise Refusal(
            f"Object '{ob.name}' is scaled unevenly ({', '.join(f'{s:.3g}' for s in lengths)}), "
            "by itself or by its parents",
            "Make its scale uniform, or turn off fitting the transform",
            fixes=(LEAVE_TRANSFORM,),
        )
    active = [c.name for c in ob.constraints if c.enabled and c.influence > 0]
    if active:
        raise Refusal(
            f"Constraint '{active[0]}' moves object '{ob.name}'",
            "Turn the constraint off or apply it, or turn off fitting the transform",
            fixes=(LEAVE_TRANSFORM,),
        )
    locked = [name.partition("_")[0] for name in channels if _locked(ob, name)]
    if locked:
        raise Refusal(
            f"The {' and '.join(locked)} of object '{ob.name}' is locked",
            "Unlock it (Object > Transform), or turn off fitting the transform",
            fixes=(LEAVE_TRANSFORM,),
        )
    animated = {curve.data_path for curve in driving_curves(ob)}
    driven = [name.partition("_")[0] for name in channels if name in animated]
    if driven:
        raise Refusal(
            f"The {driven[0]} of object '{ob.name}' is animated",
            "Remove its keyframes, strips and drivers, or turn off fitting the transform",
            fixes=(LEAVE_TRANSFORM,),
        )
    return matrix


def write_matrix(
    ob: bpy.types.Object,
    matrix: np.ndarray,
    layer: bpy.types.ViewLayer,
    channels: tuple[str, ...],
) -> None:
    """Place the object at ``matrix`` in the world, through its parents, and read it back.

    Only ``channels`` change. Raises Refusal where the object does not stay there.
    """
    kept = {
        name: tuple(getattr(ob, name))
        for name in ("location", rotation_channel(ob), "scale")
        if name not in channels
    }
    ob.matrix_world = Matrix([list(map(float, row)) for row in matrix])
    for name, value in kept.items():
        setattr(ob, name, value)
    layer.update()
    got = np.array(ob.matrix_world, dtype=np.float64)
    size = max(1.0, float(np.abs(matrix).max()))
    if np.abs(got - matrix).max() > READ_BACK_TOLERANCE * size:
        raise Refusal(
            f"Object '{ob.name}' does not stay where the fit puts it: "
            "its parents scale it unevenly, or something else moves it",
            "Clear its parent and keep the transform (Alt P), or turn off fitting the transform",
            fixes=(LEAVE_TRANSFORM,),
        )


def _locked(ob: bpy.types.Object, channel: str) -> bool:
    if not channel.startswith("rotation"):
        return any(getattr(ob, f"lock_{channel}"))
    return any(ob.lock_rotation) or (ob.lock_rotations_4d and ob.lock_rotation_w)
