"""One fit, driven from Blender: the same run for a script that waits and for the live window.

The worker steps on by itself; each ``next`` brings its newest step. Mesh, code and transform are
written together, and whatever goes wrong, the shape is put back as it was.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import Any

import bpy
import numpy as np

from .. import running
from ..door.conversation import Conversation, Question, Talk
from ..errors import Refusal
from ..shapes import codes, shape
from ..shapes.reference import Reference
from ..shapes.shape_state import Snapshot
from ..shapes.transform import write_matrix
from ..wording import REASONS
from . import before, parts, verdict
from .fit_request import FitRequest, fit_request


@dataclass(frozen=True)
class FitStep:
    """A step as the worker sent it; vertices in local units, ``matrix`` local to world.

    ``masks`` holds the shape's silhouette in each view, or nothing. ``off`` is how far the surface
    is from the handle that it misses most, in the world; -1 without handles. With ``alone`` these
    are all that is fitted to, and the IoUs say nothing.
    """

    step: int
    steps: int
    iou: float
    best_iou: float
    done: bool
    reason: str
    report: dict[str, Any]
    code: np.ndarray
    matrix: np.ndarray
    vertices: np.ndarray
    faces: np.ndarray
    masks: tuple[np.ndarray, ...] = ()
    off: float = -1.0
    alone: bool = False

    @property
    def figures(self) -> str:
        """How good it is, in words."""
        return verdict.figures(None if self.alone else self.iou, self.off)


class FitRun(Talk):
    """A fit of one object, from its checks (in the constructor, Refusal) to its last frame."""

    def __init__(
        self, context: bpy.types.Context, ob: bpy.types.Object, *, exact_steps: int = 0
    ) -> None:
        running.check_free()  # before the other checks, which take a while
        self._request = fit_request(context, ob, exact_steps=exact_steps)
        self._object = Reference(ob)
        self._before = Snapshot(ob)
        self._talk = Conversation("shapes", "fit", "step", self._question)
        self._newest = 0
        self._written = self._keeps = False
        self.start_iou: float | None = None
        self._start_off = -1.0
        self.warnings = [self._request.warning] if self._request.warning else []
        self._parts: parts.Parts | None = None  # of its first step
        running.enter(self)

    @property
    def request(self) -> FitRequest:
        """What the worker was asked."""
        return self._request

    @property
    def pose(self) -> bool:
        """Whether the object's transform is fitted."""
        return self._request.pose

    def object(self) -> bpy.types.Object:
        """The object, looked up anew. Raises Refusal where it is gone."""
        ob = self._object.find()
        if ob is None:
            raise Refusal(f"Object '{self._object.name}' is gone, so the fit ended")
        return ob

    def advance(self, wait: float = 0.0) -> FitStep | None:
        """The next step, if it comes within ``wait`` seconds. Raises Refusal; then ``fail`` it."""
        reply = self._talk.advance(wait)
        return None if reply is None else self._heard(*reply)

    def write(self, context: bpy.types.Context, step: FitStep) -> None:
        """Show a step in Blender. Raises Refusal; then ``fail`` it."""
        ob = self.object()
        if not len(step.faces):
            return  # a step without a surface has nothing to show; the best one has
        if not self._written:
            start = step.iou if self.start_iou is None else self.start_iou
            self._keeps = before.keep(ob, -1.0 if step.alone else start, self._start_off)
        self._written = True
        if self.pose:
            write_matrix(ob, step.matrix, context.view_layer, self._request.channels)
        # Where the code is not fitted, it comes back with rounding: keep the exact one.
        fitted = self._request.header["options"]["code"]
        code = step.code if fitted else self._request.arrays["code"]
        shape.write(ob, code, step.vertices, step.faces, step.report)

    def finish(self, context: bpy.types.Context, step: FitStep, *, remesh: bool = True) -> None:
        """Write the last frame and what the fit came to, and end the run.

        A fit's own mesh keeps thin parts, at the fit's resolution; the shape's own mesh of the new
        code takes a moment, and is left to the caller without ``remesh``.
        """
        self.write(context, step)
        ob = self.object()
        if remesh:
            try:
                shape.extract(ob, codes.read(ob))
            except Refusal as refusal:  # the fit itself is whole: keep its code and its mesh
                cells = self._request.header["options"]["resolution"]
                self.warnings.append(
                    f"The mesh is the fit's own, of resolution {cells}: "
                    f"it could not be made at {ob.meshsdf.resolution}: {refusal}"
                )
        settings = ob.meshsdf
        settings.fit_start = step.iou if self.start_iou is None else self.start_iou
        settings.fit_iou = step.best_iou
        settings.fit_steps = self._taken(step)
        settings.fit_reason = REASONS.get(step.reason, step.reason)
        settings.fit_topology = parts.changed(self._parts, parts.of(step.report))
        settings.fit_off_start, settings.fit_off = self._start_off, step.off
        settings.fit_alone = step.alone
        self._end()

    def _taken(self, last: FitStep) -> int:
        """Steps that were taken; the last frame carries the number of the best one."""
        return last.steps if last.reason == "steps" else max(self._newest, last.step)

    def fail(self) -> None:
        """Give up: the shape as it was before, the worker free for the next request."""
        try:
            if self._written:
                self._before.restore(self.object(), pose=self.pose)
                if self._keeps:
                    before.drop(self.object())
        except Refusal:
            pass  # the object is gone: nothing is left to put back
        finally:
            self.abandon()

    def abandon(self) -> None:
        """End without touching Blender's data, which undo or a new file has already changed."""
        # A worker that dies here ends its fit too; steps still on their way are passed over later.
        with contextlib.suppress(Refusal):
            self.stop()
        self._end()

    def _end(self) -> None:
        self._talk.end()
        self._before.free()
        running.leave(self)

    def _question(self) -> Question:
        """What is sent, after a check of the code's length, which only the worker can tell."""
        shape.checked_code(self.object())
        return self._request.header, self._request.arrays

    def _heard(self, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> FitStep:
        step = replace(_step(header, arrays), alone=not self._request.header["views"])
        if step.done:
            self._talk.end()
        else:
            self._talk.want_next()
        if self.start_iou is None:
            self.start_iou, self._start_off = step.iou, step.off
        self._newest = max(self._newest, step.step)
        self._parts = self._parts or parts.of(step.report)
        return step


def _step(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> FitStep:
    """Read a step frame. Raises Refusal where a field is missing or is not what it should be."""
    try:
        step = _read_step(header, arrays)
        if step.matrix.shape != (4, 4) or not np.isfinite(step.matrix).all():
            raise ValueError("its matrix")
        if step.vertices.ndim != 2 or step.vertices.shape[1] != 3:
            raise ValueError("its vertices")
        if step.faces.ndim != 2 or step.faces.shape[1] != 3:
            raise ValueError("its faces")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Refusal(
            f"The worker sent a step that cannot be read ({error})", "Report this with Copy Details"
        ) from error
    return step


def _read_step(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> FitStep:
    return FitStep(
        step=int(header["step"]),
        steps=int(header["steps"]),
        iou=float(header.get("iou") or 0.0),
        best_iou=float(header.get("best_iou") or 0.0),
        done=bool(header.get("done")),
        reason=str(header.get("reason", "")),
        report=dict(header.get("report") or {}),
        code=arrays["code"],
        matrix=arrays["object"],
        vertices=arrays["vertices"],
        faces=arrays["faces"],
        masks=tuple(array for name, array in arrays.items() if name.startswith("mask")),
        off=float(header.get("landmark_distance", -1.0)),
    )
