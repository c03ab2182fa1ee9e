"""Pictures that we drew, as icons of the interface."""

from __future__ import annotations

import bpy
import bpy.utils.previews
import numpy as np

ICON_SIZE = 32

_previews: list[bpy.utils.previews.ImagePreviewCollection] = []  # one, while registered


def icon(name: str) -> int:
    """The icon that was made under this name; 0 where none was."""
    known = _previews[0].get(name) if _previews else None
    return int(known.icon_id) if known is not None else 0


def is_made(name: str) -> bool:
    """Whether there is a picture under this name; without a window its icon is 0 all the same."""
    return bool(_previews) and name in _previews[0]


def make(name: str, picture: np.ndarray) -> int:
    """An icon of ``picture`` ``(size, size, 4)`` float32, row 0 at the bottom, under a name."""
    if not _previews:
        return 0
    preview, size = _previews[0].new(name), len(picture)
    preview.image_size = (size, size)
    preview.image_pixels_float = picture.ravel()  # type: ignore[assignment]  # any floats
    parts = size // ICON_SIZE
    if parts * ICON_SIZE == size:
        small = picture.reshape(ICON_SIZE, parts, ICON_SIZE, parts, 4).mean(axis=(1, 3))
        preview.icon_size = (ICON_SIZE, ICON_SIZE)
        preview.icon_pixels_float = small.ravel()
    return int(preview.icon_id)


def register() -> None:
    _previews.append(bpy.utils.previews.new())


def unregister() -> None:
    bpy.utils.previews.remove(_previews.pop())
