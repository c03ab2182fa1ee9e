"""Pictures of stored codes as icons of the interface, made when they are first drawn."""

from __future__ import annotations

import bpy
import bpy.utils.previews
import numpy as np

from . import stored

ICON_SIZE = 32

_icons: list[bpy.utils.previews.ImagePreviewCollection] = []  # one, while registered


def icon(entry: bpy.types.PropertyGroup) -> int:
    """The icon of a stored code; 0 where it has no picture."""
    if not entry.picture or not _icons:
        return 0
    known = str(hash(entry.picture))
    if known not in _icons[0]:
        picture = stored.picture_of(entry.picture)
        if picture is None:
            return 0
        _fill(_icons[0].new(known), picture)
    return int(_icons[0][known].icon_id)


def _fill(preview: bpy.types.ImagePreview, picture: np.ndarray) -> None:
    size = len(picture)
    preview.image_size = (size, size)
    preview.image_pixels_float = picture.ravel()  # type: ignore[assignment]  # an array, in truth
    parts = size // ICON_SIZE
    if parts * ICON_SIZE == size:
        small = picture.reshape(ICON_SIZE, parts, ICON_SIZE, parts, 4).mean(axis=(1, 3))
        preview.icon_size = (ICON_SIZE, ICON_SIZE)
        preview.icon_pixels_float = small.ravel()


def register() -> None:
    _icons.append(bpy.utils.previews.new())


def unregister() -> None:
    bpy.utils.previews.remove(_icons.pop())
