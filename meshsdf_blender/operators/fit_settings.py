"""How to fit, in one go: what may change, and presets."""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty, StringProperty

from ..errors import Refusal
from ..fitting import changes, presets
from ..fitting.changes import CHANGES
from .guarded import NeedsNoFit
from .needs import Need


class MESHSDF_OT_fit_change(NeedsNoFit, bpy.types.Operator):
    bl_idname = "meshsdf.fit_change"
    bl_label = "Choose What Changes"
    bl_description = "Set at once what a fit may change"
    bl_options = {"REGISTER", "UNDO"}

    what: EnumProperty(name="Change", description="What a fit may change", items=CHANGES)

    @classmethod
    def description(
        cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties
    ) -> str:
        return next(text for name, _, text in CHANGES if name == properties.what)

    def perform(self, context: bpy.types.Context) -> None:
        changes.allow(context.scene.meshsdf, self.what)


class MESHSDF_OT_fit_preset(NeedsNoFit, bpy.types.Operator):
    bl_idname = "meshsdf.fit_preset"
    bl_label = "Use Preset"
    bl_description = "Set steps, rate, plausibility, resolution and pixels as the preset has them"
    bl_options = {"REGISTER", "UNDO"}

    name: StringProperty(name="Name", description="Draft, Balanced, Fine, or one of your own")

    @classmethod
    def description(
        cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties
    ) -> str:
        return presets.TELLING.get(properties.name, cls.bl_description)

    def perform(self, context: bpy.types.Context) -> None:
        presets.apply(context.scene.meshsdf, self.name)


class MESHSDF_OT_fit_preset_add(NeedsNoFit, bpy.types.Operator):
    bl_idname = "meshsdf.fit_preset_add"
    bl_label = "Add Preset"
    bl_description = "Keep these settings under a name, for all files on this machine"

    name: StringProperty(
        name="Name",
        description="What to call it; one of your own of that name is replaced",
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return set(context.window_manager.invoke_props_dialog(self))

    def perform(self, context: bpy.types.Context) -> None:
        presets.save(context.scene.meshsdf, self.name)


def _own_preset(context: bpy.types.Context) -> None:
    if not presets.own_names():
        raise Refusal(
            "There are no presets of your own; the built-in ones stay",
            script="bpy.ops.meshsdf.fit_preset_add(name=...)",
        )


class MESHSDF_OT_fit_preset_remove(NeedsNoFit, bpy.types.Operator):
    bl_idname = "meshsdf.fit_preset_remove"
    bl_label = "Remove Preset"
    bl_description = "Forget the preset that is in use; the settings stay as they are"

    name: StringProperty(
        name="Name", description="Which one; empty: the one in use", options={"SKIP_SAVE"}
    )

    needs = (Need("a preset of your own", _own_preset),)

    def perform(self, context: bpy.types.Context) -> None:
        presets.remove(self.name or presets.current(context.scene.meshsdf))


classes = (
    MESHSDF_OT_fit_change,
    MESHSDF_OT_fit_preset,
    MESHSDF_OT_fit_preset_add,
    MESHSDF_OT_fit_preset_remove,
)
_register, _unregister = bpy.utils.register_classes_factory(classes)


def register() -> None:
    presets.forget()
    _register()


def unregister() -> None:
    _unregister()
