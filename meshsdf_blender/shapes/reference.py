"""A datablock that is looked up anew each time, whatever it is called by then."""

from __future__ import annotations

from typing import Generic, TypeVar

import bpy

Block = TypeVar("Block", bpy.types.Object, bpy.types.Scene)


class Reference(Generic[Block]):
    """An object or scene as a long run keeps it: no pointer, which undo and loading would break."""

    def __init__(self, block: Block) -> None:
        self.name, self._uid = block.name, block.session_uid
        self._kept_in = "scenes" if isinstance(block, bpy.types.Scene) else "objects"

    def find(self) -> Block | None:
        """The datablock, by its name or else by its number in this session; None if it is gone."""
        blocks = getattr(bpy.data, self._kept_in)
        found: Block | None = blocks.get(self.name)
        if found is None or found.session_uid != self._uid:
            found = next((each for each in blocks if each.session_uid == self._uid), None)
        if found is not None:
            self.name = found.name
        return found
