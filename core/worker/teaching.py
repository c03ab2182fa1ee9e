"""The teaching of an encoder in the worker, and what a request says of it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..reconstruction.encoderfile import encoder_path
from ..reconstruction.teachclock import TeachStep
from ..reconstruction.teachrun import Lesson, teach_beside
from ..space import Space
from .job import Job
from .reply import Reply, finite
from .request import Request, RequestError

OPTIONS = ("pictures", "steps", "seed")
DONE = "done"


class TeachingJob(Job[TeachStep]):
    """A running teaching."""

    title = "A teaching"

    def __init__(self, steps: Generator[TeachStep, None, None], path: Path) -> None:
        self._steps, self._path = steps, path
        super().__init__(next(steps), steps, running=True)

    def _done(self, step: TeachStep) -> bool:
        return step.stage == DONE

    def _last(self) -> TeachStep:
        return replace(self._newest, stage=DONE)

    def _stopped(self) -> TeachStep:
        self._steps.close()  # keeps what was learnt
        return self._newest

    def reply(self, step: TeachStep) -> Reply:
        """A progress frame."""
        taught = step.stage == DONE
        left = step.seconds_left
        header: dict[str, Any] = {
            "op": "progress",
            "stage": step.stage,
            "share": finite(step.share),
            "seconds_left": None if left is None else finite(left),
            "figures": {name: finite(value) for name, value in step.figures.items()},
            "finished": taught or self.stopped,
            "reason": "taught" if taught else "stopped" if self.stopped else "",
            "path": str(self._path) if taught else None,
        }
        return header, {}


def start_teaching(request: Request, space: Space) -> TeachingJob:
    """The teaching that is asked for; its first step is taken, so that what cannot start says so.

    Raises RequestError, TrainingError, EncoderError.
    """
    path = Path(request.text("path"))
    lesson = asked_lesson(request.mapping("options"))
    return TeachingJob(teach_beside(space, path, lesson), encoder_path(path))


def asked_lesson(values: dict[str, Any]) -> Lesson | None:
    """The protocol's options L; None where there are none. Raises RequestError, TrainingError."""
    for name in values:
        if name not in OPTIONS:
            raise RequestError(
                f"There is no teaching option '{name[:40]}'", f"Use {', '.join(OPTIONS)}"
            )
    return Lesson(**values) if values else None
