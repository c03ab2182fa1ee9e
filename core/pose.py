"""Where a shape stands: similarities, as a fit moves them."""

from __future__ import annotations

import torch
from torch import Tensor

from .errors import FitError

# How far from a multiple of a rotation a transform may be and still count as a similarity.
SIMILARITY_TOLERANCE = 1e-4
# A determinant below this share of the matrix's size cubed is no volume any more.
FLATTEST = 1e-9


def check_transform(matrix: Tensor, *, similarity: bool) -> None:
    """Raise FitError where ``matrix`` ``(4, 4)`` is no transform, or no ``similarity`` if asked."""
    if matrix.shape != (4, 4) or not bool(torch.isfinite(matrix).all()):
        raise FitError("The object's transform is no finite 4x4 matrix", "Reset its transform")
    linear = matrix[:3, :3]
    determinant = float(torch.linalg.det(linear))
    if abs(determinant) <= FLATTEST * float(linear.norm()) ** 3:
        raise FitError("The object's scale is zero along an axis", "Give it a size")
    if not similarity:
        return
    size = abs(determinant) ** (1 / 3)
    skew = (linear @ linear.t() / size**2 - torch.eye(3, dtype=torch.float64)).abs().max()
    if determinant < 0 or float(skew) > SIMILARITY_TOLERANCE:
        kind = "negative" if determinant < 0 else "not uniform"
        raise FitError(
            f"Move, turn and scale cannot be fitted: the object's scale is {kind}",
            "Apply the scale, or fit the shape alone",
        )


def similarity(
    move: Tensor, turn: Tensor, scale: Tensor, *, centre: Tensor, radius: Tensor
) -> Tensor:
    """World to world, ``(4, 4)``: scale and turn about ``centre`` ``(3,)``, then move.

    ``move`` ``(3,)`` counts in ``radius``, ``turn`` ``(3,)`` is a rotation vector in radians,
    ``scale`` ``(1,)`` a natural logarithm. Differentiable in all three.
    """
    linear = rotation_of(turn) * scale.exp()
    offset = centre + move * radius - linear @ centre
    top = torch.cat([linear, offset[:, None]], dim=1)
    return torch.cat([top, top.new_tensor([[0.0, 0.0, 0.0, 1.0]])])


def rotation_of(turn: Tensor) -> Tensor:
    """The rotation ``(3, 3)`` of a rotation vector ``(3,)`` in radians. Differentiable."""
    x, y, z = turn
    zero = torch.zeros_like(x)
    cross = torch.stack(
        [torch.stack([zero, -z, y]), torch.stack([z, zero, -x]), torch.stack([-y, x, zero])]
    )
    rotation: Tensor = torch.linalg.matrix_exp(cross)
    return rotation


def transformed(matrix: Tensor, points: Tensor) -> Tensor:
    """``points`` ``(N, 3)`` through the affine ``matrix`` ``(4, 4)``. Differentiable."""
    return points @ matrix[:3, :3].t() + matrix[:3, 3]
