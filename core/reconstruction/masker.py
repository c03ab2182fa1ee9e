"""Where the object of a space is in a picture: a small network that predicts its mask.

An encoder and a decoder with bridges between them (Ronneberger et al., MICCAI 2015), for one
family of shapes on any background. What it predicts is coarse; :mod:`core.reconstruction.masking`
finds the edge in the picture.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

WIDTHS = (16, 32, 64, 96)
SIDE = 64  # pixels of the square picture


class Masker(nn.Module):
    """Weights of the network; freshly made ones are torch's own start."""

    def __init__(self) -> None:
        super().__init__()
        down: list[nn.Module] = []
        before = 3
        for level, width in enumerate(WIDTHS):
            down.append(_block(before, width, stride=1 if level == 0 else 2))
            before = width
        self.down = nn.ModuleList(down)
        self.up = nn.ModuleList(
            _block(deep + shallow, shallow) for shallow, deep in reversed(list(pairwise(WIDTHS)))
        )
        self.last = nn.Conv2d(WIDTHS[0], 1, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits ``(B, 1, S, S)`` of the mask in ``pictures`` ``(B, 3, S, S)``. Differentiable."""
        kept: list[Tensor] = []
        x = pictures - 0.5
        for block in self.down:
            x = block(x)
            kept.append(x)
        x = kept.pop()
        for block in self.up:
            bridge = kept.pop()
            x = interpolate(x, size=bridge.shape[-2:], mode="nearest")
            x = block(torch.cat([x, bridge], dim=1))
        logits: Tensor = self.last(x)
        return logits

    @torch.no_grad()
    def predict(self, picture: Tensor) -> Tensor:
        """The mask ``(S, S)`` in [0, 1] in a ``picture`` ``(3, S, S)``."""
        found: Tensor = self(picture[None])[0, 0].sigmoid()
        return found


def _block(before: int, width: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, width, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
    )
