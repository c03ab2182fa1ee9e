"""Showing what a fit would compare, before it is started."""

from __future__ import annotations

import bpy

from ..fitting import overlay, overlay_follow
from ..redraw import redraw
from .guarded import NeedsNoFit
from .needs import A_SHAPE, AIMED, Need


def _aimed(context: bpy.types.Context) -> None:
    if overlay.current() is None:
        AIMED.check(context)


class MESHSDF_OT_target_preview(NeedsNoFit, bpy.types.Operator):
    bl_idname = "meshsdf.target_preview"
    bl_label = "Preview Target"
    bl_description = (
        "Look through the camera and draw the outlines of target and shape over it, "
        "with their present overlap; press again to end it"
    )
    bl_options = {"REGISTER"}

    needs = (A_SHAPE,)
    asks = (Need(f"to begin it, {AIMED.words}", _aimed),)

    def perform(self, context: bpy.types.Context) -> None:
        if overlay.current() is not None:
            overlay.end()
        else:
            overlay.preview(context, context.active_object)
            context.scene.meshsdf.overlay.show = True
            overlay_follow.begin(context.scene)
            view = context.region_data
            if view is not None and hasattr(view, "view_perspective"):
                view.view_perspective = "CAMERA"
        redraw(context)


classes = (MESHSDF_OT_target_preview,)
register, unregister = bpy.utils.register_classes_factory(classes)
