"""The list of codes on a shape: store, apply, remove, put in order."""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty, StringProperty

from ..blending import stored
from ..errors import Refusal
from ..shapes import shape
from .directions import DIRECTIONS
from .guarded import NeedsShape
from .needs import Need


def _names(operator: object, context: bpy.types.Context, edit: str) -> list[str]:
    ob = context.active_object
    return [entry.name for entry in ob.meshsdf.blend.codes] if shape.is_shape(ob) else []


def _has_codes(context: bpy.types.Context) -> None:
    if not context.active_object.meshsdf.blend.codes:
        raise Refusal("Store a code of this shape first", script="bpy.ops.meshsdf.code_store()")


class OneCode(NeedsShape):
    """An operator on a stored code of the active shape."""

    needs = (Need("a stored code", _has_codes),)

    code: StringProperty(
        name="Code",
        description="Its name, or its number from 1 on; the selected one where empty",
        search=_names,
    )

    def place(self, ob: bpy.types.Object) -> int:
        """Where the code is in the list. Raises Refusal."""
        return stored.find(ob, self.code.strip())


class MESHSDF_OT_code_store(NeedsShape, bpy.types.Operator):
    bl_idname = "meshsdf.code_store"
    bl_label = "Store Code"
    bl_description = "Keep the shape as it is now in its list, to come back to and to blend with"
    bl_options = {"REGISTER", "UNDO"}

    title: StringProperty(
        name="Name", description="What to call it in the list; a number where empty"
    )

    def perform(self, context: bpy.types.Context) -> None:
        stored.store(context.active_object, self.title)


class MESHSDF_OT_code_apply(OneCode, bpy.types.Operator):
    bl_idname = "meshsdf.code_apply"
    bl_label = "Apply Code"
    bl_description = "Give the shape a stored code again; from then on its sliders lead it"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        ob = context.active_object
        blend = ob.meshsdf.blend
        place = self.place(ob)
        shape.extract(ob, stored.code_of(ob, blend.codes[place]))
        blend.mode, blend.active = "NONE", place


class MESHSDF_OT_code_remove(OneCode, bpy.types.Operator):
    bl_idname = "meshsdf.code_remove"
    bl_label = "Remove Code"
    bl_description = "Forget a stored code and the keyframes of its weight; the shape stays"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        ob = context.active_object
        stored.remove(ob, self.place(ob))


class MESHSDF_OT_code_move(OneCode, bpy.types.Operator):
    bl_idname = "meshsdf.code_move"
    bl_label = "Move Code"
    bl_description = "Give a stored code another place in the list, with its weight and keyframes"
    bl_options = {"REGISTER", "UNDO"}

    direction: EnumProperty(name="Direction", description="Where to", items=DIRECTIONS)

    def perform(self, context: bpy.types.Context) -> None:
        ob = context.active_object
        stored.move(ob, self.place(ob), -1 if self.direction == "UP" else 1)


classes = (
    MESHSDF_OT_code_store,
    MESHSDF_OT_code_apply,
    MESHSDF_OT_code_remove,
    MESHSDF_OT_code_move,
)
register, unregister = bpy.utils.register_classes_factory(classes)
