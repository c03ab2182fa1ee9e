"""A fit in the worker: it steps on by itself, and a step leaves when Blender has asked for one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from ..fit import FitStep
from ..space import Frame


class Fitting:
    """A running fit: the newest step that nobody has seen yet, and who waits for one.

    Between two deliveries any number of steps may pass; only the newest is kept, and the best.
    """

    def __init__(self, first: FitStep, rest: Iterator[FitStep], frame: Frame) -> None:
        self.frame = frame
        self.running = not first.done
        self.stopped = False
        self._rest = rest
        self._newest = self._best = first
        self._unsent: FitStep | Exception | None = first
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
        """Take one step. An error of the fit becomes its last delivery."""
        try:
            step = next(self._rest)
        except StopIteration:
            step = replace(self._best, done=True, reason=self._newest.reason or "steps")
        except Exception as error:
            self.running, self._unsent = False, error
            return
        self._newest = self._unsent = step
        if step.best_step == step.step:
            self._best = step
        self.running = not step.done

    def stop(self) -> None:
        """End the fit where it is; the best step so far is its last."""
        self.stopped = True
        if not self.running:
            return
        self.running = False
        self._unsent = replace(
            self._best,
            best_iou=self._newest.best_iou,
            best_step=self._newest.best_step,
            done=True,
            reason="stopped",
        )

    def delivery(self) -> tuple[int, FitStep | Exception] | None:
        """The request that waits and what it gets, when there are both."""
        if self._unsent is None or not self._waiting:
            return None
        request, step = self._waiting.popleft(), self._unsent
        self._unsent = None
        return request, step

    def left_waiting(self) -> list[int]:
        """Requests that wait for a step that will not come, once the fit is over."""
        waiting = list(self._waiting)
        self._waiting.clear()
        return waiting
