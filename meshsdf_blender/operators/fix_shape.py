"""Buttons of the fix-it panel for the active shape: mode, mesh, links, code."""

from __future__ import annotations

import bpy
from bpy.props import StringProperty

from ..errors import Refusal
from ..shapes import chosen
from ..trust import mend_shape
from ..wording import counted
from .guarded import NeedsNoFit
from .needs import A_SHAPE, Need


def _shape_or_former(context: bpy.types.Context) -> None:
    if not chosen.is_former(context.active_object):
        chosen.check_shape(context.active_object)


class MendsShape(NeedsNoFit):
    """A fix for the active shape, in whatever state that is."""

    needs = (A_SHAPE,)


class MendsObject(NeedsNoFit):
    """A fix for the active shape, or for a regular mesh that wants to be one again."""

    needs = (Need("an active shape, or a regular mesh that was one", _shape_or_former),)


def _active(context: bpy.types.Context) -> None:
    if context.active_object is None:
        raise Refusal("No object is active", "Select the one to leave the mode of")


class MESHSDF_OT_fix_mode(NeedsNoFit, bpy.types.Operator):
    bl_idname = "meshsdf.fix_mode"
    bl_label = "Leave the Mode"
    bl_description = "Go back to Object Mode, where the shape's mesh can be replaced"
    bl_options = {"REGISTER", "UNDO"}

    needs = (Need("an active object", _active),)

    def perform(self, context: bpy.types.Context) -> None:
        bpy.ops.object.mode_set(mode="OBJECT")


class MESHSDF_OT_fix_shared(MendsShape, bpy.types.Operator):
    bl_idname = "meshsdf.fix_shared"
    bl_label = "Make Single User"
    bl_description = "Give the shape a mesh of its own; the other objects keep theirs as it is"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        mend_shape.make_single(context.active_object)


class MESHSDF_OT_fix_shape_keys(MendsShape, bpy.types.Operator):
    bl_idname = "meshsdf.fix_shape_keys"
    bl_label = "Remove Shape Keys"
    bl_description = "Delete all shape keys of the mesh with their animation; the form stays"
    bl_options = {"REGISTER", "UNDO"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return set(context.window_manager.invoke_props_dialog(self, width=360))

    def draw(self, context: bpy.types.Context) -> None:
        keys = context.active_object.data.shape_keys
        blocks = keys.key_blocks if keys else ()
        column = self.layout.column(align=True)
        column.label(
            text=f"{counted(len(blocks), 'shape key')} and all animation of them are lost:",
            icon="ERROR",
        )
        for block in blocks[:6]:
            column.label(text=block.name, icon="SHAPEKEY_DATA")
        if len(blocks) > 6:
            column.label(text=f"and {len(blocks) - 6} more", icon="BLANK1")

    def perform(self, context: bpy.types.Context) -> None:
        count = mend_shape.remove_shape_keys(context.active_object)
        self.report({"INFO"}, f"Removed {counted(count, 'shape key')}")


class MESHSDF_OT_fix_linked(MendsObject, bpy.types.Operator):
    bl_idname = "meshsdf.fix_linked"
    bl_label = "Make Local"
    bl_description = "Make a copy that belongs to this file; later changes of its library are lost"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        mend_shape.make_local(context, context.active_object)


class MESHSDF_OT_fix_code(MendsShape, bpy.types.Operator):
    bl_idname = "meshsdf.fix_code"
    bl_label = "Start from the Mean"
    bl_description = "Give the shape the mean code of its space, as a new one has"
    bl_options = {"REGISTER", "UNDO"}

    object: StringProperty(
        name="Object",
        description="Which shape to mend, by its name in any case; empty: the active one",
        options={"SKIP_SAVE"},
    )

    def perform(self, context: bpy.types.Context) -> None:
        ob = chosen.named_shape(self.object) if self.object else context.active_object
        mend_shape.renew_code(ob)


class MESHSDF_OT_fix_transform(MendsShape, bpy.types.Operator):
    bl_idname = "meshsdf.fix_transform"
    bl_label = "Fit the Shape Alone"
    bl_description = "Let fits change the form only, and leave the object where it is"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        settings = context.scene.meshsdf
        settings.move = settings.turn = settings.scale = False
        settings.fit_code = True


classes = (
    MESHSDF_OT_fix_mode,
    MESHSDF_OT_fix_shared,
    MESHSDF_OT_fix_shape_keys,
    MESHSDF_OT_fix_linked,
    MESHSDF_OT_fix_code,
    MESHSDF_OT_fix_transform,
)
register, unregister = bpy.utils.register_classes_factory(classes)
