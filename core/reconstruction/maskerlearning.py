"""Teaching a masker: an encoder's pictures, laid small and large on any background."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, binary_cross_entropy_with_logits, grid_sample

from .learner import Learner, Schedule, fresh
from .learning import Lessons, developed
from .lighting import Chances, backgrounds, lit, shadowed
from .masker import Masker

# The share of the picture's side that the lesson's square takes, and how far off its middle it is.
SMALLEST, LARGEST, OFF = 0.35, 1.25, 0.6
# How often there is a first and a second thing behind, and how large they are.
THINGS = (0.6, 0.3)
SMALLEST_THING, LARGEST_THING = 0.15, 0.8


@dataclass(frozen=True)
class MaskerOptions(Schedule):
    """How a masker is taught."""

    pictures: int = 1_500
    steps: int = 800
    batch: int = 32
    rate: float = 3e-3
    decay: float = 0.01


class MaskerTraining(Learner):
    """The teaching of a masker."""

    def __init__(self, options: MaskerOptions, *, generator: torch.Generator) -> None:
        self.masker = fresh(Masker, generator)
        super().__init__("masker", self.masker, options, generator)

    def run(self, lessons: Lessons, solids: Tensor) -> Iterator[float]:
        """Teach until the last step; each yields the intersection over union of its masks."""
        while not self.done:
            self.masker.train()
            pictures, masks = placed(lessons, self.draw(len(lessons)), solids, self.generator)
            logits = self.masker(pictures.contiguous(memory_format=torch.channels_last))
            found = logits.sigmoid()
            overlap = (found * masks).sum((1, 2, 3))
            union = (found + masks - found * masks).sum((1, 2, 3))
            # Pixels, and the overlap itself, so that small objects count as much as large ones.
            soft = 1 - ((overlap + 1) / (union + 1)).mean()
            self.learn(binary_cross_entropy_with_logits(logits, masks) + soft)
            hard, true = found.detach() > 0.5, masks > 0.5
            yield float((hard & true).sum() / (hard | true).sum().clamp_min(1))


def placed(
    lessons: Lessons, drawn: Tensor, solids: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Pictures ``drawn``, somewhere in a square: ``(B, 3, S, S)``; masks ``(B, 1, S, S)``.

    Behind them are backgrounds, and before these now and then ``solids`` ``(N, 8, S, S)``.
    """
    count, side = len(drawn), lessons.reliefs.shape[-1]
    chances = Chances(count, generator)
    scale = chances.numbers(low=SMALLEST, high=LARGEST)
    room = (1 - scale).abs() * OFF
    rgb, cover = _moved(lessons.reliefs[drawn], scale, room, chances)
    half = -(-count // 2)  # each background serves two
    behind = backgrounds(half, side, generator).repeat(2, 1, 1, 1)[:count]
    for share in THINGS:
        _set_before(behind, solids, chances.happen(share)[:, 0, 0] > 0, generator)
    behind = shadowed(behind, cover, generator)
    return developed(rgb + behind * (1 - cover), chances), cover


def _set_before(behind: Tensor, solids: Tensor, shown: Tensor, generator: torch.Generator) -> None:
    """Put a solid, with its shadow, into those of ``behind`` where one is to be ``shown``."""
    at = shown.nonzero()[:, 0]
    if not len(at):
        return
    chances = Chances(len(at), generator)
    picked = torch.randint(len(solids), (len(at),), generator=generator)
    size = chances.numbers(low=SMALLEST_THING, high=LARGEST_THING)
    thing, there = _moved(solids[picked], size, torch.ones(len(at)), chances)
    behind[at] = shadowed(behind[at], there, generator) * (1 - there) + thing


def _moved(reliefs: Tensor, scale: Tensor, room: Tensor, chances: Chances) -> tuple[Tensor, Tensor]:
    """``reliefs`` lit, made so small ``(B,)`` and moved by up to ``room``, in half sides: rgb
    before black, and coverage."""
    rgb, cover = lit(reliefs, chances.generator)
    off = chances.numbers(2, low=-1, high=1) * room[:, None]
    inverse = torch.zeros(len(rgb), 2, 3)
    inverse[:, 0, 0] = inverse[:, 1, 1] = 1 / scale
    inverse[:, :, 2] = -off / scale[:, None]
    grid = affine_grid(inverse, list(rgb.shape), align_corners=False)
    both = grid_sample(torch.cat([rgb, cover], dim=1), grid, align_corners=False)
    return both[:, :3], both[:, 3:]
