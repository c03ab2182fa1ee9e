"""The active shape: how it is meshed, and what is known of its mesh."""

from __future__ import annotations

import textwrap

import bpy

from ..shapes import shape
from .tab import ShapeTab, characters


class MESHSDF_PT_shape(ShapeTab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_shape"
    bl_label = "Shape"
    bl_parent_id = "MESHSDF_PT_main"
    bl_order = 2

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        told = context.active_object.meshsdf
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(told, "space")
        layout.prop(told, "resolution")
        layout.prop(told, "newton")
        layout.prop(told, "cap")
        layout.operator("meshsdf.shape_update", icon="FILE_REFRESH")
        column = layout.column(align=True)
        words = shape.topology(
            {
                "components": told.components,
                "genus": None if told.genus < 0 else told.genus,
            }
        )
        column.label(text=f"{words}, {told.faces:,} triangles")
        for number, line in enumerate(textwrap.wrap(told.message, characters(context))):
            column.label(text=line, icon="BLANK1" if number else "INFO")


classes = (MESHSDF_PT_shape,)
register, unregister = bpy.utils.register_classes_factory(classes)
