"""A live fit: how long each of our handlers keeps Blender from drawing, at every step of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median

import bpy

from .memory import fit_scene
from .stage import Part

TICK_SECONDS = 0.02


@dataclass(frozen=True)
class Handled:
    """Milliseconds of each step's handler, as the clock and as our own thread's work."""

    clock: tuple[float, ...]
    work: tuple[float, ...]

    @property
    def median(self) -> float:
        """Of the clock."""
        return median(self.clock)


def fit_handlers(part: Part, steps: int, *, cells: int) -> Handled:
    """The handler's work at each of so many steps, as the live operator does it.

    The overlay is shown. The last step, which ends the fit, is among them.
    """
    ob = fit_scene(cells=cells)
    run = part("fitting.fit_run").FitRun(bpy.context, ob, exact_steps=steps)
    overlay, progress = part("fitting.overlay"), part("fitting.progress")
    overlay.begin(bpy.context, ob, run.request)
    clock: list[float] = []
    work: list[float] = []
    done = False
    while not done:
        began, worked = time.perf_counter(), time.thread_time()
        step = run.advance()
        if step is None:
            time.sleep(TICK_SECONDS)
            continue
        done = step.done
        if done:
            run.finish(bpy.context, step, remesh=False)
        else:
            run.write(bpy.context, step)
            overlay.show_step(step)
            progress.show_progress(bpy.context, step)
        clock.append(1000 * (time.perf_counter() - began))
        work.append(1000 * (time.thread_time() - worked))
    overlay.end()
    return Handled(tuple(clock), tuple(work))
