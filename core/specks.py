"""Specks: pieces of a mesh too small for the grid that it was taken from.

Where two surfaces nearly touch (lips, the inner corner of a wall) or a field is all but zero, a
node or two of the grid may lie on the wrong side, and marching cubes puts a bubble around them that
another grid would not show. A piece of less volume than one cell says nothing about the shape.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .topology import Ints, pieces_of

Floats = NDArray[np.float32]


def without_specks(vertices: Floats, faces: Ints, least: float) -> tuple[Floats, Ints, int]:
    """The mesh without pieces whose volume is below ``least``, and how many those were.

    ``vertices`` ``(V, 3)``, all used, ``faces`` ``(F, 3)``. Bubbles inside the shape count like
    islets beside it. The order of what stays is kept. A mesh of specks alone is left as it is.
    """
    pieces, piece = pieces_of(faces[:, :2].ravel(), faces[:, 1:].ravel(), len(vertices))
    if pieces == 1:
        return vertices, faces, 0
    small = volumes(vertices, faces, piece[faces[:, 0]], pieces) < least
    if small.all() or not small.any():
        return vertices, faces, 0
    stays = ~small[piece]
    place = np.cumsum(stays) - 1
    return vertices[stays], place[faces[stays[faces[:, 0]]]], int(small.sum())


def volumes(
    vertices: Floats, faces: Ints, piece: NDArray[np.int32], pieces: int
) -> NDArray[np.float64]:
    """The volume that each of so many pieces encloses, of bubbles too; ``piece`` is each face's.

    Corners count from a corner of their own piece, so that open ones, at the cube's wall, get a
    figure of their own size as well.
    """
    origins = np.empty(pieces, np.int64)
    origins[piece] = faces[:, 0]
    places = vertices.astype(np.float64)
    corners = places[faces] - places[origins[piece], None]
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    signed = np.einsum("ij,ij->i", a, np.cross(b, c)) / 6  # NumPy's det takes ten times as long
    return np.abs(np.bincount(piece, signed, minlength=pieces))
