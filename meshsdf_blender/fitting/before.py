"""The shape before a fit, kept with its object until the artist accepts the fit or goes back.

Two shapes, of which one is shown: its mesh is the object's, its code and readout are where they
always are. The other's are kept in ``Object.meshsdf.before``, which Blender saves, copies and
undoes. Showing the other one swaps both.
"""

from __future__ import annotations

import json
from typing import Any

import bpy
import numpy as np

from ..errors import Refusal
from ..shapes import codes, mesh_upload, shape

# What tells one from the other, beside mesh, code and transform.
READOUT = (
    *("space", "up", "resolution", "cap", "newton", "draft"),
    *("vertices", "faces", "components", "genus", "watertight", "volume", "message"),
    *shape.FIT_READOUT,
)


def exists(ob: bpy.types.Object) -> bool:
    """Whether a fit left something to compare with."""
    return ob.meshsdf.before.mesh is not None


def shown(ob: bpy.types.Object) -> bool:
    """Whether the shape that is seen is the one before the fit."""
    return exists(ob) and ob.meshsdf.before.shown


def keep(ob: bpy.types.Object, iou: float) -> bool:
    """Keep the shape as it is, of that IoU, unless an earlier one is kept; whether it was."""
    if exists(ob):
        return False
    mesh, before = shape.mesh_of(ob), ob.meshsdf.before
    before.mesh = mesh.copy()
    before.mesh.name = f"{mesh.name} Before"
    before.kept, before.iou, before.shown = _state(ob), iou, False
    return True


def toggle(ob: bpy.types.Object) -> None:
    """Show the shape before the fit, or the fitted one again. Raises Refusal, changing nothing."""
    mesh_upload.check_own(ob)
    mesh_upload.check_unshared(ob)
    before = ob.meshsdf.before
    state, other = _state(ob), before.mesh
    if other.users - int(other.use_fake_user) > 1:  # a duplicate of the object keeps the same one
        other = other.copy()
    _restore(ob, before.kept)
    ob.data, before.mesh = other, shape.mesh_of(ob)
    before.kept, before.shown = state, not before.shown


def accept(ob: bpy.types.Object) -> None:
    """Keep the fitted shape and forget the one before. Raises Refusal."""
    mesh_upload.check_editable(ob)
    drop(ob)


def back(ob: bpy.types.Object) -> None:
    """Put the shape before the fit back and forget the fitted one. Raises Refusal."""
    fitted = ob.meshsdf.before.mesh if shown(ob) else shape.mesh_of(ob)
    name = fitted.name
    if not shown(ob):
        toggle(ob)
    drop(ob)
    shape.mesh_of(ob).name = name


def drop(ob: bpy.types.Object) -> None:
    """Forget what is not shown."""
    mesh = ob.meshsdf.before.mesh
    ob.meshsdf.property_unset("before")
    if mesh is not None and not mesh.users:
        bpy.data.meshes.remove(mesh)


def _state(ob: bpy.types.Object) -> str:
    """Code, transform and readout as JSON: single precision comes back exactly."""
    state: dict[str, Any] = {
        "code": [float(value) for value in codes.read(ob)],
        "transform": {name: shape.copied(getattr(ob, name)) for name in shape.TRANSFORM},
        "readout": {name: getattr(ob.meshsdf, name) for name in READOUT},
    }
    return json.dumps(state)


def _restore(ob: bpy.types.Object, text: str) -> None:
    try:
        state = json.loads(text)
        code = np.array(state["code"], dtype=np.float32)
        transform, readout = state["transform"].items(), state["readout"].items()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refusal(
            f"The shape of '{ob.name}' before the fit cannot be read ({error})",
            "Undo what changed it",
        ) from error
    codes.write(ob, code)
    for name, value in transform:
        setattr(ob, name, value)
    for name, value in readout:
        setattr(ob.meshsdf, name, value)
