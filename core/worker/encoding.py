"""An encoding in the worker, and what a request says of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ..extraction import LARGEST_RESOLUTION, SMALLEST_RESOLUTION, extract
from ..space import Space
from ..topology import topology
from ..training.newshape import EncodeStep, NewShape
from ..training.placing import EncodeOptions
from .job import Job
from .reply import Reply, finite, mesh_arrays, report, single
from .request import Request, RequestError

MOST_STEPS = 100_000
DEFAULT_RESOLUTION = 64


class EncodingJob(Job[EncodeStep]):
    """A running encoding; a code becomes a mesh only when it is sent."""

    title = "An encoding"

    def __init__(self, shape: NewShape, steps: Iterator[EncodeStep], resolution: int) -> None:
        self._shape = shape
        self._resolution = resolution
        first = next(steps)
        super().__init__(first, steps, running=not first.done)

    def _done(self, step: EncodeStep) -> bool:
        return step.done

    def _last(self) -> EncodeStep:
        return self._shape.finished(self._newest, "converged")

    def _stopped(self) -> EncodeStep:
        return self._shape.finished(self._newest, "stopped")

    def reply(self, step: EncodeStep) -> Reply:
        """A step frame of an encoding."""
        space = self._shape.space
        mesh = extract(space, step.code, self._resolution)
        shape = topology(mesh.vertices, mesh.faces)
        header = {
            "op": "step",
            "step": step.step,
            "steps": step.steps,
            "loss": finite(step.loss),
            "error": None if step.error is None else finite(step.error),
            "done": step.done,
            "reason": step.reason,
            "warnings": list(step.warnings),
            "report": report(
                shape, space.frame, open_at_wall=mesh.open_at_wall, message=mesh.message
            ),
            "evaluations": mesh.evaluations,
        }
        arrays = mesh_arrays(mesh.vertices, mesh.faces, space.frame)
        arrays["code"] = single(step.code)
        arrays["object"] = step.object_matrix.numpy().astype("<f8")
        return header, arrays


def start_encoding(request: Request, space: Space) -> EncodingJob:
    """The encoding that is asked for, its first step taken.

    Raises RequestError, SampleError, TrainingError.
    """
    values = dict(request.mapping("options"))
    resolution = values.pop("resolution", DEFAULT_RESOLUTION)
    if type(resolution) is not int or not SMALLEST_RESOLUTION <= resolution <= LARGEST_RESOLUTION:
        raise RequestError(f"The encode option 'resolution' is {str(resolution)[:40]!r}")
    vertices = request.array("vertices", "<f4", 2)
    faces = request.array("faces", "<i4", 2)
    if vertices.shape[1] != 3 or faces.shape[1] != 3:
        raise RequestError("'vertices' must be (V, 3), 'faces' (F, 3)")
    shape = NewShape(space, vertices.double().numpy(), faces.long().numpy(), encode_options(values))
    return EncodingJob(shape, shape.encode(), resolution)


def encode_options(values: dict[str, Any]) -> EncodeOptions:
    """The protocol's options E but for the resolution. Raises RequestError."""
    for name, value in values.items():
        if name in ("steps", "seed"):
            fits = type(value) is int and 0 <= value <= MOST_STEPS
        elif name in ("centre", "normalise", "fill_voids"):
            fits = value is None or isinstance(value, bool)
        elif name == "thickness":
            fits = value is None or (type(value) in (int, float) and 0 <= value < math.inf)
        elif name == "partial":
            fits = isinstance(value, bool)
        else:
            raise RequestError(
                f"There is no encode option '{name[:40]}'",
                "Use partial, steps, resolution, centre, normalise, fill_voids, thickness, seed",
            )
        if not fits:
            raise RequestError(f"The encode option '{name}' is {str(value)[:40]!r}")
    return EncodeOptions(**values)
