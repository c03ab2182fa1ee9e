"""A fit in the worker, and what a request says of it."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from ..camera import View
from ..fitting import FitOptions, FitStep, FitSteps, fit, stopped
from ..space import Frame, Space
from .job import Job
from .reply import Reply, step_reply
from .request import Request, RequestError


class Fitting(Job[FitStep]):
    """A running fit: its last step is its best."""

    title = "A fit"

    def __init__(self, first: FitStep, rest: FitSteps, frame: Frame) -> None:
        super().__init__(first, rest, running=not first.done)
        self._frame, self._fit = frame, rest

    def _done(self, step: FitStep) -> bool:
        return step.done

    def _last(self) -> FitStep:
        return replace(self._newest, done=True, reason=self._newest.reason or "steps")

    def _stopped(self) -> FitStep:
        return stopped(self._fit)

    def reply(self, step: FitStep) -> Reply:
        """A step frame."""
        return step_reply(step, self._frame)


def start_fit(request: Request, space: Space) -> Fitting:
    """The fit that is asked for. Raises RequestError, and what a fit raises."""
    views, targets = [], []
    for number, entry in enumerate(request.objects("views")):
        target = request.array(f"target{number}", "<f4", 2)
        width, height = entry.get("width"), entry.get("height")
        if type(width) is not int or type(height) is not int:
            raise RequestError(f"View {number} has no 'width' and 'height' in whole pixels")
        weight = entry.get("weight", 1.0)
        if not isinstance(weight, int | float) or isinstance(weight, bool):
            raise RequestError(f"View {number} has a 'weight' that is no number")
        matrix = request.array(f"matrix{number}", "<f8", 2)
        views.append(View(matrix, width, height, weight))
        targets.append(target)
    steps = fit(
        space,
        request.array("code", "<f4", 1),
        views,
        targets,
        options=fit_options(request.mapping("options")),
        object_matrix=request.array("object", "<f8", 2),
    )
    # The first step is taken here, so that a fit that cannot start says so.
    return Fitting(next(steps), steps, space.frame)


def fit_options(values: dict[str, Any]) -> FitOptions:
    """The protocol's options O. Raises RequestError for unknown names, FitError for values."""
    known = {field.name for field in fields(FitOptions)}
    for name in values:
        if name not in known:
            raise RequestError(
                f"There is no fit option '{name[:40]}'", f"Use {', '.join(sorted(known))}"
            )
    return FitOptions(**values)
