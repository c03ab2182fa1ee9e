"""What keeps the second worker busy: one training of a space, or teaching of an encoder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import bpy

from ..errors import Refusal

TICK_SECONDS = 0.1


class Run(Protocol):
    """A training or a teaching; ``busy`` says that it runs, ``stops`` is the call that ends it."""

    busy: str
    stops: str
    outcome: Any

    @property
    def stopped_early(self) -> bool: ...

    def advance(self, wait: float = 0.0) -> Any: ...

    def fail(self, error: BaseException) -> None: ...

    def abandon(self) -> None: ...


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
