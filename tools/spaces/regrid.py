"""A part that is closed but for a few broken edges, drawn anew on a grid."""

from __future__ import annotations

import igl
import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.measure import marching_cubes

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Side of a cell, at the scale of the unit sphere: a chair's arm is ten cells thick.
STEP = 0.006
# Values nearer to the surface than this are moved off it: no triangles without area.
LEAST_VALUE = 1e-6


def regridded(
    vertices: FloatArray, faces: IntArray, *, step: float = STEP
) -> tuple[FloatArray, IntArray]:
    """The surface where the winding number of ``faces`` passes 1/2: closed, outward.

    ``faces`` should face outward for the most part. What is thinner than a cell is lost.
    """
    low, high = vertices.min(axis=0) - 3 * step, vertices.max(axis=0) + 3 * step
    axes = [np.arange(a, b, step) for a, b in zip(low, high, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    flat = points.reshape(-1, 3)
    inside = igl.fast_winding_number(vertices, faces, flat) > 0.5
    # Distances count only beside the surface.
    solid = inside.reshape(points.shape[:3])
    beside = (ndimage.binary_dilation(solid) & ~ndimage.binary_erosion(solid)).reshape(-1)
    distance = np.full(len(flat), step)
    squared, _, _ = igl.point_mesh_squared_distance(flat[beside], vertices, faces)
    distance[beside] = np.maximum(np.sqrt(squared), LEAST_VALUE)
    field = np.where(inside, -distance, distance).reshape(solid.shape)
    found, triangles, _, _ = marching_cubes(field, 0.0, spacing=(step, step, step))
    return found.astype(np.float64) + low, triangles.astype(np.int64)
