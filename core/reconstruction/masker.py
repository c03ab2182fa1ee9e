"""Where the object of a space is in a picture: a small network that predicts its mask.

A residual encoder (He et al., CVPR 2016) whose levels are added up from the coarsest to the finest
(Lin et al., CVPR 2017), for one family of shapes on any background. Its finest level has half of
the picture's resolution; each of its cells tells four pixels (Shi et al., CVPR 2016). What it
predicts is coarse; :mod:`core.reconstruction.masking` finds the edge in the picture.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pixel_shuffle

from .encoder import FIRST_KERNEL, KERNEL, Halving, Residual

WIDTHS = (24, 40, 72, 88)  # channels after each of four halvings
GATHERED = (20, 32, 48, 88)  # channels that are added up, finest first
SIDE = 96  # pixels of the square picture, a multiple of 16


class Masker(nn.Module):
    """Weights of the network; freshly made ones are torch's own start."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList()
        before = 3
        for level, width in enumerate(WIDTHS):
            halving = Halving(before, width, kernel=KERNEL if level else FIRST_KERNEL)
            self.down.append(nn.Sequential(halving, Residual(width)) if level else halving)
            before = width
        self.side = nn.ModuleList(
            nn.Conv2d(width, gathered, 1)
            for width, gathered in zip(WIDTHS[:-1], GATHERED[:-1], strict=True)
        )
        self.up = nn.ModuleList(
            nn.Conv2d(deep, shallow, 1, bias=False) for shallow, deep in pairwise(GATHERED)
        )
        self.mix = nn.ModuleList(_mix(width) for width in GATHERED[:-1])
        self.last = nn.Conv2d(GATHERED[0], 4, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits ``(B, 1, S, S)`` of the mask in ``pictures`` ``(B, 3, S, S)``. Differentiable."""
        x, levels = pictures - 0.5, []
        for block in self.down:
            x = block(x)
            levels.append(x)
        for level in reversed(range(len(self.up))):
            coarse = interpolate(self.up[level](x), scale_factor=2, mode="nearest")
            x = self.mix[level](coarse + self.side[level](levels[level]))
        logits: Tensor = pixel_shuffle(self.last(x), 2)
        return logits

    @torch.no_grad()
    def predict(self, picture: Tensor) -> Tensor:
        """The mask ``(S, S)`` in [0, 1] in a ``picture`` ``(3, S, S)`` and in its mirror, mean."""
        plain, mirrored = self(torch.stack([picture, picture.flip(-1)]))[:, 0].sigmoid()
        found: Tensor = (plain + mirrored.flip(-1)) / 2
        return found


def _mix(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
    )
