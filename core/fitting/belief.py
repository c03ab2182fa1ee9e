"""What is known of a code before its outline was looked at, beside the space's own statistics."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import FitError


@dataclass(frozen=True)
class Belief:
    """Where a code probably lies: ``whitened`` ``(L,)``, and the ``deviations`` ``(L,)`` from it.

    It takes the place of the mean code and deviations of 1, the space's own normal distribution.
    Raises FitError for numbers that are not finite, or deviations that are not above 0.
    """

    whitened: Tensor
    deviations: Tensor

    def __post_init__(self) -> None:
        for name in ("whitened", "deviations"):
            value = torch.as_tensor(getattr(self, name), dtype=torch.float64).cpu()
            object.__setattr__(self, name, value)
        same = self.whitened.ndim == 1 and self.whitened.shape == self.deviations.shape
        if not same or not bool(torch.isfinite(self.whitened).all()):
            raise FitError(
                "A belief about a code is not finite, or its deviations are of another length",
                "Give one finite number and one deviation for each number of the code",
            )
        if not bool((self.deviations > 0).all() & torch.isfinite(self.deviations).all()):
            raise FitError("A belief's deviations are not all above 0", "Use finite ones above 0")

    @staticmethod
    def of_space(code_length: int) -> Belief:
        """What the space itself says: the mean, and one deviation each way."""
        return Belief(torch.zeros(code_length), torch.ones(code_length))
