"""Muon: momentum whose every step is made orthogonal (Jordan et al., 2024).

For the weight matrices of a decoder it does with one step what Adam does with several. torch has a
Muon of its own since 2.9, which orthogonalises in bfloat16, one matrix at a time: on a CPU without
such arithmetic that took longer than the step itself. Here it is float32, and matrices of one shape
go together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

# Coefficients of the quintic Newton-Schulz iteration (Jordan et al., 2024): five of them bring
# singular values from [1e-3, 1] to about [0.7, 1.2].
QUINTIC = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5
# With this factor a step is as large as Adam's at the same rate (Liu et al., 2025, section 2.2).
ADAM_SIZE = 0.2
TINY = 1e-12
NOTHING = 1e-30


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised, for parameters that are matrices ``(out, in)``."""

    def __init__(self, matrices: Iterable[Tensor], lr: float, momentum: float = 0.95) -> None:
        super().__init__(matrices, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One step along the gradients that are there; ``closure`` is not used."""
        for group in self.param_groups:
            alike: dict[tuple[int, ...], list[Tensor]] = defaultdict(list)
            for matrix in group["params"]:
                if matrix.grad is not None:
                    alike[tuple(matrix.shape)].append(matrix)
            for shape, matrices in alike.items():
                directions = torch.stack([self._direction(m, group) for m in matrices])
                rate = group["lr"] * ADAM_SIZE * max(shape) ** 0.5
                for matrix, update in zip(matrices, orthogonal(directions), strict=True):
                    matrix.add_(update, alpha=-rate)

    def _direction(self, matrix: Tensor, group: dict[str, Any]) -> Tensor:
        """The gradient, carried on by what came before."""
        assert matrix.grad is not None
        state = self.state[matrix]
        if not state:
            state["momentum"] = torch.zeros_like(matrix)
        momentum: Tensor = state["momentum"]
        momentum.lerp_(matrix.grad, 1 - group["momentum"])
        # The momentum of a unit that never fires decays into denormal numbers, with which a CPU
        # multiplies a hundred times slower: a step took 290 ms in place of 57.
        momentum.mul_(momentum.abs() > NOTHING)
        return matrix.grad.lerp(momentum, group["momentum"])


def orthogonal(matrices: Tensor) -> Tensor:
    """``matrices`` ``(K, M, N)`` with singular values near 1 and the same singular vectors.

    Newton-Schulz iterations of degree 5; directions that are zero stay so. Not for gradients.
    """
    a, b, c = QUINTIC
    tall = matrices.shape[1] > matrices.shape[2]
    x: Tensor = matrices.mT if tall else matrices
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=TINY)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x
