"""Which triangles of a mesh may be the nearest to a point.

Boxes about groups of triangles leave out what is far. Of the rest each lies in its plane, there in
a disc about its centre, and on the inner side of three lines. How far all that is says nearly how
far the triangle is: so few are left even where all are about equally far, as from the middle of a
ball.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# A share of the squared sizes at hand, by which rounding may be off.
ROUNDING = 1e-11
# The area of a triangle, as a share of its reach squared, below which its plane is not sure.
NEEDLE = 1e-3
# Beyond this share of all triangles it is quicker not to pick them out.
MOST = 0.5


class Bounds:
    """Those of triangles ``(F, 3, 3)``, at least one. Their coordinates start near zero."""

    def __init__(self, triangles: Floats) -> None:
        corners = np.ascontiguousarray(triangles.transpose(1, 2, 0))
        self._places, self._starts = _grouped(corners.mean(axis=0))
        corners = corners.take(self._places, axis=2)
        centres = corners.mean(axis=0)
        self._reach: Floats = np.sqrt(((corners - centres) ** 2).sum(axis=1).max(axis=0))
        ahead = corners[[1, 2, 0]] - corners
        normals = _cross(ahead[0], ahead[1])
        areas = _length(normals)
        # Where a plane is not sure the height over it counts as none, and so do its lines.
        sure = areas > NEEDLE * self._reach**2
        normals *= sure / np.where(sure, areas, 1.0)
        # Height over the plane and squared distance to the centre: products with the point.
        self._table: Floats = np.concatenate(
            [normals, [-(normals * centres).sum(axis=0)], centres, [(centres**2).sum(axis=0)]]
        )
        # How far beyond each side's line: a product as well, ``(3, 4, F)``.
        beyond = np.stack([_cross(side, normals) for side in ahead])
        beyond /= np.where(sure, _length(ahead.transpose(1, 0, 2)), 1.0)[:, None]
        self._sides: Floats = np.concatenate(
            [beyond, -(beyond * corners).sum(axis=1, keepdims=True)], axis=1
        )
        self._low = np.minimum.reduceat(corners.min(axis=0), self._starts, axis=1)
        self._high = np.maximum.reduceat(corners.max(axis=0), self._starts, axis=1)
        self._ends = np.append(self._starts[1:], len(self._places))
        self._extent = float(np.abs(corners).max())

    def near(self, point: Floats) -> tuple[Ints, Floats]:
        """The places ``(N,)`` of those that may be nearest to a point ``(3,)``, N at least 1, and
        squares ``(N,)`` of distances than which they are no nearer.
        """
        slack = ROUNDING * (self._extent**2 + float(point @ point))
        gap = np.maximum(self._low - point[:, None], point[:, None] - self._high).clip(min=0.0)
        apart = (gap**2).sum(axis=0)
        first = int(apart.argmin())
        # A centre is a point of the surface: the nearest of all is no further.
        limit = float(self._seen(point, slice(self._starts[first], self._ends[first]))[1].min())
        groups = np.flatnonzero(apart <= limit + slack)
        sizes = self._ends[groups] - self._starts[groups]
        among: slice | Ints = slice(None)
        if sizes.sum() < MOST * len(self._places):
            skipped: Ints = self._starts[groups] - np.append(0, sizes.cumsum()[:-1])
            among = skipped.repeat(sizes) + np.arange(sizes.sum())
        heights, squares = self._seen(point, among)
        limit = min(limit, float(squares.min())) + slack
        heights *= heights
        low = np.flatnonzero(heights <= limit)
        places = low if isinstance(among, slice) else among[low]
        heights, squares = heights[low], squares[low]
        over = np.sqrt(np.maximum(squares - heights, 0.0)) - self._reach[places]
        kept = heights + np.maximum(over, 0.0) ** 2 <= limit
        places, heights, over = places[kept], heights[kept], over[kept]
        beyond = (np.append(point, 1.0) @ self._sides.take(places, axis=2)).max(axis=0)
        bounds = heights + np.maximum(np.maximum(over, beyond), 0.0) ** 2
        kept = bounds <= limit
        return self._places[places[kept]], bounds[kept] - slack

    def _seen(self, point: Floats, among: slice | Ints) -> tuple[Floats, Floats]:
        """Heights ``(N,)`` over planes, with a sign, and squared distances ``(N,)`` to centres."""
        if isinstance(among, slice):
            table = self._table[:, among]
        else:
            table = self._table.take(among, axis=1)
        heights = np.append(point, 1.0) @ table[:4]
        squares = np.append(-2.0 * point, 1.0) @ table[4:]
        squares += point @ point
        return heights, squares


def _cross(a: Floats, b: Floats) -> Floats:
    """Of vectors ``(3, F)``."""
    (ax, ay, az), (bx, by, bz) = a, b
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


def _length(vectors: Floats) -> Floats:
    """Along the first of the axes ``(3, ...)``."""
    squares: Floats = vectors[0] ** 2 + vectors[1] ** 2 + vectors[2] ** 2
    return np.sqrt(squares)


def _grouped(centres: Floats) -> tuple[Ints, Ints]:
    """The places ``(F,)`` of centres ``(3, F)`` by the cells of a grid that they are in, and where
    among them each cell starts: about as many cells as there are centres in one.
    """
    across = max(1, round(centres.shape[1] ** 0.25))
    low = centres.min(axis=1, keepdims=True)
    size = float((centres - low).max()) or 1.0
    x, y, z = np.minimum((centres - low) * (across / size), across - 1).astype(np.int64)
    cells = (x * across + y) * across + z
    places = cells.argsort(kind="stable")
    return places, np.flatnonzero(np.diff(cells[places], prepend=-1))
