"""What keeps the worker of the shapes busy in this Blender: one fit, encoding or bake at a time."""

from __future__ import annotations

from typing import Protocol

from .errors import Refusal


class Run(Protocol):
    """A fit, the encoding of a mesh, or frames being baked."""

    @property
    def unseen_seconds(self) -> float: ...
    def stop(self) -> None: ...
    def abandon(self) -> None: ...


_running: list[Run] = []  # at most one


def current() -> Run | None:
    """What is running, if anything is."""
    return _running[0] if _running else None


def check_free() -> None:
    """Raises Refusal while something runs."""
    if _running:
        raise Refusal("A fit is running: stop it first (Esc)", script="bpy.ops.meshsdf.fit_stop()")


def enter(run: Run) -> None:
    """Note that ``run`` is running. Raises Refusal where another is."""
    check_free()
    _running.append(run)


def leave(run: Run) -> None:
    """Note that ``run`` is over; harmless when repeated."""
    if run in _running:
        _running.remove(run)


def abandon_current() -> None:
    """End what is running, if anything is, without touching Blender's data."""
    for run in list(_running):
        run.abandon()
