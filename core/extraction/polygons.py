"""The grid's values as triangles: marching cubes over bricks.

One vertex on each edge that the surface crosses, where the value is zero by linear interpolation;
triangles by the table of :mod:`core.extraction.cases`. Everything is arithmetic on arrays, on
whichever device the values are.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .cases import CORNERS, DECISIONS, EDGE_CORNERS, FACE_CORNERS, MIDDLE, table
from .grid import CORNER_STEPS, Grid, integers, places

AXES = 3
# A node exactly on the surface counts as outside; left at zero it would tear the mesh.
HAIR = torch.finfo(torch.float32).tiny


def polygonise(grid: Grid) -> tuple[Tensor, Tensor]:
    """Vertices ``(V, 3)`` float32 in the cube and faces ``(F, 3)`` int64 of the grid's zero.

    Faces are counter-clockwise seen from outside. Not differentiable.
    """
    values = grid.values.view(-1)
    values = torch.where(values == 0.0, HAIR, values)
    numbers, vertices = _vertices(grid, values)
    cells = places(grid.crossed())
    corners = grid.beside(cells, torch.tensor(CORNER_STEPS, device=cells.device))
    case = grid.cases().view(torch.uint8).view(-1)[cells].long()
    return _faces(case, corners, values, numbers, vertices)


def _vertices(grid: Grid, values: Tensor) -> tuple[Tensor, Tensor]:
    """The number of the vertex on each edge, ``(3, N)`` by its first node, and where it is."""
    numbers = torch.empty((AXES, len(values)), dtype=torch.int32, device=values.device)
    vertices, count = [], 0
    steps = torch.eye(AXES, dtype=torch.int64, device=values.device)
    for axis, edges in enumerate(grid.crossed_edges()):
        flat = places(edges)
        number = torch.arange(count, count + len(flat), dtype=torch.int32, device=values.device)
        numbers[axis, flat] = number
        count += len(flat)
        ends = flat, grid.beside(flat, steps[axis : axis + 1])[:, 0]
        low, high = (values.index_select(0, end) for end in ends)
        at = (grid.coordinates(flat) - grid.origin).float()
        at[:, axis] += low / (low - high)
        # As a quotient, the wall is at 1 exactly.
        vertices.append(at / round(2.0 / grid.step) * 2.0 - 1.0)
    return numbers, torch.cat(vertices)


def _faces(
    case: Tensor, corners: Tensor, values: Tensor, numbers: Tensor, vertices: Tensor
) -> tuple[Tensor, Tensor]:
    """All vertices and the faces of cells in a ``case`` ``(M,)`` whose ``corners`` ``(M, 8)`` are
    places among the ``values``.
    """
    lookup, device = table(), values.device
    place = case * DECISIONS + _decisions(case, corners, values)
    count = torch.from_numpy(lookup.count).to(device).index_select(0, place)
    owner = torch.repeat_interleave(count)
    most, rows = lookup.edges.shape[1], torch.from_numpy(lookup.edges).to(device).view(-1, 3)
    row = (place * most + count - count.cumsum(0)).index_select(0, owner)
    edges = rows.index_select(0, row.add_(torch.arange(len(owner), device=device)))
    # An edge's vertex belongs to its first node.
    kind = integers(max(AXES * len(values), CORNERS * len(case)))
    first = torch.tensor([low for low, _ in EDGE_CORNERS] + [0], dtype=kind, device=device)
    axis = torch.arange(MIDDLE + 1, dtype=kind, device=device) // 4 % AXES
    corner, start = (part.index_select(0, edges.view(-1)) for part in (first, axis * len(values)))
    corner.view(-1, 3).add_(owner.to(kind)[:, None] * CORNERS)
    where = start.add_(corners.view(-1).index_select(0, corner))
    faces = numbers.view(-1).index_select(0, where).long().view(-1, 3)
    middle = edges == MIDDLE
    if bool(middle.any()):
        vertices, faces = _with_middles(vertices, faces, middle, owner)
    return vertices, faces


def _decisions(case: Tensor, corners: Tensor, values: Tensor) -> Tensor:
    """Which alternating faces have their inside corners joined, a bit each: ``(M,)``."""
    ambiguous = torch.from_numpy(table().ambiguous).to(values.device)[case].long()
    decision = torch.zeros_like(case)
    some = ambiguous.nonzero().squeeze(1)
    for face, ring in enumerate(FACE_CORNERS):
        asked = some[(ambiguous[some] >> face & 1).bool()]
        a, b, c, d = (values[corners[asked, corner]] for corner in ring)
        # The bilinear saddle is (ac - bd) / (a + b + c + d), with a and c of the other sign.
        joined = torch.where(a < 0, a * c > b * d, b * d > a * c)
        decision[asked] |= joined.long() << face
    return decision


def _with_middles(
    vertices: Tensor, faces: Tensor, middle: Tensor, owner: Tensor
) -> tuple[Tensor, Tensor]:
    """With a vertex in the middle of each loop that is filled from there.

    A cell has one such loop at most, and each of its vertices is the first of one triangle.
    """
    filled = middle.any(dim=1)
    cells, loop = owner[filled].unique(return_inverse=True)
    total = vertices.new_zeros(len(cells), AXES).index_add_(0, loop, vertices[faces[filled, 0]])
    size = torch.bincount(loop, minlength=len(cells))
    faces = faces.clone()
    faces[middle] = len(vertices) + loop
    return torch.cat([vertices, total / size[:, None]]), faces
