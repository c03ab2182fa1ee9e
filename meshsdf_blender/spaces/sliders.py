"""The code of a shape, seen along the directions that its space has names for.

A code is the mean, plus so much of each direction, plus a rest that none of them reaches. The
values are read off the code each time, so sliders and code cannot get out of step: not by undo, nor
by a fit. Pure arithmetic, for drawing too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import isfinite

import numpy as np

from ..errors import Refusal

MOST = 12
# Beyond so many deviations a code says little.
FARTHEST = 6.0


@dataclass(frozen=True)
class Slider:
    """A direction with a name."""

    name: str


@dataclass(frozen=True)
class Sliders:
    """The directions of a space: ``offsets`` ``(K, L)``, what one deviation of each adds."""

    named: tuple[Slider, ...]
    offsets: np.ndarray
    mean: np.ndarray

    @classmethod
    def of(cls, named: list[dict[str, object]], offsets: np.ndarray, mean: np.ndarray) -> Sliders:
        """As the worker describes them. Raises Refusal where that makes no sense."""
        try:
            known = tuple(Slider(str(s["name"])) for s in named)
        except (KeyError, TypeError) as error:
            raise _broken() from error
        whole = np.isfinite(offsets).all() and np.isfinite(mean).all()
        if offsets.shape != (len(known), len(mean)) or not whole:
            raise _broken()
        return cls(known[:MOST], offsets[:MOST].astype(np.float64), mean.astype(np.float64))

    def values(self, code: np.ndarray) -> np.ndarray:
        """How far ``code`` ``(L,)`` lies along each direction ``(K,)``, in deviations."""
        return np.asarray(self._along @ (code - self.mean))

    @cached_property
    def _along(self) -> np.ndarray:
        """From a code, less the mean, to the values ``(K, L)``: asked for at every drawing."""
        return np.asarray(np.linalg.pinv(self.offsets.T))

    def moved(self, code: np.ndarray, number: int, value: float) -> np.ndarray:
        """``code`` with one slider set and everything else left as it is."""
        return self.set(code, {number: value})

    def set(self, code: np.ndarray, wanted: dict[int, float]) -> np.ndarray:
        """``code`` ``(L,)`` with some sliders set, the rest left as it is. Refusal: no number."""
        steps = np.zeros(len(self.named))
        now = self.values(code)
        for number, value in wanted.items():
            if not isfinite(value):
                raise Refusal(
                    f"{value} is no value for slider '{self.named[number].name}'",
                    f"Give a number from {-FARTHEST:g} to {FARTHEST:g}",
                )
            steps[number] = np.clip(value, -FARTHEST, FARTHEST) - now[number]
        return np.asarray(code + steps @ self.offsets, dtype=np.float32)

    def number(self, name: str) -> int:
        """The place of a slider, by its name in any case, or by its number from 1 on."""
        names = [slider.name.casefold() for slider in self.named]
        if name.casefold() in names:
            return names.index(name.casefold())
        if name.isdecimal() and 0 < int(name) <= len(names):
            return int(name) - 1
        told = ", ".join(slider.name for slider in self.named)
        raise Refusal(
            f"There is no slider '{name}'",
            f"Use one of {told}, or a number from 1 to {len(names)}"
            if told
            else "This space has none",
        )


def _broken() -> Refusal:
    return Refusal(
        "The worker described a space that makes no sense", "Report it with Copy Details"
    )
