"""The change that a second-order step makes: damped normal equations, solved within limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from .belief import Belief
from .rows import Rows
from .state import Freedom, State

# A step moves the code by no more than this, root mean square in deviations, and the transform and
# the lens by no more than this in radii, radians and logarithms.
CODE_REACH, POSE_REACH = 1.0, 0.5
# A lens that was given is off by so much, usually: the logarithm of a factor.
LENS_DEVIATION = 0.27
# How strongly a code may have to be pulled back within its limit, found by halving.
LEAST_PULL, MOST_PULL, PULL_ROUNDS = 1e-4, 1e8, 20


@dataclass(frozen=True)
class Equations:
    """Gauss-Newton's ``curvature`` ``(P, P)`` and ``gradient`` ``(P,)`` at a state."""

    state: State
    freedom: Freedom
    curvature: Tensor
    gradient: Tensor

    @staticmethod
    def of(
        state: State, freedom: Freedom, rows: Iterable[Rows], belief: Belief, *, prior: float
    ) -> Equations:
        """Those of all residuals, and of the squared deviations of the code from what is believed
        of it, and of the lens from the one that was given, which weigh ``prior``."""
        curvature = torch.zeros(freedom.size, freedom.size, dtype=torch.float64)
        gradient = torch.zeros(freedom.size, dtype=torch.float64)
        if free := freedom.code:
            firm = prior * belief.precision
            curvature[:free, :free] = firm
            gradient[:free] = firm @ (state.whitened.double() - belief.whitened)
        if freedom.lens:
            curvature[-1, -1] = prior / LENS_DEVIATION**2
            gradient[-1] = prior / LENS_DEVIATION**2 * state.lens[0]
        for each in rows:
            by = each.by()
            weighted = each.weights[:, None] * by
            curvature += by.t() @ weighted
            gradient += weighted.t() @ each.values
        return Equations(state, freedom, curvature, gradient)

    def solved(self, damping: float, longest: float) -> Tensor:
        """The best change ``(P,)`` that leaves the code no longer than ``longest``.

        Where the free one would, a pull to the mean code is added that is as strong as it takes.
        """
        freedom = self.freedom
        damped = self.curvature + damping * torch.eye(freedom.size, dtype=torch.float64)
        code = torch.zeros(freedom.size, dtype=torch.float64)
        code[: freedom.code] = self.state.whitened.double()[: freedom.code]
        towards = torch.zeros(freedom.size, dtype=torch.float64)
        towards[: freedom.code] = 1.0

        def change(pull: float) -> Tensor:
            pulled = damped + pull * torch.diag(towards)
            return _held(freedom, -torch.linalg.solve(pulled, self.gradient + pull * code))

        def too_long(found: Tensor) -> bool:
            return bool((code + found)[: freedom.code].norm() > longest)

        found = change(0.0)
        if not too_long(found):
            return found
        low, high = LEAST_PULL, MOST_PULL
        for _ in range(PULL_ROUNDS):
            middle = (low * high) ** 0.5
            found = change(middle)
            low, high = (middle, high) if too_long(found) else (low, middle)
        return change(high)


def _held(freedom: Freedom, change: Tensor) -> Tensor:
    """A change ``(P,)`` whose parts go no further than a step may."""
    parts = []
    split = change.split([size for _, size in freedom.parts])
    for (name, size), part in zip(freedom.parts, split, strict=True):
        reach = CODE_REACH * size**0.5 if name == "whitened" else POSE_REACH
        parts.append(part * min(1.0, reach / max(float(part.norm()), 1e-12)))
    return torch.cat(parts)
