"""Coarse meshes that nothing follows: the timer makes them whole.

Undo, redo, a file or a library brings them back, a coarse mesh is duplicated, or one that could not
be replaced can be now: Edit Mode is over, it has a mesh of its own again.

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
from . import hand_edits, mesh_upload, shape, slide, slider_live


def follow(objects: Iterable[bpy.types.Object], *, asked_for: bool) -> None:
    """Have those of these shapes followed that are behind, as far as they can be written to.

    ``asked_for``: whether the artist did something, so that any space may be read. One that was
    read already may be read again.
    """
    if slide.in_script():
        return
    for ob in filter(shape.is_shape, objects):
        hand_edits.take(ob)
        try:
            mesh_upload.check_writable(ob)
            behind = shape.is_behind(ob)
        except Refusal:
            continue  # the panel says why
        if not behind:
            ob.meshsdf.draft = False
        elif not hand_edits.left_alone(ob) and (asked_for or _may_read(ob)):
            slider_live.follow(ob, rests=True)


def _may_read(ob: bpy.types.Object) -> bool:
    """Whether the shape's space may be read though the artist asked for nothing."""
    space, up, library = ob.meshsdf.space, ob.meshsdf.up, ob.library
    return catalogue.is_passive(space, library) or catalogue.known(space, up, library) is not None


@persistent
def _undone(*_: object) -> None:
    """What was on its way was for the data before."""
    slider_live.forget()
    follow(bpy.data.objects, asked_for=True)


@persistent
def _loaded(*_: object) -> None:
    follow(bpy.data.objects, asked_for=False)


@persistent
def _changed(_: bpy.types.Scene, depsgraph: bpy.types.Depsgraph | None = None) -> None:
    """Something was done in the file, often to nothing of ours: so look at what that was first."""
    if depsgraph is None or slide.in_script() or bpy.app.is_job_running("RENDER"):
        return
    for update in depsgraph.updates:
        ob = update.id.original
        if isinstance(ob, bpy.types.Object) and shape.is_shape(ob) and ob.meshsdf.draft:
            hand_edits.take(ob)
            may = _may_read(ob) and mesh_upload.is_writable(ob)
            if may and not slider_live.is_seen_to(ob):
                # With all others: what frees one mesh, as a copy of its own, may free another too.
                left = [each for each in bpy.data.objects if not slider_live.is_seen_to(each)]
                follow(left, asked_for=False)
                return


@persistent
def _imported(items: Any, *_: object) -> None:
    found = [item.id for item in items.import_items]
    follow([each for each in found if isinstance(each, bpy.types.Object)], asked_for=False)


def _handlers() -> Iterator[tuple[list[Any], Any]]:
    yield bpy.app.handlers.undo_post, _undone
    yield bpy.app.handlers.redo_post, _undone
    yield bpy.app.handlers.load_post, _loaded
    yield bpy.app.handlers.depsgraph_update_post, _changed
    if hasattr(bpy.app.handlers, "blend_import_post"):  # since 4.4
        yield bpy.app.handlers.blend_import_post, _imported


def register() -> None:
    for handlers, function in _handlers():
        handlers.append(function)


def unregister() -> None:
    for handlers, function in _handlers():
        handlers.remove(function)
