"""Objects that were deleted, but that Blender keeps because something still points to them."""

from __future__ import annotations

import bpy


def is_deleted(ob: bpy.types.Object) -> bool:
    """Whether an object of this file, or one that was evaluated, is in no scene and no collection.

    A linked one is not: its own file says where it is. Nor is one with a fake user: it was put
    aside on purpose.
    """
    ob = ob.original
    if ob.library is not None or ob.use_fake_user:
        return False
    places = [*(scene.collection for scene in bpy.data.scenes), *bpy.data.collections]
    if any(place.objects.get(ob.name) == ob for place in places):
        return False
    return not ob.users_collection  # slow, but a linked object may have the same name
