"""Where codes start: as the shapes lie to each other, by the principal components of distances.

Codes that start at random settle wherever the first steps push them, and two shapes that look alike
may end far apart; what lies between codes is then a patchwork. Codes that start in the order of the
shapes keep it, see docs/benchmarks.md for what that gains.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from ..shapes.geometry import FloatArray
from ..shapes.sampling import Samples

# Shapes are compared at CELLS^3 places of the cube, by distances that count up to FAR: small enough
# to see walls, large enough to see where the next shape's wall went.
CELLS, WITHIN, FAR = 14, 0.8, 0.3
NEIGHBOURS = 4
# Shapes that differ by less than this at a place, in root mean square, differ by their samples.
SAME = 1e-3


def principal_codes(shapes: Sequence[Samples], length: int, deviation: float) -> Tensor:
    """Codes ``(S, length)`` of ``shapes``: their distances' principal components.

    The first component has the deviation asked for, the others theirs in proportion; beyond the
    S - 1 that there are, and of shapes that are all the same, values are 0. Deterministic: of each
    component, the largest value is above 0.
    """
    fields = np.stack([coarse_field(shape) for shape in shapes])
    left, sizes, _ = np.linalg.svd(fields - fields.mean(axis=0), full_matrices=False)
    count = min(length, len(sizes))
    components = left[:, :count] * sizes[:count]
    largest = components[np.abs(components).argmax(axis=0), np.arange(count)]
    components = components * np.where(largest < 0, -1.0, 1.0)
    spread = components[:, 0].std()
    codes = np.zeros((len(shapes), length))
    if spread > SAME * fields.shape[1] ** 0.5:
        codes[:, :count] = components * (deviation / spread)
    return torch.from_numpy(codes).float()


def coarse_field(shape: Samples) -> FloatArray:
    """The distance at ``(CELLS^3,)`` places of the cube, from the samples nearest to each."""
    axis = np.linspace(-WITHIN, WITHIN, CELLS)
    places = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    count = min(NEIGHBOURS, len(shape.points))
    away, nearest = cKDTree(shape.points).query(places, k=range(1, count + 1))
    weights = 1.0 / (away + 1e-3) ** 2
    values: FloatArray = (shape.distances[nearest] * weights).sum(axis=1) / weights.sum(axis=1)
    return values.clip(-FAR, FAR)
