"""What a fit aims at: views with their targets, and how near a silhouette is to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from .camera import View
from .errors import ViewError
from .silhouette import Silhouette, intersection_over_union

# A pixel belongs to the target from this coverage on.
COVERED = 0.5


@dataclass(frozen=True)
class Goal:
    """A view, its ``target`` ``(H, W)`` and that as a ``mask``, and the weights ``pull`` ``(H, W)``
    that draw the contour to the target's outline.
    """

    view: View
    target: Tensor
    mask: NDArray[np.bool_]
    pull: Tensor


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
        goals.append(Goal(view, target, mask, _pull(target, mask, reach)))
    return goals


def _pull(target: Tensor, mask: NDArray[np.bool_], reach: float) -> Tensor:
    """Weights ``(H, W)`` whose integral over the covered ground is least on the target.

    1 - 2 T, the pixel loss's own, is as strong a pixel off as far off, and makes a step bounce.
    These have the same sign, grow with the distance to the outline up to ``reach`` (a share of the
    image's larger side), and slowly beyond it.
    """
    outside = distance_transform_edt(~mask) - 0.5
    inside = distance_transform_edt(mask) - 0.5
    distance = torch.from_numpy(np.where(mask, -inside, outside)).float()
    scaled = distance / max(reach * max(target.shape), 1.0)
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
