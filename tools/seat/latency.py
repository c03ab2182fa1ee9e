"""Sliders: from a move to the mesh that follows it.

Blender without a window ticks no timers, so that the sliders' own is driven here, at the intervals
that it asks for. What a window adds is its redraw.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import sin
from statistics import median
from types import ModuleType

import bpy

from .stage import Part

LONGEST = 60.0  # seconds for one mesh, or something is wrong
UNCOUNTED = 3  # moves until worker and Blender are warm


@dataclass(frozen=True)
class Latency:
    """Milliseconds from each of many moves to its coarse mesh, and from the release to the whole.

    ``faces`` are those of a coarse and of the whole mesh; ``handler`` is the longest time, in
    milliseconds, that our timer kept Blender from anything else.
    """

    space: str
    drafts: tuple[float, ...]
    whole: float
    faces: tuple[int, int]
    handler: float

    @property
    def median(self) -> float:
        """Of the moves."""
        return median(self.drafts)

    @property
    def slowest(self) -> float:
        """Nine moves of ten are faster."""
        return sorted(self.drafts)[int(0.9 * len(self.drafts))]


class _Driven:
    """The sliders' timer, ticked from here; notes when meshes are written and how long it takes."""

    def __init__(self, live: ModuleType, shape: ModuleType) -> None:
        self.live, self.shape, self.written, self.longest = live, shape, 0, 0.0

    def __enter__(self) -> _Driven:
        self._write = self.shape.write_mesh
        self.shape.write_mesh = self._noting
        return self

    def __exit__(self, *_: object) -> None:
        self.shape.write_mesh = self._write
        if bpy.app.timers.is_registered(self.live.tick):
            bpy.app.timers.unregister(self.live.tick)

    def _noting(self, *given: object) -> None:
        self._write(*given)
        self.written += 1

    def until(self, reached: Callable[[], bool]) -> float:
        """Tick until ``reached``; the milliseconds that took."""
        start = time.perf_counter()
        while not reached():
            if time.perf_counter() - start > LONGEST:
                raise TimeoutError("The mesh did not follow its slider")
            began = time.perf_counter()
            wait = self.live.tick()
            self.longest = max(self.longest, 1000 * (time.perf_counter() - began))
            if not reached():
                time.sleep(wait or 0.0)
        return 1000 * (time.perf_counter() - start)

    def mesh(self) -> float:
        """Tick until the next mesh is there."""
        now = self.written
        return self.until(lambda: self.written > now)


def slider_latency(part: Part, space: str, moves: int) -> Latency:
    """Drag the first slider of a new shape of ``space`` to and fro, ``moves`` times.

    ``part`` gives a module of meshsdf_blender by its name, as Blender enabled it.
    """
    slide = part("shapes.slide")
    bpy.ops.meshsdf.shape_add(space=space)
    ob = bpy.context.active_object
    in_script, slide.in_script = slide.in_script, lambda: False
    try:
        with _Driven(part("shapes.slider_live"), part("shapes.shape")) as driven:
            drafts = []
            for number in range(moves + UNCOUNTED):
                if number == UNCOUNTED:
                    driven.longest = 0.0
                ob.meshsdf.slider_1 = 1.5 * sin(0.3 * (number + 1))
                drafts.append(driven.mesh())
            coarse, handler = ob.meshsdf.faces, driven.longest
            whole = driven.until(lambda: not ob.meshsdf.draft)
    finally:
        slide.in_script = in_script
    return Latency(space, tuple(drafts[UNCOUNTED:]), whole, (coarse, ob.meshsdf.faces), handler)
