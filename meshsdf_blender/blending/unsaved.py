"""Deleted objects stay out of files, though a blend still points to them until undo is past.

Undo brings a deleted object back, and the pointer with it, so it is let go for the time of saving
alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy
from bpy.app.handlers import persistent

from ..deleted import is_deleted
from ..shapes.reference import Reference
from . import held

# During a save, and in a save that one of its handlers makes: what each let go.
_let_go: list[list[tuple[Reference, str, Reference]]] = []


@persistent
def _save_pre(*_: object) -> None:
    _let_go.append([])
    for ob in bpy.data.objects:
        if ob.library is not None or ob.type != "MESH":
            continue
        blend = ob.meshsdf.blend
        for which in held.ENDS:
            other = getattr(blend, f"{which}_object")
            if other is not None and is_deleted(other):
                _let_go[-1].append((Reference(ob), which, Reference(other)))
                held.let_go(ob, which)


@persistent
def _save_post(*_: object) -> None:
    for owner, which, end in _let_go.pop() if _let_go else ():
        ob, other = owner.find(), end.find()
        if ob is not None and other is not None:
            setattr(ob.meshsdf.blend, f"{which}_object", other)


def _handlers() -> Iterator[tuple[list[Any], Any]]:
    yield bpy.app.handlers.save_pre, _save_pre
    yield bpy.app.handlers.save_post, _save_post
    yield bpy.app.handlers.save_post_fail, _save_post


def register() -> None:
    for handlers, function in _handlers():
        handlers.append(function)


def unregister() -> None:
    for handlers, function in _handlers():
        handlers.remove(function)
    _let_go.clear()
