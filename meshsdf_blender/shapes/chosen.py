"""Whether the object that something is asked of is a shape, or was one."""

from __future__ import annotations

import bpy

from .. import naming
from ..deleted import is_deleted
from ..errors import Fix, Refusal
from . import shape

MAKE_SHAPE = Fix("meshsdf.make_shape", "Make Shape Again", icon="LOOP_BACK")


def is_former(ob: bpy.types.Object | None) -> bool:
    """Whether the object is a regular mesh that can be a shape again."""
    if ob is None or ob.type != "MESH":
        return False
    return bool(ob.meshsdf.after.space) and not ob.meshsdf.space


def check_shape(ob: bpy.types.Object | None) -> None:
    """Raise Refusal where the object is no shape, with a button where it was one."""
    if shape.is_shape(ob):
        return
    if ob is None:
        raise Refusal(
            "No object is active",
            "Select a MeshSDF shape, or add one (Add > Mesh > MeshSDF Shape)",
            script=selecting(),
        )
    if is_former(ob):
        raise Refusal(
            f"Object '{ob.name}' is a regular mesh now",
            "Make it a shape again (Finish > Make Shape Again), or select another one",
            fixes=(MAKE_SHAPE,),
        )
    raise Refusal(
        f"Object '{ob.name}' is no MeshSDF shape", "Select or add one", script=selecting()
    )


def named_shape(name: str) -> bpy.types.Object:
    """The shape of this file that is called so, in any case. Raises Refusal."""
    shapes = [ob for ob in bpy.data.objects if shape.is_shape(ob) and not is_deleted(ob)]
    at = naming.place(name, [ob.name for ob in shapes])
    if at is None:
        there = naming.listed(ob.name for ob in shapes)
        raise Refusal(f"There is no shape '{name}'", f"This file's shapes are: {there}")
    return shapes[at]


def selecting() -> str:
    """The call that makes a shape active, or adds one; for scripts, as it looks at all objects."""
    if not bpy.app.background:
        return ""
    # Of the scene: one in a collection that is left out is no reason to add another.
    found = any(shape.is_shape(ob) for ob in bpy.context.scene.objects)
    return f"bpy.ops.meshsdf.shape_{'select' if found else 'add'}()"
