"""``fit-batch``: its arguments, and what it prints."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import fields
from pathlib import Path
from statistics import median
from typing import Any

from .argumenttypes import number, whole
from .builtin import find_space
from .errors import MeshSDFError

MOST_PARTS = 100_000
MOST_PROCESSES = 61  # what a pool can wait for on Windows
# The numbers of a fit, in words, with the defaults of FitOptions: to read them would load PyTorch.
OPTIONS: dict[str, tuple[type[int] | type[float], str]] = {
    "steps": (int, "the most steps that a fit takes (60)"),
    "stop-iou": (float, "the overlap with the targets, 0 to 1, at which it ends (0.995)"),
    "resolution": (int, "cells along each side of the grid, 4 to 1024 (64)"),
    "newton": (int, "steps that bring vertices nearer to the surface, 0 to 3 (0)"),
    "prior": (float, "how strongly the code is drawn to the mean one, 0: not at all (0.001)"),
    "limit": (float, "how far beyond usual codes one may lie, in deviations (2)"),
    "reach": (float, "from how far a target pulls, as a share of the image (0.05)"),
    "restarts": (int, "second order: how many known shapes it tries below an IoU of 0.98 (2)"),
    "patience": (int, "Adam: steps without progress until it ends (15)"),
    "rate": (float, "Adam: how far a step moves the code, in deviations (0.1)"),
    "pose-rate": (float, "Adam: how far a step moves the rest, in radii and radians (0.05)"),
}


def add_batch(verbs: Any, parents: list[argparse.ArgumentParser]) -> None:
    """Add the command to the parser's."""
    batch = verbs.add_parser(
        "fit-batch",
        parents=parents,
        help="many fits, one process a core; goes on where it was stopped",
    )
    batch.add_argument(
        "fits",
        type=Path,
        metavar="FITS",
        help="a folder of pictures, each with a camera of its own name (.json), or a JSON list of "
        "objects with name, targets, cameras, start",
    )
    batch.add_argument(
        "--camera", type=Path, help="the camera (.json) of pictures that have none of their own"
    )
    batch.add_argument(
        "--out",
        type=Path,
        required=True,
        help="the folder for the results; a fit whose result is in it is not done again",
    )
    batch.add_argument(
        "--meshes",
        default=".ply",
        choices=(".ply", ".obj", ".stl", ".glb", "none"),
        help="the kind of mesh file that each fit writes (.ply)",
    )
    batch.add_argument(
        "--up", choices=("Z", "Y"), help="the axis of the space that points up (as its file says)"
    )
    batch.add_argument(
        "--processes", type=whole(1, 1024), help="how many fits run at a time (one a core)"
    )
    batch.add_argument(
        "--part",
        type=_part,
        default=(1, 1),
        metavar="I/N",
        help="do only the I-th of N parts, so that N machines share the work (1/1: all)",
    )
    batch.add_argument(
        "--threshold",
        type=number,
        help="the least brightness or opacity of a covered pixel, 0 to 1 (without it: in parts)",
    )
    batch.add_argument(
        "--invert", action="store_true", help="the shapes are darker or clearer than what is around"
    )
    add_fit_options(batch)
    batch.set_defaults(run=fit_batch, threads=None)


def add_fit_options(parser: argparse.ArgumentParser) -> None:
    """The options of a fit; their ranges are FitOptions' own."""
    parser.add_argument(
        "--fixed-code",
        action="store_true",
        help="keep the shape as it starts, and fit only what --move, --turn and --scale free",
    )
    for part, what in (
        ("move", "where it stands"),
        ("turn", "which way it faces"),
        ("scale", "how large it is"),
    ):
        parser.add_argument(f"--{part}", action="store_true", help=f"also fit {what}")
    parser.add_argument(
        "--solver",
        choices=("second_order", "adam"),
        help="few steps that solve for all at once, or many small ones (second_order)",
    )
    parser.add_argument("--cap", action="store_true", help="close the surface at the cube's wall")
    for name, (kind, said) in OPTIONS.items():
        parser.add_argument(f"--{name}", type=kind, help=said)


def _part(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    part = int(number), int(count)
    if not 1 <= part[0] <= part[1] <= MOST_PARTS:
        raise argparse.ArgumentTypeError(f"{text} is no part such as 2/8")
    return part


def fit_batch(options: argparse.Namespace) -> int:
    """Run a batch, a line for each fit; status 1 where one failed."""
    space = find_space(options.space)
    from . import batch
    from .fitting import FitOptions
    from .loading import load_space

    loaded = load_space(space, up=options.up)  # once here, so that a broken one is told once
    given = {item.name: getattr(options, item.name, None) for item in fields(FitOptions)}
    given["code"] = not options.fixed_code
    settings = batch.Settings(
        space,
        options.out,
        FitOptions(**{name: value for name, value in given.items() if value is not None}),
        up=options.up,
        threshold=options.threshold,
        invert=options.invert,
        suffix="" if options.meshes == "none" else options.meshes,
        space_digest=batch.digest_of(loaded),
    )
    entries = batch.part_of(batch.entries_of(options.fits, options.camera), *options.part)
    if settings.suffix:
        from .meshfile import check_mesh_path

        check_mesh_path(settings.out / f"mesh{settings.suffix}")
    if not entries:
        print(f"Part {options.part[0]} of {options.part[1]} holds no fits")
    outcomes = []
    processes = min(options.processes or os.cpu_count() or 1, MOST_PROCESSES)
    try:
        for outcome in batch.run(entries, settings, processes=processes):
            outcomes.append(outcome)
            print(_line(outcome, len(outcomes), len(entries)), flush=True)
    except OSError as error:
        raise MeshSDFError(
            f"'{options.out}' cannot be written: {error.strerror or error}", "Choose another folder"
        ) from error
    ious = [outcome.figures["iou"] for outcome in outcomes if outcome.figures]
    failed = len(outcomes) - len(ious)
    if ious:
        print(f"{len(ious)} fits: median IoU {median(ious):.4f}, {min(ious):.4f} worst")
    if failed:
        print(f"{failed} of {len(outcomes)} fits failed; run it again to try them", file=sys.stderr)
    return 1 if failed else 0


def _line(outcome: Any, number: int, count: int) -> str:
    place = f"[{number}/{count}] {outcome.name}"
    if outcome.problem:
        return f"{place}: failed: {outcome.problem}"
    told = outcome.figures
    text = f"{place}: IoU {told['iou_at_start']:.4f} to {told['iou']:.4f}, {told['seconds']} s"
    return f"{text} (done before)" if outcome.was_done else text
