"""Pictures of meshes without a graphics card: a z-buffer, smooth normals, soft light.

Looks from the front, a little from the right and above, with an orthographic camera, so that
pictures of one family can be compared. Drawn at a multiple of the size and averaged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.zbuffer import look, vertex_normals

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Image = NDArray[np.uint8]

OVERSAMPLING = 2
AZIMUTH, ELEVATION = np.radians(-32.0), np.radians(18.0)
# Half of the picture's height, in the shapes' unit (largest radius 1).
HALF_HEIGHT = 1.04
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
    # Of closed meshes, the faces that look away are hidden; larger z is nearer.
    sight = look(np.stack([x, y], axis=1), -vertices[:, 2], faces, size, size)
    depth, normals = np.full(size * size, -np.inf), np.zeros((size * size, 3))
    depth[sight.pixel] = sight.at(faces, vertices[:, 2:])[:, 0]
    mixed = sight.at(faces, vertex_normals(vertices, faces))
    lengths = np.linalg.norm(mixed, axis=1, keepdims=True)
    normals[sight.pixel] = mixed / np.maximum(lengths, 1e-12)
    square = (size, size)
    return _Buffer(sight.mask, depth.reshape(square), normals.reshape(*square, 3))


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


def _bytes(values: FloatArray) -> Image:
    return np.asarray((values.clip(0, 1) * 255).round(), np.uint8)
