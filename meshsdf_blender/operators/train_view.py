"""Turning the 3D view to a training's preview, which may stand where nobody looks."""

from __future__ import annotations

import bpy
import numpy as np

from ..errors import Refusal
from ..training import training_preview, training_run
from .guarded import Guarded
from .needs import Need

AWAY = 2.5  # of the view's pivot, in sizes of the preview


def _in_view(context: bpy.types.Context) -> None:
    if context.space_data is None or context.space_data.type != "VIEW_3D":
        raise Refusal("Only a 3D view can be moved")


def _has_preview(context: bpy.types.Context) -> None:
    if _preview(context) is None:
        raise Refusal("There is no preview in this scene")


class MESHSDF_OT_train_view(Guarded, bpy.types.Operator):
    bl_idname = "meshsdf.train_view"
    bl_label = "Show Preview"
    bl_description = "Move the 3D view to the preview, which stands beside the meshes"

    needs = (
        Need("a 3D view", _in_view),
        Need("a running training with its preview in this scene", _has_preview),
    )

    def perform(self, context: bpy.types.Context) -> None:
        context.view_layer.update()
        look_at(context.space_data.region_3d, _preview(context))


def look_at(view: bpy.types.RegionView3D, ob: bpy.types.Object) -> None:
    """Bring an object to the middle of the view, from the side that it is seen from now."""
    local = np.array([tuple(corner) for corner in ob.bound_box])
    matrix = np.array(ob.matrix_world)
    corners = local @ matrix[:3, :3].T + matrix[:3, 3]
    if view.view_perspective == "CAMERA":
        view.view_perspective = "PERSP"
    view.view_location = corners.mean(axis=0).tolist()
    view.view_distance = AWAY * float(np.ptp(corners, axis=0).max())


def _preview(context: bpy.types.Context) -> bpy.types.Object | None:
    """The running training's preview, where it is in the scene that is shown."""
    run = training_run.current()
    ob = None if run is None else training_preview.find(str(run.folder))
    return ob if ob is not None and ob.name in context.scene.objects else None


classes = (MESHSDF_OT_train_view,)
register, unregister = bpy.utils.register_classes_factory(classes)
