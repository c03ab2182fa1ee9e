"""A fit in the worker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..fit import FitStep
from ..space import Frame
from .job import Job
from .reply import Reply, step_reply


class Fitting(Job[FitStep]):
    """A running fit: its last step is its best."""

    title = "fit"

    def __init__(self, first: FitStep, rest: Iterator[FitStep], frame: Frame) -> None:
        super().__init__(first, rest, running=not first.done)
        self._frame = frame
        self._best = first

    def _merged(self, step: FitStep) -> FitStep:
        if step.best_step == step.step:
            self._best = step
        return step

    def _done(self, step: FitStep) -> bool:
        return step.done

    def _last(self) -> FitStep:
        return replace(self._best, done=True, reason=self._newest.reason or "steps")

    def _stopped(self) -> FitStep:
        return replace(
            self._best,
            best_iou=self._newest.best_iou,
            best_step=self._newest.best_step,
            done=True,
            reason="stopped",
        )

    def reply(self, step: FitStep) -> Reply:
        """A step frame."""
        return step_reply(step, self._frame)
