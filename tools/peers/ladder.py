"""One program on one decoder at rising resolutions, in a process of its own, within bounds.

What a size would take is told from the size before, and is not run where that is more time or
memory than it may take: the estimate stands in its place.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from time import perf_counter
from typing import TypeVar

import torch

from .decoders import Subject
from .programs import Program

T = TypeVar("T")
# Cells of a run that only loads what later ones need.
WARMING = 8
# Memory grows by this power of the cells: all programs hold grids of values.
GRID = 3.0


@dataclass(frozen=True)
class Bounds:
    """What one measurement may take: ``seconds``, and ``memory`` of its process in MiB."""

    seconds: float
    memory: float


@dataclass(frozen=True)
class Rung:
    """One size: ``seconds``, the process's ``peak`` memory in MiB, and decoder evaluations.

    Where it ``was_run``, all are measured; else time and memory are estimates. ``loaded`` is the
    peak of the process before any size was run.
    """

    cells: int
    seconds: float
    peak: float
    loaded: float
    evaluations: int | None = None

    @property
    def was_run(self) -> bool:
        return self.evaluations is not None

    def at(self, cells: int, program: Program) -> Rung:
        """The estimate for another size."""
        ratio = cells / self.cells
        seconds = self.seconds * ratio**program.growth
        peak = self.loaded + (self.peak - self.loaded) * ratio**GRID
        return Rung(cells, seconds, peak, self.loaded)


def measured(
    program: Program, subject: Subject, sizes: Sequence[int], bounds: Bounds, *, threads: int = 1
) -> list[Rung] | None:
    """A rung for each of the ``sizes``, which rise; None where the process died of them."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(climb, program, subject, sizes, bounds, threads).result()
        except BrokenProcessPool:
            return None


def climb(
    program: Program, subject: Subject, sizes: Sequence[int], bounds: Bounds, threads: int
) -> list[Rung]:
    """:func:`measured`, here."""
    torch.set_num_threads(threads)
    space, code = subject.load()
    program.mesh(space, code, WARMING)
    loaded = peak_memory()

    def run(cells: int, enough: float) -> Rung:
        evaluations, seconds = timed(lambda: program.mesh(space, code, cells), enough=enough)
        return Rung(cells, seconds, peak_memory(), loaded, evaluations)

    # Half of the first size tells what the first will take.
    last, rungs = run(max(sizes[0] // 2, WARMING), 0.0), []
    for cells in sizes:
        last = last.at(cells, program)
        if last.seconds <= bounds.seconds and last.peak <= bounds.memory:
            last = run(cells, 1.0)
        rungs.append(last)
    return rungs


def timed(work: Callable[[], T], *, enough: float = 1.0) -> tuple[T, float]:
    """The result, and the least seconds of as many runs as fit into ``enough``; one at least."""
    least, spent = float("inf"), 0.0
    while True:
        start = perf_counter()
        result = work()
        took = perf_counter() - start
        least, spent = min(least, took), spent + took
        if spent >= enough:
            return result, least


def peak_memory() -> float:
    """The most that this process ever had in memory, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)
