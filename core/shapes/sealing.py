"""A closed surface anew, from signs and distances on a grid: for what cannot be repaired.

Coarse to fine: only cells that the surface may cross are halved. Inner voids are filled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..errors import SampleError
from .distances import signed_distances
from .geometry import FloatArray, IntArray, libigl, signed_volumes, winding_numbers
from .sampling import surface_points
from .welding import parts, weld

# Cells along the longest side of the mesh's box, and how often the coarsest grid is halved to get
# there. The border keeps the result closed, and the flood outside in one piece.
CELLS = 128
HALVINGS = 2
BORDER = 1 << HALVINGS
# What is thinner than a cell tears. It is thickened by these numbers of cells, until it does not.
THICKENINGS = (0.0, 0.5, 0.9)
PLATE_CELLS = 0.9
# Torn: more than this share of the surface is left outside of the result, by this many cells.
TORN_SHARE = 0.01
TORN_CELLS = 0.75
TRIED_POINTS = 4000
# Pieces smaller than this share of the whole volume are crumbs.
CRUMB = 1e-4


@dataclass(frozen=True)
class Sealed:
    """A closed outward surface; ``thickened`` is how far the solid's walls were moved outward."""

    vertices: FloatArray
    faces: IntArray
    thickened: float
    cell: float
    crumbs: int


@dataclass(frozen=True)
class Walls:
    """What is sealed: ``solid`` faces ``(F, 3)`` enclose a volume, ``plates`` ``(P, 3)`` do not."""

    vertices: FloatArray
    solid: IntArray
    plates: IntArray

    def values(self, points: FloatArray, grow: float, plate: float) -> FloatArray:
        """At ``points`` ``(N, 3)``, negative inside: the solid, grown, and the plates, as far as
        ``plate`` from them."""
        igl = libigl()
        points = np.ascontiguousarray(points)
        values = np.full(len(points), np.inf)
        if len(self.solid):
            squared, *_ = igl.point_mesh_squared_distance(points, self.vertices, self.solid)
            inside = winding_numbers(self.vertices, self.solid, points) > 0.5
            values = np.where(inside, -1.0, 1.0) * np.sqrt(squared) - grow
        if len(self.plates):
            squared, *_ = igl.point_mesh_squared_distance(points, self.vertices, self.plates)
            values = np.minimum(values, np.sqrt(squared) - plate)
        return values


def seal(walls: Walls, *, thickness: float = 0.0) -> Sealed:
    """The surface of what ``walls`` enclose (winding number above 1/2) and of their thin plates.

    Plates get the ``thickness``, half on each side, or what the grid can show. Raises SampleError
    when nothing is enclosed, or when the result would be torn.
    """
    used = walls.vertices[np.unique(np.concatenate([walls.solid, walls.plates]))]
    low, high = used.min(axis=0), used.max(axis=0)
    cell = float((high - low).max()) / (CELLS - 2 * BORDER)
    both = np.concatenate([walls.solid, walls.plates])
    tried = surface_points(walls.vertices, both, TRIED_POINTS, rng=np.random.default_rng(0))
    for step in THICKENINGS:
        grow = step * cell
        plate = max(thickness / 2, PLATE_CELLS * cell)
        reach = plate if len(walls.plates) else grow
        field, origin = _field(walls, (low - reach, high + reach), cell, (grow, plate))
        if not (field < 0).any():
            continue
        sealed, crumbs = _largest(_surface(field, origin, cell))
        if not len(sealed[1]):
            continue
        # Hidden faces and those around voids are inside now; what is outside was torn off.
        beyond = signed_distances(*sealed, tried) > TORN_CELLS * cell
        if beyond.mean() <= TORN_SHARE:
            return Sealed(*sealed, grow, cell, crumbs)
    raise SampleError(
        "It encloses nothing that holds together, even when thickened",
        "Close its holes, or give its walls a thickness (in Blender: the Solidify modifier)",
    )


def _field(
    walls: Walls, box: tuple[FloatArray, FloatArray], cell: float, sizes: tuple[float, float]
) -> tuple[NDArray[np.float64], FloatArray]:
    """Values at the nodes of the finest grid, negative inside, and where its first node is."""
    low, high = box
    coarse = cell * 2**HALVINGS
    size = np.ceil((high - low) / coarse).astype(np.int64) + 2
    origin = (low + high) / 2 - coarse * size / 2
    values, wanted = np.zeros(size + 1), np.ones(size + 1, bool)
    for level in range(HALVINGS + 1):
        step = coarse / 2**level
        if level:
            values = _halved(values)
            # The surface is nearer than a cell's diagonal to the corners of cells that it crosses;
            # the rest allows for the error of interpolation.
            wanted = np.abs(values) < 1.5 * step * np.sqrt(3)
        values[wanted] = walls.values(origin + step * np.argwhere(wanted), *sizes)
    outside, _ = ndimage.label(values >= 0)
    values[(outside != outside[0, 0, 0]) & (values >= 0)] = -cell
    return values, origin


def _halved(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values on a grid of half the step, by interpolation."""
    for axis in range(3):
        values = np.moveaxis(values, axis, 0)
        between = (values[:-1] + values[1:]) / 2
        finer = np.empty((2 * len(values) - 1, *values.shape[1:]))
        finer[::2], finer[1::2] = values, between
        values = np.moveaxis(finer, 0, axis)
    return values


def _surface(
    field: NDArray[np.float64], origin: FloatArray, cell: float
) -> tuple[FloatArray, IntArray]:
    """The zero set as an outward surface. The grid's border is outside: it is closed."""
    from skimage.measure import marching_cubes

    nodes, faces, _, _ = marching_cubes(field, 0.0)
    vertices = np.asarray(nodes, np.float64) * cell + origin
    faces = np.ascontiguousarray(faces, np.int64)
    if signed_volumes(vertices, faces).sum() < 0:
        faces = np.ascontiguousarray(faces[:, ::-1])
    return vertices, faces


def _largest(surface: tuple[FloatArray, IntArray]) -> tuple[tuple[FloatArray, IntArray], int]:
    """The surface without crumbs, and how many there were."""
    vertices, faces = weld(*surface)
    label = parts(faces)
    volumes = np.bincount(label, signed_volumes(vertices, faces))
    kept = volumes > CRUMB * volumes.sum()
    return weld(vertices, faces[kept[label]]), int((~kept).sum())
