"""How near a reconstruction comes to the true shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.camera import View
from core.extraction import extract
from core.pose import transformed
from core.quality import compare
from core.silhouette import intersection_over_union, see
from core.space import Space

CELLS, POINTS = 96, 6_000
Mesh = tuple[NDArray[np.float64], NDArray[np.int64]]


@dataclass(frozen=True)
class Verdict:
    """Distances between surfaces (mean of both ways, radius 1), how far their normals agree, the
    silhouettes' overlap, and the rotation's error in degrees where there is one."""

    chamfer: float
    normals: float
    iou: float
    degrees: float = math.nan


def surface(space: Space, code: Tensor, cells: int = CELLS) -> Mesh:
    """The mesh of a code in the shape's own coordinates."""
    mesh = extract(space, code, cells, draft=cells < CELLS)
    matrix = space.frame.matrix()
    return transformed(matrix, mesh.vertices.double()).numpy(), mesh.faces.numpy()


def verdict(
    space: Space,
    code: Tensor,
    view: View,
    mask: NDArray[np.bool_],
    true: Mesh,
    *,
    degrees: float = math.nan,
) -> Verdict:
    """A code's shape against the ``true`` one, and against the ``mask`` as ``view`` sees it."""
    found = surface(space, code)
    if not len(found[1]):
        return Verdict(math.inf, 0.0, 0.0, degrees)
    near = compare(
        *found, *true, rng=np.random.default_rng(0), surface_points=POINTS, volume_points=1_000
    )
    seen = see(view, torch.from_numpy(found[0]), found[1]).mask
    iou = intersection_over_union(seen, mask)
    return Verdict(near.chamfer, near.normal_consistency, iou, degrees)


def turned(found: Tensor, true: Tensor, *, azimuth: bool) -> float:
    """The angle in degrees between two rotations ``(3, 3)`` from an object to the camera; of their
    upright axes alone where the ``azimuth`` does not matter."""
    if not azimuth:
        cosine = float(found[:, 2] @ true[:, 2])
    else:
        cosine = (float((found.T @ true).trace()) - 1) / 2
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


def means(verdicts: Sequence[Verdict]) -> tuple[float, float, float, float]:
    """Mean distance, normals and overlap; the median of the angles."""
    angles = [each.degrees for each in verdicts]
    return (
        mean(each.chamfer for each in verdicts),
        mean(each.normals for each in verdicts),
        mean(each.iou for each in verdicts),
        float(np.median(angles)),
    )
