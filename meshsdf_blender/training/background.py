"""What keeps the second worker busy: one training of a space, or teaching of an encoder."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Protocol

import bpy

from .. import door
from ..door import interpreter
from ..door.conversation import Talk
from ..errors import Refusal, WorkerError, WorkerLost
from ..redraw import redraw, tell_status

TICK_SECONDS = 0.1


class Step(Protocol):
    """How far a run is; ``line`` says it."""

    @property
    def finished(self) -> bool: ...
    @property
    def line(self) -> str: ...


class Run(Talk):
    """A training or a teaching.

    ``busy`` says that it runs, ``stops`` is the call that ends it, ``goes_on`` how it is taken up
    again; ``outcome`` is what it came to.
    """

    busy: str
    stops: str
    goes_on: str
    outcome: Any

    def advance(self, wait: float = 0.0) -> Step | None:
        """How far it is, if that comes within ``wait`` seconds. Raises Refusal; then ``fail``."""
        raise NotImplementedError

    def fail(self, error: BaseException) -> None:
        """End with a problem; what was written can be gone on from."""
        if isinstance(error, WorkerLost):
            self.outcome.problem = f"{error.problem}. {self.goes_on}."
        else:
            self.outcome.problem = str(error) or type(error).__name__
        if isinstance(error, WorkerError):
            if error.missing:
                door.status.command = interpreter.pip_command(self._talk.python, *error.missing)
                self.outcome.installable = True
            else:
                self._refused()
        self.abandon()

    def abandon(self) -> None:
        """End at once; the last checkpoint is kept."""
        with contextlib.suppress(Refusal):
            self.stop()
        self._end()

    def _refused(self) -> None:
        """Note that the worker refused what it was asked for."""

    def _end(self) -> None:
        """Let go of the worker, once it is over."""
        raise NotImplementedError


_running: list[Run] = []  # at most one


def current() -> Run | None:
    """What is running, if anything is."""
    return _running[0] if _running else None


def check_free() -> None:
    """Raises Refusal while something runs."""
    if _running:
        run = _running[0]
        raise Refusal(f"{run.busy}: stop it first, or wait for its end", script=run.stops)


def enter(run: Run) -> None:
    """Note that ``run`` is running. Raises Refusal where another is."""
    check_free()
    _running.append(run)


def leave(run: Run) -> bool:
    """Note that ``run`` is over; whether it was running."""
    if run not in _running:
        return False
    _running.remove(run)
    return True


def driven(run: Run, *, show: Callable[[Any], None], over: Callable[[], float]) -> float:
    """What a timer does for ``run`` each time: ``show`` a step that came, or ``over`` at its end.

    Returns when to come again.
    """
    if current() is not run:
        return over()
    if bpy.app.is_job_running("RENDER"):
        return TICK_SECONDS  # changing data that is being rendered crashes Blender
    try:
        if run.stopped_early:
            run.outcome.text = "Stopped before it began"
            run.abandon()
            return over()
        step = run.advance()
        if step is None:
            return TICK_SECONDS
        show(step)
        return over() if step.finished else TICK_SECONDS
    except Refusal as refusal:
        run.fail(refusal)
        return over()
    except BaseException as error:  # a fault of ours must not leave a run that nobody drives
        run.fail(error)
        over()
        raise


def show_progress(told: Any, factor: float, text: str, detail: str) -> None:
    """Show how far a run is: in ``told``, which the panel draws, and in the status line."""
    told.factor, told.text, told.detail = factor, text, detail
    tell_status(bpy.context.window_manager, f"MeshSDF: {text}" if text else None)
    redraw(bpy.context)
