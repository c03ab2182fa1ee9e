"""Whether files are there, for panels: drawing asks what was seen last, a timer looks at the disk.

A disk may sleep or be on a network, so nothing is looked up while a window is drawn.
"""

from __future__ import annotations

import os
import time

import bpy
from bpy.app.handlers import persistent

from ..redraw import redraw

LOOK_SECONDS = 0.1
# A file that was looked at so long ago is looked at again when somebody asks.
STALE_SECONDS = 3.0

_seen: dict[str, tuple[float, bool]] = {}  # when it was looked for, and whether it was there
_wanted: set[str] = set()


def is_missing(path: str) -> bool:
    """Whether ``path`` was not there when last looked for; False while that is not known."""
    when, there = _seen.get(path, (0.0, True))
    if time.monotonic() - when > STALE_SECONDS or path not in _seen:
        _wanted.add(path)
        if not bpy.app.timers.is_registered(_tick):
            # Persistent: the wheels of 4.5 hang at exit over one that a new file has dropped.
            bpy.app.timers.register(_tick, first_interval=LOOK_SECONDS, persistent=True)
    return not there


def look() -> bool:
    """Look for all files that were asked for; whether any came or went."""
    changed = False
    for path in _wanted:
        there = os.path.exists(path)  # noqa: PTH110  # Path's own raises for overlong names
        changed |= there != _seen.get(path, (0.0, True))[1]
        _seen[path] = (time.monotonic(), there)
    _wanted.clear()
    return changed


@persistent
def forget(*_: object) -> None:
    """Another file is opened, or something was mended: look anew."""
    _seen.clear()
    _wanted.clear()


def _tick() -> None:
    if look():
        redraw(bpy.context)


def register() -> None:
    bpy.app.handlers.load_pre.append(forget)


def unregister() -> None:
    bpy.app.handlers.load_pre.remove(forget)
    forget()
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
