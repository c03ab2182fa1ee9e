"""What the command line's commands of training do: train, encode, judge, export, report."""

from __future__ import annotations

import argparse
import math
import shlex
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Event, current_thread, main_thread
from typing import TYPE_CHECKING, Any

from .builtin import find_space
from .commands import check_device, load, write_json
from .errors import MeshSDFError

if TYPE_CHECKING:
    from .training.progress import Progress

INTERRUPTED = 130
SECONDS_BETWEEN_LINES = 5.0


def train(options: argparse.Namespace) -> int:
    """Train a space, or go on, and tell of it; 130 when it was stopped before its end."""
    from .shapes.meshes import mesh_files
    from .training.runfolder import RunFolder

    if options.source is None and not options.resume:
        raise MeshSDFError("No meshes are named", "Name their folder, or go on with --resume")
    if options.resume and options.source is not None:
        raise MeshSDFError(
            "--resume goes on with the run's own meshes", "Leave out the folder of meshes"
        )
    # What is not there is said before torch is waited for.
    recorded = None
    if options.source is None:
        recorded = RunFolder(options.out).read()
    else:
        mesh_files(options.source)
    import torch

    from .shapes.family import Alignment
    from .training import distributed
    from .training.run import RunOptions
    from .training.run import train as run
    from .training.runrecord import Record

    former = None if recorded is None else Record.from_json(dict(recorded), options.out).options
    device = options.device or (former.device if former else "cpu")
    check_device(device)
    if former and former.threads and not options.threads:
        torch.set_num_threads(former.threads)
    wished = None
    if options.source is not None:
        wished = RunOptions(
            name=options.name or options.out.absolute().name,
            preset=options.preset,
            alignment=Alignment(options.up, options.centre, options.normalise),
            seed=options.seed,
            device=device,
            threads=options.threads or 0,
            held_out=options.held_out,
            thickness=options.thickness,
            fill_voids=options.fill_voids,
            plain=options.plain,
        )
    team, own_device = distributed.join(device)
    try:
        with stopped_by_interrupt() if team.size == 1 else nullcontext(Event()) as stop:
            steps = run(
                options.out,
                options.source,
                wished,
                anew=options.anew,
                device=own_device if team.size > 1 else options.device,
                stop=stop,
                team=team,
                previews=False,
            )
            last = _tell(steps) if team.leads else None
            # The others have nothing to tell.
            for _ in steps:
                pass
    finally:
        distributed.leave()
    threads = ["--threads", str(options.threads)] if options.threads else []
    return 0 if last is None else _tell_end(last, options.out, threads)


def _tell_end(last: Progress, folder: Path, threads: Sequence[str]) -> int:
    """What a training came to, and what can be done next; the exit status."""
    from .training.runfolder import RunFolder

    if last.path is not None:
        print(f"wrote {last.path}")
    if last.reason == "stopped":
        again = command_text("train", "--out", folder, "--resume", *threads)
        print(f"stopped; nothing is lost, go on with: {again}", file=sys.stderr)
        return INTERRUPTED
    record = RunFolder(folder).read()
    if record.get("held_out"):
        print(f"how good it is on shapes that it never saw: {command_text('judge', folder)}")
    else:
        more = "" if len(record["shapes"]) > 2 else "three shapes or more and "
        print(f"train with {more}--held-out 0.1 to see how good it is on shapes it never saw")
    return 0


def command_text(*arguments: object) -> str:
    """This program's command with other arguments, as it can be pasted."""
    python = Path(sys.executable)
    if python.is_relative_to(Path.cwd()):
        python = python.relative_to(Path.cwd())
    return shlex.join([str(python), "-m", "core", *map(str, arguments)])


@contextmanager
def stopped_by_interrupt() -> Iterator[Event]:
    """The first Ctrl+C asks for an end after the step, the second ends at once."""
    stop = Event()

    def interrupted(*_: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        print("stopping after this step; Ctrl+C again ends at once", file=sys.stderr)

    if current_thread() is not main_thread():
        yield stop
        return
    former = signal.signal(signal.SIGINT, interrupted)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, former)


def _tell(steps: Iterator[Progress]) -> Progress:
    """A line for every mesh, and every few seconds of training; the last progress."""
    told, warned, stage, last = -math.inf, 0, "", None
    for last in steps:
        for warning in last.warnings[warned:]:
            print(f"warning: {warning}", file=sys.stderr)
        warned = len(last.warnings)
        now = time.monotonic()
        often = last.stage == stage == "training" and now - told < SECONDS_BETWEEN_LINES
        if last.finished or often:
            continue
        told, stage = now, last.stage
        print(_line(last), flush=True)
    assert last is not None
    if last.reason == "trained":
        loss = "" if last.loss is None else f", loss {last.loss:.5f}"
        print(f"trained: {last.done} steps{loss}")
    return last


