"""Ends of a blend that were deleted: told in the shape's message, until they are there again."""

from __future__ import annotations

import bpy
from bpy.app.handlers import persistent

from ..shapes import mesh_upload, shape
from . import held


def tell(ob: bpy.types.Object) -> None:
    """Say in a shape's message that an end of its blend was deleted, or say it no more."""
    settings = ob.meshsdf
    lost = held.problem(ob) if settings.blend.mode == "TWO" else ""
    if lost:
        if settings.message != lost:
            settings.message = lost
    elif settings.message and settings.message in map(str, held.deleted_ends(ob)):
        settings.message = ""


@persistent
def _changed(_: bpy.types.Scene, depsgraph: bpy.types.Depsgraph | None = None) -> None:
    """Something was done in the file: what adds or deletes objects lists all of their scene."""
    if depsgraph is None or bpy.app.is_job_running("RENDER"):
        return
    for update in depsgraph.updates:
        ob = update.id.original
        if isinstance(ob, bpy.types.Object) and shape.is_shape(ob) and mesh_upload.is_editable(ob):
            tell(ob)


def register() -> None:
    bpy.app.handlers.depsgraph_update_post.append(_changed)


def unregister() -> None:
    bpy.app.handlers.depsgraph_update_post.remove(_changed)
