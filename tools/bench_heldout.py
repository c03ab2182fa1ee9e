"""Fits to shapes that no space was trained on: how near they come, how fast, and to what in space.

    python3 dev.py bench heldout [SPACE ...] [--fits N] [--views 1 3] [--solvers ...]
                                 [--resolution CELLS] [--judged CELLS] [--processes N]

Each fit begins at the space's mean and sees silhouettes of a held-out mesh, 256 pixels a side, from
an azimuth of its own and 20 degrees above. It is judged by the plain mesh of its code at 128 cells
(--judged: thin shapes need more) in pictures of 512 pixels, and by the mean distance between its
surface and the true one, both ways, against that of the mean shape. A silhouette can be matched by
a wrong shape: the distance says so. Bob and Spot have two shapes: each is fitted to the other, as
known shapes, whose mesh at 128 cells is the target however finely fits are judged.

Seconds are of the fit's own steps, in a process with one thread; ``--processes`` of them run at a
time. The meshes are those of `dev.py spaces`, which makes them where they are missing.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from statistics import mean, median

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor

from core.argumenttypes import FEWEST_CELLS, MOST_CELLS, whole
from core.camera import View
from core.extraction import extract
from core.fitting import FitOptions, fit
from core.fitting.options import ADAM, SECOND_ORDER, SOLVERS
from core.loading import load_space
from core.pose import transformed
from core.shapes.sampling import points_and_faces
from core.silhouette import intersection_over_union, see
from core.space import Space
from tools.around import camera
from tools.spaces import shapes
from tools.spaces.recipe import NAMES

SPACES = Path(__file__).parents[1] / "spaces"
PIXELS, JUDGED_PIXELS = 256, 512
# What judges a fit, unless --judged asks otherwise; and what Bob and Spot are as targets.
JUDGED_CELLS = KNOWN_CELLS = 128
MARKS = (0.95, 0.98, 0.99)
TURN = 47.0  # degrees from one fit's first camera to the next one's
POINTS = 20_000
PAIR = "bob_and_spot"
HEAD = (
    *("space", "views", "solver", "fits", "IoU at {cells} cells: start", "median", "worst"),
    *(f"reach {mark}" for mark in MARKS),
    *("steps to 0.98", "evaluations", "s", "s, all", "distance less by, median", "mean"),
)


@dataclass(frozen=True)
class Task:
    """One fit to be made: the number of a held-out shape and of its first camera."""

    space: str
    number: int
    views: int
    solver: str
    resolution: int
    judged: int


@dataclass(frozen=True)
class Found:
    """What came of it; ``to_098`` are steps, evaluations and seconds, or None where it never was.

    ``before`` and ``after`` are distances between surfaces, in the world's unit.
    """

    start: float
    iou: float
    to_098: tuple[int, int, float] | None
    seconds: float
    before: float
    after: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one row a space, number of views and solver."""
    parser = argparse.ArgumentParser(
        prog="dev.py bench heldout", description=__doc__.split("\n")[0]
    )
    parser.add_argument("spaces", nargs="*", metavar="SPACE", help=", ".join(NAMES))
    parser.add_argument("--fits", type=int, default=50, help="a row (50)")
    parser.add_argument("--views", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--solvers", nargs="+", choices=SOLVERS, default=[SECOND_ORDER])
    cells = whole(FEWEST_CELLS, MOST_CELLS)
    parser.add_argument("--resolution", type=cells, default=64, help="cells of a fit (64)")
    parser.add_argument(
        "--judged", type=cells, default=JUDGED_CELLS, help=f"cells to judge by ({JUDGED_CELLS})"
    )
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args(arguments)
    head = " | ".join(HEAD).format(cells=options.judged)
    print(f"| {head} |\n" + "|---" * len(HEAD) + "|", flush=True)
    with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool:
        for name in options.spaces or NAMES:
            for views in options.views:
                for solver in options.solvers:
                    count = 2 if name == PAIR else options.fits
                    tasks = [
                        Task(name, number, views, solver, options.resolution, options.judged)
                        for number in range(count)
                    ]
                    tell(tasks[0], list(pool.map(one, tasks)))
    return 0


def tell(task: Task, found: list[Found]) -> None:
    """One row."""
    ious = [each.iou for each in found]
    reached = [each.to_098 for each in found if each.to_098]
    less = [1 - each.after / each.before for each in found]
    shares = [f"{sum(iou >= mark for iou in ious) / len(ious):.0%}" for mark in MARKS]
    steps, evaluations, seconds = (
        [f"{median(column):,.6g}" for column in zip(*reached, strict=True)]
        if reached
        else ["-"] * 3
    )
    cells = [
        *(task.space, task.views, task.solver, len(found)),
        *(f"{mean(e.start for e in found):.3f}", f"{median(ious):.4f}", f"{min(ious):.4f}"),
        *(*shares, steps, evaluations, seconds),
        f"{median(each.seconds for each in found):.2f}",
        f"{median(less):.0%}",
        f"{mean(less):.0%}",
    ]
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def one(task: Task) -> Found:
    """Make a fit and judge it."""
    torch.set_num_threads(1)
    space = space_of(task.space)
    vertices, faces, start = wanted(task, space)
    around = 30.0 + TURN * task.number
    cameras = [(around + 360 * turn / task.views) for turn in range(task.views)]
    views = [camera(PIXELS, around=azimuth) for azimuth in cameras]
    targets = [mask(view, vertices, faces).float() for view in views]
    options = FitOptions(solver=task.solver, resolution=task.resolution)
    if task.solver == ADAM:
        options = replace(options, steps=150)
    steps = list(fit(space, start, views, targets, options=options))
    judges = [camera(JUDGED_PIXELS, around=azimuth) for azimuth in cameras]
    before, after = (surface(space, code, task.judged) for code in (start, steps[-1].code))
    return Found(
        start=seen(judges, before, (vertices, faces)),
        iou=seen(judges, after, (vertices, faces)),
        to_098=effort(steps, 0.98),
        seconds=sum(steps[-1].ms.values()) / 1e3,
        before=apart(before, (vertices, faces)),
        after=apart(after, (vertices, faces)),
    )


def effort(steps: Sequence, mark: float) -> tuple[int, int, float] | None:
    """Steps, evaluations and seconds until the fit's own mesh reached ``mark``."""
    evaluations, seconds = 0, 0.0
    for step in steps[:-1]:
        evaluations += step.evaluations
        seconds += sum(step.ms.values()) / 1e3
        if step.iou >= mark:
            return step.step, evaluations, seconds
    return None


Mesh = tuple[NDArray[np.float64], NDArray[np.int64]]


@cache
def space_of(name: str) -> Space:
    return load_space(SPACES / f"{name}.safetensors")


def wanted(task: Task, space: Space) -> tuple[NDArray[np.float64], NDArray[np.int64], Tensor]:
    """The true mesh in the world, and the code to start at."""
    if task.space == PAIR:
        known = surface(space, space.codes[task.number % 2], KNOWN_CELLS)
        return *known, space.codes[1 - task.number % 2]
    files = shapes.held_out(task.space)
    shape = shapes.read(files[task.number % len(files)])
    return shape.vertices, shape.faces, space.mean_code


def surface(space: Space, code: Tensor, cells: int) -> Mesh:
    """The plain mesh of a code in the world."""
    mesh = extract(space, code, cells)
    return transformed(space.frame.matrix(), mesh.vertices.double()).numpy(), mesh.faces.numpy()


def mask(view: View, vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> Tensor:
    return torch.from_numpy(see(view, torch.from_numpy(vertices), faces).mask)


def seen(views: Sequence[View], found: Mesh, true: Mesh) -> float:
    """The IoU of two meshes, mean over the views."""
    pairs = [(mask(view, *found).numpy(), mask(view, *true).numpy()) for view in views]
    return mean(intersection_over_union(*pair) for pair in pairs)


def apart(found: Mesh, true: Mesh) -> float:
    """The mean distance between points of two surfaces, the mean of both ways."""
    if not len(found[0]):
        return math.inf
    clouds = [
        points_and_faces(*mesh, POINTS, rng=np.random.default_rng(0))[0] for mesh in (found, true)
    ]
    one_way, back = (
        cKDTree(there).query(here)[0].mean() for here, there in (clouds, reversed(clouds))
    )
    return float(one_way + back) / 2


if __name__ == "__main__":
    raise SystemExit(main())
