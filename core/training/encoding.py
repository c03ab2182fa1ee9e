"""The code of a shape that the space was not trained on (DeepSDF, section 4.3: inference)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ..decoder import Decoder
from .autodecoder import clamped_error, cosine_share, draw, tensors
from .sampling import Samples


def encode(
    decoder: Decoder,
    shape: Samples,
    *,
    start: Tensor,
    generator: torch.Generator,
    steps: int = 300,
    points: int = 4096,
    clamp: float = 0.1,
    code_weight: float = 1e-4,
    rate: float = 1e-2,
) -> Iterator[Tensor]:
    """The code ``(L,)`` under which ``decoder`` comes closest to ``shape``: one yield a step.

    The weights stay as they are; ``start`` ``(L,)`` is usually the mean code. The last yield is
    the result; its distance to the shape is the honest measure of a space.
    """
    code = start.detach().clone().requires_grad_(True)
    optimiser = torch.optim.Adam([code], lr=rate)
    samples = tensors(shape)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = rate * cosine_share(step, steps, 0.01)
        drawn, distances = draw(samples, points, generator)
        error = clamped_error(decoder(code, drawn), distances, clamp)
        loss = error + code_weight * code.square().sum()
        (code.grad,) = torch.autograd.grad(loss, [code])
        optimiser.step()
        yield code.detach().clone()
