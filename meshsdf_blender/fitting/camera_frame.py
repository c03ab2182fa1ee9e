"""Where a viewport that looks through a camera shows the frame that is rendered."""

from __future__ import annotations

import bpy
from bpy_extras.view3d_utils import location_3d_to_region_2d

Rectangle = tuple[float, float, float, float]


def frame_rectangle(
    region: bpy.types.Region,
    shown: bpy.types.RegionView3D,
    camera: bpy.types.Object,
    scene: bpy.types.Scene,
) -> Rectangle | None:
    """Left, bottom, right and top in the region's pixels, y up; None where it cannot be seen.

    Zoom, pan and shift of the camera view are in the region's own matrix.
    """
    placed = camera.matrix_world.normalized()  # the scale of a camera object does not count
    corners = []
    for corner in camera.data.view_frame(scene=scene):
        seen = location_3d_to_region_2d(region, shown, placed @ corner)
        if seen is None:
            return None
        corners.append(seen)
    across, up = [corner[0] for corner in corners], [corner[1] for corner in corners]
    rectangle = min(across), min(up), max(across), max(up)
    if rectangle[2] - rectangle[0] < 1 or rectangle[3] - rectangle[1] < 1:
        return None
    return rectangle
