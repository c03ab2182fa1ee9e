"""What training takes: two shapes, and fifty, from meshes to a space, and how good it is.

    python3 dev.py bench training [PRESET ...] [--shapes N ...] [--threads N]

Two shapes are Bob and Spot, more are our own generator's cars, a tenth of them held out. Each row
is a whole run as an artist starts it. The table is Markdown: docs/benchmarks.md holds it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from time import perf_counter, process_time

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

FAMILIES = (2, 50)
PRESETS = ("draft", "balanced")
HELD_OUT = 0.1
SEED = 1
# Shapes that are measured, of those that are trained on.
MEASURED, CELLS = 8, 128


@dataclass(frozen=True)
class Row:
    """A run: seconds by stage, and means over shapes.

    ``error`` is the mean distance between surfaces, both ways, in per cent of the cube's side.
    """

    shapes: int
    held_out: int
    preset: str
    seconds: dict[str, float]
    cpu: float
    error: float
    iou: float
    held_out_error: float | None
    held_out_iou: float | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for, a row each."""
    parser = argparse.ArgumentParser(
        prog="dev.py bench training", description=__doc__.split("\n")[0]
    )
    parser.add_argument("presets", nargs="*", metavar="PRESET", help=", ".join(PRESETS))
    parser.add_argument("--shapes", type=int, action="append", metavar="N", help="2, or more cars")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, metavar="N")
    options = parser.parse_args(arguments)
    # libigl reads it when it is first used.
    os.environ.setdefault("IGL_NUM_THREADS", str(options.threads))
    import torch

    torch.set_num_threads(options.threads)
    print(f"\n### Training, {options.threads} thread{'s' * (options.threads > 1)}\n")
    print_row(
        *("shapes", "preset", "signing and sampling, s", "training, s", "all, CPU s"),
        *("error, % of the cube's side", "IoU", "held out: error, %", "IoU"),
    )
    print_row(*["---"] * 9)
    for count in options.shapes or FAMILIES:
        meshes = family(count)
        for preset in options.presets or PRESETS:
            with tempfile.TemporaryDirectory() as folder:
                show(run(meshes, Path(folder), preset))
    return 0


def family(count: int) -> list[Path]:
    """Bob and Spot, or so many cars; made where they are missing."""
    from dataclasses import replace

    from tools.spaces import shapes
    from tools.spaces.recipe import maker

    recipe = maker("bob_and_spot" if count == 2 else "cars").RECIPE
    return list(shapes.paths(replace(recipe, count=count)).values())


def run(meshes: Sequence[Path], folder: Path, preset: str) -> Row:
    """Train a space on the meshes in ``folder`` and measure it."""
    from core.spacefile import read_space
    from core.training.run import RunOptions, train

    source = folder / "meshes"
    source.mkdir()
    for path in meshes:
        (source / path.name).symlink_to(path)
    held_out = HELD_OUT if len(meshes) > 2 else 0.0
    options = RunOptions(name="bench", preset=preset, seed=SEED, held_out=held_out)
    seconds: dict[str, float] = defaultdict(float)
    at, cpu = perf_counter(), process_time()
    for progress in train(folder / "run", source, options):
        now = perf_counter()
        seconds[progress.stage] += now - at
        at = now
    cpu = process_time() - cpu
    space = read_space(folder / "run" / "bench.safetensors")
    known = dict(zip(space.shape_names, space.codes, strict=True))
    every = max(1, len(known) // MEASURED)
    seen = [quality(space, known[p.stem], p) for p in meshes if p.stem in known][::every]
    unseen = [quality(space, encoded(space, p), p) for p in meshes if p.stem not in known]
    side = 2 * space.frame.scale
    return Row(
        shapes=len(known),
        held_out=len(unseen),
        preset=preset,
        seconds=dict(seconds),
        cpu=cpu,
        error=100 * fmean(q.chamfer for q in seen) / side,
        iou=fmean(q.volume_iou for q in seen),
        held_out_error=100 * fmean(q.chamfer for q in unseen) / side if unseen else None,
        held_out_iou=fmean(q.volume_iou for q in unseen) if unseen else None,
    )


def quality(space, code, path: Path):
    """The mesh of ``code`` against the file's, in the file's coordinates."""
    import numpy as np

    from core.extraction import extract
    from core.pose import transformed
    from core.quality import compare
    from core.shapes.meshes import read_mesh

    mesh = extract(space, code, CELLS, newton=1)
    vertices = transformed(space.frame.matrix(), mesh.vertices.double()).numpy()
    there = read_mesh(path)
    rng = np.random.default_rng(SEED)
    return compare(vertices, mesh.faces.numpy(), there.vertices, there.faces, rng=rng)


def encoded(space, path: Path):
    """The code of a mesh file that the space was not trained on."""
    from core.shapes.meshes import read_mesh
    from core.training.newshape import EncodeOptions, NewShape

    mesh = read_mesh(path)
    *_, last = NewShape(space, mesh.vertices, mesh.faces, EncodeOptions(seed=SEED)).encode()
    return last.code


def show(row: Row) -> None:
    """One row of the table."""
    before = sum(row.seconds.get(stage, 0.0) for stage in ("reading", "signing", "sampling"))
    after = sum(row.seconds.get(stage, 0.0) for stage in ("training", "writing"))
    apart = ("-", "-")
    if row.held_out_error is not None and row.held_out_iou is not None:
        apart = (f"{row.held_out_error:.3f}", f"{row.held_out_iou:.4f}")
    print_row(
        f"{row.shapes}" + (f" and {row.held_out} held out" if row.held_out else ""),
        *(row.preset, f"{before:.0f}", f"{after:.0f}", f"{row.cpu:.0f}"),
        *(f"{row.error:.3f}", f"{row.iou:.4f}", *apart),
    )


def print_row(*cells: object) -> None:
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
