"""New shapes of a space at random: its sliders drawn as they lie among the known shapes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..spaces.sliders import Sliders

SEEDS = 1_000_000  # to choose from: short enough to be read out
FARTHEST_DRAWN = 2.0  # deviations; rarer shapes are left to the sliders themselves


def new_seed() -> int:
    """Another one at every call."""
    return int(np.random.default_rng().integers(SEEDS))


def drawn(
    known: Sliders, code: np.ndarray, *, seed: int, strength: float, locks: Sequence[bool]
) -> np.ndarray:
    """``code`` ``(L,)`` with new values for the sliders that are not locked.

    Each is normally distributed with ``strength`` deviations; the same seed draws the same values,
    whichever are locked. What no slider reaches stays.
    """
    values = np.random.default_rng(seed).standard_normal(len(known.named))
    values = strength * values.clip(-FARTHEST_DRAWN, FARTHEST_DRAWN)
    free = [number for number in range(len(values)) if not locks[number]]
    return known.set(code, {number: float(values[number]) for number in free})
