"""Shaded pictures of meshes to learn from: any light, any material, any background.

What an encoder has to see through is drawn at random: one to four lights and a sky, gloss, a
material of one or two colours in waves or rings through the object, crevices that darken, and
behind it plain walls, floors, gradients, noise and clutter. Cheap (a few milliseconds a picture)
and far from a photograph; variety is what carries over (Tobin et al., IROS 2017).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from ..zbuffer import look, vertex_normals
from .cropview import CropView

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]
OVERSAMPLING = 2
MOST_LIGHTS = 4
# Radii, in shares of the picture, within which what lies before a point darkens it.
CREVICES = (0.02, 0.07)


@dataclass(frozen=True)
class Picture:
    """rgb ``(3, H, W)`` in [0, 1] of the object before black; coverage ``(H, W)`` in [0, 1]."""

    rgb: NDArray[np.float32]
    coverage: NDArray[np.float32]


@dataclass(frozen=True)
class Shape:
    """A mesh in its object's axes (see cropview): vertices ``(V, 3)``, faces ``(F, 3)``."""

    vertices: Floats
    faces: Ints
    normals: Floats

    @staticmethod
    def of(vertices: Floats, faces: Ints) -> Shape:
        return Shape(vertices, faces, vertex_normals(vertices, faces))


class Chance:
    """Draws from a torch generator, for numpy's arrays."""

    def __init__(self, generator: torch.Generator) -> None:
        self._generator = generator

    def numbers(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Floats:
        drawn = torch.rand(shape, generator=self._generator, dtype=torch.float64).numpy()
        return np.asarray(low + (high - low) * drawn)

    def number(self, low: float = 0.0, high: float = 1.0) -> float:
        return float(self.numbers(1, low=low, high=high)[0])

    def whole(self, low: int, high: int) -> int:
        """From ``low`` to ``high``, both included."""
        return int(torch.randint(low, high + 1, (1,), generator=self._generator))

    def happens(self, share: float) -> bool:
        return self.number() < share

    def normal(self, *shape: int) -> Floats:
        return torch.randn(shape, generator=self._generator, dtype=torch.float64).numpy()

    def direction(self) -> Floats:
        vector = self.normal(3)
        return np.asarray(vector / np.linalg.norm(vector))

    def colour(self) -> Floats:
        """A colour ``(3,)``: as often pale or dark as bright."""
        grey = self.number(0.05, 0.95)
        strength = self.number() ** 2
        return np.asarray((grey * (1 - strength) + strength * self.numbers(3)).clip(0, 1))


def projected(shape: Shape, view: CropView) -> tuple[Floats, Floats]:
    """Where the vertices are seen: right and up in half sides ``(V, 2)``, and distance ``(V,)``."""
    points = shape.vertices @ view.rotation.T + view.place
    away = -points[:, 2]
    return points[:, :2] / (away[:, None] * view.tangent), away


def draw(shape: Shape, view: CropView, side: int, chance: Chance) -> Picture:
    """The picture ``side`` pixels square of ``shape`` under random light, of random material."""
    fine = side * OVERSAMPLING
    seen, away = projected(shape, view)
    pixels = np.stack([(seen[:, 0] + 1) * fine / 2, (1 - seen[:, 1]) * fine / 2], axis=1)
    sight = look(pixels, -1.0 / away, shape.faces, fine, fine)
    normals = sight.at(shape.faces, shape.normals @ view.rotation.T)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    points = sight.at(shape.faces, shape.vertices)
    albedo = _material(points, chance)
    light, gloss = _lights(normals, chance)
    light *= _crevices(sight.at(shape.faces, away[:, None])[:, 0], sight.pixel, fine, chance)
    lit = np.zeros((fine * fine, 4), np.float32)
    lit[sight.pixel, :3] = (albedo * light + gloss).clip(0, 1)
    lit[sight.pixel, 3] = 1.0
    small = lit.reshape(side, OVERSAMPLING, side, OVERSAMPLING, 4).mean(axis=(1, 3))
    gamma = chance.number(0.7, 1.4)
    coverage = small[..., 3]
    rgb = (small[..., :3] / np.maximum(coverage[..., None], 1e-6)).clip(0, 1) ** gamma
    return Picture((rgb * coverage[..., None]).transpose(2, 0, 1), coverage)


def background(side: int, chance: Chance) -> NDArray[np.float32]:
    """What may stand behind an object: ``(3, side, side)`` in [0, 1]."""
    rows, columns = np.mgrid[0:side, 0:side] / side
    angle = chance.number(0, 2 * math.pi)
    ramp = (math.cos(angle) * columns + math.sin(angle) * rows + 1) / 2
    first, second = chance.colour(), chance.colour()
    if chance.happens(0.4):  # a plain wall, near enough
        second = (first + 0.15 * chance.normal(3)).clip(0, 1)
    image = first + (second - first) * ramp[..., None]
    if chance.happens(0.5):  # a floor
        horizon = chance.number(0.3, 0.95) + chance.number(-0.1, 0.1) * columns
        floor = chance.colour() * (0.8 + 0.4 * rows[..., None])
        blurred = 1 / (1 + np.exp(-(rows - horizon) * chance.number(20, 400)))
        image = image + (floor - image) * blurred[..., None]
    for _ in range(chance.whole(0, 5)):  # clutter
        corners = chance.numbers(4, low=-0.2, high=1.2)
        turned = columns * math.cos(angle) - rows * math.sin(angle)
        inside = (np.abs(turned - corners[0]) < corners[1] / 3) & (
            np.abs(rows - corners[2]) < corners[3] / 3
        )
        image[inside] = chance.colour()
    noise = chance.number() ** 3 * 0.5
    scale = chance.number(0.5, 8.0)
    grain = ndimage.gaussian_filter(chance.normal(side, side, 1), (scale, scale, 0)) * scale * 2
    image = image + noise * grain * (chance.colour() - 0.3)
    return np.asarray(image.clip(0, 1).transpose(2, 0, 1), np.float32)


def _material(points: Floats, chance: Chance) -> Floats:
    """Colours ``(P, 3)`` at object ``points`` ``(P, 3)``."""
    first = chance.colour()
    kind = chance.whole(0, 3)
    if kind == 0:
        return np.broadcast_to(first, points.shape)
    if kind == 1:  # rings about the upright axis, or storeys
        along = points[:, 2] if chance.happens(0.5) else np.hypot(points[:, 0], points[:, 1])
        wave = np.sin(along * chance.number(3, 30) + chance.number(0, 6))
    else:  # waves through each other, as in marble and wood
        wave = np.zeros(len(points))
        for _ in range(4):
            wave += np.sin(
                points @ (chance.direction() * chance.number(2, 25)) + chance.number(0, 6)
            )
        wave /= 2
    sharp = chance.number(0.5, 8)
    share = 1 / (1 + np.exp(-wave * sharp))
    strength = chance.number()
    second = first + strength * (chance.colour() - first)
    return np.asarray(first + (second - first) * share[:, None])


def _lights(normals: Floats, chance: Chance) -> tuple[Floats, Floats]:
    """What lights and sky make of the normals: light ``(P, 3)`` and gloss ``(P, 3)``."""
    sky = chance.number(0.1, 0.7)
    up = chance.number(0.0, 0.5)
    light = np.repeat((sky * (1 + up * normals[:, 1]))[:, None], 3, axis=1)
    shine, sharpness = chance.number() ** 2 * 0.6, chance.number(5, 80)
    gloss = np.zeros_like(light)
    for _ in range(chance.whole(1, MOST_LIGHTS)):
        towards = chance.direction()
        towards[2] = abs(towards[2]) if chance.happens(0.8) else towards[2]
        colour = 1 + 0.25 * chance.normal(3)
        strength = chance.number(0.1, 0.9)
        light += strength * colour * np.maximum(normals @ towards, 0)[:, None]
        half = towards + np.array([0.0, 0.0, 1.0])
        half /= max(float(np.linalg.norm(half)), 1e-6)
        gloss += shine * strength * (np.maximum(normals @ half, 0) ** sharpness)[:, None]
    return light, gloss


def _crevices(away: Floats, pixel: Ints, side: int, chance: Chance) -> Floats:
    """How much light is left where the surroundings lie nearer: ``(P, 1)``."""
    depth, seen = np.zeros(side * side, np.float32), np.zeros(side * side, np.float32)
    depth[pixel], seen[pixel] = away, 1.0
    depth, seen = depth.reshape(side, side), seen.reshape(side, side)
    dark = np.zeros(len(pixel))
    for radius in CREVICES:
        sigma = radius * side
        share = ndimage.gaussian_filter(seen, sigma, truncate=2.0)
        mean = ndimage.gaussian_filter(depth, sigma, truncate=2.0) / np.maximum(share, 1e-6)
        dark += ((away - mean.reshape(-1)[pixel]) / (3 * radius)).clip(0, 1)
    return np.asarray(1 - chance.number(0.0, 0.7) * dark[:, None] / len(CREVICES))
