"""How good an encoder and its masker are, and how far its codes are off together."""

from __future__ import annotations

import torch
from torch import Tensor

from ..space import Space
from .encoderfile import SpaceEncoder
from .examples import examples
from .learning import Lessons, errors, seen
from .masker import SIDE
from .maskerlearning import placed
from .solids import solids

CHECKED = 1_000  # pictures, drawn anew, by which the card tells how good it is
# No guess is held to more firmly than this, in deviations.
LEAST_ERROR = 0.05


def judged(
    space: Space, found: SpaceEncoder, measure: Tensor, *, seed: int
) -> tuple[dict[str, float], Tensor]:
    """How good an encoder is on pictures drawn anew: its code, the likeliest view and the best one.

    The code's error is a share of the mean code's. And the covariance ``(L, L)`` of its errors, in
    whitened numbers: where few codes tell of many numbers, how these go together is trusted less
    (Ledoit and Wolf, 2004, shrink towards the diagonal likewise).
    """
    generator = torch.Generator().manual_seed(seed)
    lessons = _drawn(space, found.encoder.form.side, CHECKED, generator)
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
        masked = _drawn(space, SIDE, max(1, CHECKED // 4), generator)
        pictures, masks = placed(
            masked, torch.arange(len(masked)), solids(SIDE, generator), generator
        )
        hard, true = found.masker(pictures) > 0, masks > 0.5
        iou = (hard & true).sum() / (hard | true).sum()
    off = outputs[:, 0, : space.code_length] - lessons.whitened
    codes = len(lessons.whitened.unique(dim=0))
    return told | {"mask_iou": round(float(iou), 4)}, covariance_of(off, codes)


def _drawn(space: Space, side: int, count: int, generator: torch.Generator) -> Lessons:
    drawn = examples(space, side, generator=generator, views=2)
    return Lessons.of([next(drawn) for _ in range(count)])


def covariance_of(off: Tensor, independent: int) -> Tensor:
    """The covariance ``(L, L)`` of errors ``(N, L)``, so many of which are independent."""
    length = off.shape[1]
    found = off.T @ off / len(off)
    share = length / (length + independent)
    found = torch.lerp(found, torch.diag(found.diag()), share)
    return found + LEAST_ERROR**2 * torch.eye(length)
