"""What a fit aims at: views with their targets, and how near a silhouette is to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates
from skimage.measure import find_contours
from torch import Tensor

from ..camera import View
from ..errors import ViewError
from ..silhouette import Silhouette, intersection_over_union

Floats = NDArray[np.float64]

# A pixel belongs to the target from this coverage on.
COVERED = 0.5
# Samples of an outline are so many pixels apart in an image of the usual size.
OUTLINE_STEP, USUAL_SIZE = 1.5, 256
# Nearer to the image's edge than this, in pixels, an outline may be where the image cuts it.
BORDER = 1.0
STAIRS = 1.0


@dataclass(frozen=True)
class Goal:
    """A view, its ``target`` ``(H, W)`` and that as a ``mask``, and the weights ``pull`` ``(H, W)``
    that draw the contour to the target's outline.

    ``distance`` ``(H, W)`` is from each pixel's centre to the outline, in pixels, negative inside.
    """

    view: View
    target: Tensor
    mask: NDArray[np.bool_]
    pull: Tensor
    distance: Floats

    def distance_at(self, pixels: Floats) -> Floats:
        """Signed distances ``(N,)`` from image positions ``(N, 2)`` to the outline, in pixels."""
        return _interpolated(self.distance, pixels)

    def outward_at(self, pixels: Floats) -> Floats:
        """Which way ``(N, 2)`` the nearest outline faces, as unit vectors; 0 in its skeleton."""
        down, right = self._slopes
        slope = np.stack([_interpolated(each, pixels) for each in (right, down)], axis=1)
        outward: Floats = slope / np.linalg.norm(slope, axis=1, keepdims=True).clip(1e-6)
        return outward

    @cached_property
    def outline(self) -> Floats:
        """Positions ``(Q, 2)`` along the target's outline, some ``OUTLINE_STEP`` pixels apart.

        Where the image cuts the target off there is none.
        """
        height, width = self.mask.shape
        chains = find_contours(np.pad(self.mask, 1).astype(float), COVERED)
        found = np.concatenate([_even(chain[:, ::-1] - 0.5, self.outline_step) for chain in chains])
        inside = ((found > BORDER) & (found < (width - BORDER, height - BORDER))).all(axis=1)
        outline: Floats = found[inside]
        return outline

    @cached_property
    def outline_outward(self) -> Floats:
        """Which way :attr:`outline` faces ``(Q, 2)``."""
        return self.outward_at(self.outline)

    @property
    def outline_step(self) -> float:
        """How many pixels of the outline a sample stands for."""
        return max(OUTLINE_STEP * max(self.mask.shape) / USUAL_SIZE, 1.0)

    @cached_property
    def _slopes(self) -> list[Floats]:
        """The distance's slopes down and right, evened out: a mask's outline is stairs."""
        return list(np.gradient(gaussian_filter(self.distance, STAIRS)))


def goals_of(views: Sequence[View], targets: Sequence[Tensor], *, reach: float) -> list[Goal]:
    """Each view with its target ``(H, W)`` in [0, 1], checked; ``reach`` as in FitOptions.

    Raises ViewError for a target of another size, not finite, empty or full.
    """
    if not views or len(views) != len(targets):
        raise ViewError(
            f"{len(views)} views and {len(targets)} targets were given",
            "Give at least one view, and one target for each",
        )
    goals = []
    for number, (view, given) in enumerate(zip(views, targets, strict=True), start=1):
        target = torch.as_tensor(given, dtype=torch.float32).cpu()
        if target.shape != (view.height, view.width):
            raise ViewError(
                f"Target {number} has shape {tuple(target.shape)}, its view "
                f"{view.height} x {view.width} (rows x columns)",
                "Render or resize the target to the view's size",
            )
        if not bool(torch.isfinite(target).all()):
            raise ViewError(f"Target {number} holds values that are not finite", "Check the image")
        target = target.clamp(0.0, 1.0)
        mask = (target >= COVERED).numpy()
        if not mask.any():
            raise ViewError(
                f"Target {number} is empty: no pixel is covered",
                "Check the image, the threshold, and that the target is in the camera's frame",
            )
        if mask.all():
            raise ViewError(
                f"Target {number} is full: every pixel is covered, so it has no outline",
                "Check the image and the threshold, or invert it",
            )
        distance = _distance(mask)
        goals.append(Goal(view, target, mask, _pull(distance, reach), distance))
    return goals


def _distance(mask: NDArray[np.bool_]) -> Floats:
    """Signed distances from pixels' centres to the border between covered and not."""
    distance: Floats = np.where(
        mask, 0.5 - distance_transform_edt(mask), distance_transform_edt(~mask) - 0.5
    )
    return distance


def _interpolated(image: Floats, pixels: Floats) -> Floats:
    """An image's values at positions ``(N, 2)``, linear between the pixels' centres."""
    rows, columns = pixels[:, 1] - 0.5, pixels[:, 0] - 0.5
    values: Floats = map_coordinates(image, [rows, columns], order=1, mode="nearest")
    return values


def _even(chain: Floats, step: float) -> Floats:
    """Points along a closed chain ``(N, 2)``, about ``step`` apart."""
    sides = np.linalg.norm(np.diff(chain, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(sides)])
    count = max(int(along[-1] / step), 4)
    at = np.linspace(0.0, along[-1], count, endpoint=False)
    return np.stack([np.interp(at, along, part) for part in chain.T], axis=1)


def _pull(distance: Floats, reach: float) -> Tensor:
    """Weights ``(H, W)`` whose integral over the covered ground is least on the target.

    1 - 2 T, the pixel loss's own, is as strong a pixel off as far off, and makes a step bounce.
    These have the same sign, grow with the distance to the outline up to ``reach`` (a share of the
    image's larger side), and slowly beyond it.
    """
    scaled = torch.from_numpy(distance).float() / max(reach * max(distance.shape), 1.0)
    far = 1.0 + torch.log(scaled.abs().clamp_min(1.0))
    return torch.where(scaled.abs() < 1.0, scaled, far * scaled.sign())


def score(goals: Sequence[Goal], seen: Sequence[Silhouette]) -> tuple[float, float, float]:
    """Weighted means over the views of the squared difference, the IoU, and the pull."""
    total = sum(g.view.weight for g in goals)
    loss = iou = pull = 0.0
    for goal, silhouette in zip(goals, seen, strict=True):
        covered = torch.from_numpy(silhouette.mask).float()
        share = goal.view.weight / total
        loss += share * float((covered - goal.target).square().mean())
        iou += share * intersection_over_union(silhouette.mask, goal.mask)
        pull += share * float((covered * goal.pull).mean())
    return loss, iou, pull
