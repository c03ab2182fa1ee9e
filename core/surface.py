"""The derivative of the surface itself: how its points move when the code or a weight changes.

Differentiating f(z, x(z)) = 0 gives dx/dz = -(grad f / |grad f|^2) df/dz along the normal (Remelli
et al., NeurIPS 2020, theorem 1, without its assumption |grad f| = 1: the published code divides by
|grad f| once, which is 30 % short on its own model). Motion along the surface changes no shape and
is left out. Marching cubes needs no derivative of its own.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .decoder import Decoder
from .folded import CHUNK_POINTS, FoldedDecoder

# Where |grad f| falls below this share of its median, a point's speed is held finite.
FLATTEST_SHARE = 0.05


def follow(decoder: Decoder, code: Tensor, points: Tensor, *, newton: int = 2) -> Tensor:
    """``points`` ``(N, 3)`` on the surface of ``code`` ``(L,)``, as a function of code and weights.

    The values are ``points`` as given; the gradient is the exact surface derivative with respect
    to ``code`` and to every parameter of ``decoder`` that requires one. Backward costs one pass of
    the decoder over the points that carry gradient. Once differentiable. Works with any loss on
    points or vertices. Marching cubes leaves vertices a little off the surface: their speed is
    taken at their foot on f = 0, found by ``newton`` steps (0 where they lie on it already).
    """
    result: Tensor = _Follow.apply(  # type: ignore[no-untyped-call]
        decoder, points, newton, code, *decoder.parameters()
    )
    return result


class _Follow(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, decoder: Decoder, points: Tensor, newton: int, code: Tensor, *parameters: Tensor
    ) -> Tensor:
        ctx.decoder, ctx.newton = decoder, newton
        ctx.save_for_backward(points, code, *parameters)
        return points.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        points, code, *parameters = ctx.saved_tensors
        wanted = [i for i, needed in enumerate(ctx.needs_input_grad[3:]) if needed]
        carries = gradient.abs().sum(dim=1) > 0
        with torch.enable_grad():
            inputs = [code.detach().requires_grad_(), *parameters]
            field = ctx.decoder.fold(inputs[0])
            at = points[carries].detach()
            if ctx.newton:
                at = project(field, at, steps=ctx.newton)
            at = at.requires_grad_()
            values = field(at)
            (slope,) = torch.autograd.grad(values.sum(), at, retain_graph=True)
            speed = -(gradient[carries] * slope).sum(dim=1) / guarded_square(slope)
            found = torch.autograd.grad(
                values, [inputs[i] for i in wanted], speed, allow_unused=True
            )
        result: list[Tensor | None] = [None] * (3 + len(inputs))
        for i, value in zip(wanted, found, strict=True):
            result[3 + i] = value
        return tuple(result)


def guarded_square(slope: Tensor) -> Tensor:
    """|grad f|^2 ``(N,)``, kept from vanishing where the field is nearly flat."""
    square = slope.square().sum(dim=1)
    if not len(square):
        return square
    floor = square.median() * FLATTEST_SHARE**2
    return torch.maximum(square, floor.clamp_min(torch.finfo(square.dtype).tiny))


def normals(field: FoldedDecoder, points: Tensor) -> Tensor:
    """Outward unit normals grad f / |grad f| ``(N, 3)`` at ``points``. Not differentiable."""
    return torch.nn.functional.normalize(_value_and_slope(field, points)[1], dim=1)


def project(field: FoldedDecoder, points: Tensor, *, steps: int, cell: float = 2.0) -> Tensor:
    """``points`` ``(N, 3)`` after Newton steps x - f grad f / |grad f|^2 towards f = 0.

    Marching cubes interpolates linearly and misses the surface by up to |f| = 5e-3 at 64 cells; one
    or two steps mend that. A step is at most half of ``cell``, so that no face turns over. Not
    differentiable: use :func:`follow` on the result.
    """
    for _ in range(steps):
        value, slope = _value_and_slope(field, points)
        step = slope * (value / guarded_square(slope))[:, None]
        length = step.norm(dim=1, keepdim=True).clamp_min(1e-12)
        points = points - step * (0.5 * cell / length).clamp_max(1.0)
    return points


def _value_and_slope(field: FoldedDecoder, points: Tensor) -> tuple[Tensor, Tensor]:
    """f ``(N,)`` and grad f ``(N, 3)``, in chunks."""
    values, slopes = [], []
    for part in torch.split(points, CHUNK_POINTS):
        at = part.detach().requires_grad_()
        with torch.enable_grad():
            value = field(at)
            (slope,) = torch.autograd.grad(value.sum(), at)
        values.append(value.detach())
        slopes.append(slope)
    if not values:
        return points.new_empty(0), points
    return torch.cat(values), torch.cat(slopes)
