"""Closing small holes: which parts of a mesh enclose a volume, and which are open sheets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from .geometry import FloatArray, IntArray, face_areas, open_edges
from .welding import parts

# Holes of more than this share of a part's area are openings: a cup's, a shell's.
LARGEST_HOLES = 0.1


@dataclass(frozen=True)
class Parts:
    """A mesh in two: ``closed`` faces have no open edges, ``sheets`` enclose nothing.

    ``holes`` were closed, with ``share`` of the closed faces' area.
    """

    vertices: FloatArray
    closed: IntArray
    sheets: IntArray
    holes: int = 0
    share: float = 0.0


def close_holes(vertices: FloatArray, faces: IntArray, *, largest: float = LARGEST_HOLES) -> Parts:
    """Span the rims of each part by fans, where that takes at most ``largest`` of the part's area.

    ``faces`` should look one way throughout each part. Every rim comes into each of its vertices as
    often as it leaves it, so that the inner edges of the fan around its middle meet in pairs.
    """
    rim = open_edges(faces)
    if not len(rim):
        return Parts(vertices, faces, faces[:0])
    used, index = np.unique(rim, return_inverse=True)
    ends = index.reshape(-1, 2)
    graph = coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(used),) * 2)
    count, hole = connected_components(graph, directed=False)
    weights = np.bincount(hole, minlength=count)[:, None]
    middles = np.stack([np.bincount(hole, x, count) for x in vertices[used].T], axis=1) / weights
    joined = np.concatenate([vertices, middles])
    spans = np.column_stack([rim[:, 1], rim[:, 0], hole[ends[:, 0]] + len(vertices)])

    label = parts(faces)
    part_of = np.zeros(len(vertices), np.int64)
    part_of[faces] = label[:, None]
    owner, total = part_of[rim[:, 0]], int(label.max()) + 1
    areas, added = face_areas(vertices, faces), face_areas(joined, spans)
    covered = np.bincount(owner, added, total)
    small = covered <= largest * np.bincount(label, areas, total)
    closed = np.concatenate([faces[small[label]], spans[small[owner]]])
    holes = len(np.unique(spans[small[owner], 2]))
    share = float(added[small[owner]].sum() / max(face_areas(joined, closed).sum(), 1e-300))
    return Parts(joined, closed, faces[~small[label]], holes, share)
