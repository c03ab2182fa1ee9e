"""What every window is to show anew: its 3D views, and the status line."""

from __future__ import annotations

import bpy


def redraw(context: bpy.types.Context) -> None:
    """Ask for a redraw of every 3D view: the panel's numbers changed."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


def tell_status(manager: bpy.types.WindowManager, text: str | None, *, keys: str = "") -> None:
    """Say ``text`` in the status line of every window; None gives it back to Blender.

    ``keys`` is added where a running operator of ours hears them: in the window it began in.

    The trap: a workspace keeps its text when its window shows another one. And whichever is asked,
    Blender writes to the context's, of which a timer has none.
    """
    windows, within = list(manager.windows), bpy.context.temp_override
    for window in windows:
        with within(window=window):
            heard = text is not None and any(map(_is_ours, window.modal_operators))
            window.workspace.status_text_set(f"{text}   {keys}" if keys and heard else text)
    if text is None and windows:
        left = set(bpy.data.workspaces) - {window.workspace for window in windows}
        for workspace in left:
            # Together with a window it would be ignored.
            with within(window=windows[0]), within(workspace=workspace):
                workspace.status_text_set(None)


def _is_ours(operator: bpy.types.Operator) -> bool:
    return operator.bl_idname.startswith("MESHSDF_OT_")
