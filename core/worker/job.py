"""Work that goes on between requests: it steps on by itself, and a step leaves when Blender asks.

Between two deliveries any number of steps may pass; only the newest is kept.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

from .reply import Reply

Step = TypeVar("Step")


class Job(ABC, Generic[Step]):
    """A running job: the newest step that nobody has seen yet, and who waits for one.

    ``title`` names it in messages ("A fit").
    """

    title = "A job"

    def __init__(self, first: Step, rest: Iterator[Step], *, running: bool) -> None:
        self.running = running
        self.stopped = False
        self._rest = rest
        self._newest = first
        self._unsent: Step | Exception | None = first
        self._waiting: deque[int] = deque()

    @property
    def over(self) -> bool:
        """Whether the last step has been delivered."""
        return not self.running and self._unsent is None

    @property
    def busy(self) -> bool:
        """Whether other requests must wait; after a stop they need not."""
        return not self.over and not self.stopped

    def wait(self, request: int) -> None:
        """``request`` waits for the next step."""
        self._waiting.append(request)

    def advance(self) -> None:
        """Take one step. An error of the job becomes its last delivery."""
        try:
            step = next(self._rest, None)
            self._unsent = self._last() if step is None else self._merged(step)
        except Exception as error:
            self.running, self._unsent = False, error
            return
        if step is None:
            self.running = False
            return
        self._newest = step
        self.running = not self._done(step)

    def stop(self) -> None:
        """End the job where it is."""
        self.stopped = True
        if not self.running:
            return
        self.running = False
        try:
            self._unsent = self._stopped()
        except Exception as error:
            self._unsent = error

    def delivery(self) -> tuple[int, Step | Exception] | None:
        """The request that waits and what it gets, when there are both."""
        if self._unsent is None or not self._waiting:
            return None
        request, step = self._waiting.popleft(), self._unsent
        self._unsent = None
        return request, step

    def left_waiting(self) -> list[int]:
        """Requests that wait for a step that will not come, once the job is over."""
        waiting = list(self._waiting)
        self._waiting.clear()
        return waiting

    def _merged(self, step: Step) -> Step:
        """The new step, with what must not be lost of the unsent one."""
        return step

    @abstractmethod
    def _done(self, step: Step) -> bool:
        """Whether a step is the last."""

    @abstractmethod
    def _last(self) -> Step:
        """The last step of a job whose steps have run out without one."""

    @abstractmethod
    def _stopped(self) -> Step:
        """The last step of a job that is stopped now."""

    @abstractmethod
    def reply(self, step: Step) -> Reply:
        """A step as the protocol has it; called only for those that are sent."""
