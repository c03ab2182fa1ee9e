"""The active shape: how it is meshed, and what is known of its mesh."""

from __future__ import annotations

import textwrap

import bpy

from ..fitting import before
from ..shapes import codes, shape
from .tab import ShapeTab, characters, draw_compared


class MESHSDF_PT_shape(ShapeTab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_shape"
    bl_label = "Shape"
    bl_parent_id = "MESHSDF_PT_main"
    bl_order = 2
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        told = context.active_object.meshsdf
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column()
        column.enabled = not draw_compared(layout, context)
        column.prop(told, "resolution")
        column.prop(told, "cap")
        row = column.row(align=True)
        row.operator("meshsdf.shade", text="Shade Smooth").flat = False
        row.operator("meshsdf.shade", text="Shade Flat").flat = True
        column = layout.column(align=True)
        for line in shape.readout(context.active_object, context.scene):
            column.label(text=line)
        for number, line in enumerate(textwrap.wrap(told.message, characters(context))):
            column.label(text=line, icon="BLANK1" if number else "INFO")


class MESHSDF_PT_advanced(ShapeTab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_advanced"
    bl_label = "Advanced"
    bl_parent_id = "MESHSDF_PT_shape"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, ob = self.layout, context.active_object
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.enabled = not before.shown(ob)
        layout.prop(ob.meshsdf, "space")
        layout.prop(ob.meshsdf, "newton")
        layout.operator("meshsdf.shape_update", icon="FILE_REFRESH")
        if ob.get(codes.KEY) is not None:
            layout.use_property_decorate = True
            layout.prop(ob, f'["{codes.KEY}"]', text="Code")


classes = (MESHSDF_PT_shape, MESHSDF_PT_advanced)
register, unregister = bpy.utils.register_classes_factory(classes)
