"""Blending: between which codes, and how far."""

from __future__ import annotations

import bpy

from .tab import ShapeTab


class MESHSDF_PT_blend(ShapeTab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_blend"
    bl_label = "Blend"
    bl_parent_id = "MESHSDF_PT_main"
    bl_order = 4
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.meshsdf.blend
        layout.use_property_split = True
        layout.use_property_decorate = False
        names = ("first", "second", "factor", "method")
        for name in names:
            layout.prop(settings, name)
        blend = layout.operator("meshsdf.interpolate", icon="MOD_SIMPLEDEFORM")
        for name in names:
            setattr(blend, name, getattr(settings, name))


classes = (MESHSDF_PT_blend,)
register, unregister = bpy.utils.register_classes_factory(classes)
