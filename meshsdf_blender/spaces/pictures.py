"""Pictures of spaces for menus: NAME.png or NAME.webp beside NAME.safetensors.

Each is looked for once, beside the first drawing of it, and kept until the extension goes.
"""

from __future__ import annotations

import math
from pathlib import Path

import bpy
import bpy.utils.previews

from ..beside import Beside
from . import catalogue

SUFFIXES = (".png", ".webp")
GENERIC = "MESH_DATA"

_previews: list[bpy.utils.previews.ImagePreviewCollection] = []  # at most one


def icon(space: str) -> int:
    """The number of the space's picture among Blender's icons, or of a generic icon."""
    if bpy.app.background or not space:
        return _generic()
    path = catalogue.location(catalogue.same_builtin(space) or space)
    return _icons.get(path) or _generic()


def look_again(space: str) -> None:
    """Forget that there was no picture: the space was loaded again."""
    _icons.forget(catalogue.location(space))


def _loaded(path: str) -> int:
    """0 where there is no picture, or nothing that could show it."""
    if not _previews:
        return 0
    try:
        found = next((each for each in _beside(Path(path)) if each.is_file()), None)
    except OSError:
        return 0
    if found is None:
        return 0
    known = _previews[0].get(str(found))
    return (known or _previews[0].load(str(found), str(found), "IMAGE")).icon_id


_icons = Beside(_loaded, 0, stale=math.inf)  # by the space's path


def _beside(path: Path) -> list[Path]:
    if path.suffix.lower() != catalogue.OWN_SUFFIX:
        return []
    return [path.with_suffix(suffix) for suffix in SUFFIXES]


def _generic() -> int:
    items = bpy.types.UILayout.bl_rna.functions["prop"].parameters["icon"].enum_items
    return items[GENERIC].value


def register() -> None:
    _previews.append(bpy.utils.previews.new())


def unregister() -> None:
    _icons.forget()
    while _previews:
        bpy.utils.previews.remove(_previews.pop())
