"""Parts thinner than a cell, kept whole on coarse grids.

A wall whose two sides both pass between the nodes of a grid is torn by marching cubes. A signed
distance knows better than its signs: f = c is the same wall, thicker by 2 c. So the mesh is taken
of f - c and drawn back along its normals. Gaps narrower than 2 c close: this is for meshes that are
soon replaced, and for fits, where a torn wall has no outline to follow.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from .folded import FoldedDecoder
from .topology import Topology

# How far out f = c lies. On vases and cups (walls of 0.7 cells at 32 cells a side) some are still
# torn at 0.2; at 0.4 the gap in a cup's handle closes.
LEVEL_CELLS = 0.3
# Cells at a thin part change little, for both of its sides are in them: the steep ones tell the
# field's slope.
STEEP_SHARE = 0.9
# Vertices at which the field's slope is measured, and the spread of eight in ten of them that
# counts as even.
PROBES, DRAFT_PROBES, EVEN_SHARE = 512, 128, 0.25
FARTHEST = 2.0  # times the usual way
# Edges shorter than this make neighbours; of 16,000 triangles of a head 3 flip in place of 323.
REACH_CELLS, NEIGHBOUR_WEIGHT, ROUNDS = 0.5, 6.0, 3
# A mesh with so many holes more, and so many times as many, is torn; closed gaps make less.
TORN_HOLES, TORN_TIMES = 4, 3
# Beyond so many cells a look takes long, and little is torn.
FINE_RESOLUTION = 96
REMARK = "Walls thinner than its cells are torn: a higher resolution keeps them whole"


def drawn_back(
    field: FoldedDecoder, vertices: Tensor, faces: Tensor, *, level: float, cell: float, draft: bool
) -> Tensor:
    """``vertices`` ``(V, 3)`` of f = ``level`` moved inwards to f = 0, some ``LEVEL_CELLS`` off.

    By a secant: ``PROBES`` of them tell how fast the field falls on that way. Where it falls alike
    everywhere, as a signed distance does, all move alike; else each is probed, unless this is a
    ``draft``. What lies on the cube's wall stays there.
    """
    corners = vertices[faces]
    normal = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = torch.zeros_like(vertices)
    for corner in range(3):
        normals.index_add_(0, faces[:, corner], normal)
    near = _Neighbours(vertices, faces, reach=REACH_CELLS * cell)
    inwards = -LEVEL_CELLS * cell * normalize(near.mean(normalize(normals, dim=1)), dim=1)
    some = slice(None, None, max(1, len(vertices) // (DRAFT_PROBES if draft else PROBES)))
    fall = level - field.evaluate((vertices + inwards)[some].to(field.device)).cpu()
    low, middle, high = fall.quantile(torch.tensor([0.1, 0.5, 0.9])).tolist()
    if draft or high - low < EVEN_SHARE * middle:
        way = level / max(middle, level / FARTHEST) * inwards
    else:
        fall = level - field.evaluate((vertices + inwards).to(field.device)).cpu()
        way = (level / fall.clamp_min(level / FARTHEST)).unsqueeze(1) * inwards
    if not draft:
        way = near.mean(way)
    return torch.where(vertices.abs() >= 1.0, vertices, vertices + way)


class _Neighbours:
    """Vertices that are so near that they have to move together, or the slivers between them flip.

    Marching cubes makes such wherever the surface passes close to a node.
    """

    def __init__(self, vertices: Tensor, faces: Tensor, *, reach: float) -> None:
        begin, end = faces.reshape(-1), faces[:, [1, 2, 0]].reshape(-1)
        weight = 1.0 - (vertices[begin] - vertices[end]).norm(dim=1) / reach
        near = weight > 0
        # A closed mesh has each edge in both directions.
        self._begin, self._end = begin[near], end[near]
        self._weight = NEIGHBOUR_WEIGHT * weight[near].unsqueeze(1)
        self._total = torch.ones(len(vertices), 1).index_add_(0, self._begin, self._weight)

    def mean(self, values: Tensor) -> Tensor:
        """``values`` ``(V, 3)``, evened out among neighbours."""
        for _ in range(ROUNDS):
            drawn = self._weight * values[self._end]
            values = values.clone().index_add_(0, self._begin, drawn) / self._total
        return values


def may_be_torn(plain: Topology) -> bool:
    """Whether a closer look at a mesh could show that it is torn."""
    return plain.components > 1 or plain.genus is None or plain.genus >= TORN_HOLES


def torn(plain: Topology, kept: Topology) -> bool:
    """Whether the mesh of a shape is torn, given the one of the same shape that kept thin parts."""
    if plain.components > kept.components:
        return True
    if kept.genus is None:
        return False
    if plain.genus is None:
        return True
    return plain.genus >= TORN_TIMES * kept.genus + TORN_HOLES
