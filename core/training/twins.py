"""Meshes of a family that are one shape twice, once each is where the family's placement puts it.

Meshes are read one at a time, so each leaves a sketch: its faces' digest, and random projections of
its vertices about the middle of its box, in units of its radius. Projections of equal shapes differ
by rounding only, as files of single precision round what was moved; a digest of rounded numbers
would differ as soon as one of thousands falls to the other side.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from ..shapes.family import Bounds, Placement
from ..shapes.geometry import FloatArray, IntArray

PROJECTIONS = 8
# Root mean square distance of the vertices, in radii, up to which shapes are one; single precision
# keeps 1e-5 of a mesh that was moved by a hundred times its size.
SAME = 1e-4


@dataclass(frozen=True)
class Sketch:
    """What is kept of a mesh; ``projections`` ``(PROJECTIONS, 3)``."""

    faces: str
    projections: FloatArray


def sketch(points: FloatArray, faces: IntArray, bounds: Bounds) -> Sketch:
    """Of Z-up ``points`` ``(V, 3)`` and their ``faces``."""
    hashed = sha256(f"{points.shape} {faces.shape}".encode())
    hashed.update(np.ascontiguousarray(faces, np.int64).tobytes())
    weights = np.random.default_rng(0).standard_normal((PROJECTIONS, len(points)))
    own = (points - bounds.middle()) / (bounds.radius or 1.0)
    return Sketch(hashed.hexdigest(), np.asarray(weights @ own / len(points) ** 0.5))


def twins(family: Iterable[tuple[Bounds, Sketch]], placement: Placement) -> list[tuple[str, str]]:
    """Pairs of names of shapes that ``placement`` makes one: the first of them, and another."""
    first: dict[str, list[tuple[str, FloatArray]]] = {}
    found = []
    for bounds, seen in family:
        placed = _placed(bounds, seen, placement)
        near = SAME * bounds.radius * placement.shapes[bounds.name].scale
        alike = first.setdefault(seen.faces, [])
        for name, other in alike:
            if np.abs(placed - other).max() <= near:
                found.append((name, bounds.name))
                break
        else:
            alike.append((bounds.name, placed))
    return found


def _placed(bounds: Bounds, seen: Sketch, placement: Placement) -> FloatArray:
    """The projections in the cube's units, and where the box's middle comes to lie there."""
    shape = placement.shapes[bounds.name]
    middle = shape.apply(bounds.middle()[None])
    return np.concatenate([seen.projections * bounds.radius * shape.scale, middle])