def _line(progress: Progress) -> str:
    parts = [f"{progress.stage:<8} {progress.done} of {progress.total}"]
    if progress.stage != "training":
        parts.append(progress.message)
    if progress.loss is not None:
        parts.append(f"loss {progress.loss:.5f}")
    if progress.seconds_left is not None:
        parts.append(f"{duration(progress.seconds_left)} left")
    return "  ".join(parts)


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def encode(options: argparse.Namespace) -> None:
    """Find the code of a mesh or point cloud, and tell how close it came."""
    import numpy as np

    from .meshfile import check_mesh_path, write_mesh

    find_space(options.space)
    if not options.shape.exists():
        raise MeshSDFError(f"'{options.shape}' cannot be read: there is no file", "Check the path")
    if options.mesh is not None:
        check_mesh_path(options.mesh)
    from .extraction import extract
    from .shapes.cloudfile import is_cloud, read_cloud
    from .shapes.family import upright
    from .shapes.meshes import ShapeMesh, read_mesh
    from .shapes.packages import check_packages
    from .shapes.signing import VOIDS_FILLED
    from .training.newshape import NewShape
    from .training.placing import EncodeOptions, trained_up

    wished = EncodeOptions(
        partial=options.partial,
        steps=options.steps,
        centre=options.centre,
        normalise=options.normalise,
        fill_voids=options.fill_voids,
        thickness=options.thickness,
        seed=options.seed,
    )
    check_packages()
    space = load(options)
    if is_cloud(options.shape):
        mesh = ShapeMesh(options.shape.stem, read_cloud(options.shape), np.zeros((0, 3), np.int64))
    else:
        mesh = read_mesh(options.shape)
    vertices, faces = upright(mesh, trained_up(space)), mesh.faces
    if whole := bool(len(faces)) and not options.partial:
        print("signing and sampling", flush=True)
    shape = NewShape(space, vertices, faces, wished)
    if shape.solid is not None:
        became = "; ".join([shape.solid.report.kind, *shape.solid.report.repairs])
        as_trained = VOIDS_FILLED in became and options.fill_voids is None
        print(became + " (as the space's training did; --no-fill-voids)" * as_trained, flush=True)
    told, step = time.monotonic(), None
    for step in shape.encode():
        if time.monotonic() - told > SECONDS_BETWEEN_LINES:
            told = time.monotonic()
            print(f"step {step.step} of {step.steps}", flush=True)
    assert step is not None
    assert step.error is not None
    measured = "of both ways" if whole else "from the given points to the code's shape"
    size = float(np.ptp(vertices[np.unique(faces)] if len(faces) else vertices, axis=0).max())
    print(
        f"mean surface distance {step.error:.3g} in the file's units, {measured}: "
        f"{100 * step.error / size:.3f} % of the longest side of the given shape's box"
    )
    for warning in step.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    print(f"code {' '.join(f'{float(value):.6g}' for value in step.code)}")
    if options.out is not None:
        _write_code(options.out, step.code.tolist(), step.object_matrix.tolist(), step.error)
    if options.mesh is not None:
        found = extract(space, step.code, options.resolution)
        if not len(found.vertices):
            raise MeshSDFError("There is no surface, so no mesh was written", "Use another space")
        write_mesh(
            options.mesh,
            found.vertices,
            found.faces,
            space.frame,
            object_matrix=step.object_matrix,
        )


def _write_code(path: Path, code: Any, matrix: Any, error: float) -> None:
    known = error if math.isfinite(error) else None
    write_json(path, {"code": code, "object_matrix": matrix, "surface_error": known})


def export(options: argparse.Namespace) -> None:
    """Write a space as a DeepSDF experiment, or as our own file."""
    find_space(options.space)
    from .exporting import export_space

    files, notes = export_space(load(options), options.folder)
    for file in files:
        print(f"wrote {file}")
    for note in notes:
        print(f"warning: {note}", file=sys.stderr)


def judge(options: argparse.Namespace) -> None:
    """Encode the shapes that a run or space held out, and print how close each came."""
    from .shapes.packages import check_packages
    from .training.runfolder import RunFolder

    of_a_run = RunFolder(options.space).started
    if not of_a_run:
        find_space(options.space)
        if options.meshes is None:
            raise MeshSDFError(
                f"'{options.space}' is no run's folder, and no meshes are named",
                "Name the folder of the meshes that were held out",
            )
    check_packages()
    from .training.judging import held_out_of_run, means, unseen_by
    from .training.judging import judge as figures_of

    check_device(options.device)
    if of_a_run:
        unseen = held_out_of_run(options.space, device=options.device, meshes=options.meshes)
    else:
        unseen = unseen_by(load(options), options.meshes)
    count = len(unseen.files)
    print(f"{count} shape{'s' * (count != 1)}, each to be signed, sampled and encoded first")
    print("At radius 1; Chamfer: mean squared distance x 1000, and mean distance", flush=True)
    width = max(len(file.stem) for file in unseen.files)
    judged = []
    for each in figures_of(unseen, cells=options.resolution, seed=options.seed):
        judged.append(each)
        if each.quality is None:
            print(f"warning: '{each.name}' is left out. {each.refusal}", file=sys.stderr)
            continue
        closed = "watertight" if each.quality.watertight else "not watertight"
        print(f"{each.name:<{width}}  {_figures(vars(each.quality))}  {closed}", flush=True)
    mean = means(judged)
    if not mean:
        raise MeshSDFError("None of the meshes could be used", "See the warnings")
    counted = sum(each.quality is not None for each in judged)
    print(f"mean of {counted}: {_figures(mean)}  watertight {100 * mean['watertight']:.0f} %")


def _figures(figures: Mapping[str, Any]) -> str:
    return (
        f"Chamfer {figures['chamfer_squared']:.4f} {figures['chamfer']:.5f}  "
        f"normals {figures['normal_consistency']:.4f}  IoU {figures['volume_iou']:.4f}  "
        f"components {figures['components']:.3g}"
    )


def report(options: argparse.Namespace) -> None:
    """What became of each mesh of a run."""
    from .training.runfolder import RunFolder

    folder = RunFolder(options.folder)
    folder.read()
    meshes, warnings = folder.read_report()
    width = max((len(entry["name"]) for entry in meshes), default=0)
    for entry in meshes:
        said = [str(entry.get("kind") or entry["outcome"]), *entry.get("repairs", [])]
        if "problem" in entry:
            said.append(f"{entry['problem']}. {entry['remedy']}.")
        print(f"{entry['name']:<{width}}  {'; '.join(said)}")
    for warning in warnings:
        if not warning.startswith("Left out"):
            print(f"warning: {warning}")
