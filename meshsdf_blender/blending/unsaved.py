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
from . import held

_let_go: list[tuple[bpy.types.PropertyGroup, str, bpy.types.Object]] = []  # during a save


@persistent
def _save_pre(*_: object) -> None:
    _let_go.clear()
    for ob in bpy.data.objects:
        if ob.library is not None or ob.type != "MESH":
            continue
        blend = ob.meshsdf.blend
        for which in held.ENDS:
            other = getattr(blend, f"{which}_object")
            if other is not None and is_deleted(other):
                _let_go.append((blend, which, other))
                held.let_go(ob, which)


@persistent
def _save_post(*_: object) -> None:
    for blend, which, other in _let_go:
        setattr(blend, f"{which}_object", other)
    _let_go.clear()


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
