"""What is known of a code before its outline was looked at, beside the space's own statistics."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..errors import FitError


@dataclass(frozen=True)
class Belief:
    """Where a code probably lies: a normal distribution about ``whitened`` ``(L,)``, of the
    ``covariance`` ``(L, L)``.

    It takes the place of the space's own, whose mean is 0 and whose covariance is the identity.
    Raises FitError for numbers that are not finite, or a covariance that is none.
    """

    whitened: Tensor
    covariance: Tensor
    precision: Tensor = field(init=False)

    def __post_init__(self) -> None:
        for name in ("whitened", "covariance"):
            value = torch.as_tensor(getattr(self, name), dtype=torch.float64).cpu()
            object.__setattr__(self, name, value)
        length = len(self.whitened)
        same = self.whitened.ndim == 1 and self.covariance.shape == (length, length)
        numbers = torch.cat([self.whitened.flatten(), self.covariance.flatten()])
        if not same or not bool(torch.isfinite(numbers).all()):
            raise FitError(
                "A belief about a code is not finite, or its covariance is of another size",
                "Give L finite numbers, and L x L of how they vary",
            )
        even = (self.covariance + self.covariance.T) / 2
        factor, fault = torch.linalg.cholesky_ex(even)
        symmetric = torch.allclose(even, self.covariance, rtol=1e-4, atol=1e-9)
        if int(fault) or not symmetric:
            raise FitError(
                "A belief's covariance is not symmetric, or not positive in every direction",
                "Use that of a normal distribution",
            )
        object.__setattr__(self, "precision", torch.cholesky_inverse(factor))

    @staticmethod
    def of_deviations(whitened: Tensor, deviations: Tensor) -> Belief:
        """Each number of ``whitened`` ``(L,)`` for itself, so many ``deviations`` ``(L,)`` off."""
        return Belief(whitened, torch.diag(torch.as_tensor(deviations).double().square()))

    @staticmethod
    def of_space(code_length: int) -> Belief:
        """What the space itself says: the mean, and one deviation each way."""
        return Belief(torch.zeros(code_length), torch.eye(code_length))

    def distance(self, whitened: Tensor) -> float:
        """How far a code lies from here: Mahalanobis' distance, squared."""
        off = whitened.double().cpu() - self.whitened
        return float(off @ self.precision @ off)
