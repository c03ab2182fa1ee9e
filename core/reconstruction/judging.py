"""How good an encoder and its masker are, and how far its codes are off together."""

from __future__ import annotations

from collections.abc import Generator

import torch
from torch import Tensor

from ..space import Space
from .encoderfile import SpaceEncoder
from .examples import examples
from .learning import Lessons, errors, seen
from .masker import SIDE
from .maskerlearning import placed
from .solids import solids

# Pictures, drawn anew, by which the card tells how good the encoder and the masker are.
CHECKED, CHECKED_MASKS = 1_000, 250
TOLD = 25  # of them between two steps
# No guess is held to more firmly than this, in deviations.
LEAST_ERROR = 0.05


def pictures() -> int:
    """How many are drawn to judge by."""
    return CHECKED + CHECKED_MASKS


def judged(
    space: Space, found: SpaceEncoder, measure: Tensor, *, seed: int
) -> Generator[float, None, tuple[dict[str, float], Tensor]]:
    """How good an encoder is on pictures drawn anew: its code, the likeliest view and the best one.

    The code's error is a share of the mean code's. And the covariance ``(L, L)`` of its errors, in
    whitened numbers: where few codes tell of many numbers, how these go together is trusted less
    (Ledoit and Wolf, 2004, shrink towards the diagonal likewise). Yields what share is done.
    """
    generator = torch.Generator().manual_seed(seed)
    lessons = yield from _drawn(space, found.encoder.form.side, CHECKED, 0, generator)
    every = torch.arange(CHECKED)
    told: dict[str, float] = {}
    with torch.no_grad():
        outputs = found.encoder(seen(lessons, every, generator))
        likeliest = outputs[every, outputs[..., -1].argmax(1)][:, None]
        for name, guesses in (("likeliest", likeliest), ("best", outputs)):
            truth = (lessons.whitened, lessons.views, measure)
            _, code, degrees = errors(guesses, *truth, azimuth=found.azimuth)
            told[f"{name}_degrees"] = round(degrees, 2)
    usual = float((lessons.whitened @ measure).square().sum(1).mean())
    told["code_error"] = round(code / max(usual, 1e-12), 4)
    masked = yield from _drawn(space, SIDE, CHECKED_MASKS, CHECKED, generator)
    with torch.no_grad():
        every = torch.arange(len(masked))
        shown, masks = placed(masked, every, solids(SIDE, generator), generator)
        hard, true = found.masker(shown) > 0, masks > 0.5
    told["mask_iou"] = round(float((hard & true).sum() / (hard | true).sum()), 4)
    off = outputs[:, 0, : space.code_length] - lessons.whitened
    return told, covariance_of(off, len(lessons.whitened.unique(dim=0)))


def _drawn(
    space: Space, side: int, count: int, before: int, generator: torch.Generator
) -> Generator[float, None, Lessons]:
    """So many pictures, ``before`` which others were drawn."""
    drawing, drawn = examples(space, side, generator=generator, views=2), []
    for number in range(count):
        if number % TOLD == 0:
            yield (before + number) / pictures()
        drawn.append(next(drawing))
    return Lessons.of(drawn)


def covariance_of(off: Tensor, independent: int) -> Tensor:
    """The covariance ``(L, L)`` of errors ``(N, L)``, so many of which are independent."""
    length = off.shape[1]
    found = off.T @ off / len(off)
    share = length / (length + independent)
    found = torch.lerp(found, torch.diag(found.diag()), share)
    return found + LEAST_ERROR**2 * torch.eye(length)
