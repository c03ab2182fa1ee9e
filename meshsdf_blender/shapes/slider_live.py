"""Meshes that follow their sliders: coarse while one is dragged, at their own resolution after.

A slider only writes the code; a timer has the worker mesh the newest one, without waiting for it,
so however long that takes the slider goes on. A shape whose mesh is coarse says so (``draft``), for
undo, redo and saved files may bring one back.
"""

from __future__ import annotations

import time

import bpy
from bpy.app.handlers import persistent

from .. import door, running
from ..door.worker import Reply, Worker
from ..errors import Refusal
from ..redraw import redraw
from . import codes, shape

TICK_SECONDS = 0.005
# A slider that was not moved for so long is at rest.
REST_SECONDS = 0.25
# A power of two: grids nest, and 32 cells take fewer evaluations than 24, which do not.
DRAFT_CELLS = 32


class Asked:
    """A request under way: of which worker, for which object (by name), at how many cells."""

    def __init__(self, worker: Worker, identity: int, name: str, cells: int) -> None:
        self.worker, self.identity, self.name, self.cells = worker, identity, name, cells


_moved: dict[str, float] = {}  # objects whose mesh is behind, and when they were last moved
_drafted: dict[str, bytes] = {}  # the code that the coarse mesh of each is of
_asked: list[Asked] = []  # at most one


def follow(ob: bpy.types.Object, *, rests: bool = False) -> None:
    """Have the mesh follow the object's code, which was written; coarsely, unless it ``rests``."""
    ob.meshsdf.draft = True
    _moved[ob.name] = time.monotonic() - (REST_SECONDS if rests else 0.0)
    if not bpy.app.timers.is_registered(tick):
        # Persistent: the wheels of 4.5 hang at exit over one that a new file has dropped.
        bpy.app.timers.register(tick, first_interval=TICK_SECONDS, persistent=True)
    if not _asked:
        tick()  # the worker begins now, not when Blender next sees to its timers


def busy() -> bool:
    """Whether a slider is being dragged, or a mesh is on its way."""
    return bool(_moved or _asked)


def tick() -> float | None:
    """Take an answer and ask for the next mesh; the next interval, or None when all is at rest."""
    if not _moved and not _asked:
        return None
    if running.current() is not None or bpy.app.is_job_running("RENDER"):
        return REST_SECONDS
    try:
        if _asked:
            reply = _asked[0].worker.answer(_asked[0].identity)
            if reply is None:
                return TICK_SECONDS
            _take(_asked.pop(), reply)
        return _ask() if _moved else None
    except Refusal as refusal:
        # The slider stays where it is; the panel says what is wrong with the mesh.
        _give_up(str(refusal))
        return None


def _ask() -> float | None:
    """Ask for the mesh of the object that was moved last."""
    worker = door.worker()
    if not worker.pump():
        return TICK_SECONDS
    door.note_ready(worker)
    name = max(_moved, key=lambda each: _moved[each])
    ob: bpy.types.Object = bpy.data.objects.get(name)
    if not shape.is_shape(ob):
        del _moved[name]
        _drafted.pop(name, None)
        return TICK_SECONDS
    rests = time.monotonic() - _moved[name] >= REST_SECONDS
    whole, code = ob.meshsdf.resolution, codes.read(ob)
    if not rests and _drafted.get(name) == code.tobytes():
        return TICK_SECONDS
    cells = whole if rests else min(whole, DRAFT_CELLS)
    header = {**shape.mesh_header(ob, cells), "topology": rests}
    identity = worker.ask("mesh", header, {"code": code})
    _asked.append(Asked(worker, identity, name, cells))
    _drafted[name] = code.tobytes()
    if rests:
        del _moved[name], _drafted[name]
    return TICK_SECONDS


def _take(asked: Asked, reply: Reply) -> None:
    """Show the mesh that came, unless its object is gone."""
    ob: bpy.types.Object = bpy.data.objects.get(asked.name)
    if not shape.is_shape(ob):
        return
    header, arrays = reply
    whole = asked.cells == ob.meshsdf.resolution and asked.name not in _moved
    shape.write_mesh(ob, arrays["vertices"], arrays["faces"], header.get("report", {}))
    ob.meshsdf.draft = not whole
    redraw(bpy.context)


def _give_up(problem: str) -> None:
    names = [*_moved, *(asked.name for asked in _asked)]
    _forget()
    for name in names:
        ob: bpy.types.Object = bpy.data.objects.get(name)
        if shape.is_shape(ob):
            ob.meshsdf.message = problem
    redraw(bpy.context)


@persistent
def _after_undo(*_: object) -> None:
    """A step of undo may hold a coarse mesh: make it whole."""
    for ob in bpy.data.objects:
        if shape.is_shape(ob) and ob.meshsdf.draft:
            follow(ob, rests=True)


@persistent
def _forget(*_: object) -> None:
    """Follow nothing any more."""
    _moved.clear()
    _drafted.clear()
    _asked.clear()


def register() -> None:
    bpy.app.handlers.undo_post.append(_after_undo)
    bpy.app.handlers.redo_post.append(_after_undo)
    bpy.app.handlers.load_pre.append(_forget)


def unregister() -> None:
    bpy.app.handlers.load_pre.remove(_forget)
    bpy.app.handlers.redo_post.remove(_after_undo)
    bpy.app.handlers.undo_post.remove(_after_undo)
    _forget()
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
