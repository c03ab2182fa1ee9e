"""Pictures of meshes without a graphics card: a z-buffer in numpy, smooth normals, soft light.

Looks from the front, a little from the right and above, with an orthographic camera, so that
pictures of one family can be compared. Drawn at a multiple of the size and averaged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Image = NDArray[np.uint8]

OVERSAMPLING = 2
AZIMUTH, ELEVATION = np.radians(-32.0), np.radians(18.0)
# Half of the picture's height, in the shapes' unit (largest radius 1).
HALF_HEIGHT = 1.04
# Pixels that are looked at around many small triangles at once.
CHUNK = 4_000_000
# Triangles are drawn in groups of about one width, in pixels.
SIDES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128, 256, 512, 1024, 2048, 4096)
MATERIAL = np.array([0.80, 0.74, 0.66])
BACKGROUND = np.array([0.965, 0.965, 0.97])
KEY, FILL, RIM = (-0.45, 0.75, 0.65), (0.85, 0.15, 0.40), (0.10, 0.35, -0.95)
# Radii of the darkening in crevices, in the shapes' unit, and how much depth makes it full.
OCCLUSION_RADII = (0.03, 0.08, 0.2)
OCCLUSION_STRENGTH = 0.55


@dataclass(frozen=True)
class _Buffer:
    """What each pixel sees: anything at all, how near, and the normal of the point."""

    seen: NDArray[np.bool_]
    depth: FloatArray
    normals: FloatArray


@dataclass(frozen=True)
class _Hits:
    """Pixels that triangles cover: flat index, depth, triangle, barycentric weights."""

    pixel: IntArray
    depth: FloatArray
    triangle: IntArray
    weights: FloatArray


def render(
    vertices: FloatArray,
    faces: IntArray,
    size: int,
    *,
    azimuth: float = AZIMUTH,
    elevation: float = ELEVATION,
    half_height: float = HALF_HEIGHT,
    colour: FloatArray = MATERIAL,
) -> FloatArray:
    """A square picture ``(size, size, 4)``, RGB and coverage from 0 to 1, straight alpha.

    An empty mesh gives an empty picture.
    """
    fine = size * OVERSAMPLING
    if not len(faces):
        return np.zeros((size, size, 4))
    turn = camera(azimuth, elevation)
    buffer = _draw(vertices @ turn.T, faces, fine, half_height)
    shade = _shade(buffer, 2 * half_height / fine, colour)
    alpha = buffer.seen.astype(np.float64)
    both = np.concatenate([shade * alpha[..., None], alpha[..., None]], axis=-1)
    small = both.reshape(size, OVERSAMPLING, size, OVERSAMPLING, 4).mean(axis=(1, 3))
    small[..., :3] /= np.maximum(small[..., 3:], 1e-9)
    return np.asarray(small)


def on_background(picture: FloatArray) -> Image:
    """``picture`` ``(H, W, 4)`` over the sheets' background, as bytes ``(H, W, 3)``."""
    alpha = picture[..., 3:]
    return _bytes(picture[..., :3] * alpha + BACKGROUND * (1 - alpha))


def with_alpha(picture: FloatArray) -> Image:
    """``picture`` ``(H, W, 4)`` as bytes."""
    return np.concatenate([_bytes(picture[..., :3]), _bytes(picture[..., 3:])], axis=-1)


def camera(azimuth: float, elevation: float) -> FloatArray:
    """Rows: right, up, towards the eye. At azimuth 0 the eye looks along +Y, at the front."""
    sin, cos = np.sin(azimuth), np.cos(azimuth)
    towards = np.array([-sin * np.cos(elevation), -cos * np.cos(elevation), np.sin(elevation)])
    right = np.array([cos, -sin, 0.0])
    return np.stack([right, np.cross(towards, right), towards])


def _draw(vertices: FloatArray, faces: IntArray, size: int, half_height: float) -> _Buffer:
    """The z-buffer of ``vertices`` ``(V, 3)`` in camera axes."""
    x = (vertices[:, 0] / half_height + 1) * size / 2
    y = (1 - vertices[:, 1] / half_height) * size / 2
    screen, z = np.stack([x, y], axis=1), vertices[:, 2]
    corners = screen[faces]
    # Faces of closed meshes that look away are hidden; y points down here.
    front = _cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) < 0
    faces, corners = faces[front], corners[front]
    triangles = np.concatenate([corners, z[faces][..., None]], axis=-1)
    # Pixels have their centres at halves.
    low = np.ceil(corners.min(axis=1) - 0.5).astype(np.int64)
    high = np.floor(corners.max(axis=1) - 0.5).astype(np.int64)
    low, high = low.clip(0, size - 1), high.clip(-1, size - 1)
    extent = (high - low + 1).max(axis=1)
    depth = np.full(size * size, -np.inf)
    owner = np.full(size * size, -1, dtype=np.int64)
    weights = np.zeros((size * size, 3))
    start = 0
    for side in SIDES:
        group = np.flatnonzero((extent > start) & (extent <= side))
        start = side
        step = max(1, CHUNK // side**2)
        for at in range(0, len(group), step):
            part = group[at : at + step]
            hits = _splat(triangles[part], low[part], side, size)
            nearer = hits.depth > depth[hits.pixel]
            pixel = hits.pixel[nearer]
            depth[pixel], owner[pixel] = hits.depth[nearer], part[hits.triangle[nearer]]
            weights[pixel] = hits.weights[nearer]
    seen = owner >= 0
    smooth = _vertex_normals(vertices, faces)
    chosen = faces[owner[seen]]
    normals = np.zeros((size * size, 3))
    mixed = (smooth[chosen] * weights[seen][:, :, None]).sum(axis=1)
    normals[seen] = mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-12)
    square = (size, size)
    return _Buffer(seen.reshape(square), depth.reshape(square), normals.reshape(*square, 3))


