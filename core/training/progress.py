"""How far a run is, said after every step, and how long it will still take."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..extraction import Extraction
from ..space import Frame

STAGES = ("reading", "signing", "sampling", "training", "writing")
# The pace is that of the last seconds: an artist may start or end other work beside the run.
PACE_SECONDS = 30.0
LEAST_SECONDS = 2.0


@dataclass(frozen=True)
class Progress:
    """Where a run is: ``done`` of ``total`` meshes or steps of ``stage``, one of ``STAGES``.

    loss
        The training's loss, a mean over the last steps: how far distances are off, in units of the
        cube; None outside of training.
    seconds_left
        Of this stage; None while unknown.
    preview, preview_name, frame
        A coarse mesh of one shape, in the cube, when one is due; ``frame`` takes it to the world.
    warnings
        All that the user should know so far, one line each.
    finished, reason
        The last one, and why: "trained" or "stopped"; in a run's folder also "failed", where
        ``message`` is the error.
    path
        The space's file, once there is one.
    """

    stage: str
    done: int = 0
    total: int = 0
    message: str = ""
    loss: float | None = None
    seconds_left: float | None = None
    preview: Extraction | None = None
    preview_name: str = ""
    frame: Frame = field(default_factory=Frame)
    warnings: tuple[str, ...] = ()
    finished: bool = False
    reason: str = ""
    path: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """All but the preview, as plain values."""
        return {
            "stage": self.stage,
            "done": self.done,
            "total": self.total,
            "message": self.message,
            "loss": self.loss,
            "seconds_left": self.seconds_left,
            "preview_name": self.preview_name,
            "warnings": list(self.warnings),
            "finished": self.finished,
            "reason": self.reason,
            "path": None if self.path is None else str(self.path),
        }


class Pace:
    """How fast a stage goes, of late."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._marks: deque[tuple[float, int]] = deque()

    def seconds_left(self, done: int) -> float | None:
        """Told of every step; None in the first seconds."""
        now = time.monotonic()
        self._marks.append((now, done))
        while len(self._marks) > 2 and now - self._marks[1][0] >= PACE_SECONDS:
            self._marks.popleft()
        since, before = self._marks[0]
        if done <= before or now - since < LEAST_SECONDS:
            return None
        return (now - since) / (done - before) * (self._total - done)
