"""A fit in the worker, and what a request says of it."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from ..camera import View
from ..errors import FitError
from ..fitting import FitOptions, FitStep, FitSteps, fit, stopped
from ..fitting.nearest import nearest
from ..fitting.residuals import Landmarks
from ..pose import transformed
from ..space import Frame, Space
from .job import Job
from .reply import Reply, step_reply
from .request import Request, RequestError

MOST_LANDMARKS = 1000
# One landmark of weight 1 that is off by a hundredth of the shape's radius counts for as bad as an
# IoU less by this share of a hundredth: enough to be met, little enough to leave outlines a say.
LANDMARK_PULL = 10.0


class Fitting(Job[FitStep]):
    """A running fit: its last step is its best."""

    title = "A fit"

    def __init__(
        self,
        first: FitStep,
        rest: FitSteps,
        frame: Frame,
        landmarks: Landmarks | None = None,
    ) -> None:
        super().__init__(first, rest, running=not first.done)
        self._frame, self._fit, self._landmarks = frame, rest, landmarks

    def _done(self, step: FitStep) -> bool:
        return step.done

    def _last(self) -> FitStep:
        return replace(self._newest, done=True, reason=self._newest.reason or "steps")

    def _stopped(self) -> FitStep:
        return stopped(self._fit)

    def reply(self, step: FitStep) -> Reply:
        """A step frame."""
        header, arrays = step_reply(step, self._frame)
        if self._landmarks is not None:
            header["landmark_distance"] = self._farthest(step, self._landmarks)
        return header, arrays

    def _farthest(self, step: FitStep, landmarks: Landmarks) -> float:
        """How far the surface is from the landmark that it misses most, in the world."""
        to_world = step.object_matrix.cpu().double() @ self._frame.matrix()
        vertices = transformed(to_world, step.vertices.detach().cpu().double()).numpy()
        points, faces = landmarks.places().numpy(), step.faces.cpu().numpy()
        return float(nearest(points, vertices, faces).distances.max())


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
    landmarks = given_landmarks(request)
    steps = fit(
        space,
        request.array("code", "<f4", 1),
        views,
        targets,
        options=fit_options(request.mapping("options")),
        object_matrix=request.array("object", "<f8", 2),
        residuals=() if landmarks is None else (landmarks,),
    )
    # The first step is taken here, so that a fit that cannot start says so.
    return Fitting(next(steps), steps, space.frame, landmarks)


def given_landmarks(request: Request) -> Landmarks | None:
    """The request's landmarks; None where it has none. Raises RequestError, FitError for values.

    Each counts for itself: more of them do not make one weaker, as a mean would.
    """
    points = request.optional_array("landmarks", "<f8", 2)
    weights = request.optional_array("landmark_weights", "<f8", 1)
    if points is None or not len(points):
        if weights is not None and len(weights):
            raise RequestError("There are 'landmark_weights' and no 'landmarks'")
        return None
    if len(points) > MOST_LANDMARKS:
        raise FitError(
            f"There are {len(points)} landmarks", f"Use at most {MOST_LANDMARKS} of them"
        )
    return Landmarks(points, LANDMARK_PULL * len(points), weights)


def fit_options(values: dict[str, Any]) -> FitOptions:
    """The protocol's options O. Raises RequestError for unknown names, FitError for values."""
    # Nobody would be told of a lens that was fitted: a step's frame has no views.
    known = {field.name for field in fields(FitOptions)} - {"lens"}
    for name in values:
        if name not in known:
            raise RequestError(
                f"There is no fit option '{name[:40]}'", f"Use {', '.join(sorted(known))}"
            )
    return FitOptions(**values)
