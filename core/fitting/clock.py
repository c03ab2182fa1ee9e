"""What the parts of a step take."""

from __future__ import annotations

from time import perf_counter

# What the time in the decoder is called; the other parts are without it, but for Adam's gradient.
DECODER = "decoder"
# Solving the normal equations; and what is told of a step, its topology above all.
SOLVING, TOPOLOGY = "solving", "topology"


class Clock:
    """Milliseconds by part."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = perf_counter()

    def lap(self, part: str) -> None:
        """The time since the lap before goes to ``part``."""
        now = perf_counter()
        self.laps[part] = self.laps.get(part, 0.0) + (now - self._last) * 1e3
        self._last = now

    def move(self, part: str, to: str, ms: float) -> None:
        """So many milliseconds of ``part`` belong to another one."""
        self.laps[part] = self.laps.get(part, 0.0) - ms
        self.laps[to] = self.laps.get(to, 0.0) + ms
