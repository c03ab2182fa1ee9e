"""One teaching of an encoder, driven from Blender: the same for a script that waits and live.

The worker teaches by itself, beside the space; each ``next`` brings how far it is. Whatever happens
here or there, it can be gone on with: what was drawn and learnt is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import door
from ..door.conversation import Conversation, Question
from ..errors import Refusal
from ..spaces import catalogue
from ..training import background
from . import encoder_place

STAGES = {
    "pictures": "Drawing Pictures",
    "encoder": "Learning Shapes",
    "masker": "Learning Masks",
    "judging": "Judging",
    "done": "Done",
}
# What is told of a stage's figures, and of the last ones.
FIGURES = {
    "code": "code error {:.2f}",
    "degrees": "rotation off by {:.0f}\u00b0",
    "iou": "mask IoU {:.2f}",
    "code_error": "code error {:.0%} of the mean's",
    "likeliest_degrees": "rotation off by {:.0f}\u00b0",
    "mask_iou": "mask IoU {:.2f}",
}
GO_ON = "Resume Teaching goes on from there"


@dataclass(frozen=True)
class TeachStep:
    """How far a teaching is: ``share`` of the whole, and ``figures`` by name."""

    stage: str
    share: float
    seconds_left: float | None
    figures: dict[str, float]
    finished: bool
    path: str

    @property
    def title(self) -> str:
        """The stage as a person reads it."""
        return STAGES.get(self.stage, self.stage.title())

    @property
    def told(self) -> str:
        """The figures in words."""
        known = (name for name in FIGURES if name in self.figures)
        return ", ".join(FIGURES[name].format(self.figures[name]) for name in known)

    @property
    def line(self) -> str:
        """The step in a line, for a script's output."""
        return f"{self.title} {100 * self.share:.0f} % {self.told}".rstrip()


@dataclass
class Outcome:
    """What a teaching came to, in plain text for the panel; ``space`` is the space's text."""

    space: str
    up: str
    path: str = ""
    text: str = ""
    problem: str = ""
    resumable: bool = False
    installable: bool = False  # whether door.status.command would mend the problem


_last: list[Outcome] = []  # at most one


def current() -> TeachRun | None:
    """The teaching that is running, if one is."""
    run = background.current()
    return run if isinstance(run, TeachRun) else None


def last(space: str) -> Outcome | None:
    """What the last teaching of this Blender came to, if it was of that space."""
    return _last[0] if _last and _last[0].space == space else None


class TeachRun(background.Run):
    """A teaching of the encoder of a space, from its checks (in the constructor, Refusal) on.

    Without ``options`` the one that was stopped goes on as it was begun.
    """

    busy, stops = "An encoder is being taught", "bpy.ops.meshsdf.teach_stop()"
    goes_on = GO_ON

    def __init__(self, space: str, up: str, options: dict[str, Any] | None = None) -> None:
        background.check_free()
        self.path = catalogue.existing(space)
        encoder_place.check_own(space)
        if options is None and not encoder_place.begun(self.path):
            raise Refusal(
                f"No teaching of '{catalogue.title(space)}' was stopped",
                "Teach its encoder from the start",
                script=f"bpy.ops.meshsdf.teach_encoder(space={space!r})",
            )
        self._up, self._options = up, options
        self._talk = Conversation("training", "teach", "progress", self._question)
        self.name = catalogue.title(space)
        self.outcome = Outcome(space, up)
        background.enter(self)
        _last[:] = [self.outcome]

    def advance(self, wait: float = 0.0) -> TeachStep | None:
        """How far it is, if that comes within ``wait`` seconds. Raises Refusal; then ``fail``."""
        reply = self._talk.advance(wait)
        if reply is None:
            return None
        step = _step(*reply)
        if not step.finished:
            self._talk.want_next()
            return step
        self.outcome.path = step.path
        if step.path:
            told = f": {step.told}" if step.told else ""
            self.outcome.text = f"'{self.name}' has an encoder{told}"
        else:
            self.outcome.text = "Stopped before the encoder was done"
        self._end()
        return step

    def _end(self) -> None:
        self._talk.end()
        if background.leave(self):
            door.close("training")  # it holds torch and the pictures in memory
            self.outcome.resumable = not self.outcome.path and encoder_place.begun(self.path)
            encoder_place.forget()

    def _question(self) -> Question:
        header: dict[str, Any] = {"path": self.path, **catalogue.up_header(self._up)}
        return (header if self._options is None else {**header, "options": self._options}), {}


def _step(header: dict[str, Any], _: dict[str, np.ndarray]) -> TeachStep:
    """Read a progress frame. Raises Refusal where a field is not what it should be."""
    try:
        left, figures = header.get("seconds_left"), dict(header.get("figures") or {})
        return TeachStep(
            stage=str(header["stage"]),
            share=min(max(float(header["share"]), 0.0), 1.0),
            seconds_left=None if left is None else float(left),
            figures={str(name): float(n) for name, n in figures.items() if n is not None},
            finished=bool(header["finished"]),
            path=str(header.get("path") or ""),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Refusal(
            f"The worker sent a progress that cannot be read ({error})",
            "Report this with Copy Details",
        ) from error


def abandon_current() -> None:
    """End a running teaching, if any; it can be gone on with."""
    run = current()
    if run is not None:
        run.abandon()


def forget() -> None:
    """Forget what the last teaching came to."""
    _last.clear()
