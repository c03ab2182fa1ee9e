"""Mending what keeps a shape from being changed."""

from __future__ import annotations

import bpy

from .. import blend_path
from ..errors import Refusal
from ..shapes import shape
from ..spaces import catalogue
from ..spaces.space_offer import stored_path


def make_single(ob: bpy.types.Object) -> None:
    """Give the object a mesh of its own; the others keep the one that they share."""
    ob.data = shape.mesh_of(ob).copy()


def remove_shape_keys(ob: bpy.types.Object) -> int:
    """Delete the keys, keeping the mesh as it is without them; how many there were."""
    keys = shape.mesh_of(ob).shape_keys
    count = len(keys.key_blocks) if keys else 0
    ob.shape_key_clear()
    return count


def make_local(context: bpy.types.Context, ob: bpy.types.Object) -> bpy.types.Object:
    """The shape as this file's own, with its mesh, in the place of the linked one or override."""
    library, space = ob.library, ob.meshsdf.space
    if ob.override_library is not None:
        library = ob.override_library.reference.library
    where = list(ob.users_collection)
    local: bpy.types.Object = ob.make_local()
    if local is None:
        raise Refusal(
            f"Object '{ob.name}' cannot be made local", "Append it from its file instead of linking"
        )
    mesh = shape.mesh_of(local)
    if mesh.library is not None or mesh.override_library is not None:
        local.data = mesh.make_local() or mesh.copy()
    if space.startswith("//") and library is not None:
        local.meshsdf.space = stored_path(catalogue.location(space, library))
    _show(context, local, where)
    return local


def renew_code(ob: bpy.types.Object) -> None:
    """Start again from the mean of the shape's space. Raises Refusal."""
    settings = ob.meshsdf
    shape.extract(ob, catalogue.info(settings.space, settings.up, ob.library).mean)


def relocate(lost: str, path: str) -> int:
    """Let everything of this file that uses the space ``lost`` use the one at ``path``.

    How many shapes there were. Raises Refusal, changing nothing, where it is no such space.
    """
    blend_path.check(path)
    found, where = catalogue.location(path), catalogue.location(lost)
    shapes = [ob for ob in bpy.data.objects if shape.is_shape(ob) and not ob.library]
    shapes = [ob for ob in shapes if catalogue.location(ob.meshsdf.space) == where]
    for up in sorted({ob.meshsdf.up for ob in shapes}) or ["FILE"]:
        _check_fits(catalogue.info(found, up), [ob for ob in shapes if ob.meshsdf.up == up])
    stored = stored_path(found)
    for ob in shapes:
        ob.meshsdf.space = stored
    for scene in bpy.data.scenes:
        settings = scene.meshsdf
        if scene.library is None and settings.space:
            settings.space = stored if _is(settings.space, where) else settings.space
        for entry in settings.loaded:
            entry.path = stored if _is(entry.path, where) else entry.path
    return len(shapes)


def _is(space: str, where: str) -> bool:
    return catalogue.location(space) == where


def _check_fits(info: catalogue.SpaceInfo, shapes: list[bpy.types.Object]) -> None:
    for ob in shapes:
        code = ob.get(shape.codes.KEY)
        if code is not None and len(code) != info.code_length:
            raise Refusal(
                f"Codes of space '{info.name}' have {info.code_length} values, the one of "
                f"'{ob.name}' has {len(code)}: it is another space",
                "Choose the file that the shape was made with",
            )


def _show(
    context: bpy.types.Context, ob: bpy.types.Object, where: list[bpy.types.Collection]
) -> None:
    """Keep a local copy in the scene, where the linked one was if that can be, and active."""
    if ob.name not in context.view_layer.objects:
        own = [c for c in where if c.library is None and c.override_library is None]
        (own[0] if own else context.scene.collection).objects.link(ob)
    context.view_layer.objects.active = ob
    ob.select_set(True)
