"""A regular mesh that was a shape, and the way back.

Code and settings stay where they are, keyframes too; only the space is put aside, for an object is
a shape where that is not empty. So it all survives saving and duplicating, and costs a code.
"""

from __future__ import annotations

import bpy

from ..errors import Refusal
from ..fitting import before
from ..shapes import chosen, mesh_upload, shape
from ..shapes.hand_edits import digest, more_layers

is_former = chosen.is_former


def leave(ob: bpy.types.Object) -> None:
    """Make a shape a regular mesh that knows what it was. Raises Refusal, changing nothing."""
    settings = ob.meshsdf
    if settings.draft:  # what a dragged slider shows is coarse, and nothing would follow it now
        shape.extract(ob, shape.checked_code(ob))
    before.drop(ob)  # a second mesh, which only a fit's comparison is for
    settings.after.mesh = digest(shape.mesh_of(ob))
    settings.after.space, settings.space = settings.space, ""


def forget(ob: bpy.types.Object) -> None:
    """Make a shape a plain object for good."""
    shape.forget(ob)
    for name in ("space", "mesh", "record"):
        ob.meshsdf.after.property_unset(name)


def back(ob: bpy.types.Object) -> str:
    """Make a regular mesh the shape that it was, with the mesh of its code.

    The mesh that it had is kept where it was edited; its new name is the answer, else nothing.
    Raises Refusal, changing nothing.
    """
    mesh_upload.check_editable(ob)
    if not is_former(ob):
        raise Refusal(f"Object '{ob.name}' was no shape", "Select one, or add a shape")
    settings, was = ob.meshsdf, shape.mesh_of(ob)
    touched = is_edited(ob)
    mesh = was.copy()  # with materials and shading; shared or with shape keys, ``was`` stays whole
    settings.space, settings.after.space = settings.after.space, ""
    try:
        ob.data = mesh
        ob.shape_key_clear()
        shape.extract(ob, shape.checked_code(ob))
    except BaseException:
        ob.data = was
        bpy.data.meshes.remove(mesh)
        settings.space, settings.after.space = "", settings.space
        raise
    return _put_aside(ob, was, touched=touched)


def is_edited(ob: bpy.types.Object) -> bool:
    """Whether the mesh has something that its code could not bring back."""
    mesh = shape.mesh_of(ob)
    more = bool(more_layers(mesh)) or mesh.shape_keys is not None or len(ob.vertex_groups) > 0
    return more or digest(mesh) != ob.meshsdf.after.mesh


def _put_aside(ob: bpy.types.Object, was: bpy.types.Mesh, *, touched: bool) -> str:
    """Keep the mesh of before if it was edited and nobody else has it; its name, or nothing."""
    mesh, name = shape.mesh_of(ob), was.name
    if was.users > int(was.use_fake_user):  # with a linked duplicate, say
        return ""
    if not touched:
        bpy.data.meshes.remove(was)
        mesh.name = name
        return ""
    was.name = f"{ob.name} Edited"
    was.use_fake_user = True
    mesh.name = name
    return str(was.name)
