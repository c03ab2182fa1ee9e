"""Coarse meshes that undo, redo, a file or a library brings back: the timer makes them whole.

In a window only; a script says when, by ``shape_update``. A file that was opened may name a space
in a format that is more than numbers: reading that waits until the artist does something.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import bpy
from bpy.app.handlers import persistent

from ..errors import Refusal
from ..spaces import catalogue
from . import mesh_upload, shape, slide, slider_live


def follow(objects: Iterable[bpy.types.Object], *, asked_for: bool) -> None:
    """Have those of these shapes followed that are behind, as far as they can be written to.

    ``asked_for``: whether the artist did something, so that any space may be read.
    """
    if slide.in_script():
        return
    for ob in filter(shape.is_shape, objects):
        try:
            mesh_upload.check_writable(ob)
            behind = shape.is_behind(ob)
        except Refusal:
            continue  # the panel says why
        if not behind:
            ob.meshsdf.draft = False
        elif asked_for or catalogue.is_passive(ob.meshsdf.space, ob.library):
            slider_live.follow(ob, rests=True)


@persistent
def _undone(*_: object) -> None:
    """What was on its way was for the data before."""
    slider_live.forget()
    follow(bpy.data.objects, asked_for=True)


@persistent
def _loaded(*_: object) -> None:
    follow(bpy.data.objects, asked_for=False)


@persistent
def _imported(items: Any, *_: object) -> None:
    found = [item.id for item in items.import_items]
    follow([each for each in found if isinstance(each, bpy.types.Object)], asked_for=False)


def _handlers() -> Iterator[tuple[list[Any], Any]]:
    yield bpy.app.handlers.undo_post, _undone
    yield bpy.app.handlers.redo_post, _undone
    yield bpy.app.handlers.load_post, _loaded
    if hasattr(bpy.app.handlers, "blend_import_post"):  # since 4.4
        yield bpy.app.handlers.blend_import_post, _imported


def register() -> None:
    for handlers, function in _handlers():
        handlers.append(function)


def unregister() -> None:
    for handlers, function in _handlers():
        handlers.remove(function)
