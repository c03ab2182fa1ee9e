"""A long request to a worker: asked once, then answered frame by frame, one for each credit.

A fit, an encoding and a training are each one conversation. Nothing here knows Blender's data.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

import numpy as np

from .. import door
from ..errors import WorkerLost
from .mail import Reply
from .worker import Worker, refused

Header = Mapping[str, Any] | None
Arrays = Mapping[str, np.ndarray] | None
Question = tuple[Mapping[str, Any], Mapping[str, np.ndarray]]


class Frame(Protocol):
    """A frame as somebody reads it."""

    @property
    def done(self) -> bool:
        """Whether it is the last."""


Step = TypeVar("Step", bound=Frame)


class Conversation:
    """One request ``op`` and the frames of kind ``answer`` that it brings.

    ``question`` is called once the worker is ready, and gives header and arrays; it may ask the
    worker other things first, and may raise Refusal.
    """

    def __init__(
        self, role: door.Role, op: str, answer: str, question: Callable[[], Question]
    ) -> None:
        self._role, self._op, self._answer, self._question = role, op, answer, question
        self._worker: Worker | None = None
        self._open: list[int] = []  # requests that were not answered yet
        self._stop_id = -1
        self._owed = False
        self._stopping = False
        self._seen = time.monotonic()
        self.phase = "starting"  # "asked", then "over"

    @property
    def python(self) -> str:
        """The Python that runs the worker; empty before it was started."""
        return self._worker.python if self._worker is not None else ""

    @property
    def importing(self) -> bool:
        """Whether the worker is still on its way."""
        return self.phase == "starting"

    @property
    def stopped_early(self) -> bool:
        """Whether it was stopped before the worker had begun, so that no last frame will come."""
        return self._stopping and self.importing

    @property
    def stopping(self) -> bool:
        """Whether somebody asked it to stop."""
        return self._stopping

    def seen(self) -> None:
        """Note that somebody still drives this conversation."""
        self._seen = time.monotonic()

    @property
    def unseen_seconds(self) -> float:
        """How long nobody has driven it."""
        return time.monotonic() - self._seen

    def advance(self, wait: float = 0.0) -> Reply | None:
        """The next frame, if one comes within ``wait`` seconds. Raises Refusal; then it is over."""
        self.seen()
        if self._worker is None:
            self._worker = door.worker(self._role)
        try:
            if self.phase == "starting":
                if not self._worker.pump(wait):
                    return None
                door.note_ready(self._worker, self._role)
                header, arrays = self._question()
                self._ask(self._op, header, arrays)
                # Asked for at once, so that the first frame that comes is the start itself.
                self._ask("next")
                self.phase = "asked"
            if self._owed:
                self._ask("next")
                self._owed = False
            reply = self._worker.hear(self._open, wait)
        except WorkerLost as lost:
            door.failed(lost, self._role)
            raise
        return None if reply is None else self._heard(*reply)

    def stop(self) -> None:
        """Ask the worker to end; what it has then comes as the last frame."""
        if not self._stopping and self._worker is not None and self.phase == "asked":
            self._stop_id = self._ask("stop")
        self._stopping = True

    def want_next(self) -> None:
        """Ask for another frame with the next ``advance``.

        Asked for when it is wanted, after Blender has drawn this one: the answer then is the newest
        step, and not one that lay waiting while Blender drew.
        """
        self._owed = True

    def end(self) -> None:
        """Nothing more is expected."""
        self.phase = "over"
        if self._worker is not None:
            self._worker.forget(*self._open)

    def _ask(self, op: str, header: Header = None, arrays: Arrays = None) -> int:
        """Send a request of this conversation, which may take as long as it takes."""
        assert self._worker is not None, "asked before there was a worker"
        identity = self._worker.ask(op, header, arrays, within=math.inf)
        self._open.append(identity)
        return identity

    def _heard(self, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Reply | None:
        op, identity = header["op"], header["id"]
        self._open.remove(identity)
        # A stop that crossed the last frame may be answered by an error: nothing is lost.
        if op == "error" and identity != self._stop_id:
            self.end()
            raise refused(header)
        return (header, arrays) if op == self._answer else None


class Talk:
    """A run that is one conversation, and what those who drive it may ask of that."""

    _talk: Conversation

    @property
    def importing(self) -> bool:
        """Whether the worker is still on its way."""
        return self._talk.importing

    @property
    def stopped_early(self) -> bool:
        """Whether it was stopped before the worker had begun, so that no last frame will come."""
        return self._talk.stopped_early

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._talk.stopping

    @property
    def unseen_seconds(self) -> float:
        """How long nobody has driven this run."""
        return self._talk.unseen_seconds

    def seen(self) -> None:
        """Note that somebody still drives this run."""
        self._talk.seen()

    def taken(self, read: Callable[..., Step], wait: float = 0.0) -> Step | None:
        """The next step as ``read`` reads it, if it comes within ``wait`` seconds; the step after
        it is asked for, and the talk is over after the last. Raises Refusal."""
        reply = self._talk.advance(wait)
        if reply is None:
            return None
        step = read(*reply)
        if step.done:
            self._talk.end()
        else:
            self._talk.want_next()
        return step

    def stop(self) -> None:
        """Ask the worker to end; what it has then comes as the last frame. Raises Refusal."""
        self._talk.stop()
