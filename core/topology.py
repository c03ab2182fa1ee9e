"""What a triangle mesh is made of: its edges, components, genus, volume and area."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Edges:
    """The undirected edges of a mesh with the faces that use them.

    low, high ``(E,)``: end vertices, low < high. The faces' sides are sorted by edge: ``starts``
    ``(E,)`` is each edge's first side, ``sign`` is +1 where a side runs from low to high, ``face``
    the side's face.
    """

    low: Ints
    high: Ints
    starts: Ints
    sign: NDArray[np.int8]
    face: Ints

    @staticmethod
    def of(faces: Ints) -> Edges:
        """The edges of ``faces`` ``(F, 3)``."""
        begin, end = faces.ravel(), faces[:, [1, 2, 0]].ravel()
        low, high = np.minimum(begin, end), np.maximum(begin, end)
        key = low * (int(faces.max(initial=0)) + 1) + high
        order = np.argsort(key)
        key = key[order]
        first = np.ones(len(key), dtype=bool)
        first[1:] = key[1:] != key[:-1]
        starts = np.flatnonzero(first)
        sign = np.where(begin < end, 1, -1).astype(np.int8)[order]
        return Edges(low[order][starts], high[order][starts], starts, sign, order // 3)

    def boundary(self, chosen: Bools) -> NDArray[np.int8]:
        """How often each edge bounds the ``chosen`` faces ``(F,)``: +1 low to high, -1 back, or 0.

        The boundary of a set of faces as a chain: sides between two chosen faces cancel.
        """
        if not len(self.starts):
            return np.zeros(0, dtype=np.int8)
        return np.add.reduceat(self.sign * chosen[self.face], self.starts)

    @cached_property
    def closed(self) -> bool:
        """Whether every edge has exactly two sides, running in opposite directions."""
        sides = np.diff(self.starts, append=len(self.sign))
        everything = np.ones(len(self.sign) // 3, dtype=bool)
        return bool((sides == 2).all() and not self.boundary(everything).any())


@dataclass(frozen=True)
class Topology:
    """The report on a mesh. ``genus`` sums over the components and is None for an open mesh.

    ``volume`` (positive for outward faces; without meaning for an open mesh) and ``area`` are in
    the units of the vertices.
    """

    vertices: int
    faces: int
    components: int
    genus: int | None
    watertight: bool
    volume: float
    area: float


def pieces_of(begin: Ints, end: Ints, count: int) -> tuple[int, NDArray[np.int32]]:
    """How many pieces ``count`` vertices make with these edges, and the piece of each vertex."""
    # The types are the ones that scipy works in: others it would copy.
    ends = begin.astype(np.int32), end.astype(np.int32)
    links = coo_array((np.ones(len(begin)), ends), (count, count))
    pieces, piece = connected_components(links, directed=False)
    return int(pieces), piece


def topology(vertices: Tensor, faces: Tensor, *, edges: Edges | None = None) -> Topology:
    """Report on a mesh of ``vertices`` ``(V, 3)`` and ``faces`` ``(F, 3)``, all vertices used.

    ``edges`` saves the sorting where they are known already.
    """
    index = faces.cpu().numpy()
    if not len(index):
        return Topology(0, 0, 0, None, False, 0.0, 0.0)
    edges = edges or Edges.of(index)
    count = len(vertices)
    components, _ = pieces_of(edges.low, edges.high, count)
    genus = None
    if closed := edges.closed:
        euler = count - len(edges.low) + len(index)
        genus = components - euler // 2
    corners = vertices.detach().cpu().numpy().astype(np.float64)
    a, b, c = (corners[index[:, i]] - corners.mean(axis=0) for i in range(3))
    (ux, uy, uz), (vx, vy, vz) = (b - a).T, (c - a).T
    normal = np.stack([uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx], axis=1)
    volume = float(np.einsum("ij,ij->", a, normal)) / 6
    area = float(np.sqrt(np.einsum("ij,ij->i", normal, normal)).sum()) / 2
    return Topology(count, len(index), components, genus, closed, volume, area)
