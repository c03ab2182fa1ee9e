"""One training of a space, driven from Blender: the same for a script that waits and live.

The worker trains by itself and writes the run folder; each ``next`` brings how far it is. Whatever
happens here or there, the run folder can be resumed and loses a minute at most.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .. import door
from ..door.conversation import Conversation, Question
from ..errors import Refusal
from . import background, training_folder

STAGES = {
    "reading": "Reading",
    "signing": "Repairing",
    "sampling": "Sampling",
    "training": "Training",
    "writing": "Writing the Space",
}
PREPARING = {"", "reading", "signing", "sampling"}
RESUME = "Resume Training goes on from its last checkpoint, at most a minute back"


@dataclass(frozen=True)
class TrainingStep:
    """How far a training is; ``vertices`` in the space's local units, empty without a preview."""

    stage: str
    done: int
    total: int
    message: str
    loss: float | None
    seconds_left: float | None
    finished: bool
    reason: str
    path: str
    preview_name: str
    vertices: np.ndarray | None
    faces: np.ndarray | None

    @property
    def factor(self) -> float:
        """The share of the stage that is done."""
        return min(self.done / self.total, 1.0) if self.total > 0 else 0.0

    @property
    def title(self) -> str:
        """The stage as a person reads it."""
        return STAGES.get(self.stage, self.stage.title())

    @property
    def line(self) -> str:
        """The step in a line, for a script's output."""
        loss = "" if self.loss is None else f", loss {self.loss:.4f}"
        return f"{self.title} {self.done} of {self.total}{loss}"


@dataclass
class Outcome:
    """What a training came to, in plain text for the panel."""

    name: str
    folder: str
    path: str = ""
    text: str = ""
    problem: str = ""
    resumable: bool = False
    installable: bool = False  # whether door.status.command would mend the problem
    lines: list[str] = field(default_factory=list)

    @property
    def refused(self) -> int:
        """How many shapes were left out."""
        return sum(training_folder.REFUSED in line for line in self.lines)

    @property
    def used(self) -> list[str]:
        """The lines of the shapes that are trained on."""
        return [line for line in self.lines if not training_folder.is_remark(line)]

    @property
    def repaired(self) -> int:
        """How many of these were repaired: their lines end with what was done."""
        return sum(line.endswith(")") for line in self.used)


_last: list[Outcome] = []  # at most one


def current() -> TrainingRun | None:
    """The training that is running, if one is."""
    run = background.current()
    return run if isinstance(run, TrainingRun) else None


def last() -> Outcome | None:
    """What the last training of this Blender came to, or the running one so far."""
    return _last[0] if _last else None


class TrainingRun(background.Run):
    """A training in ``folder``; with ``source`` and ``options`` it begins, without it resumes.

    ``lines`` tells what Blender left out already. The worker's start is waited for by ``advance``.
    """

    busy, stops, goes_on = "A training is running", "bpy.ops.meshsdf.train_stop()", RESUME

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        source: Path | None = None,
        options: dict[str, Any] | None = None,
        lines: list[str] | None = None,
    ) -> None:
        background.check_free()
        self.folder, self.name = folder, name
        self._source, self._options = source, options
        self._left_out = list(lines or [])
        self._talk = Conversation("training", "train", "progress", self._question)
        self.outcome = Outcome(name, str(folder), lines=list(self._left_out))
        self.stage = ""
        self._whole = False
        self._hopeless = False
        background.enter(self)
        _last[:] = [self.outcome]

    @property
    def preparing(self) -> bool:
        """Whether meshes are still on their way to the training."""
        return self.stage in PREPARING

    def advance(self, wait: float = 0.0) -> TrainingStep | None:
        """How far it is, if that comes within ``wait`` seconds. Raises Refusal; then ``fail``."""
        reply = self._talk.advance(wait)
        if reply is None:
            return None
        step = _step(*reply)
        if step.stage != self.stage or step.finished:
            self.stage = step.stage
            self.outcome.lines = self._left_out + training_folder.report_lines(self.folder)
        if step.finished:
            self._finish(step)
        else:
            self._talk.want_next()
        return step

    def _refused(self) -> None:
        self._hopeless = training_folder.hopeless(self.folder)

    def _finish(self, step: TrainingStep) -> None:
        self.outcome.path, self._whole = step.path, step.reason != "stopped"
        if step.path:
            stopped = step.reason == "stopped"
            self.outcome.text = f"Space '{self.name}' is ready" + " (stopped early)" * stopped
        else:
            self.outcome.text = "Stopped before there was a space"
        self._end()

    def _end(self) -> None:
        self._talk.end()
        if background.leave(self):
            door.close("training")  # it holds torch and the samples in memory
            begun = training_folder.begun(self.folder) and not self._hopeless
            self.outcome.resumable = begun and not self._whole
            if self._source is not None and not begun:
                training_folder.drop(self.folder)  # nothing there could be resumed

    def _question(self) -> Question:
        source = None if self._source is None else str(self._source)
        header = {"folder": str(self.folder), "source": source}
        return (header if self._options is None else {**header, "options": self._options}), {}


def _step(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> TrainingStep:
    """Read a progress frame. Raises Refusal where a field is not what it should be."""
    try:
        step = TrainingStep(
            stage=str(header["stage"]),
            done=int(header["done"]),
            total=int(header["total"]),
            message=str(header.get("message") or ""),
            loss=_number(header.get("loss")),
            seconds_left=_number(header.get("seconds_left")),
            finished=bool(header["finished"]),
            reason=str(header.get("reason") or ""),
            path=str(header.get("path") or ""),
            preview_name=str(header.get("preview_name") or ""),
            vertices=arrays.get("vertices"),
            faces=arrays.get("faces"),
        )
        if (step.vertices is None) != (step.faces is None):
            raise ValueError("half a preview")
        if step.vertices is not None and not _is_mesh(step.vertices, step.faces):
            raise ValueError("its preview")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Refusal(
            f"The worker sent a progress that cannot be read ({error})",
            "Report this with Copy Details",
        ) from error
    return step


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _is_mesh(vertices: np.ndarray, faces: np.ndarray) -> bool:
    if vertices.ndim != 2 or vertices.shape[1] != 3 or faces.ndim != 2 or faces.shape[1] != 3:
        return False
    if not np.isfinite(vertices).all():
        return False
    return not len(faces) or 0 <= int(faces.min()) <= int(faces.max()) < len(vertices)


def abandon_current() -> None:
    """End a running training, if any; its folder can be resumed."""
    run = current()
    if run is not None:
        run.abandon()


def forget() -> None:
    """Forget what the last training came to."""
    _last.clear()
