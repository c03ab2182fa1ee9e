"""After a fit: see what was before, keep the fitted shape, or go back."""

from __future__ import annotations

import bpy

from ..errors import Refusal
from ..fitting import before, overlay
from ..shapes import mesh_upload, shape
from .guarded import NeedsNoFit


class NeedsBefore(NeedsNoFit):
    """An operator on the active shape while a fit of it waits to be accepted."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        ob = context.active_object
        if not shape.is_shape(ob) or not before.exists(ob):
            cls.poll_message_set("No fit of the active object waits to be accepted")
            return False
        try:
            cls.refuse(ob)
        except Refusal as refusal:
            cls.poll_message_set(str(refusal))
            return False
        return True

    @staticmethod
    def refuse(ob: bpy.types.Object) -> None:
        """Raise Refusal where the object may not be changed."""
        mesh_upload.check_own(ob)


class MESHSDF_OT_fit_compare(NeedsBefore, bpy.types.Operator):
    bl_idname = "meshsdf.fit_compare"
    bl_label = "Show Before"
    bl_description = (
        "Switch between the shape before the fit and the fitted one, neither of which is lost"
    )
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        before.toggle(context.active_object)


class MESHSDF_OT_fit_accept(NeedsBefore, bpy.types.Operator):
    bl_idname = "meshsdf.fit_accept"
    bl_label = "Accept"
    bl_description = "Keep the fitted shape and forget the one before, which ends the comparison"
    bl_options = {"REGISTER", "UNDO"}

    @staticmethod
    def refuse(ob: bpy.types.Object) -> None:
        mesh_upload.check_editable(ob)

    def perform(self, context: bpy.types.Context) -> None:
        before.accept(context.active_object)
        overlay.end()


class MESHSDF_OT_fit_back(NeedsBefore, bpy.types.Operator):
    bl_idname = "meshsdf.fit_back"
    bl_label = "Go Back"
    bl_description = "Put the shape before the fit back and forget the fitted one"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        before.back(context.active_object)
        overlay.end()


classes = (MESHSDF_OT_fit_compare, MESHSDF_OT_fit_accept, MESHSDF_OT_fit_back)
register, unregister = bpy.utils.register_classes_factory(classes)
