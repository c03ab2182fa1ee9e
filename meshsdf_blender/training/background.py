"""What keeps the second worker busy: one training of a space, or teaching of an encoder."""

from __future__ import annotations

from typing import Protocol

from ..errors import Refusal


class Run(Protocol):
    """A training or a teaching; ``busy`` says that it runs, ``stops`` is the call that ends it."""

    busy: str
    stops: str

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
