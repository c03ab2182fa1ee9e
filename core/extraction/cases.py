"""How a surface passes through one cell of a grid: the table that marching cubes looks up.

The corners of a cell are inside or outside: 256 cases. The surface crosses each edge whose ends
differ (Lorensen and Cline, 1987). On each face of the cell the crossed edges are joined in pairs; a
face whose corners alternate can be joined in two ways, and which is right is told by the field's
bilinear saddle there (Nielson and Hamann, 1991), the same for both cells that share the face, so
that the surface closes. The pairs make loops, and each loop is filled with triangles.

The table is made from that rule. Corner c of a cell lies at (c & 1, c >> 1 & 1, c >> 2), edge e
runs from :data:`EDGE_CORNERS` ``[e, 0]`` along axis ``e // 4``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

CORNERS, EDGES, FACES = 8, 12, 6
CASES, DECISIONS = 1 << CORNERS, 1 << FACES
# In the place of an edge: a point in the middle of a loop.
MIDDLE = EDGES

Pair = tuple[int, int]
Loop = tuple[int, ...]
Triangle = tuple[int, int, int]


def _edge_corners() -> list[Pair]:
    """Both ends of each edge: four along x, four along y, four along z."""
    return [
        (corner, corner | 1 << axis)
        for axis in range(3)
        for corner in range(CORNERS)
        if not corner >> axis & 1
    ]


def _face_corners() -> list[tuple[int, ...]]:
    """The four corners of each face in turn, counter-clockwise seen from outside of the cell."""
    found = []
    for axis, far in product(range(3), (0, 1)):
        u, v = 1 << (axis + 1) % 3, 1 << (axis + 2) % 3
        ring = (0, u, u | v, v) if far else (0, v, u | v, u)
        found.append(tuple(corner | far << axis for corner in ring))
    return found


EDGE_CORNERS = _edge_corners()
FACE_CORNERS = _face_corners()
_EDGE_OF = {frozenset(ends): edge for edge, ends in enumerate(EDGE_CORNERS)}
_FACE_EDGES = [
    tuple(_EDGE_OF[frozenset((ring[i], ring[(i + 1) % 4]))] for i in range(4))
    for ring in FACE_CORNERS
]


@dataclass(frozen=True)
class Table:
    """What to look up, by case (bit c set: corner c is inside) and decision.

    ``ambiguous`` ``(256,)``: a bit for each face that can be joined in two ways. A decision has the
    bits of those set whose inside corners are joined across the face. ``count`` ``(256 * 64,)``
    says how many triangles there are, ``edges`` ``(256 * 64, most, 3)`` which edges their corners
    lie on, or :data:`MIDDLE`: counter-clockwise seen from outside of the shape.
    """

    ambiguous: NDArray[np.uint8]
    count: NDArray[np.int64]
    edges: NDArray[np.int32]


def alternating(case: int, face: int) -> bool:
    """Whether the corners of a face are inside and outside in turns."""
    a, b, c, d = (case >> corner & 1 for corner in FACE_CORNERS[face])
    return a == c != b == d


def loops(case: int, decision: int) -> Iterator[Loop]:
    """The closed paths of edges along which the surface leaves the cell, oriented as its faces."""
    onward = dict(_segments(case, decision))
    while onward:
        edge = min(onward)
        loop = []
        while edge in onward:
            loop.append(edge)
            edge = onward.pop(edge)
        yield tuple(loop)


def _segments(case: int, decision: int) -> Iterator[Pair]:
    """On each face, to each edge that leaves the inside from the one that it is joined to."""
    for face, (ring, edges) in enumerate(zip(FACE_CORNERS, _FACE_EDGES, strict=True)):
        inside = [case >> corner & 1 for corner in ring]
        crossed = [i for i in range(4) if inside[i] != inside[(i + 1) % 4]]
        joined = bool(decision >> face & 1)
        for i in (i for i in crossed if inside[i]):
            # Going round the face, this edge leaves the inside. Joined inside corners leave each
            # outside corner cut off by itself: the next crossed edge; else it is the one before.
            step = 1 if joined or len(crossed) == 2 else -1
            other = crossed[(crossed.index(i) + step) % len(crossed)]
            yield edges[other], edges[i]


def filled(loop: Loop) -> list[Triangle]:
    """Triangles that fill a loop of edges.

    No side between two of them lies in a face of the cell: the cell beyond might have the same
    one, and four triangles would meet there. Loops for which that cannot be are filled from a point
    in their :data:`MIDDLE`.
    """
    triangles = _between(loop, 0, len(loop) - 1)
    if triangles is not None:
        return triangles
    return [(edge, onward, MIDDLE) for edge, onward in pairwise([*loop, loop[0]])]


@cache
def _between(loop: Loop, first: int, last: int) -> list[Triangle] | None:
    """Triangles that fill the part of a loop from ``first`` to ``last``; None where none may."""
    if last - first < 2:
        return []
    for middle in range(first + 1, last):
        if _in_a_face(loop, first, middle) or _in_a_face(loop, middle, last):
            continue
        low, high = _between(loop, first, middle), _between(loop, middle, last)
        if low is not None and high is not None:
            return [*low, *high, (loop[first], loop[middle], loop[last])]
    return None


def _in_a_face(loop: Loop, first: int, last: int) -> bool:
    """Whether the line between two places of a loop is none of its sides, and lies in a face."""
    if last - first in (1, len(loop) - 1):
        return False
    return any(loop[first] in edges and loop[last] in edges for edges in _FACE_EDGES)


@cache
def table() -> Table:
    """The table, made when it is first asked for (some 20 ms)."""
    ambiguous = np.zeros(CASES, np.uint8)
    found: dict[int, list[Triangle]] = {}
    for case in range(CASES):
        faces = [face for face in range(FACES) if alternating(case, face)]
        ambiguous[case] = sum(1 << face for face in faces)
        for joined in product((0, 1), repeat=len(faces)):
            decision = sum(bit << face for bit, face in zip(joined, faces, strict=True))
            found[case * DECISIONS + decision] = [
                triangle for loop in loops(case, decision) for triangle in filled(loop)
            ]
    count = np.zeros(CASES * DECISIONS, np.int64)
    edges = np.zeros((CASES * DECISIONS, max(map(len, found.values())), 3), np.int32)
    for place, triangles in found.items():
        count[place] = len(triangles)
        edges[place, : len(triangles)] = np.array(triangles).reshape(-1, 3)
    return Table(ambiguous, count, edges)
