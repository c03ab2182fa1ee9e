"""Pictures of stored codes as icons of the interface, made when they are first drawn."""

from __future__ import annotations

import bpy

from ..shapes import icons
from . import stored


def icon(entry: bpy.types.PropertyGroup) -> int:
    """The icon of a stored code; 0 where it has no picture."""
    if not entry.picture:
        return 0
    known = f"stored {hash(entry.picture)}"
    if not icons.is_made(known):
        picture = stored.picture_of(entry.picture)
        return 0 if picture is None else icons.make(known, picture)
    return icons.icon(known)
