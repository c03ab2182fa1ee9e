"""Whether renders leave a scene's animated shapes standing still, kept for drawing.

Looking through some thousand objects takes milliseconds, so a timer does it after changes, at most
once a second, and drawing only asks what it saw.
"""

from __future__ import annotations

import bpy
from bpy.app.handlers import persistent

from . import frames

LOOK_SECONDS = 1.0

_seen: dict[int, bool] = {}  # by a scene's session_uid: whether animated shapes are rendered


def in_renders(scene: bpy.types.Scene) -> bool:
    """Whether a render of the scene would show animated shapes standing still: for drawing."""
    return frames.unsafe(scene) and _seen.get(scene.session_uid, False)


def look() -> bool:
    """Look through the scenes that windows show; whether anything changed."""
    found = {
        window.scene.session_uid: any(not ob.hide_render for ob in frames.moving(window.scene))
        for window in bpy.context.window_manager.windows
    }
    changed = found != _seen
    _seen.clear()
    _seen.update(found)
    return changed


def tick() -> None:
    """Look, and have all windows show what was found."""
    if look():
        for window in bpy.context.window_manager.windows:
            for area in window.screen.areas:
                area.tag_redraw()


@persistent
def _changed(*_: object) -> None:
    if not bpy.app.background and not bpy.app.timers.is_registered(tick):
        # Persistent: the wheels of 4.5 hang at exit over one that a new file has dropped.
        bpy.app.timers.register(tick, first_interval=LOOK_SECONDS, persistent=True)


def register() -> None:
    bpy.app.handlers.depsgraph_update_post.append(_changed)
    bpy.app.handlers.load_post.append(_changed)


def unregister() -> None:
    bpy.app.handlers.load_post.remove(_changed)
    bpy.app.handlers.depsgraph_update_post.remove(_changed)
    _seen.clear()
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
