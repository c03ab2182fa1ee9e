"""Target and shape as one camera sees them: their outlines, and where they disagree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..views.camera import CameraView
from .contour import LEVEL, contour

# Sky blue and orange, which nobody mistakes for each other (Okabe and Ito, Color Universal Design).
TARGET_COLOUR = (0.34, 0.71, 0.91)
SHAPE_COLOUR = (0.90, 0.62, 0.0)


@dataclass(eq=False)
class Seen:
    """Target and shape in one camera's frame; ``lines`` as :func:`contour` gives them.

    ``version`` counts what was shown of the shape: 0 while that is not known.
    """

    camera: str
    view: CameraView
    weight: float
    target: np.ndarray  # bool (H, W)
    target_lines: np.ndarray
    mask: np.ndarray  # bool (H, W)
    tint: np.ndarray  # RGBA (H, W, 4) float32, clear where both agree
    lines: np.ndarray
    iou: float = 0.0
    version: int = 0

    @classmethod
    def of(cls, camera: str, view: CameraView, coverage: np.ndarray, weight: float = 1.0) -> Seen:
        """A target alone."""
        none = np.zeros((0, 2, 2), dtype=np.float32)
        blank = np.zeros((*coverage.shape, 4), dtype=np.float32)
        target, mask = coverage >= LEVEL, np.zeros(coverage.shape, dtype=bool)
        return cls(camera, view, weight, target, contour(coverage), mask, blank, none)

    def show(self, mask: np.ndarray) -> None:
        """Compare with the silhouette ``(H, W)`` of the shape as it is now."""
        self.mask = mask.astype(bool)
        self.tint, self.lines = disagreement(self.target, self.mask), contour(self.mask)
        self.iou = overlap(self.target, self.mask)
        self.version += 1

    def is_through(self, view: CameraView) -> bool:
        """Whether the camera is where it was, with the same lens and frame."""
        mine = self.view
        same = (mine.width, mine.height) == (view.width, view.height)
        return same and np.array_equal(mine.matrix, view.matrix)


def mean_iou(seen: Sequence[Seen]) -> float:
    """The mean over cameras, by weight, as a fit has it."""
    total = sum(each.weight for each in seen)
    return sum(each.weight * each.iou for each in seen) / total if total else 0.0


def disagreement(target: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """RGBA ``(H, W, 4)`` float32: what only one of both masks covers, in that one's colour."""
    tint = np.zeros((*target.shape, 4), dtype=np.float32)
    tint[target & ~mask] = (*TARGET_COLOUR, 1.0)
    tint[mask & ~target] = (*SHAPE_COLOUR, 1.0)
    return tint


def overlap(target: np.ndarray, mask: np.ndarray) -> float:
    """Intersection over union of two masks; 0 where both are empty."""
    union = np.count_nonzero(target | mask)
    return np.count_nonzero(target & mask) / union if union else 0.0
