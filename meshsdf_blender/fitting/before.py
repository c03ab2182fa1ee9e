"""The shape before a fit, kept with its object until the artist accepts the fit or goes back.

Two shapes, of which one is shown: its mesh is the object's, its code and readout are where they
always are. The other's are kept in ``Object.meshsdf.before``, which Blender saves, copies and
undoes. Showing the other one swaps both.
"""

from __future__ import annotations

import bpy

from ..errors import Fix, Refusal
from ..shapes import mesh_upload, shape, slide
from ..shapes.shape_state import ShapeState


def exists(ob: bpy.types.Object) -> bool:
    """Whether a fit left something to compare with."""
    return ob.meshsdf.before.mesh is not None


def shown(ob: bpy.types.Object) -> bool:
    """Whether the shape that is seen is the one before the fit."""
    return exists(ob) and ob.meshsdf.before.shown


def keep(ob: bpy.types.Object, iou: float, off: float = -1.0) -> bool:
    """Keep the shape as it is, of that IoU, unless an earlier one is kept; whether it was.

    ``off`` is how far it is from its handles; both are -1 where there is nothing of the kind.
    """
    if exists(ob):
        return False
    mesh, before = shape.mesh_of(ob), ob.meshsdf.before
    before.mesh = mesh.copy()
    before.mesh.name = f"{mesh.name} Before"
    before.kept, before.shown = ShapeState.of(ob).text(), False
    before.iou, before.off = iou, off
    return True


def toggle(ob: bpy.types.Object) -> None:
    """Show the shape before the fit, or the fitted one again. Raises Refusal, changing nothing."""
    mesh_upload.check_own(ob)
    mesh_upload.check_unshared(ob)
    before = ob.meshsdf.before
    state, now, other = _other(ob), ShapeState.of(ob), before.mesh
    if other.users - int(other.use_fake_user) > 1:  # a duplicate of the object keeps the same one
        other = other.copy()
    state.put(ob)
    ob.data, before.mesh = other, shape.mesh_of(ob)
    before.kept, before.shown = now.text(), not before.shown
    _make_whole(ob)


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
    _make_whole(ob)


def drop(ob: bpy.types.Object) -> None:
    """Forget what is not shown."""
    mesh = ob.meshsdf.before.mesh
    ob.meshsdf.property_unset("before")
    if mesh is not None and not mesh.users:
        bpy.data.meshes.remove(mesh)


def _other(ob: bpy.types.Object) -> ShapeState:
    """The state of what is not shown. Raises Refusal where it was broken."""
    try:
        state = ShapeState.from_text(ob.meshsdf.before.kept)
        state.check(ob)
    except (ValueError, RecursionError, Refusal) as error:
        why = error.problem if isinstance(error, Refusal) else error
        keep = ("back", "Go Back") if shown(ob) else ("accept", "Accept")
        raise Refusal(
            f"The shape of '{ob.name}' before the fit cannot be read ({why})",
            "Undo what changed it, or keep the shape that is seen: Accept, or Go Back",
            fixes=(Fix(f"meshsdf.fit_{keep[0]}", keep[1], icon="CHECKMARK"),),
        ) from error
    return state


def _make_whole(ob: bpy.types.Object) -> None:
    """Have a coarse mesh made whole, unless it is only shown."""
    if ob.meshsdf.draft:
        slide.remesh(ob)
