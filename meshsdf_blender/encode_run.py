"""Encoding one mesh or point cloud: the code of a space that is closest to it, as a new shape."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix
from mathutils.bvhtree import BVHTree

from . import catalogue, codes, door, encode_source, fit_run, shape_new
from .conversation import Conversation, Question
from .encode_source import Placement
from .errors import Refusal
from .mesh_upload import read as read_mesh

MEAN_RESOLUTION = 48
MOST_MEASURED = 5000  # points of the source whose distance to the result is measured


@dataclass(frozen=True)
class EncodeStep:
    """How far an encoding is, with the best code so far."""

    step: int
    steps: int
    done: bool
    code: np.ndarray


class EncodeRun:
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
        self._space, self._up, self._match = space, up, placement == "MATCH"
        self._options = {**(options or {}), "partial": partial}
        self._source = encode_source.read(context, ob, selected=selected)
        self._placement: Placement | None = None
        self._talk = Conversation("shapes", "encode", "step", self._question)
        fit_run.enter(self)

    @property
    def unseen_seconds(self) -> float:
        """How long nobody has driven this run."""
        return self._talk.unseen_seconds

    @property
    def stopped_early(self) -> bool:
        """Whether it was stopped before the worker had begun, so that no last frame will come."""
        return self._talk.stopped_early

    def seen(self) -> None:
        """Note that somebody still drives this run."""
        self._talk.seen()

    def advance(self, wait: float = 0.0) -> EncodeStep | None:
        """The next step, if it comes within ``wait`` seconds. Raises Refusal; then ``abandon``."""
        reply = self._talk.advance(wait)
        if reply is None:
            return None
        step = _step(*reply)
        if step.done:
            self._talk.end()
        else:
            self._talk.want_next()
        return step

    def stop(self) -> None:
        """Ask the worker to end; its best code comes as the last frame."""
        self._talk.stop()

    def abandon(self) -> None:
        """End without a result."""
        with contextlib.suppress(Refusal):
            self.stop()
        self._talk.end()
        fit_run.leave(self)

    def finish(
        self, context: bpy.types.Context, step: EncodeStep, *, resolution: int
    ) -> tuple[bpy.types.Object, float]:
        """The new shape where the source stands, and its surface error; ends the run. Refusal.

        The error is the mean distance from the source's points to the shape, as a share of the
        longest side of their box.
        """
        self._talk.end()
        fit_run.leave(self)
        length = catalogue.info(self._space, self._up).code_length
        code = codes.check(step.code, "the encoding", length)
        name = f"{self._source.name} encoded"
        ob = shape_new.add(context, self._space, self._up, code, name=name, resolution=resolution)
        assert self._placement is not None
        ob.matrix_world = Matrix([list(map(float, row)) for row in self._placement.matrix])
        return ob, self._error(ob)

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
        return {**header, "options": self._options}, arrays

    def _error(self, ob: bpy.types.Object) -> float:
        assert self._placement is not None
        points = self._placement.local(self._source.points)
        size = float(np.ptp(self._source.box, axis=0).max()) / self._placement.scale
        every = max(1, len(points) // MOST_MEASURED)
        vertices, faces = read_mesh(ob.data)  # type: ignore[arg-type]
        tree = BVHTree.FromPolygons(vertices.tolist(), faces.tolist())
        found = [tree.find_nearest(point)[3] for point in points[::every].tolist()]
        return float(np.mean([distance for distance in found if distance is not None])) / size


def _step(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> EncodeStep:
    try:
        return EncodeStep(
            step=int(header["step"]),
            steps=int(header["steps"]),
            done=bool(header["done"]),
            code=np.array(arrays["code"], dtype=np.float32).reshape(-1),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Refusal(
            f"The worker sent a step that cannot be read ({error})", "Report this with Copy Details"
        ) from error
