"""The known shapes of a space that are nearest to a shape, with pictures drawn as they are seen.

A panel asks for a picture while it draws; a timer has the worker mesh that shape, coarsely, once
nothing else is under way. The worker is never started for it.
"""

from __future__ import annotations

from typing import NamedTuple

import bpy
import numpy as np
from bpy.app.handlers import persistent

from .. import door, running
from ..door.worker import Worker
from ..errors import Refusal
from ..redraw import redraw
from ..spaces import catalogue
from ..spaces.catalogue import SpaceInfo
from . import codes, icons, shape, slider_live
from .thumbnail import SIZE, shaded

SHOWN = 6
CELLS = 32
TICK_SECONDS, IDLE_SECONDS = 0.02, 0.5


class Known(NamedTuple):
    """A known shape: its number in the space, its name, and its icon, 0 if not drawn."""

    number: int
    name: str
    icon: int


class _Asked(NamedTuple):
    worker: Worker
    identity: int
    key: str


_wanted: dict[str, tuple[str, str, np.ndarray]] = {}  # icons: of which space, up and code
_asked: list[_Asked] = []  # at most one


def nearest(ob: bpy.types.Object, count: int = SHOWN) -> list[Known]:
    """The known shapes whose codes are nearest to the object's; none where that is not known."""
    info = catalogue.known(ob.meshsdf.space, ob.meshsdf.up, ob.library)
    if info is None:
        return []
    try:
        code = codes.check(codes.read(ob), ob, info.code_length)
    except Refusal:
        return []
    far = ((info.codes - code) ** 2).sum(axis=1)
    found = np.argsort(far, kind="stable")[:count]
    return [
        Known(int(index), info.shape_name(int(index)), _icon(ob, info, int(index)))
        for index in found
    ]


def _icon(ob: bpy.types.Object, info: SpaceInfo, index: int) -> int:
    """The picture of a known shape, or 0; then it is drawn as soon as there is time."""
    key = f"{hash(info.stamps)} {ob.meshsdf.up} {index}"
    if not icons.is_made(key) and door.status.state == "ready":
        _wanted[key] = info.path, ob.meshsdf.up, info.codes[index]
        if not bpy.app.timers.is_registered(tick):
            bpy.app.timers.register(tick, first_interval=IDLE_SECONDS, persistent=True)
    return icons.icon(key)


def tick() -> float | None:
    """Take a mesh and draw it, or ask for the next; the next interval, None when all are drawn."""
    try:
        return _next()
    except Refusal:  # pictures are no reason to disturb anybody
        if not _asked:
            _forget()
            return None
        _wanted.pop(_asked.pop().key, None)  # the others may well be drawn
        return TICK_SECONDS


def _next() -> float | None:
    # The trap: a render asks the worker too, in a thread of its own.
    if running.current() is not None or bpy.app.is_job_running("RENDER"):
        return IDLE_SECONDS
    if _asked:
        asked = _asked[0]
        reply = asked.worker.answer(asked.identity)
        if reply is None:
            return TICK_SECONDS
        _asked.clear()
        arrays = reply[1]
        icons.make(asked.key, shaded(arrays["vertices"], arrays["faces"], SIZE))
        _wanted.pop(asked.key, None)
        redraw(bpy.context)
    if not _wanted:
        return None
    if slider_live.busy() or door.status.state != "ready":
        return IDLE_SECONDS
    key, (path, up, code) = next(iter(_wanted.items()))
    worker = door.worker()
    if not worker.pump():
        return IDLE_SECONDS
    header = {"path": path, **catalogue.up_header(up), "resolution": CELLS, "cap": True}
    header["draft"] = True
    _asked.append(_Asked(worker, worker.ask("mesh", header, {"code": code}), key))
    return TICK_SECONDS


@persistent
def _forget(*_: object) -> None:
    for asked in _asked:
        asked.worker.forget(asked.identity)
    _wanted.clear()
    _asked.clear()


def take(ob: bpy.types.Object, name: str) -> None:
    """Give the object the code of a known shape, with its mesh. Raises Refusal."""
    info = catalogue.info(ob.meshsdf.space, ob.meshsdf.up, ob.library)
    shape.extract(ob, info.code(name))


def register() -> None:
    bpy.app.handlers.load_pre.append(_forget)


def unregister() -> None:
    bpy.app.handlers.load_pre.remove(_forget)
    _forget()
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
