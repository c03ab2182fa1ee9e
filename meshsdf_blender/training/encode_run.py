"""Encoding one mesh or point cloud: the code of a space that is closest to it, as a new shape."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from .. import door, running
from ..door.conversation import Conversation, Question, Talk
from ..errors import Refusal
from ..shapes import codes, shape_new
from ..spaces import catalogue
from . import encode_source
from .encode_source import Placement

MEAN_RESOLUTION = 48
STEP_RESOLUTION = 16  # of the steps' own meshes, which are not shown


@dataclass(frozen=True)
class EncodeStep:
    """How far an encoding is, with its code.

    ``matrix`` takes the space's local coordinates to those in which the source was sent; ``error``
    is the mean distance between the surfaces there, None before the last step; ``warnings`` come
    with the last step.
    """

    step: int
    steps: int
    done: bool
    code: np.ndarray
    matrix: np.ndarray
    error: float | None
    warnings: tuple[str, ...]


class EncodeRun(Talk):
    """An encoding of ``ob``, from its checks (in the constructor, Refusal) to its last frame."""

    def __init__(
        self,
        context: bpy.types.Context,
        ob: bpy.types.Object,
        space: str,
        up: str,
        *,
        placement: str,
        partial: bool,
        selected: bool,
        options: dict[str, Any] | None = None,
    ) -> None:
        catalogue.existing(space)
        if placement == "MATCH" and (partial or selected):
            raise Refusal(
                "A part of a shape cannot be matched by its box, which is not the whole shape's",
                "Choose As It Stands (KEEP), with the part where the space's shapes stand",
            )
        self._space, self._up, self._match = space, up, placement == "MATCH"
        self._options = {**(options or {}), "partial": partial, "resolution": STEP_RESOLUTION}
        self._source = encode_source.read(context, ob, selected=selected)
        self._placement: Placement | None = None
        self._talk = Conversation("shapes", "encode", "step", self._question)
        running.enter(self)

    def advance(self, wait: float = 0.0) -> EncodeStep | None:
        """The next step, if it comes within ``wait`` seconds. Raises Refusal; then ``abandon``."""
        return self.taken(_step, wait)

    def fail(self) -> None:
        """Give up: nothing was added yet, so nothing has to be put back."""
        self.abandon()

    def abandon(self) -> None:
        """End without a result."""
        with contextlib.suppress(Refusal):
            self.stop()
        self._talk.end()
        running.leave(self)

    def finish(
        self, context: bpy.types.Context, step: EncodeStep, *, resolution: int
    ) -> tuple[bpy.types.Object, float]:
        """The new shape where the source stands, and its surface error; ends the run. Refusal.

        The error is the mean distance between the two surfaces, as a share of the longest side of
        the source's box; NaN where the worker could not tell.
        """
        self._talk.end()
        running.leave(self)
        length = catalogue.info(self._space, self._up).code_length
        code = codes.check(step.code, "the encoding", length)
        name = f"{self._source.name} encoded"
        ob = shape_new.add(context, self._space, self._up, code, name=name, resolution=resolution)
        assert self._placement is not None
        matrix = self._placement.matrix @ step.matrix
        ob.meshsdf.message = ". ".join(filter(None, (*step.warnings, ob.meshsdf.message)))
        ob.matrix_world = Matrix([list(map(float, row)) for row in matrix])
        size = float(np.ptp(self._source.box, axis=0).max()) / self._placement.scale
        return ob, float("nan") if step.error is None else step.error / size

    def _question(self) -> Question:
        info = catalogue.info(self._space, self._up)
        header = {"path": info.path, **catalogue.up_header(self._up)}
        mean = None
        if self._match:
            asked = {**header, "resolution": MEAN_RESOLUTION, "cap": False, "newton": 0}
            _, arrays = door.ready_worker().request("mesh", asked, {"code": info.mean})
            mean = arrays["vertices"]
            if not len(mean):
                raise Refusal(
                    f"The mean of space '{info.name}' has no surface to match",
                    "Choose As It Stands for the placement",
                )
        self._placement = encode_source.placement(self._source, mean)
        arrays = {
            "vertices": self._placement.local(self._source.points).astype(np.float32),
            "faces": np.ascontiguousarray(self._source.faces, dtype=np.int32),
        }
        # As it stands, it is neither centred nor scaled; else as the space's training had it.
        keep = {} if self._match else {"centre": False, "normalise": False}
        return {**header, "options": {**self._options, **keep}}, arrays


def _step(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> EncodeStep:
    try:
        error = header.get("error")
        step = EncodeStep(
            step=int(header["step"]),
            steps=int(header["steps"]),
            done=bool(header["done"]),
            code=np.array(arrays["code"], dtype=np.float32).reshape(-1),
            matrix=np.array(arrays["object"], dtype=np.float64),
            error=None if error is None else float(error),
            warnings=tuple(str(text) for text in header.get("warnings") or ()),
        )
        if step.matrix.shape != (4, 4) or not np.isfinite(step.matrix).all():
            raise ValueError("its matrix")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Refusal(
            f"The worker sent a step that cannot be read ({error})", "Report this with Copy Details"
        ) from error
    return step
