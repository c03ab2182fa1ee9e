"""The code of a shape that the space was not trained on (DeepSDF, section 4.3: inference).

DeepSDF descends for 800 steps of Adam. The unknowns are few, so here every step solves for all of
them: the values' derivatives by the code, ``(N, L)``, come from one backward pass, as in a fit, and
a damped Gauss-Newton step (Levenberg-Marquardt) lands where Adam creeps to.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ..decoder import Decoder
from ..shapes.sampling import Samples
from ..space import CodeStatistics, Space
from .autodecoder import draw, signed_excess, tensors

# Errors below it count by their square, larger ones by their size (Huber, 1964), in cube units.
HUBER = 2e-3
FIRST_DAMPING, LEAST_DAMPING, MOST_DAMPING = 1e-1, 1e-6, 1e4
CALMER, BOLDER = 4.0, 0.3
# A code is at its end when no step changes it by more than this, in deviations.
STILL = 1e-3


def encode(
    space: Space,
    shape: Samples,
    *,
    generator: torch.Generator,
    start: Tensor | None = None,
    steps: int = 40,
    points: int = 4096,
    clamp: float = 0.1,
    prior: float = 1e-4,
) -> Iterator[Tensor]:
    """The code ``(L,)`` under which ``space`` comes closest to ``shape``: one yield a step.

    The weights stay as they are. ``start`` is the mean code, unless given; ``prior`` weighs the
    squared deviations of the code. The last yield is the result, and may come before ``steps``; its
    distance to the shape is the honest measure of a space. Not differentiable.
    """
    statistics, device = space.statistics, space.device
    samples = tensors(shape, device)
    code = statistics.whiten(statistics.mean if start is None else start.cpu())
    damping = FIRST_DAMPING
    for _ in range(steps):
        at, distances = draw(samples, points, generator)
        problem = _Problem(space.decoder, statistics, at, distances, clamp=clamp, prior=prior)
        loss, gradient, curvature = problem.expand(code)
        moved = 0.0
        while damping < MOST_DAMPING:
            damped = curvature + damping * torch.diag(curvature.diagonal())
            change = -torch.linalg.solve(damped, gradient)
            if problem.loss(code + change) < loss:
                code, moved = code + change, float(change.abs().max())
                damping = max(damping * BOLDER, LEAST_DAMPING)
                break
            damping *= CALMER
        yield statistics.unwhiten(code)
        if moved < STILL:
            return


class _Problem:
    """The loss of a whitened code on some points, and its second-order expansion."""

    def __init__(
        self,
        decoder: Decoder,
        statistics: CodeStatistics,
        points: Tensor,
        distances: Tensor,
        *,
        clamp: float,
        prior: float,
    ) -> None:
        self._decoder, self._statistics = decoder, statistics
        self._points, self._distances, self._clamp = points, distances, clamp
        self._prior = prior

    def loss(self, code: Tensor) -> float:
        """Mean Huber loss plus prior."""
        with torch.no_grad():
            raw = self._statistics.unwhiten(code).to(self._points.device)
            return self._loss(code, self._errors(self._decoder(raw, self._points)))

    def expand(self, code: Tensor) -> tuple[float, Tensor, Tensor]:
        """Loss, gradient ``(L,)`` and Gauss-Newton's curvature ``(L, L)`` at ``code``."""
        raw = self._statistics.unwhiten(code).to(self._points.device)
        # One code for each point: the gradient of the sum is then every point's own derivative.
        spread = raw.expand(len(self._points), -1).clone().requires_grad_(True)
        values = self._decoder(spread, self._points)
        (slopes,) = torch.autograd.grad(values.sum(), spread)
        errors = self._errors(values.detach())
        scale = (self._statistics.axes * self._statistics.deviations[:, None]).to(slopes.device)
        slopes = slopes @ scale.t()
        slopes = torch.where(errors[:, None] == 0, 0.0, slopes)
        weights = 1 / (errors.abs().clamp(min=HUBER) * len(errors))
        gradient = (slopes.t() @ (weights * errors)).cpu()
        curvature = (slopes.t() @ (weights[:, None] * slopes)).cpu()
        share = self._prior / len(code)
        gradient = gradient + share * code
        curvature = curvature + share * torch.eye(len(code))
        return self._loss(code, errors), gradient, curvature

    def _loss(self, code: Tensor, errors: Tensor) -> float:
        sizes = errors.abs()
        data = torch.where(sizes < HUBER, sizes**2 / (2 * HUBER), sizes - HUBER / 2).mean()
        return float(data) + self._prior * float(code.square().mean()) / 2

    def _errors(self, values: Tensor) -> Tensor:
        return signed_excess(values, self._distances, self._clamp)
