"""Closed-form signed distances in the place of a trained decoder."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from core.decoder import Architecture
from core.space import Space

Formula = Callable[[Tensor, Tensor], Tensor]


class FoldedField:
    """f(code, .) that counts what it is asked."""

    def __init__(self, formula: Formula, code: Tensor) -> None:
        self.formula, self.code, self.evaluations = formula, code, 0
        self.seconds = 0.0
        self.device = torch.device("cpu")

    def __call__(self, points: Tensor) -> Tensor:
        self.evaluations += len(points)
        return self.formula(self.code, points)

    def evaluate(self, points: Tensor) -> Tensor:
        with torch.no_grad():
            return self(points)

    def evaluate_nodes(self, nodes: Tensor, step: float) -> Tensor:
        return self.evaluate(nodes * step - 1.0)


class Field(nn.Module):
    """Stands for a Decoder: code and points in, signed distance out."""

    def __init__(self, formula: Formula, code_length: int) -> None:
        super().__init__()
        self.formula = formula
        self.architecture = Architecture(code_length, ())
        self.device = torch.device("cpu")

    def forward(self, code: Tensor, points: Tensor) -> Tensor:
        return self.formula(code, points)

    def fold(self, code: Tensor) -> FoldedField:
        return FoldedField(self.formula, code)


def space_of(formula: Formula, codes: list[list[float]], name: str = "closed form") -> Space:
    codes_ = torch.tensor(codes)
    return Space(name, Field(formula, codes_.shape[1]), codes_)  # type: ignore[arg-type]


def ball(code: Tensor, points: Tensor) -> Tensor:
    """Code: radius, then the centre."""
    return (points - code[..., 1:4]).norm(dim=1) - code[..., 0]


def ring(code: Tensor, points: Tensor) -> Tensor:
    """A torus about z. Code: radius of the ring, radius of the tube."""
    across = points[:, :2].norm(dim=1) - code[..., 0]
    return torch.stack([across, points[:, 2]], dim=1).norm(dim=1) - code[..., 1]


def two_balls(code: Tensor, points: Tensor) -> Tensor:
    """A ball of radius 0.4 at x = -0.5, another of radius code[0] at x = 0.5."""
    left = (points - points.new_tensor([-0.5, 0.0, 0.0])).norm(dim=1) - 0.4
    right = (points - points.new_tensor([0.5, 0.01, 0.02])).norm(dim=1) - code[0]
    return torch.minimum(left, right)
