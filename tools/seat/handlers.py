"""A live fit: how long each of our handlers keeps Blender from drawing, at every step of it.

Blender without a window has no events, so the operator's own ``invoke`` and ``modal`` are called
with a stand-in for the instance, the timer and the flag that there is no window. All that they do
is real, and so are the handlers that Blender calls after them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from types import SimpleNamespace
from typing import Any

import bpy

from .memory import fit_scene
from .stage import Part

TICK_SECONDS = 0.02


@dataclass(frozen=True)
class Handled:
    """Milliseconds, as the clock and as our own thread's work: each of the operator's ticks that
    showed something; ``start``, its invoke; ``after``, each of our handlers after a change.
    """

    clock: tuple[float, ...]
    work: tuple[float, ...]
    start: float
    after: tuple[float, ...]

    @property
    def median(self) -> float:
        """Of the ticks, by the clock."""
        return median(self.clock)

    @property
    def longest(self) -> float:
        """Of what is called while the fit runs, by the clock."""
        return max(*self.clock, *self.after)


def fit_handlers(part: Part, steps: int, *, cells: int) -> Handled:
    """A live fit of so many steps with its overlay, from the button to the last frame."""
    ob = fit_scene(cells=cells)
    clock: list[float] = []
    work: list[float] = []
    with live_fit(part, steps) as operator, timed_handlers() as after:
        context = SimpleContext()
        began = time.perf_counter()
        result = operator.invoke(context, None)
        start = 1000 * (time.perf_counter() - began)
        while result & {"RUNNING_MODAL", "PASS_THROUGH"}:
            shown = ob.meshsdf.vertices, context.real.window_manager.meshsdf.step
            began, worked = time.perf_counter(), time.thread_time()
            result = operator.modal(context, SimpleNamespace(type="TIMER", value="NOTHING"))
            took, own = time.perf_counter() - began, time.thread_time() - worked
            if shown == (ob.meshsdf.vertices, context.real.window_manager.meshsdf.step):
                time.sleep(TICK_SECONDS)
                continue
            clock.append(1000 * took)
            work.append(1000 * own)
            bpy.context.view_layer.update()
        if result != {"FINISHED"}:
            raise RuntimeError(f"The fit ended with {result}: {operator.reports}")
    return Handled(tuple(clock), tuple(work), start, tuple(after))


class SimpleContext:
    """The context; its window manager's timer does not tick, and its handler is called by hand."""

    real = bpy.context

    def __init__(self) -> None:
        manager = bpy.context.window_manager
        self.window_manager = SimpleNamespace(
            meshsdf=manager.meshsdf,
            windows=manager.windows,
            event_timer_add=lambda seconds, window: object(),
            event_timer_remove=lambda timer: None,
            modal_handler_add=lambda operator: True,
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(bpy.context, name)


@contextmanager
def live_fit(part: Part, steps: int) -> Iterator[Any]:
    """The operator of the button, live, with exactly ``steps`` steps."""
    fit, live = part("operators.fit"), part("operators.live")
    cls = fit.MESHSDF_OT_fit
    own = {name: value for name, value in vars(cls).items() if not name.startswith("__")}
    operator = type("StandIn", (live.RunsLive,), {**own, "print_every": 0})()
    operator.reports = []
    operator.report = lambda kind, text: operator.reports.append(text)
    run = part("fitting.fit_run").FitRun
    bpy.context.scene.meshsdf.solver = "ADAM"  # the other one needs no more than ten steps
    operator.new_run = lambda context: run(bpy.context, context.active_object, exact_steps=steps)
    window = SimpleNamespace(
        app=SimpleNamespace(background=False, is_job_running=lambda kind: False)
    )
    real = [(module, module.bpy) for module in (fit, live)]
    for module, _ in real:
        module.bpy = window
    try:
        yield operator
    finally:
        for module, bpy_ in real:
            module.bpy = bpy_


@contextmanager
def timed_handlers() -> Iterator[list[float]]:
    """Milliseconds of each call of ours by Blender after a change, as they come."""
    took: list[float] = []
    lists = [bpy.app.handlers.depsgraph_update_post, bpy.app.handlers.frame_change_post]
    before = [list(handlers) for handlers in lists]
    for handlers in lists:
        handlers[:] = [_timed(handler, took) for handler in handlers]
    try:
        yield took
    finally:
        for handlers, known in zip(lists, before, strict=True):
            handlers[:] = known


def _timed(handler: Callable[..., None], took: list[float]) -> Callable[..., None]:
    def call(*given: Any) -> None:
        began = time.perf_counter()
        handler(*given)
        took.append(1000 * (time.perf_counter() - began))

    return call
