"""What is on disk, for panels: drawing gets what was seen last, a timer looks beside it.

A disk may sleep or be on a network, so nothing is looked up while a window is drawn. Other machines
are not asked at all: any .blend may name one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Generic, TypeVar

import bpy
from bpy.app.handlers import persistent

from . import blend_path
from .redraw import redraw

LOOK_SECONDS = 0.1
# What was looked at so long ago is looked at again when somebody asks.
STALE_SECONDS = 3.0

Seen = TypeVar("Seen")


class Beside(Generic[Seen]):
    """What ``look`` finds for a key; ``unknown`` while it has not looked.

    ``look`` is given a key and raises nothing. It is called again when what it found is asked for
    later than ``stale`` seconds after.
    """

    def __init__(
        self, look: Callable[[str], Seen], unknown: Seen, *, stale: float = STALE_SECONDS
    ) -> None:
        self._look, self._unknown, self.stale = look, unknown, stale
        self._seen: dict[str, tuple[float, Seen]] = {}
        self._wanted: set[str] = set()
        _all.append(self)

    def get(self, key: str, place: str = "") -> Seen:
        """What was seen last; ``place`` is the whole path of it, if that is not the key."""
        if blend_path.is_elsewhere(place or key):
            return self._unknown
        when, value = self._seen.get(key, (0.0, self._unknown))
        if key not in self._seen or time.monotonic() - when > self.stale:
            self._wanted.add(key)
            if not bpy.app.timers.is_registered(_tick):
                # Persistent: the wheels of 4.5 hang at exit over one that a new file has dropped.
                bpy.app.timers.register(_tick, first_interval=LOOK_SECONDS, persistent=True)
        return value

    def look(self) -> bool:
        """Look for all that was asked for; whether anything is another than it was."""
        changed = False
        for key in self._wanted:
            value = self._look(key)
            changed |= value != self._seen.get(key, (0.0, self._unknown))[1]
            self._seen[key] = (time.monotonic(), value)
        self._wanted.clear()
        return changed

    def forget(self, key: str = "") -> None:
        """Look anew when it is next asked for: one key, or all."""
        for each in [key] if key else list(self._seen):
            self._seen.pop(each, None)
        self._wanted.clear()


_all: list[Beside] = []


def _tick() -> None:
    changed = [each.look() for each in _all]
    if any(changed):
        redraw(bpy.context)


@persistent
def _forget(*_: object) -> None:
    """Another file is opened: what goes stale is looked at anew."""
    for each in _all:
        if each.stale < math.inf:
            each.forget()


def register() -> None:
    bpy.app.handlers.load_pre.append(_forget)


def unregister() -> None:
    bpy.app.handlers.load_pre.remove(_forget)
    for each in _all:
        each.forget()
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
