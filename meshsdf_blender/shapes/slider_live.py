"""Meshes that follow their sliders: coarse while one is dragged, at their own resolution after.

A slider only writes the code; a timer has the worker mesh the newest one, without waiting for it,
so however long that takes the slider goes on. A shape is followed until its mesh is whole, whether
that mesh was asked for here or written by anything else: an answer that comes later is dropped.
"""

from __future__ import annotations

import contextlib

import bpy
from bpy.app.handlers import persistent

from .. import door, running
from ..errors import Refusal
from ..redraw import redraw
from . import hand_edits, mesh_upload, shape
from .followed import REST_SECONDS, Asked, Followed

TICK_SECONDS = 0.005

_followed: dict[int, Followed] = {}  # by the object's session_uid
_asked: list[Asked] = []  # at most one
_given_up: set[int] = set()  # those that could not be meshed, through no fault of their meshes


def follow(ob: bpy.types.Object, *, rests: bool = False) -> None:
    """Have the mesh follow the object's code, which was written; coarsely, unless it ``rests``."""
    _given_up.discard(ob.session_uid)
    if not ob.meshsdf.draft:  # made whole since it was followed last
        _followed.pop(ob.session_uid, None)
    _followed.setdefault(ob.session_uid, Followed(ob)).move(rests=rests)
    shape.fall_behind(ob)
    if not bpy.app.timers.is_registered(tick):
        # Persistent: the wheels of 4.5 hang at exit over one that a new file has dropped.
        bpy.app.timers.register(tick, first_interval=TICK_SECONDS, persistent=True)
    if not rests and (not _asked or _is_overtaken(_asked[0])):
        tick()  # the worker begins now, not when Blender next sees to its timers


def busy() -> bool:
    """Whether a slider is being dragged, or a mesh is on its way."""
    return bool(_followed or _asked)


def is_seen_to(ob: bpy.types.Object) -> bool:
    """Whether a shape is followed, or could not be, so that only the artist can have it tried."""
    return ob.session_uid in _followed or ob.session_uid in _given_up


def tick() -> float | None:
    """Take an answer and ask for the next mesh; the next interval, or None when all is at rest."""
    if not busy():
        return None
    if running.current() is not None or bpy.app.is_job_running("RENDER"):
        return REST_SECONDS
    if _asked and not _hear(_asked[0]):
        if not _is_overtaken(_asked[0]):
            return TICK_SECONDS
        _drop(_asked[0])
    if not _followed:
        return None
    _ask(max(_followed.values(), key=lambda followed: followed.moved))
    return TICK_SECONDS


def _hear(asked: Asked) -> bool:
    """Show the mesh that was asked for; whether there is nothing more to wait for."""
    followed = asked.followed
    try:
        reply = None
        if asked.worker.state == "ready":  # else another worker is asked for the same
            reply = asked.worker.answer(asked.identity)
            if reply is None:
                return False
        _asked.clear()
        ob = followed.object()
        # The same shape may be followed again since, after something else had made it whole.
        if ob is not None and reply is not None and _followed.get(followed.uid) is followed:
            asked.show(ob, reply)
            redraw(bpy.context)
    except Refusal as refusal:
        _asked.clear()
        _give_up(followed, refusal)
    return True


def _is_overtaken(asked: Asked) -> bool:
    """Whether a slider is dragged again while a whole mesh is on its way, which takes long."""
    whole = not asked.header["draft"]
    return whole and not all(followed.rests for followed in _followed.values())


def _drop(asked: Asked) -> None:
    """Let the worker end a mesh; it is asked for again when all is at rest."""
    _asked.clear()
    with contextlib.suppress(Refusal):  # the next request says why there is no worker
        asked.worker.drop(asked.identity)


def _ask(followed: Followed) -> None:
    """Ask for the next mesh of a shape, unless that is whole by now."""
    ob = followed.object()
    if ob is None:
        del _followed[followed.uid]
        return
    try:
        worker = door.worker()
        if not worker.pump():
            return
        door.note_ready(worker)
    except Refusal as refusal:  # it does not start, so none of them can be meshed
        for each in list(_followed.values()):
            _give_up(each, refusal)
        return
    try:
        asked = followed.ask(ob, worker)
    except Refusal as refusal:
        _give_up(followed, refusal)
        return
    if asked is not None:
        _asked.append(asked)


def _give_up(followed: Followed, refusal: Refusal) -> None:
    """Follow a shape no more. Its slider stays where it is, and its message says what is wrong."""
    ob = followed.object()
    if _followed.get(followed.uid) is followed:
        del _followed[followed.uid]
        if ob is not None:
            ob.meshsdf.message = str(refusal)
            hand_edits.take(ob)
            if mesh_upload.is_writable(ob):
                _given_up.add(followed.uid)
            redraw(bpy.context)


@persistent
def forget(*_: object) -> None:
    """Follow nothing any more: the data that was followed is replaced."""
    for asked in _asked:
        asked.worker.forget(asked.identity)
    _asked.clear()
    _followed.clear()
    _given_up.clear()


def register() -> None:
    bpy.app.handlers.load_pre.append(forget)


def unregister() -> None:
    bpy.app.handlers.load_pre.remove(forget)
    forget()
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
