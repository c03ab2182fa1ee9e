"""Where on a shape's surface a handle may be put: nearest to a point, or under the mouse."""

from __future__ import annotations

import bpy
import numpy as np
from bpy_extras.view3d_utils import region_2d_to_origin_3d, region_2d_to_vector_3d
from mathutils import Vector
from mathutils.bvhtree import BVHTree

from ..errors import Refusal
from ..shapes import mesh_upload, shape

# A share of a triangle by which rays that meet its edges may miss it, by rounding.
EDGE = 1e-9


def nearest(ob: bpy.types.Object, point: Vector) -> Vector:
    """The point of a shape's surface nearest to a point, both in the world. Raises Refusal."""
    world, faces = _surface(ob)
    tree = BVHTree.FromPolygons(world.tolist(), faces.tolist(), all_triangles=True)
    found = tree.find_nearest(point)[0]
    if found is None:
        raise Refusal(
            f"Object '{ob.name}' has no surface to put a handle on",
            "Say where it stands: location=(x, y, z), or mesh the shape anew",
            script="bpy.ops.meshsdf.shape_update()",
        )
    return found


def under_mouse(ob: bpy.types.Object, window: bpy.types.Window, x: int, y: int) -> Vector | None:
    """The point of a shape that is seen at a place of the window, in the world.

    None where no 3D view is there, or nothing of the shape in it.
    """
    region = view_at(window, x, y)
    if region is None:
        return None
    return seen(ob, region, region.data, (x - region.x, y - region.y))


def seen(
    ob: bpy.types.Object,
    region: bpy.types.Region,
    view: bpy.types.RegionView3D,
    at: tuple[float, float],
) -> Vector | None:
    """The point of a shape that a view shows at a place of its region; None where it shows none."""
    origin, way = region_2d_to_origin_3d(region, view, at), region_2d_to_vector_3d(region, view, at)
    return _met(np.array(origin, dtype=np.float64), np.array(way, dtype=np.float64), ob)


def _met(origin: np.ndarray, way: np.ndarray, ob: bpy.types.Object) -> Vector | None:
    """The first point of a shape's surface along a ray (Moeller and Trumbore, 1997).

    The trap: the rays of Blender's own tree miss what lies exactly in the plane of an edge, as the
    middle of a symmetric shape does in a view along an axis.
    """
    world, faces = _surface(ob)
    a, b, c = (world[faces[:, corner]] for corner in range(3))
    across = np.cross(way, c - a)
    size = np.einsum("fx,fx->f", b - a, across)
    whole = np.where(size == 0, np.inf, size)  # seen from its side, or without an area
    off = origin - a
    second = np.einsum("fx,fx->f", off, across) / whole
    along = np.cross(off, b - a)
    third = along @ way / whole
    ahead = np.einsum("fx,fx->f", c - a, along) / whole
    inside = (second >= -EDGE) & (third >= -EDGE) & (second + third <= 1 + EDGE)
    met = ahead[(size != 0) & inside & (ahead > 0)]
    return Vector(origin + met.min() * way) if len(met) else None


def view_at(window: bpy.types.Window, x: int, y: int) -> bpy.types.Region | None:
    """The 3D view's region at a place of the window; None under sidebars, headers and the rest."""
    for area in window.screen.areas:
        if area.type != "VIEW_3D" or not _holds(area, x, y):
            continue
        there = [region for region in area.regions if _holds(region, x, y)]
        # Sidebars lie over the view.
        return there[0] if len(there) == 1 and there[0].type == "WINDOW" else None
    return None


def _holds(box: bpy.types.Area | bpy.types.Region, x: int, y: int) -> bool:
    return box.x <= x < box.x + box.width and box.y <= y < box.y + box.height


def _surface(ob: bpy.types.Object) -> tuple[np.ndarray, np.ndarray]:
    """A shape's own mesh in the world, without modifiers: ``(V, 3)`` float64, ``(F, 3)``."""
    vertices, faces = mesh_upload.read(shape.mesh_of(ob))
    matrix = np.array(ob.matrix_world, dtype=np.float64)
    return vertices @ matrix[:3, :3].T + matrix[:3, 3], faces
