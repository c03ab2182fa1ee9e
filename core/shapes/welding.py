"""The first repairs of a mesh: vertices welded, faces without area and repeated faces dropped."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from .geometry import FloatArray, IntArray, area_vectors, open_edges, winding_numbers

# Vertices on open edges that are closer than this share of the mesh's diagonal are one vertex.
SEAM = 1e-4


def weld(vertices: FloatArray, faces: IntArray) -> tuple[FloatArray, IntArray]:
    """Vertices at the very same place made one, unused ones dropped, faces with a vertex twice too.

    None of it moves the surface or opens a closed one.
    """
    # Adding zero makes -0.0 and 0.0 the same bytes.
    rows = np.ascontiguousarray(vertices[faces.ravel()] + 0.0)
    keys = rows.view([("", rows.dtype)] * 3).ravel()
    _, first, index = np.unique(keys, return_index=True, return_inverse=True)
    return rows[first], _with_three_corners(index.reshape(-1, 3).astype(np.int64))


def weld_seams(vertices: FloatArray, faces: IntArray) -> IntArray:
    """``faces`` with the vertices along open edges joined where they nearly meet."""
    loose = np.unique(open_edges(faces))
    if not len(loose):
        return faces
    diagonal = float(np.linalg.norm(np.ptp(vertices, axis=0)))
    pairs = cKDTree(vertices[loose]).query_pairs(SEAM * diagonal, output_type="ndarray")
    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(loose),) * 2)
    _, groups = connected_components(graph, directed=False)
    _, first = np.unique(groups, return_index=True)
    target = np.arange(len(vertices))
    target[loose] = loose[first[groups]]
    return _with_three_corners(target[faces])


def single_faces(vertices: FloatArray, faces: IntArray) -> IntArray:
    """``faces`` without repetitions.

    Of two that look the same way one stays. Two that look opposite ways are a wall between two
    solids, and both go, where the others enclose them; otherwise a thin plate, and one stays.
    """
    order = np.argsort(faces, axis=1)
    corners = np.take_along_axis(faces, order, axis=1)
    _, first, index, counts = np.unique(
        corners, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    if counts.max(initial=1) == 1:
        return faces
    index = index.ravel()
    # Even permutations of a face's corners look the same way.
    even = (order[:, 1] - order[:, 0]) % 3 == 1
    ways = np.bincount(index, weights=np.where(even, 1.0, -1.0))
    # Of each group one that looks the way that the group does as a whole.
    agrees = even == (ways[index] > 0)
    chosen = first.copy()
    chosen[index[agrees]] = np.flatnonzero(agrees)
    cancelled = ways == 0
    others = faces[np.sort(chosen[~cancelled])]
    walls = faces[first[cancelled]]
    if len(walls) and len(others) and not len(open_edges(others)):
        within = winding_numbers(vertices, others, vertices[walls].mean(axis=1)) > 0.5
        walls = walls[~within]
    return np.concatenate([others, walls])


def parts(faces: IntArray) -> IntArray:
    """For each face the number of the part that it belongs to: parts share no vertex. ``(F,)``"""
    count = int(faces.max(initial=-1)) + 1
    starts, ends = faces[:, [0, 1]].ravel(), faces[:, [1, 2]].ravel()
    graph = coo_matrix((np.ones(len(starts), np.int8), (starts, ends)), shape=(count, count))
    _, label = connected_components(graph, directed=False)
    _, numbers = np.unique(label[faces[:, 0]], return_inverse=True)
    return np.asarray(numbers, np.int64)


def without_area(vertices: FloatArray, faces: IntArray) -> IntArray:
    """``faces`` less those without any area: for surfaces that are open anyway."""
    return np.asarray(faces[np.linalg.norm(area_vectors(vertices, faces), axis=1) > 0])


def _with_three_corners(faces: IntArray) -> IntArray:
    a, b, c = faces.T
    return np.asarray(faces[(a != b) & (b != c) & (c != a)])