def _splat(triangles: FloatArray, low: IntArray, side: int, size: int) -> _Hits:
    """Where triangles ``(T, 3, 3)`` (pixels and depth), none wider than ``side``, are seen.

    ``low`` ``(T, 2)`` is the first pixel of each. Nearest points only, one per pixel.
    """
    offsets = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2)
    pixels = low[:, None] + offsets
    a, b, c = (triangles[:, None, i, :2] for i in range(3))
    at = pixels + 0.5
    area = _cross(b - a, c - a)
    area = np.where(area == 0, np.inf, area)
    first, second = _cross(b - at, c - at) / area, _cross(c - at, a - at) / area
    inside = (first >= 0) & (second >= 0) & (first + second <= 1) & np.isfinite(area)
    inside &= (pixels < size).all(axis=-1)
    which, place = np.nonzero(inside)
    u, v = first[inside], second[inside]
    weights = np.stack([u, v, 1 - u - v], axis=1)
    depth = (triangles[which, :, 2] * weights).sum(axis=1)
    pixel = pixels[which, place] @ np.array([1, size])
    order = np.lexsort((depth, pixel))  # the last of each pixel is the nearest
    keep = order[np.diff(pixel[order], append=-1) != 0]
    return _Hits(pixel[keep], depth[keep], which[keep], weights[keep])


def _shade(buffer: _Buffer, pixel: float, colour: FloatArray) -> FloatArray:
    """Colours ``(H, W, 3)``: three lights, a sky, and darkening where the depth lies behind."""
    normals = buffer.normals
    light = 0.47 + 0.14 * normals[..., 1]
    for direction, strength in ((KEY, 0.62), (FILL, 0.20)):
        towards = np.array(direction) / np.linalg.norm(direction)
        light = light + strength * np.maximum(normals @ towards, 0)
    rim = np.array(RIM) / np.linalg.norm(RIM)
    light = light + 0.25 * np.maximum(normals @ rim, 0)
    half = np.array(KEY) / np.linalg.norm(KEY) + [0, 0, 1]
    gloss = 0.16 * np.maximum(normals @ (half / np.linalg.norm(half)), 0) ** 40
    dark = _occlusion(buffer.seen[::2, ::2], buffer.depth[::2, ::2], 2 * pixel)
    light = light * (1 - OCCLUSION_STRENGTH * dark.repeat(2, axis=0).repeat(2, axis=1))
    return np.asarray((light[..., None] * colour + gloss[..., None]).clip(0, 1))


def _occlusion(seen: NDArray[np.bool_], depth: FloatArray, pixel: float) -> FloatArray:
    """How much of its surroundings lies in front of each pixel, from 0 to 1."""
    near = np.where(seen, depth, 0.0)
    total = np.zeros_like(near)
    for radius in OCCLUSION_RADII:
        sigma = radius / pixel / 2
        share = ndimage.gaussian_filter(seen.astype(np.float64), sigma, truncate=2.5)
        mean = ndimage.gaussian_filter(near, sigma, truncate=2.5) / np.maximum(share, 1e-6)
        total += ((mean - near) / radius).clip(0, 1) * seen
    return (total / len(OCCLUSION_RADII)).clip(0, 1)


def _vertex_normals(vertices: FloatArray, faces: IntArray) -> FloatArray:
    """Outward unit normals at the vertices, weighted by the faces' areas."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    vectors = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for corner in range(3):
        for axis in range(3):
            normals[:, axis] += np.bincount(
                faces[:, corner], weights=vectors[:, axis], minlength=len(vertices)
            )
    return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12))


def _cross(u: FloatArray, v: FloatArray) -> FloatArray:
    return np.asarray(u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0])


def _bytes(values: FloatArray) -> Image:
    return np.asarray((values.clip(0, 1) * 255).round(), np.uint8)
