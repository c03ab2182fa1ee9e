"""Other things that may stand in a picture: boxes, prisms, cones, balls, of any proportions."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.spatial import ConvexHull
from torch import Tensor

from .drawing import Floats, Shape, draw
from .examples import Chance, random_view

SOLIDS = 150
# Half of them are boxes; of the others how many corners their feet have.
BOX, FEET = 4, (3, 6, 24, 24)
RINGS = 8  # of a ball


def solids(side: int, generator: torch.Generator) -> Tensor:
    """Reliefs ``(SOLIDS, 8, side, side)``, bytes, of one solid each, seen as shapes are."""
    chance = Chance(generator)
    drawn = []
    for _ in range(SOLIDS):
        shape = solid(chance)
        drawn.append(draw(shape, random_view(shape, chance), side))
    return torch.from_numpy(np.stack(drawn))


def solid(chance: Chance) -> Shape:
    """A solid in the cube of side 2, of any proportions, with sharp edges."""
    kind = chance.number()
    if kind < 0.5:
        points = _tapered(BOX, 1.0)
    elif kind < 0.85:
        feet = FEET[min(int(chance.number(0, len(FEET))), len(FEET) - 1)]
        points = _tapered(feet, chance.number(0.1, 1.0))
    else:
        points = _ball()
    points *= chance.numbers(3, low=0.25, high=1.0)
    hull = ConvexHull(points)
    normals, corners = hull.equations[:, :3], points[hull.simplices]
    around = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    inwards = (around * normals).sum(axis=1) < 0
    corners[inwards] = corners[inwards, ::-1]
    # Each face has corners of its own, and they its normal.
    faces = np.arange(3 * len(corners)).reshape(-1, 3)
    return Shape(corners.reshape(-1, 3), faces, np.repeat(normals, 3, axis=0))


def _tapered(corners: int, top: float) -> Floats:
    angles = math.tau * (np.arange(corners) + 0.5) / corners
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    heights = np.ones((corners, 1))
    return np.concatenate([np.hstack([ring, -heights]), np.hstack([top * ring, heights])])


def _ball() -> Floats:
    tilts = math.pi * (np.arange(RINGS) + 0.5) / RINGS
    angles = math.tau * np.arange(2 * RINGS) / (2 * RINGS)
    tilt, angle = (each.ravel() for each in np.meshgrid(tilts, angles))
    return np.stack(
        [np.sin(tilt) * np.cos(angle), np.sin(tilt) * np.sin(angle), np.cos(tilt)], axis=1
    )
