"""A teaching beside the artist's work: a timer asks how far it is, and shows it.

Nothing of the file changes, so there is no undo step, and the timer outlives files. No modal
operator: one that runs for long would keep Blender from saving its backups.
"""

from __future__ import annotations

import bpy

from ..redraw import tell_status
from ..training.background import TICK_SECONDS, driven, show_progress
from ..training.training_live import GOODBYE_SECONDS, duration
from . import teach_run
from .teach_run import TeachRun, TeachStep

_live: list[TeachRun] = []  # at most one


def begin(context: bpy.types.Context, run: TeachRun) -> None:
    """Drive ``run`` from now on."""
    _live[:] = [run]
    _tell(context.window_manager, 0.0, "Starting the Worker", "")
    if not bpy.app.timers.is_registered(tick):
        bpy.app.timers.register(tick, first_interval=TICK_SECONDS, persistent=True)


def tick() -> float | None:
    """Once every ``TICK_SECONDS``: the next interval, or None when all is over."""
    if not _live:
        tell_status(bpy.context.window_manager, None)
        return None
    run = _live[0]
    return driven(run, show=lambda step: show(run, step), over=lambda: _over(run))


def show(run: TeachRun, step: TeachStep) -> None:
    """Show a step in the panel and in the status line."""
    text = f"{step.title}: {100 * step.share:.0f} %"
    if step.seconds_left is not None:
        text += f", {duration(step.seconds_left)} left"
    if run.stopping:
        text = "Stopping after this step"
    detail = step.told[:1].upper() + step.told[1:]
    _tell(bpy.context.window_manager, step.share, text, detail)


def _over(run: TeachRun) -> float:
    """Say how it ended; when to come again."""
    _live.clear()
    _tell(bpy.context.window_manager, 0.0, "", "")
    said = run.outcome.problem or run.outcome.text or "The teaching was ended"
    tell_status(bpy.context.window_manager, f"MeshSDF: {said}")
    return GOODBYE_SECONDS


def _tell(manager: bpy.types.WindowManager, factor: float, text: str, detail: str) -> None:
    show_progress(manager.meshsdf_teaching, factor, text, detail)


def register() -> None:
    """Nothing has to be there before a teaching begins."""


def unregister() -> None:
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
    _live.clear()
    teach_run.abandon_current()
    teach_run.forget()
