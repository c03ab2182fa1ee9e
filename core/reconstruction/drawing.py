"""What a camera sees of a mesh before there is any light: normals, places, crevices, coverage.

A relief is drawn once and lit anew each time that it is looked at (:mod:`.lighting`), so that few
reliefs make many pictures. Some 10 ms each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..zbuffer import look, vertex_normals
from .cropview import CropView

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]
OVERSAMPLING = 2
# Radii, in shares of the picture, within which what lies before a point darkens it.
CREVICES = (0.02, 0.07)
# A relief's layers: normals and places, which go from -1 to 1, then crevices and coverage.
NORMAL, PLACE, CREVICE, COVER = slice(0, 3), slice(3, 6), slice(6, 7), slice(7, 8)
LAYERS = 8


@dataclass(frozen=True)
class Shape:
    """A mesh in its object's axes (see cropview): vertices ``(V, 3)``, faces ``(F, 3)``."""

    vertices: Floats
    faces: Ints
    normals: Floats

    @staticmethod
    def of(vertices: Floats, faces: Ints) -> Shape:
        return Shape(vertices, faces, vertex_normals(vertices, faces))


def projected(shape: Shape, view: CropView) -> tuple[Floats, Floats]:
    """Where the vertices are seen: right and up in half sides ``(V, 2)``, and distance ``(V,)``."""
    points = shape.vertices @ view.rotation.T + view.place
    away = -points[:, 2]
    return points[:, :2] / (away[:, None] * view.tangent), away


def draw(shape: Shape, view: CropView, side: int) -> NDArray[np.uint8]:
    """The relief ``(8, side, side)`` of ``shape``.

    Normals in the camera's axes and places in the object's are means of what each pixel sees of the
    object, 0 where it sees nothing of it.
    """
    fine = side * OVERSAMPLING
    seen, away = projected(shape, view)
    pixels = np.stack([(seen[:, 0] + 1) * fine / 2, (1 - seen[:, 1]) * fine / 2], axis=1)
    sight = look(pixels, -1.0 / away, shape.faces, fine, fine)
    layers = np.zeros((fine * fine, LAYERS), np.float32)
    layers[sight.pixel, NORMAL] = sight.at(shape.faces, shape.normals @ view.rotation.T)
    layers[sight.pixel, PLACE] = sight.at(shape.faces, shape.vertices)
    depth = sight.at(shape.faces, away[:, None])[:, 0]
    layers[sight.pixel, CREVICE] = _crevices(depth, sight.pixel, fine)[:, None]
    layers[sight.pixel, COVER] = 1.0
    small = layers.reshape(side, OVERSAMPLING, side, OVERSAMPLING, LAYERS).mean(axis=(1, 3))
    cover = small[..., COVER]
    small[..., : COVER.start] /= np.maximum(cover, 1e-6)
    normals = small[..., NORMAL]
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-6)
    small[..., : CREVICE.start] = (small[..., : CREVICE.start].clip(-1, 1) + 1) / 2
    return np.asarray((small * 255).round().transpose(2, 0, 1), np.uint8)


def _crevices(away: Floats, pixel: Ints, side: int) -> Floats:
    """How much the surroundings lie nearer, and take light: ``(P,)`` in [0, 1]."""
    depth, seen = np.zeros(side * side, np.float32), np.zeros(side * side, np.float32)
    depth[pixel], seen[pixel] = away, 1.0
    depth, seen = depth.reshape(side, side), seen.reshape(side, side)
    dark = np.zeros(len(pixel))
    for radius in CREVICES:
        sigma = radius * side
        share = ndimage.gaussian_filter(seen, sigma, truncate=2.0)
        mean = ndimage.gaussian_filter(depth, sigma, truncate=2.0) / np.maximum(share, 1e-6)
        dark += ((away - mean.reshape(-1)[pixel]) / (3 * radius)).clip(0, 1)
    return dark / len(CREVICES)
