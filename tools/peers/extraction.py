"""The table of extraction: other programs and ours, on every decoder, at rising resolutions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from .decoders import Subject
from .installed import installed, missing
from .ladder import Bounds, Rung, measured
from .programs import DENSE, FLEXICUBES, OURS

PROGRAMS = (DENSE, FLEXICUBES, OURS)
# Ours is compared with itself at this many cells.
FROM_CELLS = 128
HEAD = (
    "decoder",
    "cells",
    *(f"{program.name}, s" for program in PROGRAMS),
    *("evaluations: dense", "ours", "peak MiB: dense", "FlexiCubes", "ours"),
    f"ours grows by cells to the power of, since {FROM_CELLS}",
)


def table(
    subjects: Iterable[Subject], sizes: Sequence[int], theirs: Bounds, ours: Bounds, *, threads: int
) -> Iterator[tuple[str, ...]]:
    """Rows for every decoder and number of cells, which rise, within bounds."""
    bounds = [ours if program is OURS else theirs for program in PROGRAMS]
    there = [program is not FLEXICUBES or installed("deepsdfstruct") for program in PROGRAMS]
    for subject in subjects:
        ladders = [
            measured(program, subject, sizes, most, threads=threads) if can_run else None
            for program, most, can_run in zip(PROGRAMS, bounds, there, strict=True)
        ]
        for place, cells in enumerate(sizes):
            rungs = [ladder[place] if ladder else None for ladder in ladders]
            times = [
                time_of(rung, most) if can_run else missing("deepsdfstruct")
                for rung, most, can_run in zip(rungs, bounds, there, strict=True)
            ]
            evaluations = f"{(cells + 1) ** 3:,}", evaluations_of(rungs[-1])
            peaks = [memory_of(rung) for rung in rungs]
            growth = power(ladders[-1], cells)
            yield (subject.name, str(cells), *times, *evaluations, *peaks, growth)


def time_of(rung: Rung | None, bounds: Bounds) -> str:
    """Seconds, or why there are none."""
    if rung is None:
        return "its process died"
    if rung.was_run:
        return f"{rung.seconds:.3g}"
    if rung.seconds > bounds.seconds:
        return f"not run: about {rung.seconds:,.0f} s"
    return f"not run: about {rung.peak / 1024:,.0f} GiB"


def evaluations_of(rung: Rung | None) -> str:
    return f"{rung.evaluations:,}" if rung and rung.evaluations is not None else "-"


def memory_of(rung: Rung | None) -> str:
    """The process's peak, and of that what it took beyond the loaded program."""
    if rung is None or not rung.was_run:
        return "-"
    return f"{rung.peak:,.0f} (+{rung.peak - rung.loaded:,.0f})"


def power(ladder: list[Rung] | None, cells: int) -> str:
    """By which power of the cells the time grew from ``FROM_CELLS`` to these."""
    known = {rung.cells: rung for rung in ladder or [] if rung.was_run}
    if cells <= FROM_CELLS or cells not in known or FROM_CELLS not in known:
        return "-"
    ratio = known[cells].seconds / known[FROM_CELLS].seconds
    return f"{math.log(ratio) / math.log(cells / FROM_CELLS):.2f}"
