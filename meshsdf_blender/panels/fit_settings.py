"""What a fit may change, how long it takes, how fine it is."""

from __future__ import annotations

import bpy

from ..fitting import fit_run
from .tab import ShapeTab


class MESHSDF_PT_fit_settings(ShapeTab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_fit_settings"
    bl_label = "Settings"
    bl_parent_id = "MESHSDF_PT_fit"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.meshsdf
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.enabled = fit_run.current() is None
        column = layout.column(heading="Change", align=True)
        for name in ("fit_code", "move", "turn", "scale"):
            column.prop(settings, name)
        for name in ("steps", "rate", "prior", "resolution", "pixels"):
            layout.prop(settings, name)


classes = (MESHSDF_PT_fit_settings,)
register, unregister = bpy.utils.register_classes_factory(classes)
