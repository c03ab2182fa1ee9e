"""Teaching an encoder: pictures drawn once, seen many times, each time a little different.

Each time a picture is seen its mask is noisy, as a drawn or predicted one is, some of the
background shows within it, light and contrast differ, and now and then there is no colour at all,
so that a silhouette alone is understood as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from .cropview import rotations
from .encoder import Encoder, EncoderForm
from .examples import Example
from .learner import Learner, Schedule, fresh
from .lighting import Chances, backgrounds, lit

# What an error of each part weighs: the code's is 1 for the mean shape, the rotation's 2 for a
# quarter turn; places and logarithms are of the square's half side.
ROTATION, PLACE, TANGENT = 1.0, 8.0, 0.5
# The share of the loss that all guesses carry, so that none is never the best and dies.
EVERY_GUESS, LIKELIHOOD = 0.06, 0.3
NO_COLOUR, NOISY = 0.25, 0.6
BEHINDS = 4  # pictures with the same background


@dataclass(frozen=True)
class EncoderOptions(Schedule):
    """How an encoder is taught."""

    pictures: int = 10_000
    steps: int = 1_800
    batch: int = 64
    rate: float = 2e-3
    decay: float = 0.02


@dataclass(frozen=True)
class EncoderStep:
    """What a step did: the best guesses' errors of code, rotation (degrees) and the whole loss."""

    step: int
    steps: int
    loss: float
    code_error: float
    degrees: float


@dataclass(frozen=True)
class Lessons:
    """What is seen and what it truly is: reliefs ``(N, 8, S, S)``, bytes, whitened ``(N, L)``,
    views ``(N, 10)``."""

    reliefs: Tensor
    whitened: Tensor
    views: Tensor

    @staticmethod
    def of(examples: list[Example]) -> Lessons:
        return Lessons(
            torch.from_numpy(np.stack([each.relief for each in examples])),
            torch.stack([each.whitened for each in examples]).float(),
            torch.from_numpy(np.stack([each.view.numbers() for each in examples])).float(),
        )

    def __len__(self) -> int:
        return len(self.whitened)


class EncoderTraining(Learner):
    """The teaching of an encoder of some ``form``."""

    def __init__(
        self, form: EncoderForm, options: EncoderOptions, *, generator: torch.Generator
    ) -> None:
        self.encoder = fresh(lambda: Encoder(form), generator)
        super().__init__("encoder", self.encoder, options, generator)

    def run(
        self, lessons: Lessons, measure: Tensor, *, azimuth: bool = True
    ) -> Iterator[EncoderStep]:
        """Teach until the last step; one yield a step. ``measure``: see surfacemeasure.

        Without ``azimuth`` the shapes look alike from all around, and views are held to the truth
        but for that.
        """
        while not self.done:
            self.encoder.train()
            drawn = self.draw(len(lessons))
            pictures = seen(lessons, drawn, self.generator)
            outputs = self.encoder(pictures.to(memory_format=torch.channels_last))
            loss, code, degrees = errors(
                outputs, lessons.whitened[drawn], lessons.views[drawn], measure, azimuth=azimuth
            )
            self.learn(loss)
            yield EncoderStep(self.step, self.schedule.steps, float(loss.detach()), code, degrees)


def errors(
    outputs: Tensor, whitened: Tensor, views: Tensor, measure: Tensor, *, azimuth: bool = True
) -> tuple[Tensor, float, float]:
    """The loss of guesses ``(B, K, L + 11)``; the best ones' code error and rotation in degrees."""
    length = whitened.shape[1]
    code = ((outputs[..., :length] - whitened[:, None]) @ measure).square().sum(-1)
    found, true = rotations(outputs[..., length : length + 6]), rotations(views[:, :6])[:, None]
    if azimuth:
        turned = (found - true).square().sum((-2, -1)) / 2
    else:  # the upright axis alone, as the camera sees it
        turned = (found[..., 2] - true[..., 2]).square().sum(-1)
    place = (outputs[..., length + 6 : length + 9] - views[:, None, 6:9]).square().sum(-1)
    tangent = (outputs[..., length + 9] - views[:, None, 9]).square()
    each = code + ROTATION * turned + PLACE * place + TANGENT * tangent
    best = each.detach().argmin(dim=1)
    row = torch.arange(len(best))
    likelihood = torch.nn.functional.cross_entropy(outputs[..., -1], best)
    loss = (
        (1 - EVERY_GUESS) * each[row, best].mean()
        + EVERY_GUESS * each.mean()
        + LIKELIHOOD * likelihood
    )
    # |A - B|^2 / 2 of rotations, and |a - b|^2 of axes, are 4 sin^2(angle / 2).
    sine = (turned[row, best].detach() / 4).sqrt().clamp_max(1)
    degrees = 2 * sine.asin() * 180 / math.pi
    return loss, float(code[row, best].detach().mean()), float(degrees.mean())


def seen(lessons: Lessons, drawn: Tensor, generator: torch.Generator) -> Tensor:
    """The pictures ``drawn`` as an encoder may get them: ``(B, 4, S, S)`` in [0, 1]."""
    rgb, cover = lit(lessons.reliefs[drawn], generator)
    count = len(drawn)
    chances = Chances(count, generator)
    # Little of what is behind shows within a mask: a few serve all.
    some = torch.arange(count) // BEHINDS
    behind = backgrounds(int(some[-1]) + 1, cover.shape[-1], generator)[some]
    rough = chances.happen(NOISY)[..., None] > 0
    mask = torch.where(rough, roughened(cover, generator), cover)
    picture = developed(rgb + behind * (1 - cover), chances)
    picture = torch.where(chances.happen(NO_COLOUR)[..., None] > 0, 0.5, picture)
    return torch.cat([picture * mask, mask], dim=1)


def developed(picture: Tensor, chances: Chances) -> Tensor:
    """Pictures ``(B, 3, S, S)`` as some camera has them: contrast, light, tint and grain."""
    contrast = chances.numbers(1, 1, 1, low=0.6, high=1.4)
    light = chances.numbers(1, 1, 1, low=-0.15, high=0.15)
    tint = chances.numbers(3, 1, 1, low=0.9, high=1.1)
    grain = chances.numbers(1, 1, 1, high=0.05) * chances.normal(*picture.shape[1:])
    return ((picture * tint - 0.5) * contrast + 0.5 + light + grain).clamp(0, 1)


def roughened(cover: Tensor, generator: torch.Generator) -> Tensor:
    """Masks ``(B, 1, S, S)`` with edges drawn or guessed: wavy, thicker or thinner, with bites."""
    count, _, side, _ = cover.shape
    waves = torch.randn(count, 1, side // 8, side // 8, generator=generator)
    waves = interpolate(waves, size=(side, side), mode="bicubic", align_corners=False)
    blurred = torch.nn.functional.avg_pool2d(cover, 5, stride=1, padding=2)
    strength = 0.25 * torch.rand(count, 1, 1, 1, generator=generator)
    offset = 0.3 * (torch.rand(count, 1, 1, 1, generator=generator) - 0.5)
    rough = ((blurred - 0.5 + strength * waves + offset) * 4 + 0.5).clamp(0, 1)
    # Thin parts, which the blur would lose, stay as they are half of the time.
    thin = torch.rand(count, 1, 1, 1, generator=generator) < 0.5
    return torch.where(thin, torch.maximum(rough, cover * (blurred > 0.05)), rough)
