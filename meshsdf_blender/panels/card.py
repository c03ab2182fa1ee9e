"""What a space is, where it comes from, how good it is, and whether the .blend carries it."""

from __future__ import annotations

import bpy

from ..shapes import shape
from ..spaces import catalogue, packed, space_card
from .tab import Tab, characters, wrapped


class MESHSDF_PT_card(Tab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_card"
    bl_label = "About the Space"
    bl_parent_id = "MESHSDF_PT_main"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 9

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return bool(_shown(context)[0])

    def draw(self, context: bpy.types.Context) -> None:
        layout, width = self.layout, characters(context)
        space, up = _shown(context)
        layout.label(text=catalogue.title(space), icon="MESH_DATA")
        _draw_packing(layout, space, up)
        for heading, text in space_card.card(space):
            column = layout.column(align=True)
            if heading:
                column.label(text=heading)
            wrapped(column, text, width, icon="BLANK1" if heading else "NONE")


def _shown(context: bpy.types.Context) -> tuple[str, str]:
    """The active shape's space; without one, the chosen space."""
    ob = context.active_object
    if shape.is_shape(ob) and ob.library is None:
        return ob.meshsdf.space, ob.meshsdf.up
    return catalogue.chosen(context.scene)


def _draw_packing(layout: bpy.types.UILayout, space: str, up: str) -> None:
    row = layout.row(align=True)
    if packed.is_packed(space):
        row.label(text=f"Packed: {packed.size_of(space) / 1e6:.1f} MB", icon="PACKAGE")
        button = row.operator("meshsdf.space_unpack", text="Unpack")
    else:
        button = row.operator("meshsdf.space_pack", icon="PACKAGE")
    button.space, button.up = space, up


classes = (MESHSDF_PT_card,)
register, unregister = bpy.utils.register_classes_factory(classes)
