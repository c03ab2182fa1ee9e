"""Teaching a masker: an encoder's pictures, laid small and large on any background."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, binary_cross_entropy_with_logits, grid_sample

from ..training.autodecoder import cosine_share
from .learning import Lessons, developed
from .lighting import Chances, backgrounds, lit, shadowed
from .masker import Masker

# The share of the picture's side that the lesson's square takes, and how far off its middle it is.
SMALLEST, LARGEST, OFF = 0.35, 1.25, 0.6
RATE, FINAL, DECAY = 3e-3, 0.01, 0.01


def teach_masker(
    masker: Masker, lessons: Lessons, steps: int, *, batch: int, generator: torch.Generator
) -> Iterator[float]:
    """Teach for so many steps; each yields the intersection over union of its masks."""
    optimiser = torch.optim.AdamW(masker.parameters(), lr=RATE, weight_decay=DECAY)
    masker.train()
    for step in range(steps):
        drawn = torch.randint(len(lessons), (batch,), generator=generator)
        pictures, masks = placed(lessons, drawn, generator)
        logits = masker(pictures.contiguous(memory_format=torch.channels_last))
        found = logits.sigmoid()
        overlap = (found * masks).sum((1, 2, 3))
        union = (found + masks - found * masks).sum((1, 2, 3))
        # Pixels, and the overlap itself, so that small objects count as much as large ones.
        soft = 1 - ((overlap + 1) / (union + 1)).mean()
        loss = binary_cross_entropy_with_logits(logits, masks) + soft
        for group in optimiser.param_groups:
            group["lr"] = RATE * cosine_share(step, steps, FINAL)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        hard, true = found.detach() > 0.5, masks > 0.5
        yield float((hard & true).sum() / (hard | true).sum().clamp_min(1))


def placed(lessons: Lessons, drawn: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Pictures ``drawn``, somewhere in a square: ``(B, 3, S, S)``; masks ``(B, 1, S, S)``."""
    rgb, cover = lit(lessons.reliefs[drawn], generator)
    count, side = len(drawn), cover.shape[-1]
    chances = Chances(count, generator)
    scale = chances.numbers(low=SMALLEST, high=LARGEST)
    room = (1 - scale).abs() * OFF
    off = chances.numbers(2, low=-1, high=1) * room[:, None]
    inverse = torch.zeros(count, 2, 3)
    inverse[:, 0, 0] = inverse[:, 1, 1] = 1 / scale
    inverse[:, :, 2] = -off / scale[:, None]
    grid = affine_grid(inverse, list(rgb.shape), align_corners=False)
    both = grid_sample(torch.cat([rgb, cover], dim=1), grid, align_corners=False)
    rgb, cover = both[:, :3], both[:, 3:]
    behind = shadowed(backgrounds(count, side, generator), cover, generator)
    return developed(rgb + behind * (1 - cover), chances), cover
