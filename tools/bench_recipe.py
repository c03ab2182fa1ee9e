"""The published recipe of fitting beside ours, whose parts take the place of its own one by one.

    python3 dev.py bench recipe [SPACE ...] [--fits N] [--held-out] [--checkpoint FOLDER]
                                [--budget SECONDS] [--rows N ...]

Spaces of two shapes (Bob and Spot: the default) are fitted from each to the other, others from the
mean code to known shapes, or with --held-out to meshes that they were not trained on; one camera,
256 pixels, 63 cells. A fit ends at IoU 0.995, after the published 100 steps, or at its budget. All
are judged alike, by the plain mesh of the code at 63 cells, outside of the time that is counted:
seconds of one thread's CPU, which other programs do not lengthen much.
Evaluations are the decoder's: of grids, and one a point of a derivative. Medians of the fits that
reach a mark.

The soft silhouettes are tools/peers/soft.py, of the same formula as PyTorch3D's.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import process_time

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.argumenttypes import whole
from core.camera import View
from core.extraction import extract
from core.fitting import FitOptions, fit
from core.loading import load_space
from core.silhouette import intersection_over_union, see
from core.space import Space
from tools.around import camera
from tools.bench_peers import show
from tools.peers.decoders import SPACES
from tools.peers.published import CELLS, RATE, Parts, Step, descend, placed
from tools.spaces import shapes
from tools.spaces.recipe import NAMES

PIXELS, ENOUGH = 256, 0.995
MARKS = (0.95, 0.98, 0.99)
AZIMUTH, TURN = 30.0, 47.0
PAIR = "bob_and_spot"
HEAD = (
    *("space", "fit", "what differs from the row above"),
    *(f"to {mark}: steps, evaluations, s" for mark in MARKS),
    *("best IoU", "steps made", "s a step"),
)


@dataclass(frozen=True)
class Task:
    """A shape to be fitted from a code, as a camera sees it: vertices in the world, and faces."""

    space: Space
    start: Tensor
    wanted: tuple[Tensor, Tensor]
    view: View


@dataclass(frozen=True)
class Mark:
    """How good a fit was after so many steps, evaluations and seconds."""

    steps: int
    evaluations: int
    seconds: float
    iou: float


def second_order(task: Task) -> Iterator[Step]:
    """Our fit as it is, but for the number of cells."""
    target = torch.from_numpy(mask(task, *task.wanted)).float()
    options = FitOptions(resolution=CELLS)
    steps = fit(task.space, task.start, [task.view], [target], options=options)
    while True:
        began = process_time()
        step = next(steps)
        if step.done:
            return
        yield Step(step.code, None, step.evaluations, process_time() - began)


def recipe(**ours: bool) -> Callable[[Task], Iterator[Step]]:
    parts = Parts(**ours)
    return lambda task: descend(parts, task.space, task.start, task.view, task.wanted)


ROWS: dict[str, Callable[[Task], Iterator[Step]]] = {
    f"as published: dense grid of {CELLS} cells, one division by the gradient's norm, soft edges, "
    f"Adam at {RATE:g}": recipe(),
    "coarse to fine": recipe(dense_grid=False),
    "exact surface derivative": recipe(dense_grid=False, one_division=False),
    "exact silhouette gradient": recipe(dense_grid=False, one_division=False, soft_edges=False),
    "second-order steps: ours": second_order,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a row for each fit, or family of fits, and recipe."""
    parser = argparse.ArgumentParser(prog="dev.py bench recipe", description=__doc__.split("\n")[0])
    parser.add_argument("spaces", nargs="*", metavar="SPACE", help=f"built-in spaces ({PAIR})")
    parser.add_argument(
        "--fits", type=whole(1), default=1, help="fits a row, each to a shape of its own (1)"
    )
    parser.add_argument(
        "--held-out", action="store_true", help="to shapes that were not trained on, not known ones"
    )
    parser.add_argument("--checkpoint", type=Path, action="append", default=[], metavar="FOLDER")
    parser.add_argument("--budget", type=float, default=200.0, help="seconds of a fit (200)")
    parser.add_argument("--rows", type=int, nargs="+", help="only these recipes, from 1 on")
    options = parser.parse_args(arguments)
    if options.held_out and (problem := none_held_out(options)):
        parser.error(problem)
    torch.set_num_threads(1)
    files = [SPACES / f"{name}.safetensors" for name in options.spaces]
    if not files and not options.checkpoint:
        files = [SPACES / f"{PAIR}.safetensors"]
    numbers = options.rows or range(1, len(ROWS) + 1)
    chosen = {name: run for number, (name, run) in enumerate(ROWS.items(), 1) if number in numbers}
    show(HEAD, table([*files, *options.checkpoint], chosen, options))
    return 0


