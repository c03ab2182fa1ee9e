"""What a fit may change, how long it takes, how fine it is."""

from __future__ import annotations

import bpy

from .. import running
from ..fitting import changes, presets
from ..fitting.changes import CHANGES, POSE
from .tab import ShapeTab


class MESHSDF_MT_fit_presets(bpy.types.Menu):
    bl_idname = "MESHSDF_MT_fit_presets"
    bl_label = "Fit Presets"

    def draw(self, context: bpy.types.Context) -> None:
        for name in presets.names():
            self.layout.operator("meshsdf.fit_preset", text=name).name = name


class MESHSDF_PT_fit_settings(ShapeTab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_fit_settings"
    bl_label = "Settings"
    bl_parent_id = "MESHSDF_PT_fit"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.meshsdf
        layout.enabled = running.current() is None
        row = layout.row(align=True)
        row.menu("MESHSDF_MT_fit_presets", text=presets.current(settings) or "Own Settings")
        row.operator("meshsdf.fit_preset_add", text="", icon="ADD")
        row.operator("meshsdf.fit_preset_remove", text="", icon="REMOVE")
        pressed = changes.allowed(settings)
        row = layout.row(align=True)
        for what, label, _ in CHANGES:
            button = row.operator("meshsdf.fit_change", text=label, depress=what == pressed)
            button.what = what
        row = layout.row(align=True)
        for name in ("fit_code", *POSE):
            row.prop(settings, name, toggle=True)
        layout.use_property_split = True
        layout.use_property_decorate = False
        for name in ("solver", "steps", "rate", "prior", "resolution", "pixels"):
            if name != "rate" or settings.solver == "ADAM":
                layout.prop(settings, name)


classes = (MESHSDF_MT_fit_presets, MESHSDF_PT_fit_settings)
register, unregister = bpy.utils.register_classes_factory(classes)
