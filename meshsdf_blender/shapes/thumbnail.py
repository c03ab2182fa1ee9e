"""A small picture of a mesh, shaded, drawn in numpy: for lists, where no GPU may be at hand."""

from __future__ import annotations

from math import isqrt

import numpy as np

SIZE = 64  # pixels a side, of a picture that is kept
FINER = 2  # subpixels a side, averaged
MARGIN = 0.04  # around the mesh, a share of the picture
# From the front and to its right, a little above: Blender's front view looks along +Y.
AZIMUTH, ELEVATION = np.radians(35.0), np.radians(20.0)
LIGHT = np.array([-0.35, 0.55, 0.76])  # right, up and towards the eye: over the left shoulder
COLOUR = np.array([0.80, 0.82, 0.86])
DARKEST = 0.18
MOST_SAMPLES = 1 << 21  # subpixels looked at at once, to bound the memory


def shaded(vertices: np.ndarray, faces: np.ndarray, size: int = SIZE) -> np.ndarray:
    """The mesh from the front-right, orthographic and filling the picture: RGBA, straight alpha.

    vertices ``(V, 3)``, Z up; faces ``(F, 3)``; the result is ``(size, size, 4)`` float32 in
    [0, 1], row 0 at the **bottom** as in Blender's images, clear where nothing is.
    """
    fine = size * FINER
    picture = np.zeros((fine * fine, 4))
    if len(faces):
        seen = _turned(np.asarray(vertices, dtype=np.float64))
        pixels = _framed(seen, fine)
        nearest = np.full(fine * fine, -np.inf)
        normals = _normals(seen, faces)
        for some in _chunks(pixels, faces):
            _draw(picture, nearest, some, depth=seen[:, 2], pixels=pixels, normals=normals)
    return _averaged(picture.reshape(size, FINER, size, FINER, 4))


def _turned(vertices: np.ndarray) -> np.ndarray:
    """Right, up and towards the eye of each vertex ``(V, 3)``."""
    a, e = AZIMUTH, ELEVATION
    right = [np.cos(a), np.sin(a), 0.0]
    eye = [np.sin(a) * np.cos(e), -np.cos(a) * np.cos(e), np.sin(e)]
    return np.asarray(vertices @ np.array([right, np.cross(eye, right), eye]).T)


def _framed(seen: np.ndarray, fine: int) -> np.ndarray:
    """Subpixel coordinates ``(V, 2)`` that centre the mesh and fill the picture."""
    low, high = seen[:, :2].min(axis=0), seen[:, :2].max(axis=0)
    scale = fine * (1 - 2 * MARGIN) / max((high - low).max(), 1e-12)
    return np.asarray((seen[:, :2] - (low + high) / 2) * scale + fine / 2)


def _normals(seen: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Vertex normals ``(V, 3)``, weighted by area, of any length."""
    a, b, c = (seen[faces[:, i]] for i in range(3))
    normal = np.cross(b - a, c - a)
    found = np.empty_like(seen)
    for axis in range(3):
        weights = np.repeat(normal[:, axis], 3)
        found[:, axis] = np.bincount(faces.ravel(), weights, minlength=len(seen))
    return found


def _chunks(pixels: np.ndarray, faces: np.ndarray) -> list[np.ndarray]:
    """The faces in parts, none of whose boxes hold more than so many subpixels."""
    size = np.ptp(pixels[faces], axis=1) + 1.0
    parts = np.cumsum(size[:, 0] * size[:, 1]) // MOST_SAMPLES
    return np.split(faces, np.flatnonzero(np.diff(parts)) + 1)


def _draw(
    picture: np.ndarray,
    nearest: np.ndarray,
    faces: np.ndarray,
    *,
    depth: np.ndarray,
    pixels: np.ndarray,
    normals: np.ndarray,
) -> None:
    """Write what is in front into ``picture``, and how near it is into ``nearest``."""
    fine = isqrt(len(picture))
    corners = pixels[faces]
    low = np.clip(np.ceil(corners.min(axis=1) - 0.5), 0, fine).astype(np.int64)
    high = np.clip(np.floor(corners.max(axis=1) - 0.5) + 1, 0, fine).astype(np.int64)
    wide, tall = np.maximum(high - low, 0).T
    count = wide * tall
    face = np.repeat(np.arange(len(faces)), count)
    place = np.arange(len(face)) - np.repeat(np.cumsum(count) - count, count)
    column, row = low[face, 0] + place % wide[face], low[face, 1] + place // wide[face]
    shares = _shares(corners[face], np.stack([column, row], axis=1) + 0.5)
    inside = (shares >= 0).all(axis=1)
    face, shares, pixel = face[inside], shares[inside], (row * fine + column)[inside]
    near = (shares * depth[faces[face]]).sum(axis=1)
    front = near > nearest[pixel]
    order = np.flatnonzero(front)[np.argsort(near[front], kind="stable")]
    face, shares, pixel = face[order], shares[order], pixel[order]
    normal = np.einsum("ij,ijk->ik", shares, normals[faces[face]])
    # Of several at one place the last is kept, which is the nearest.
    nearest[pixel], picture[pixel] = near[order], _lit(normal)


def _shares(corners: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Barycentric shares ``(N, 3)`` of points in triangles; negative for flat triangles."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    whole = _area(a, b, c)
    whole[whole == 0] = np.nan
    with np.errstate(invalid="ignore"):
        parts = np.stack([_area(points, b, c), _area(a, points, c), _area(a, b, points)], axis=1)
        return np.nan_to_num(parts / whole[:, None], nan=-1.0)


def _area(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    first, second = b - a, c - a
    return np.asarray(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])


def _lit(normals: np.ndarray) -> np.ndarray:
    """The colour ``(N, 4)`` of surfaces with these normals, seen from either side."""
    length = np.maximum(np.linalg.norm(normals, axis=1), 1e-30)
    facing = np.where(normals[:, 2] < 0, -1.0, 1.0)
    light = np.maximum(normals @ LIGHT * facing / (length * np.linalg.norm(LIGHT)), 0.0)
    colour = (DARKEST + (1 - DARKEST) * light)[:, None] * COLOUR
    return np.hstack([colour, np.ones((len(normals), 1))])


def _averaged(fine: np.ndarray) -> np.ndarray:
    """The mean of each pixel's parts; its colour is that of the parts that are covered."""
    mean = fine.mean(axis=(1, 3))
    alpha = mean[..., 3:]
    colour = np.divide(mean[..., :3], alpha, out=np.zeros_like(mean[..., :3]), where=alpha > 0)
    return np.concatenate([colour, alpha], axis=2).astype(np.float32)
