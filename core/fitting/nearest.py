"""The nearest points of a mesh: on its triangles, not among its vertices; exact.

Bounds (:mod:`core.fitting.bounds`) leave few triangles of a mesh to be tried for each point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bounds import Bounds, Floats, Ints

CORNERS = 3
# Bounds that are held in memory at a time, and pairs of a point and a triangle that are tried.
HELD_BOUNDS, TRIED_PAIRS = 2_000_000, 65_536


@dataclass(frozen=True)
class Nearest:
    """For K given points, those of the mesh that are nearest.

    ``positions`` ``(K, 3)`` on the faces of these places ``(K,)``, where ``shares`` ``(K, 3)`` of
    the face's corners give them; ``distances`` ``(K,)`` from the given points.
    """

    positions: Floats
    faces: Ints
    shares: Floats
    distances: Floats


def nearest(points: NDArray[Any], vertices: NDArray[Any], faces: Ints) -> Nearest:
    """The points of a mesh, ``vertices`` ``(V, 3)`` and ``faces`` ``(F, 3)``, nearest to ``points``
    ``(K, 3)``. F is at least 1; faces without an area count as the lines that they are. All have
    to be finite, and no further off than :data:`core.fitting.arrays.FARTHEST`.
    """
    # Bounds count on the rounding of 64 bits.
    points, vertices = np.asarray(points, np.float64), np.asarray(vertices, np.float64)
    origin = vertices[faces[0, 0]]  # far from it, small sizes would drown in rounding
    triangles, given = (vertices - origin)[faces], points - origin
    bounds_of = Bounds(triangles)
    places = np.zeros(len(points), dtype=np.int64)
    squares, shares = np.zeros(len(points)), np.zeros((len(points), CORNERS))
    for owners in _chunks(np.arange(len(points)), max(1, HELD_BOUNDS // len(faces))):
        found = [bounds_of.near(given[owner]) for owner in owners]
        # The least bound is most likely that of the nearest, which rules out nearly all others.
        places[owners] = [near[bounds.argmin()] for near, bounds in found]
        squares[owners], shares[owners] = _on_triangles(given[owners], triangles[places[owners]])
        left = [
            near[bounds < square]
            for (near, bounds), square in zip(found, squares[owners], strict=True)
        ]
        pairs = np.stack(
            [np.repeat(owners, [len(near) for near in left]), np.concatenate(left)], axis=1
        )
        for of, near in (part.T for part in _chunks(pairs, TRIED_PAIRS)):
            tried, at = _on_triangles(given[of], triangles[near])
            order = np.lexsort((near, tried, of))
            first = order[np.unique(of[order], return_index=True)[1]]
            first = first[tried[first] < squares[of[first]]]
            best = of[first]
            places[best], squares[best], shares[best] = near[first], tried[first], at[first]
    positions: Floats = np.einsum("kc,kcx->kx", shares, vertices[faces[places]])
    return Nearest(positions, places, shares, np.linalg.norm(positions - points, axis=1))


def _chunks(rows: Ints, size: int) -> list[Ints]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _on_triangles(points: Floats, triangles: Floats) -> tuple[Floats, Floats]:
    """Squared distances ``(M,)`` from points ``(M, 3)`` to triangles ``(M, 3, 3)``, each to its
    own, and the shares ``(M, 3)`` of corners.

    The nearest is on one of the three sides, or the foot on the plane where that is inside.
    """
    squares = np.full(len(triangles), np.inf)
    shares = np.zeros((len(triangles), CORNERS))
    inside, among = _in_plane(points, triangles)
    for given, fits in (
        *((_on_side(points, triangles, side), None) for side in range(3)),
        (among, inside),
    ):
        off = np.einsum("mc,mcx->mx", given, triangles) - points
        square = np.einsum("mx,mx->m", off, off)
        better = square < squares if fits is None else fits & (square < squares)
        squares = np.where(better, square, squares)
        shares = np.where(better[:, None], given, shares)
    return squares, shares


def _on_side(points: Floats, triangles: Floats, side: int) -> Floats:
    """Shares ``(M, 3)`` of the nearest points on one side of each triangle."""
    start, end = side, (side + 1) % CORNERS
    along = triangles[:, end] - triangles[:, start]
    length = np.einsum("mx,mx->m", along, along)
    ahead = np.einsum("mx,mx->m", points - triangles[:, start], along)
    part = np.clip(ahead / np.where(length > 0, length, 1.0), 0.0, 1.0)
    shares = np.zeros((len(triangles), CORNERS))
    shares[:, start], shares[:, end] = 1.0 - part, part
    return shares


def _in_plane(points: Floats, triangles: Floats) -> tuple[NDArray[np.bool_], Floats]:
    """Whether the foot on each one's plane is inside, and its shares ``(M, 3)``."""
    a, b, c = triangles.transpose(1, 0, 2)
    normal = np.cross(b - a, c - a)
    square = np.einsum("mx,mx->m", normal, normal)
    whole = np.where(square > 0, square, 1.0)
    second = np.einsum("mx,mx->m", np.cross(points - a, c - a), normal) / whole
    third = np.einsum("mx,mx->m", np.cross(b - a, points - a), normal) / whole
    shares = np.stack([1.0 - second - third, second, third], axis=1)
    return (square > 0) & (shares >= 0).all(axis=1), shares
