"""What operators that drive a run live share: a timer takes its steps, Esc keeps the best so far.

Whatever ends the run, the timer is removed and the status line given back, once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import bpy

from .. import in_scripts, running
from ..after import record
from ..errors import Refusal
from ..fitting.progress import hide_progress, show_stopping
from ..trust import told
from . import needs

WAIT_SECONDS = 0.1  # for a step, where nothing else is to be done


class LiveRun(running.Run, Protocol):
    """A run that is driven by a timer."""

    @property
    def stopped_early(self) -> bool: ...
    def seen(self) -> None: ...
    def fail(self) -> None: ...


class RunsLive:
    """An operator that starts a run with ``new_run`` and goes on with ``take_step``."""

    tick_seconds = 0.05

    _run: LiveRun
    _was: record.Before
    _timer: bpy.types.Timer | None

    def new_run(self, context: bpy.types.Context) -> LiveRun:
        """The run, checked and entered. Raises Refusal."""
        raise NotImplementedError

    def show_start(self, context: bpy.types.Context) -> None:
        """Show that the run has begun and nothing came of it yet."""
        raise NotImplementedError

    def take_step(self, context: bpy.types.Context) -> set[str] | None:
        """Show the next step if it is there; ``over`` where the run has ended. Raises Refusal."""
        raise NotImplementedError

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if bpy.app.background:
            return self.execute(context)
        try:
            needs.check(type(self), context, "asks")
            self._was = record.before(context, self)  # type: ignore[arg-type]  # an operator
            self._run = self.new_run(context)
        except Refusal as refusal:
            told.note(refusal)
            self.report({"ERROR"}, in_scripts.text(refusal))
            return {"CANCELLED"}
        self._timer = None
        return self._guard(context, self._begin) or {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if running.current() is not self._run:  # undo, a new file or the end of the add-on ended it
            return self.over(context, {"CANCELLED"})
        if event.type == "ESC" and event.value == "PRESS":
            return self._guard(context, self._stop) or {"RUNNING_MODAL"}
        if event.type == "TIMER":
            return self._guard(context, self._tick) or {"PASS_THROUGH"}
        return {"PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator itself, as when a file is opened."""
        if running.current() is self._run:
            self._run.abandon()
        self.over(context, {"CANCELLED"})

    def over(self, context: bpy.types.Context, result: set[str]) -> set[str]:
        """Take timer and status line back; ``result``, which ends the operator."""
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None
        hide_progress(context)
        if result == {"FINISHED"}:
            record.note(context, self, self._was)  # type: ignore[arg-type]
        return result

    def _guard(
        self,
        context: bpy.types.Context,
        action: Callable[[bpy.types.Context], set[str] | None],
    ) -> set[str] | None:
        """Do ``action``; whatever goes wrong undoes what the run did and ends the operator."""
        try:
            return action(context)
        except Refusal as refusal:
            self._run.fail()
            told.note(refusal)
            self.report({"ERROR"}, in_scripts.text(refusal))
            return self.over(context, {"CANCELLED"})
        except BaseException:  # a fault of ours must not lock every operator
            self._run.fail()
            self.over(context, {"CANCELLED"})
            raise

    def _begin(self, context: bpy.types.Context) -> None:
        manager = context.window_manager
        self._timer = manager.event_timer_add(self.tick_seconds, window=context.window)
        manager.modal_handler_add(self)  # type: ignore[arg-type]  # mixed into an operator
        self.show_start(context)

    def _stop(self, context: bpy.types.Context) -> None:
        self._run.stop()
        show_stopping(context)

    def _tick(self, context: bpy.types.Context) -> set[str] | None:
        self._run.seen()
        if self._run.stopped_early:
            self._run.abandon()
            return self.over(context, {"CANCELLED"})
        return self.take_step(context)


class RunsToTheEnd(RunsLive):
    """One whose last step alone is written by ``_finish``: ``execute`` waits for it."""

    def perform(self, context: bpy.types.Context) -> None:
        """The whole run, at once. Raises Refusal."""
        run: Any = self.new_run(context)
        try:
            while True:
                step = run.advance(WAIT_SECONDS)
                if step is not None and step.done:
                    self._finish(context, run, step)
                    return
        except BaseException:
            run.fail()
            raise

    def _finish(self, context: bpy.types.Context, run: Any, step: Any) -> None:
        """Write the last step and tell of it. Raises Refusal."""
        raise NotImplementedError
