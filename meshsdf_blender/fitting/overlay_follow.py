"""Keeping the overlay true: what changed in the scene is worked out anew once that is at rest.

Blender tells of changed objects, cameras, images and masks, but not of a scene's own settings:
those are compared whenever the overlay is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import bpy
from bpy.app.handlers import persistent

from .. import compat, running
from ..redraw import redraw
from . import overlay

UNLOOKED = ("rna_type", "overlay")
REST_SECONDS = 0.1  # so that dragging a value does not wait for the overlay


class _Watch:
    """What changed since the overlay was worked out, and the settings that were seen last."""

    stale = False
    all = False  # whether anything may have changed
    changed: frozenset[int] = frozenset()  # session_uids
    settings: tuple[Any, ...] = ()
    busy = False  # working it out, which may itself look like a change


def settings_of(scene: bpy.types.Scene) -> tuple[Any, ...]:
    """All of a scene that decides what a fit would compare."""
    render = scene.render
    return (
        scene.camera.name if scene.camera else "",
        scene.frame_current,
        *(render.resolution_x, render.resolution_y, render.resolution_percentage),
        *(render.pixel_aspect_x, render.pixel_aspect_y, render.use_border),
        *_values(scene.meshsdf),
    )


def begin(scene: bpy.types.Scene) -> None:
    """Follow what was just worked out."""
    _clear()
    _Watch.settings = settings_of(scene)


def look(scene: bpy.types.Scene) -> None:
    """Note whether the settings changed since they were seen last; ``scene`` is the overlay's."""
    settings = settings_of(scene)
    if settings != _Watch.settings:
        _Watch.settings = settings
        mark()
    elif _Watch.stale and not bpy.app.timers.is_registered(tick):
        _arm()  # noted while it could not be


def mark(changed: Iterable[int] | None = None) -> None:
    """Note what changed, by session_uid, or that all may have; it is seen to after a rest."""
    _note(changed)
    _arm()


def tick() -> float | None:
    """Work the overlay out anew, once no fit does that and nothing renders."""
    shown = overlay.current()
    if shown is None or not _Watch.stale:
        _clear()
        return None
    if running.current() is not None or bpy.app.is_job_running("RENDER"):
        return REST_SECONDS
    scene = overlay.scene_of(shown)
    if scene is not None:
        _Watch.settings = settings_of(scene)
    changed = None if _Watch.all else _Watch.changed
    _clear()
    _Watch.busy = True
    try:
        overlay.refresh(bpy.context, changed)
    finally:
        _Watch.busy = False
    redraw(bpy.context)
    return None


def _note(changed: Iterable[int] | None) -> None:
    _Watch.stale = True
    if changed is None:
        _Watch.all = True
    else:
        _Watch.changed = _Watch.changed.union(changed)


def _clear() -> None:
    _Watch.stale = _Watch.all = False
    _Watch.changed = frozenset()


def _arm() -> None:
    """Let the timer begin anew, so that it waits for the end of a drag."""
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
    # Persistent: the wheels of 4.5 hang at exit over one that a new file has dropped.
    bpy.app.timers.register(tick, first_interval=REST_SECONDS, persistent=True)


def _values(settings: bpy.types.PropertyGroup) -> Iterator[Any]:
    for described in settings.bl_rna.properties:
        if described.identifier in UNLOOKED:
            continue
        value = getattr(settings, described.identifier)
        if isinstance(value, bpy.types.PropertyGroup):
            yield from _values(value)
        elif described.type == "COLLECTION":
            for each in value:
                yield from _values(each)
        elif described.type != "POINTER":
            yield tuple(value) if getattr(described, "is_array", False) else value
        elif isinstance(value, bpy.types.ID):
            yield value.name


def _told(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> Iterator[int]:
    """What was updated: of objects only their places and surfaces count."""
    blocks = []
    for update in depsgraph.updates:
        looks = update.is_updated_geometry or update.is_updated_transform
        if looks or not isinstance(update.id, bpy.types.Object):
            blocks.append(update.id.original)
    yield from (block.session_uid for block in blocks)
    # Annotations are not evaluated: of a stroke Blender tells nothing, or only of its scene.
    notes = compat.annotation(scene)
    if notes is not None and (not len(depsgraph.updates) or scene in blocks):
        yield notes.session_uid


@persistent
def _changed(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph | None = None) -> None:
    shown = overlay.current()
    if shown is None or _Watch.busy:
        return
    if bpy.app.is_job_running("RENDER"):
        _note(None)  # from the render's thread, which no timer may be set from
        return
    changed = frozenset(_told(scene, depsgraph)) if depsgraph is not None else None
    if changed is not None and shown.watched is not None:
        changed &= shown.watched
        if not changed:
            return
    mark(changed)


@persistent
def _replaced(*_: object) -> None:
    """Undo and redo."""
    if overlay.current() is not None:
        mark()


@persistent
def _forget(*_: object) -> None:
    overlay.end()


HANDLERS = (
    ("depsgraph_update_post", _changed),
    ("frame_change_post", _changed),
    ("undo_post", _replaced),
    ("redo_post", _replaced),
    ("load_pre", _forget),
)


def register() -> None:
    for name, handler in HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    for name, handler in reversed(HANDLERS):
        getattr(bpy.app.handlers, name).remove(handler)
    overlay.end()
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
