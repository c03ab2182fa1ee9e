"""How far a teaching is, and how long the rest of it takes."""

from __future__ import annotations

import time
from dataclasses import dataclass

from .learner import Schedule


@dataclass(frozen=True)
class TeachStep:
    """Where a run is: its stage in a word, how much of the whole is done, seconds left, figures."""

    stage: str
    share: float
    seconds_left: float | None
    figures: dict[str, float]


class Clock:
    """How much of a run is done, and how long the rest takes at the pace so far."""

    def __init__(self, *, encoder: Schedule | None, masker: Schedule, checked: int) -> None:
        # Milliseconds a picture, measured once on one core: only their ratios count.
        self._work: dict[str, float] = {}
        if encoder is not None:
            self._work["pictures"] = 22.0 * encoder.pictures
            self._work["encoder"] = 6.0 * encoder.batch * encoder.steps
        self._work["masks"] = 30.0 * masker.pictures
        self._work["masker"] = 18.0 * masker.batch * masker.steps
        self._work["judging"] = 25.0 * checked
        self._started, self._first = time.monotonic(), -1.0

    def step(
        self,
        part: str,
        share: float,
        figures: dict[str, float] | None = None,
        *,
        kept: bool = False,
    ) -> TeachStep:
        """Where the run is. What was ``kept`` of a former one took no time, and tells no pace."""
        parts = list(self._work)
        before = sum(self._work[name] for name in parts[: parts.index(part)])
        done = (before + share * self._work[part]) / sum(self._work.values())
        if self._first < 0 or kept:
            self._started, self._first = time.monotonic(), done
        passed, made = time.monotonic() - self._started, done - self._first
        left = passed / made * (1 - done) if made > 0.002 else None
        stage = "pictures" if part == "masks" else part
        return TeachStep(stage, done, left, figures or {})