def none_held_out(options: argparse.Namespace) -> str:
    """Why there are not as many held-out shapes as is asked for; empty where there are."""
    if options.checkpoint:
        return "--held-out: what a --checkpoint was not trained on is not known"
    for name in options.spaces or [PAIR]:
        if name not in NAMES:
            return f"there is no built-in space '{name}': use {', '.join(NAMES)}"
        count = len(shapes.held_out(name))
        if not count:
            return f"--held-out: no shape of '{name}' is held out; name other spaces"
        if count < options.fits:
            return f"--fits {options.fits}: '{name}' has {count} held-out shapes"
    return ""


def table(
    files: list[Path], rows: dict[str, Callable], options: argparse.Namespace
) -> Iterator[tuple[str, ...]]:
    """The rows of every space."""
    for path in files:
        for name, tasks in tasks_of(path, options.fits, held_out=options.held_out).items():
            for differs, run in rows.items():
                traces = [trace(run(task), task, options.budget) for task in tasks]
                yield (path.stem, name, differs, *summary(traces, options.budget))


def tasks_of(path: Path, count: int, *, held_out: bool) -> dict[str, list[Task]]:
    """The fits of a space, those of a name being one row."""
    space = load_space(path)
    views = [camera(PIXELS, around=AZIMUTH + TURN * number) for number in range(count)]
    if len(space.codes) == 2:
        names = space.shape_names or ("code 0", "code 1")
        return {
            f"{names[1 - to]} to {names[to]}": [
                Task(space, space.codes[1 - to], known(space, space.codes[to]), views[0])
            ]
            for to in range(2)
        }
    if held_out:
        files = shapes.held_out(path.stem)
        read = [shapes.read(files[number * len(files) // count]) for number in range(count)]
        wanted = [(torch.from_numpy(s.vertices), torch.from_numpy(s.faces)) for s in read]
    else:
        codes = [space.codes[number * len(space.codes) // count] for number in range(count)]
        wanted = [known(space, code) for code in codes]
    tasks = [
        Task(space, space.mean_code, mesh, view) for mesh, view in zip(wanted, views, strict=True)
    ]
    return {f"mean to {count} {'held out' if held_out else 'known'}": tasks}


def known(space: Space, code: Tensor) -> tuple[Tensor, Tensor]:
    """The mesh of a code, in the world."""
    mesh = extract(space, code, CELLS)
    return placed(space, mesh.vertices), mesh.faces


def trace(steps: Iterator[Step], task: Task, budget: float) -> list[Mark]:
    """A fit, judged at every step."""
    wanted = mask(task, *task.wanted)
    evaluations, seconds, found = 0, 0.0, []
    for step in steps:
        evaluations, seconds = evaluations + step.evaluations, seconds + step.seconds
        mesh = step.mesh or extract(task.space, step.code, CELLS)
        seen = mask(task, placed(task.space, mesh.vertices), mesh.faces)
        iou = intersection_over_union(seen, wanted)
        found.append(Mark(len(found), evaluations, seconds, iou))
        if iou >= ENOUGH or seconds > budget:
            break
    return found


def mask(task: Task, vertices: Tensor, faces: Tensor) -> NDArray[np.bool_]:
    """The silhouette ``(H, W)``."""
    return see(task.view, vertices, faces.numpy()).mask


def summary(traces: list[list[Mark]], budget: float) -> Iterator[str]:
    """The cells of a row."""
    for mark in MARKS:
        reached = [next((m for m in each if m.iou >= mark), None) for each in traces]
        there = [each for each in reached if each]
        if not there:
            yield "not reached"
            continue
        share = f"{len(there)} of {len(traces)}: " if len(traces) > 1 else ""
        steps = median(each.steps for each in there)
        evaluations = median(each.evaluations for each in there)
        seconds = median(each.seconds for each in there)
        yield f"{share}{steps:g}, {evaluations:,.0f}, {seconds:.2f}"
    yield f"{median(max(m.iou for m in each) for each in traces):.4f}"
    stopped = sum(each[-1].seconds > budget for each in traces)
    note = f", {stopped} stopped at {budget:g} s" if stopped else ""
    yield f"{median(each[-1].steps for each in traces):g}{note}"
    yield f"{median(each[-1].seconds / max(each[-1].steps, 1) for each in traces):.3f}"


if __name__ == "__main__":
    raise SystemExit(main())
