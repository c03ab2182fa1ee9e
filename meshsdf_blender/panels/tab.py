"""The sidebar tab that all panels are in, and how much text fits into it."""

from __future__ import annotations

import textwrap
from typing import Any

import bpy

from ..fitting import before
from ..shapes import shape

CHARACTER_PIXELS = 6.5
COMPARED = "This is the shape before the fit. Show Fitted or Go Back, under Fit, to change it"


class Tab:
    """Where all panels are: the sidebar of the 3D view."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "MeshSDF"


class ShapeTab(Tab):
    """A panel that is there only while a shape is active."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return shape.is_shape(context.active_object)


def characters(context: bpy.types.Context) -> int:
    """How many characters of text fit into the sidebar."""
    width = context.region.width if context.region else 240
    return max(20, int(width / (CHARACTER_PIXELS * context.preferences.system.ui_scale)) - 6)


def wrapped(layout: bpy.types.UILayout, text: str, width: int, *, icon: Any = "NONE") -> None:
    """A text in lines of ``width`` characters; the icon before the first."""
    for number, line in enumerate(textwrap.wrap(text, width)):
        layout.label(text=line, icon=icon if number == 0 or icon == "NONE" else "BLANK1")


def draw_compared(layout: bpy.types.UILayout, context: bpy.types.Context) -> bool:
    """Why the controls of the active shape are greyed out, while the one before its fit is shown.

    Returns whether it is.
    """
    if not before.shown(context.active_object):
        return False
    wrapped(layout, COMPARED, characters(context), icon="INFO")
    return True
