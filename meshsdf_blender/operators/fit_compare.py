"""After a fit: see what was before, keep the fitted shape, or go back."""

from __future__ import annotations

import bpy

from ..errors import Refusal
from ..fitting import before, overlay
from ..shapes import shape
from .guarded import NeedsNoFit
from .needs import NOT_COMPARED, OWN, Need


def _waits(context: bpy.types.Context) -> None:
    ob = context.active_object
    if not shape.is_shape(ob) or not before.exists(ob):
        raise Refusal(
            "No fit of the active object waits to be accepted", script="bpy.ops.meshsdf.fit()"
        )


class NeedsBefore(NeedsNoFit):
    """An operator on the active shape while a fit of it waits to be accepted."""

    needs: tuple[Need, ...] = (
        Need("an active shape with a fit that waits to be accepted", _waits),
        OWN,
    )


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

    needs = (NOT_COMPARED,)

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
