"""Implicit functions on a grid: negative inside, metres, close to distances near their zero.

A car's own axes: ``u`` from the nose (0) to the tail, ``x`` from the plane of symmetry outwards,
``z`` from the ground up. One half is enough: cars are symmetric.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]


@dataclass(frozen=True)
class Grid:
    """Axes ready to broadcast: u (U, 1, 1), x (1, X, 1), z (1, 1, Z); metres."""

    u: Field
    x: Field
    z: Field


def both(first: Field, second: Field, radius: float) -> Field:
    """The intersection, its edge rounded with ``radius`` (a circle where the walls meet square)."""
    a, b = first + np.float32(radius), second + np.float32(radius)
    outside = np.hypot(np.maximum(a, 0), np.maximum(b, 0))
    result: Field = outside + np.minimum(np.maximum(a, b), 0) - np.float32(radius)
    return result


def either(first: Field, second: Field, radius: float) -> Field:
    """The union, with a fillet where the two are closer to each other than ``radius``."""
    overlap = np.maximum(np.float32(radius) - np.abs(first - second), 0)
    result: Field = np.minimum(first, second) - overlap * overlap / np.float32(4 * radius)
    return result


def without(first: Field, second: Field, radius: float) -> Field:
    """What of ``first`` is not in ``second``, with the edge rounded."""
    return -either(-first, second, radius)


def ramp(value: Field, width: float) -> Field:
    """0 below zero, 1 above ``width``, smooth between."""
    t = np.clip(value / np.float32(width), 0, 1)
    result: Field = t * t * (3 - 2 * t)
    return result


def ellipsoid(
    grid: Grid, centre: tuple[float, float, float], radii: tuple[float, float, float]
) -> Field:
    """An ellipsoid; close to a distance where its radii are alike. Order: u, x, z."""
    a = (grid.u - centre[0]) / radii[0]
    b = (grid.x - centre[1]) / radii[1]
    c = (grid.z - centre[2]) / radii[2]
    size = np.sqrt(a * a + b * b + c * c)
    slope = np.sqrt((a / radii[0]) ** 2 + (b / radii[1]) ** 2 + (c / radii[2]) ** 2)
    result: Field = (size * (size - 1) / np.maximum(slope, 1e-3)).astype(np.float32)
    return result
