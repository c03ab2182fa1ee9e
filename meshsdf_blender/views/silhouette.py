"""The exact silhouette of a triangle mesh in a camera's pixels, in numpy.

Every triangle is turned to face the camera; the winding number of the boundary of their sum counts
the triangles over a pixel, so the silhouette is where it is not zero. Inside a patch of one facing
the edges cancel, so only the contour is scan-converted. Closed, open and intersecting meshes work.
"""

from __future__ import annotations

import numpy as np

from .camera import CameraView

BAND_ROWS = 256  # rows that are filled at once, to bound the memory


def mesh_silhouette(vertices: np.ndarray, faces: np.ndarray, view: CameraView) -> np.ndarray:
    """Which pixel centres a mesh covers: bool ``(height, width)``, row 0 at the top.

    vertices ``(V, 3)`` in world units, faces ``(F, 3)``; parts outside the camera's clip range are
    cut off, as in a render.
    """
    points = np.hstack([vertices, np.ones((len(vertices), 1))]) @ view.matrix.T
    for sign in (1.0, -1.0):  # near: depth + w > 0; far: w - depth > 0
        points, faces = _clip(points, faces, points[:, 3] + sign * points[:, 2])
    if not len(faces):
        return np.zeros((view.height, view.width), dtype=bool)
    pixels = points[:, :2] / points[:, 3:]
    edges, counts = _boundary(pixels, faces)
    return _filled(pixels, edges, counts, view.width, view.height)


def polygon_parity(polygons: list[np.ndarray], width: int, height: int) -> np.ndarray:
    """Pixels inside an odd number of closed polygons ``(N, 2)``: bool ``(height, width)``."""
    pixels = np.concatenate(polygons)
    edges, start = [], 0
    for polygon in polygons:
        edges.append(start + _around(polygon))
        start += len(polygon)
    chain = np.concatenate(edges)
    counts = np.ones(len(chain), dtype=np.int32)
    return _filled(pixels, chain, counts, width, height, parity=True)


def polygon_area(polygon: np.ndarray, width: int, height: int) -> np.ndarray:
    """Pixels that a closed polygon ``(N, 2)`` winds around: bool ``(height, width)``.

    Where it crosses itself, as where a hand overshoots, nothing falls out.
    """
    counts = np.ones(len(polygon), dtype=np.int32)
    return _filled(polygon, _around(polygon), counts, width, height)


def _around(polygon: np.ndarray) -> np.ndarray:
    index = np.arange(len(polygon))
    return np.stack([index, np.roll(index, -1)], axis=1)


def _clip(
    points: np.ndarray, faces: np.ndarray, distance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Triangles of homogeneous ``points`` cut at ``distance`` = 0; the positive side stays."""
    inside = distance > 0
    count = inside[faces].sum(axis=1)
    kept = [faces[count == 3]]
    for wanted in (1, 2):
        cut = faces[count == wanted]
        if not len(cut):
            continue
        # Turn each triangle until its odd corner (the only one in, or the only one out) is first.
        odd = np.argmax(inside[cut] == (wanted == 1), axis=1)
        a, b, c = np.take_along_axis(cut, (odd[:, None] + np.arange(3)) % 3, axis=1).T
        first, second = _cross(points, distance, a, b), _cross(points, distance, a, c)
        n, m = len(points), len(cut)
        ab, ac = n + np.arange(m), n + m + np.arange(m)
        points = np.concatenate([points, first, second])
        distance = np.concatenate([distance, np.zeros(2 * m)])
        inside = np.concatenate([inside, np.ones(2 * m, dtype=bool)])
        if wanted == 1:
            kept.append(np.stack([a, ab, ac], axis=1))
        else:
            kept += [np.stack([ab, b, c], axis=1), np.stack([ab, c, ac], axis=1)]
    return points, np.concatenate(kept)


def _cross(points: np.ndarray, distance: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    share = (distance[a] / (distance[a] - distance[b]))[:, None]
    return points[a] + share * (points[b] - points[a])


def _boundary(pixels: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Edges ``(E, 2)`` left over when all triangles face the camera, and how often each counts."""
    a, b, c = pixels[faces[:, 0]], pixels[faces[:, 1]], pixels[faces[:, 2]]
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    faces = np.where((area < 0)[:, None], faces[:, ::-1], faces)[area != 0].astype(np.int64)
    heads = faces.ravel()
    tails = np.roll(faces, -1, axis=1).ravel()
    low, high = np.minimum(heads, tails), np.maximum(heads, tails)
    key = low * len(pixels) + high
    order = np.argsort(key, kind="stable")
    key, sign = key[order], np.where(heads < tails, 1, -1)[order]
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    counts = np.add.reduceat(sign, starts) if len(starts) else np.zeros(0, dtype=np.int64)
    left = counts != 0
    key = key[starts][left]
    return np.stack([key // len(pixels), key % len(pixels)], axis=1), counts[left]


def _filled(
    pixels: np.ndarray,
    edges: np.ndarray,
    counts: np.ndarray,
    width: int,
    height: int,
    *,
    parity: bool = False,
) -> np.ndarray:
    """Pixel centres ``(height, width)`` with a winding number but 0, or with an odd one."""
    start, end = pixels[edges[:, 0]], pixels[edges[:, 1]]
    down = start[:, 1] < end[:, 1]
    upper = np.where(down[:, None], start, end)
    lower = np.where(down[:, None], end, start)
    weight = np.where(down, counts, counts if parity else -counts)
    # Rows r whose centre r + 0.5 lies in [upper y, lower y).
    first = np.clip(np.ceil(upper[:, 1] - 0.5), 0, height).astype(np.int64)
    last = np.clip(np.ceil(lower[:, 1] - 0.5), 0, height).astype(np.int64)
    spans = last - first
    edge = np.repeat(np.arange(len(edges)), spans)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(spans) - spans, spans) + first[edge]
    slope = (row + 0.5 - upper[edge, 1]) / (lower[edge, 1] - upper[edge, 1])
    x = upper[edge, 0] + slope * (lower[edge, 0] - upper[edge, 0])
    column = np.clip(np.ceil(x - 0.5), 0, width).astype(np.int64)
    weight = weight[edge].astype(np.int32)
    order = np.argsort(row, kind="stable")
    row, column, weight = row[order], column[order], weight[order]
    filled = np.empty((height, width), dtype=bool)
    for first_row in range(0, height, BAND_ROWS):
        band = filled[first_row : first_row + BAND_ROWS]
        here = slice(*np.searchsorted(row, (first_row, first_row + len(band))))
        steps = np.zeros((len(band), width + 1), dtype=np.int32)
        np.add.at(steps, (row[here] - first_row, column[here]), weight[here])
        winding = np.cumsum(steps[:, :width], axis=1, dtype=np.int32)
        band[:] = winding % 2 == 1 if parity else winding != 0
    return filled
