"""What every window is to show anew: its 3D views, and the status line."""

from __future__ import annotations

import bpy


def redraw(context: bpy.types.Context) -> None:
    """Ask for a redraw of every 3D view: the panel's numbers changed."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


def tell_status(manager: bpy.types.WindowManager, text: str | None) -> None:
    """Say ``text`` in the status line of every window; None gives it back to Blender."""
    for window in manager.windows:
        window.workspace.status_text_set(text)
