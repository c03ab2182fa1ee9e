"""A reconstruction from a picture in the worker, and what a request says of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ..camera import View
from ..errors import PictureError
from ..extraction import extract
from ..reconstruction import (
    Reconstruction,
    ReconstructOptions,
    SpaceEncoder,
    noted_lens,
    reconstruct,
)
from ..space import Space
from ..topology import topology
from .job import Job
from .reply import Reply, finite, mesh_arrays, report, single
from .request import Request, RequestError, checked_number

MOST_SCALE = 1e9
BYTE = 255.0
CHANNELS = 4


class ReconstructingJob(Job[Reconstruction]):
    """A running reconstruction; a code becomes a mesh only when it is sent."""

    title = "A reconstruction"

    def __init__(
        self, space: Space, steps: Iterator[Reconstruction], options: ReconstructOptions
    ) -> None:
        self._space, self._options = space, options
        first = next(steps)
        self._best = first
        super().__init__(first, steps, running=not first.done)

    def _done(self, step: Reconstruction) -> bool:
        return step.done

    def _merged(self, step: Reconstruction) -> Reconstruction:
        # Only the refinement's steps are looked at in the same way, so only these are compared.
        same = step.stage == self._best.stage == "refine"
        if not same or step.iou > self._best.iou:
            self._best = step
        return step

    def _last(self) -> Reconstruction:
        return replace(self._best, stage="done", reason="steps")

    def _stopped(self) -> Reconstruction:
        return replace(self._best, stage="done", reason="stopped")

    def reply(self, step: Reconstruction) -> Reply:
        """A step frame of a reconstruction."""
        space = self._space
        mesh = extract(space, step.code, self._options.resolution)
        shape = topology(mesh.vertices, mesh.faces)
        guessed = step.camera is not None
        header = {
            "op": "step",
            "stage": step.stage,
            "step": step.step,
            "steps": self._options.steps,
            "iou": finite(step.iou),
            "start_iou": finite(step.start_iou),
            "done": step.done,
            "reason": step.reason,
            "remarks": list(step.remarks),
            "predicted": step.predicted,
            "focal": finite(step.focal) if guessed else None,
            "lens": step.lens,
            "likelihood": finite(step.likelihood),
            "ms": {part: finite(value) for part, value in step.ms.items()},
            "report": report(
                shape, space.frame, open_at_wall=mesh.open_at_wall, message=mesh.message
            ),
        }
        arrays = mesh_arrays(mesh.vertices, mesh.faces, space.frame)
        arrays["code"] = single(step.code)
        arrays["object"] = step.object_matrix.numpy().astype("<f8")
        if step.camera is not None:
            arrays["camera"] = step.camera.numpy().astype("<f8")
        if step.done:
            mask = (step.mask.clamp(0, 1) * BYTE).round().numpy()
            arrays["mask"] = mask.astype(np.uint8)
        return header, arrays


def start_reconstruction(
    request: Request, space: Space, encoder: SpaceEncoder
) -> ReconstructingJob:
    """The reconstruction that is asked for, its first step taken: the encoder's word.

    Raises RequestError, EncoderError, PictureError, ViewError, FitError.
    """
    options = reconstruct_options(request.mapping("options"))
    picture = request.array("picture", "|u1", 3)
    if picture.shape[2] != CHANNELS:
        raise RequestError("'picture' must be (H, W, 4)")
    height, width = picture.shape[:2]
    mask = request.optional_array("mask", "|u1", 2)
    matrix = request.optional_array("view", "<f8", 2)
    steps = reconstruct(
        space,
        encoder,
        _shares(picture).permute(2, 0, 1).contiguous(),
        mask=None if mask is None else _shares(mask),
        view=None if matrix is None else View(matrix, width, height),
        scale=request.number("scale", 1 / MOST_SCALE, MOST_SCALE, 1.0),
        lens=_lens(request),
        options=options,
    )
    return ReconstructingJob(space, steps, options)


def reconstruct_options(values: dict[str, Any]) -> ReconstructOptions:
    """The protocol's options R. Raises RequestError, FitError."""
    for name, value in values.items():
        if name in ("guesses", "steps", "resolution"):
            fits = type(value) is int
        elif name == "pose":
            fits = isinstance(value, bool)
        elif name == "trust":
            checked_number(value, name, 0.0, MOST_SCALE)
            fits = True
        else:
            raise RequestError(
                f"There is no reconstruct option '{name[:40]}'",
                "Use guesses, steps, resolution, pose, trust",
            )
        if not fits:
            raise RequestError(f"The reconstruct option '{name}' is {str(value)[:40]!r}")
    return ReconstructOptions(**values)


def _lens(request: Request) -> float | None:
    """The lens that is given, else what the photo's file notes; None where it is to be guessed."""
    given = request.number("lens", 0.0, MOST_SCALE, 0.0)
    if given:
        return given
    photo = request.optional_text("photo")
    if photo is None or request.optional_array("view", "<f8", 2) is not None:
        return None  # a camera that is given has its own
    try:
        return noted_lens(Path(photo))
    except PictureError:  # the picture came beside, so what its file holds is no concern
        return None


def _shares(values: Tensor) -> Tensor:
    """Bytes as numbers in [0, 1]."""
    return values.float() / BYTE
