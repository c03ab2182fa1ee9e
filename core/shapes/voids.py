"""Inner voids: pockets that nobody sees, such as the one behind a head's closed lips."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .geometry import BoolArray, FloatArray, IntArray, face_normals, winding_numbers

# Cells a side of the grid that finds inner voids. The solid is thickened by so many of them before
# the outside is flooded: a slit narrower than twice that is no opening.
VOID_CELLS = 64
SLIT_CELLS = 2
# Smaller voids (share of the cube's volume) are folds and nostrils, not pockets.
SMALLEST_VOID = 5e-4


def outer_faces(vertices: FloatArray, faces: IntArray) -> IntArray:
    """The faces that do not line an inner void of a mesh in the cube [-1, 1]^3.

    What is outside is flooded from the cube's corner on a grid whose solid part has been thickened
    by two cells, so that the flood does not creep through slits. Without the lining the winding
    number takes the pocket for solid, and distances are those to the outer surface.
    """
    voids = _inner_voids(vertices, faces)
    if not voids.any():
        return faces
    cell = 2.0 / VOID_CELLS
    probes = vertices[faces].mean(axis=1) + cell * face_normals(vertices, faces)
    nodes = np.rint((probes + 1) / cell).astype(np.int64).clip(0, VOID_CELLS)
    near_void = ndimage.binary_dilation(voids)
    return np.asarray(faces[~near_void[tuple(nodes.T)]])


def _inner_voids(vertices: FloatArray, faces: IntArray) -> BoolArray:
    """The nodes of a grid over the cube that lie in pockets closed to the outside."""
    axis = np.linspace(-1, 1, VOID_CELLS + 1)
    nodes = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    winding = winding_numbers(vertices, faces, nodes)
    # A border of empty nodes: the flood starts there even where the shape touches the cube.
    solid = np.pad((winding > 0.5).reshape((VOID_CELLS + 1,) * 3), SLIT_CELLS + 1)
    regions, _ = ndimage.label(~ndimage.binary_dilation(solid, iterations=SLIT_CELLS))
    outside = ndimage.binary_dilation(regions == regions[0, 0, 0], iterations=SLIT_CELLS + 1)
    labels, count = ndimage.label(~solid & ~outside)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    large = sizes >= SMALLEST_VOID * VOID_CELLS**3
    large[0] = False
    inner = slice(SLIT_CELLS + 1, -SLIT_CELLS - 1)
    return np.asarray(large[labels][inner, inner, inner])
