"""What a script cannot bring and the file has to have: named once, and looked for once."""

from __future__ import annotations

import bpy

from ..example import example_scene, picture_scene
from .plain_python import BLOCKS, literal

CHECK = """\
for kind, name in needed:
    if name not in getattr(bpy.data, kind):
        raise RuntimeError(f"This file has nothing called {name!r} among its {kind}")
"""
# What of an example brings its photo.
BRINGS = {example_scene.PHOTO_NAME: "", picture_scene.PHOTO_NAME: "what='PICTURE'"}


class Needs:
    """What is needed, in the order of its first mention."""

    def __init__(self) -> None:
        self._blocks: dict[tuple[str, str], None] = {}
        self._words: dict[str, None] = {}

    def block(self, name: str, of: str) -> None:
        """A datablock. Raises ValueError and its like where that makes no sense."""
        literal(name)
        self._blocks[(BLOCKS[of], name)] = None

    def words(self, text: str) -> None:
        """Something that has no name."""
        self._words[text] = None

    def head(self) -> str:
        """The comment that names it all; nothing where nothing is needed."""
        blocks = [
            f"{kind[:-1]} {literal(name)}{_whence(kind, name)}" for kind, name in self._blocks
        ]
        named = ", ".join([*blocks, *self._words])
        return f"# The file has to have: {named}\n" if named else ""

    def check(self) -> str:
        """Python that refuses to go on without."""
        if not self._blocks:
            return ""
        pairs = ", ".join(literal(pair) for pair in self._blocks)
        return f"needed = [{pairs}]\n{CHECK}"


def _whence(kind: str, name: str) -> str:
    """Where to get an image that no file on disk holds, in words."""
    image = bpy.data.images.get(name) if kind == BLOCKS["Image"] else None
    if image is None or not image.packed_file:
        return ""
    if name in BRINGS:
        return f" (bpy.ops.meshsdf.example_load({BRINGS[name]}) brings it)"
    return " (packed in the file that this was copied from)"
