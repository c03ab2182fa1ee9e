"""Text for the artist to paste; printed where Blender has no window, and so no clipboard."""

from __future__ import annotations

import bpy


def put(context: bpy.types.Context, text: str, what: str, then: str = "") -> str:
    """Copy ``text`` or print it; returns what to report of it, and what to do ``then``."""
    if bpy.app.background:
        print(text, flush=True)
        return f"Printed {what}: without a window there is no clipboard"
    context.window_manager.clipboard = text
    return f"Copied {what}" + (f": {then}" if then else "")
