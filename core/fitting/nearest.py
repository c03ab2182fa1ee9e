"""The nearest points of a mesh: on its triangles, not among its vertices; exact.

The tree of the triangles' centres leaves few candidates for each point, as a centre is a point of
the surface too: none is nearer whose centre lies further away than the nearest one, by more than
the triangle reaches out from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]

# A share of the sizes at hand, by which rounding may be off.
ROUNDING = 1e-9
CORNERS = 3


@dataclass(frozen=True)
class Nearest:
    """For K given points, those of the mesh that are nearest.

    ``positions`` ``(K, 3)`` on the faces of these places ``(K,)``, where ``shares`` ``(K, 3)`` of
    the face's corners give them; ``distances`` ``(K,)`` from the given points.
    """

    positions: Floats
    faces: NDArray[np.int64]
    shares: Floats
    distances: Floats


def nearest(points: Floats, vertices: Floats, faces: NDArray[np.int64]) -> Nearest:
    """The points of a mesh, ``vertices`` ``(V, 3)`` and ``faces`` ``(F, 3)``, nearest to ``points``
    ``(K, 3)``. F is at least 1; faces without an area count as the lines that they are.
    """
    triangles = vertices[faces]
    centres = triangles.mean(axis=1)
    reach = np.linalg.norm(triangles - centres[:, None], axis=2).max(axis=1)
    tree = cKDTree(centres)
    farthest = tree.query(points)[0]
    slack = ROUNDING * (farthest + reach.max())
    balls = tree.query_ball_point(points, farthest + reach.max() + slack)
    places = np.zeros(len(points), dtype=np.int64)
    shares = np.zeros((len(points), CORNERS))
    for number, ball in enumerate(balls):
        near = np.asarray(ball, dtype=np.int64)
        away = np.linalg.norm(centres[near] - points[number], axis=1) - reach[near]
        near = near[away <= farthest[number] + slack[number]]
        squares, found = _on_triangles(points[number], triangles[near])
        best = int(squares.argmin())
        places[number], shares[number] = near[best], found[best]
    positions: Floats = np.einsum("kc,kcx->kx", shares, triangles[places])
    return Nearest(positions, places, shares, np.linalg.norm(positions - points, axis=1))


def _on_triangles(point: Floats, triangles: Floats) -> tuple[Floats, Floats]:
    """Squared distances ``(M,)`` to triangles ``(M, 3, 3)``, and the shares ``(M, 3)`` of corners.

    The nearest is on one of the three sides, or the foot on the plane where that is inside.
    """
    squares = np.full(len(triangles), np.inf)
    shares = np.zeros((len(triangles), CORNERS))
    inside, among = _in_plane(point, triangles)
    for given, fits in (
        *((_on_side(point, triangles, side), None) for side in range(3)),
        (among, inside),
    ):
        off = np.einsum("mc,mcx->mx", given, triangles) - point
        square = np.einsum("mx,mx->m", off, off)
        better = square < squares if fits is None else fits & (square < squares)
        squares = np.where(better, square, squares)
        shares = np.where(better[:, None], given, shares)
    return squares, shares


def _on_side(point: Floats, triangles: Floats, side: int) -> Floats:
    """Shares ``(M, 3)`` of the nearest points on one side of each."""
    start, end = side, (side + 1) % CORNERS
    along = triangles[:, end] - triangles[:, start]
    length = np.einsum("mx,mx->m", along, along)
    ahead = np.einsum("mx,mx->m", point - triangles[:, start], along)
    part = np.clip(ahead / np.where(length > 0, length, 1.0), 0.0, 1.0)
    shares = np.zeros((len(triangles), CORNERS))
    shares[:, start], shares[:, end] = 1.0 - part, part
    return shares


def _in_plane(point: Floats, triangles: Floats) -> tuple[NDArray[np.bool_], Floats]:
    """Whether the foot on each one's plane is inside, and its shares ``(M, 3)``."""
    a, b, c = triangles.transpose(1, 0, 2)
    normal = np.cross(b - a, c - a)
    square = np.einsum("mx,mx->m", normal, normal)
    whole = np.where(square > 0, square, 1.0)
    second = np.einsum("mx,mx->m", np.cross(point - a, c - a), normal) / whole
    third = np.einsum("mx,mx->m", np.cross(b - a, point - a), normal) / whole
    shares = np.stack([1.0 - second - third, second, third], axis=1)
    return (square > 0) & (shares >= 0).all(axis=1), shares
