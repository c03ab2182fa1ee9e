"""Mending what keeps a shape from being changed."""

from __future__ import annotations

import bpy

from .. import naming
from ..errors import Refusal
from ..shapes import shape
from ..spaces import catalogue, packed, space_uses
from ..spaces.space_offer import space_path, stored_path


def make_single(ob: bpy.types.Object) -> None:
    """Give the object a mesh of its own; the others keep the one that they share."""
    ob.data = shape.mesh_of(ob).copy()


def remove_shape_keys(ob: bpy.types.Object) -> int:
    """Delete the keys, keeping the mesh as it is without them; how many there were. Refusal."""
    keys = shape.mesh_of(ob).shape_keys
    if keys is None:
        raise Refusal(f"Object '{ob.name}' has no shape keys", "Nothing is to be mended")
    count = len(keys.key_blocks)
    ob.shape_key_clear()
    return count


def make_local(context: bpy.types.Context, ob: bpy.types.Object) -> bpy.types.Object:
    """The shape as this file's own, with its mesh, in the place of the linked one or override."""
    library = ob.library
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
    for use in space_uses.of_object(local):
        if use.space.startswith("//") and library is not None:
            use.put(stored_path(catalogue.location(use.space, library)))
    _show(context, local, where)
    return local


def renew_code(ob: bpy.types.Object) -> None:
    """Start again from the mean of the shape's space. Raises Refusal for a code that is sound.

    Who wants the mean in its place has ``known_shape`` for it.
    """
    settings = ob.meshsdf
    try:
        shape.checked_code(ob)
    except Refusal:
        pass
    else:
        raise Refusal(f"The code of object '{ob.name}' is sound", "Nothing is to be mended")
    shape.extract(ob, catalogue.info(settings.space, settings.up, ob.library).mean)


def relocate(lost: str, path: str) -> int:
    """Let everything of this file that uses the space ``lost`` use the one at ``path``.

    Shapes, meshes that were shapes, and menus follow; how many objects there were. Raises Refusal,
    changing nothing, where it is no such space or nothing names the lost one.
    """
    found = path if packed.is_packed(path) else space_path(path)
    if _is_there(lost):
        raise Refusal(
            f"The space '{lost}' is where it was, so nothing is lost",
            "For a shape of another space add a new one",
        )
    uses = space_uses.of_file(lost)
    if not uses:
        known = naming.listed(sorted(space_uses.named()))
        raise Refusal(
            f"Nothing in this file uses the space '{lost}'",
            f"It uses: {known}" if known else "Name it as the shape does",
        )
    shapes = [use.ob for use in uses if use.ob is not None]
    for up in sorted({ob.meshsdf.up for ob in shapes}) or ["FILE"]:
        _check_fits(catalogue.info(found, up), [ob for ob in shapes if ob.meshsdf.up == up])
    stored = stored_path(found)
    for use in uses:
        use.put(stored)
    return len(shapes)


def _is_there(space: str) -> bool:
    try:
        catalogue.existing(space)
    except Refusal:
        return False
    return True


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
