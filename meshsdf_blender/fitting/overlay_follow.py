"""Keeping the overlay true: after every change in the scene it is worked out anew, a moment later.

Blender tells of changed objects, images and masks, but not of a scene's own settings: those are
compared whenever the overlay is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy
from bpy.app.handlers import persistent

from .. import running
from ..redraw import redraw
from . import overlay

UNLOOKED = ("rna_type", "overlay")
REST_SECONDS = 0.1  # so that dragging a value does not wait for the overlay


class _Watch:
    """Whether something changed, and the settings when it was last worked out."""

    stale = False
    targets = False  # whether the targets are to be read anew too
    settings: tuple[Any, ...] = ()


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


def look(scene: bpy.types.Scene) -> None:
    """Note whether the settings are others than when the overlay was worked out."""
    if settings_of(scene) != _Watch.settings:
        mark()


def mark(*, targets: bool = True) -> None:
    """Note that the overlay may be out of date, and whether its ``targets`` may be."""
    _Watch.stale, _Watch.targets = True, _Watch.targets or targets
    if not bpy.app.timers.is_registered(tick):
        # Persistent: the wheels of 4.5 hang at exit over one that a new file has dropped.
        bpy.app.timers.register(tick, first_interval=REST_SECONDS, persistent=True)


def tick() -> float | None:
    """Work the overlay out anew, once no fit does that and nothing renders."""
    if overlay.current() is None or not _Watch.stale:
        _Watch.stale = False
        return None
    if running.current() is not None or bpy.app.is_job_running("RENDER"):
        return REST_SECONDS
    targets = _Watch.targets
    _Watch.stale = _Watch.targets = False
    _Watch.settings = settings_of(bpy.context.scene)
    overlay.refresh(bpy.context, targets=targets)
    redraw(bpy.context)
    return None


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


@persistent
def _changed(*_: object) -> None:
    if overlay.current() is not None and running.current() is None:
        mark(targets=not _renders(bpy.context.scene))


def _renders(scene: bpy.types.Scene) -> bool:
    """Whether a target is rendered: that takes long, and is itself a change in the scene."""
    settings = scene.meshsdf
    return any(each.target == "RENDER" for each in (settings, *settings.views))


@persistent
def _forget(*_: object) -> None:
    overlay.end()


HANDLERS = ("depsgraph_update_post", "frame_change_post", "undo_post", "redo_post")


def register() -> None:
    for name in HANDLERS:
        getattr(bpy.app.handlers, name).append(_changed)
    bpy.app.handlers.load_pre.append(_forget)


def unregister() -> None:
    bpy.app.handlers.load_pre.remove(_forget)
    for name in reversed(HANDLERS):
        getattr(bpy.app.handlers, name).remove(_changed)
    overlay.end()
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
