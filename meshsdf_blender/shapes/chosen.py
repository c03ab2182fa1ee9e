"""Whether the object that something is asked of is a shape, or was one."""

from __future__ import annotations

import bpy

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


def selecting() -> str:
    """The call that makes a shape active, or adds one; for scripts, as it looks at all objects."""
    if not bpy.app.background:
        return ""
    found = any(shape.is_shape(ob) for ob in bpy.context.view_layer.objects)
    return f"bpy.ops.meshsdf.shape_{'select' if found else 'add'}()"
