"""A warning where Blender's own render settings are: animated shapes that would stand still."""

from __future__ import annotations

import bpy

from ..blending import standing

# The Render menu, and the Output tab of the properties.
PLACES = ("TOPBAR_MT_render", "RENDER_PT_output")


def draw(menu_or_panel: bpy.types.Menu | bpy.types.Panel, context: bpy.types.Context) -> None:
    """Two lines, where they are needed."""
    if standing.in_renders(context.scene):
        column = menu_or_panel.layout.column()
        column.separator()
        column.label(text="MeshSDF shapes stand still", icon="ERROR")
        column.operator("meshsdf.lock_interface", icon="LOCKED")


def register() -> None:
    for name in PLACES:
        getattr(bpy.types, name).append(draw)


def unregister() -> None:
    for name in PLACES:
        getattr(bpy.types, name).remove(draw)
