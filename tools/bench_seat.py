"""What an artist feels: latency of sliders, handlers during a fit, memory over long work.

    python3 dev.py bench seat [--moves N] [--shown N] [--steps N] [--pairs N]

Measured in Blender without a window, so redraws are not in it. Ends with status 1 where a figure
is worse than wanted. docs/benchmarks.md holds what it printed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.seat import stage

WANTED_LATENCY, WANTED_HANDLER = 80.0, 50.0  # milliseconds
WANTED_EXAMPLE = 0.98
LEAST = 60  # steps and pairs: memory is compared between thirds of them


def main(arguments: Sequence[str] | None = None) -> int:
    """Print each table; 0 where all is as wanted."""
    parser = argparse.ArgumentParser(prog="dev.py bench seat", description=__doc__.split("\n")[0])
    parser.add_argument("--moves", type=int, default=60, help="of each space's first slider")
    parser.add_argument("--shown", type=int, default=200, help="steps of the fit that is shown")
    parser.add_argument("--steps", type=int, default=1000, help="of the fit that memory is seen in")
    parser.add_argument("--pairs", type=int, default=1000, help="of undo and redo")
    options = parser.parse_args(arguments)
    if min(options.steps, options.pairs) < LEAST or not Path("/proc/self/statm").exists():
        parser.error(f"Memory is read from Linux's /proc, over {LEAST} steps and pairs or more")
    good = True
    with stage.blender() as part:
        worker = part("door").ready_worker().ready
        print(f"Worker: torch {worker['torch']}, {worker['device']}, {worker['threads']} threads\n")
        good &= latency(part, options.moves)
        good &= handlers(part, options.shown)
        good &= example(part)
        good &= memory(part, options.steps, options.pairs)
    return 0 if good else 1


def latency(part: stage.Part, moves: int) -> bool:
    """From a slider's move to its mesh, in every built-in space."""
    from tools.seat.latency import slider_latency

    print(
        "| space | move to mesh, ms, median | nine of ten | release to whole mesh | "
        "triangles, coarse and whole | longest tick of ours |\n|---|---|---|---|---|---|"
    )
    good = True
    for name in part("spaces.catalogue").builtin_names():
        stage.empty_file()
        seen = slider_latency(part, f"builtin:{name}", moves)
        coarse, whole = seen.faces
        print(
            f"| {name} | {seen.median:.0f} | {seen.slowest:.0f} | {seen.whole:.0f} "
            f"| {coarse:,}, {whole:,} | {seen.handler:.1f} |",
            flush=True,
        )
        good &= seen.median < WANTED_LATENCY and seen.handler < WANTED_HANDLER
    print(f"\nWanted: median below {WANTED_LATENCY:.0f} ms\n")
    return good


def handlers(part: stage.Part, steps: int) -> bool:
    """Of a live fit, with its overlay."""
    from tools.seat.handlers import fit_handlers

    print("| fit, cells | frames shown | tick, ms, median | longest | longest, own work ", end="")
    print("| the button | longest handler after a change |\n|---|---|---|---|---|---|---|")
    good = True
    for cells in (32, 64):
        seen = fit_handlers(part, steps, cells=cells)
        print(
            f"| {cells} | {len(seen.clock)} of {steps} | {seen.median:.1f} | {max(seen.clock):.1f} "
            f"| {max(seen.work):.1f} | {seen.start:.1f} | {max(seen.after, default=0.0):.1f} |",
            flush=True,
        )
        good &= seen.longest < WANTED_HANDLER
    print(f"\nWanted: none above {WANTED_HANDLER:.0f} ms\n")
    return good


def example(part: stage.Part) -> bool:
    """*Load Example*, then *Fit*, as the README's newcomer presses them."""
    import bpy

    stage.empty_file()
    bpy.ops.meshsdf.example_load()
    bpy.ops.meshsdf.fit()
    told = bpy.context.active_object.meshsdf
    print(f"Example: IoU {told.fit_start:.3f} to {told.fit_iou:.3f} in {told.fit_steps} steps\n")
    return told.fit_iou > WANTED_EXAMPLE


def memory(part: stage.Part, steps: int, pairs: int) -> bool:
    """Over a long fit, and over undo and redo."""
    from tools.seat.memory import fit_memory, undo_memory

    print(
        "| | Blender, MiB: start, middle, end | worker | grown in the last third |\n"
        "|---|---|---|---|"
    )
    good = True
    for what, seen in (
        (f"{steps} fit steps", fit_memory(part, steps)),
        (f"{pairs} undo and redo", undo_memory(part, pairs)),
    ):
        held = [
            ", ".join(f"{values[at]:.0f}" for at in (0, len(values) // 2, -1))
            for values in (seen.blender, seen.worker)
        ]
        grown = ", ".join(f"{each:+.1f}" for each in seen.growth())
        print(f"| {what} | {held[0]} | {held[1]} | {grown} |", flush=True)
        good &= seen.flat
    print()
    return good


if __name__ == "__main__":
    sys.exit(main())
