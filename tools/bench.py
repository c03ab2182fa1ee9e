"""The figures of this machine: extraction, a step of Adam by part, and a whole fit of it.

    python3 dev.py bench [extraction|step|fit ...] [--checkpoint FOLDER] [--largest CELLS]

Everything runs in one go, with one thread and with all, each in a fresh process, so that the
ratios hold even where the seconds do not. The tables are Markdown: docs/benchmarks.md holds them.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
PARTS = ("extraction", "step", "fit")
SPACES = ("bob_and_spot", "heads")
RESOLUTIONS = (64, 128, 256)
STEP_RESOLUTION, STEP_PIXELS = 64, 256
# Shorter runs are repeated until they have taken this long, and the median counts.
SECONDS_EACH = 1.0


def main() -> int:
    """Run the parts asked for, each thread count in a process of its own."""
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", help=", ".join(PARTS))
    parser.add_argument("--checkpoint", type=Path, action="append", default=[], metavar="FOLDER")
    parser.add_argument("--largest", type=int, default=max(RESOLUTIONS), metavar="CELLS")
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}: use {', '.join(PARTS)}")
    if options.threads:
        return measure(options)
    for threads in dict.fromkeys((1, os.cpu_count() or 1)):
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        command = [sys.executable, __file__, *sys.argv[1:], "--threads", str(threads)]
        status = subprocess.run(command, env=environment, check=False).returncode
        if status:
            return status
    return 0


def measure(options: argparse.Namespace) -> int:
    """All parts with one number of threads."""
    import torch

    torch.set_num_threads(options.threads)
    torch.set_grad_enabled(True)
    print(f"\n## {options.threads} thread{'s' * (options.threads > 1)}", flush=True)
    spaces, right = load(options.checkpoint), True
    for part in options.parts or PARTS:
        if part == "extraction":
            right = extraction(spaces, options.largest)
        elif part == "step":
            step(spaces)
        else:
            whole_fit(spaces)
    return 0 if right else 1


def load(checkpoints: list[Path]) -> dict:
    """The built-in spaces, and what was asked for besides."""
    from core.loading import load_space

    paths = [ROOT / "spaces" / f"{name}.safetensors" for name in SPACES] + checkpoints
    return {path.stem: load_space(path) for path in paths}


def timed(work):
    """The result of ``work`` and the median seconds of its runs."""
    seconds, result = [], None
    while sum(seconds) < SECONDS_EACH:
        start = perf_counter()
        result = work()
        seconds.append(perf_counter() - start)
    return result, sorted(seconds)[len(seconds) // 2]


def row(*cells: object) -> None:
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def extraction(spaces: dict, largest: int) -> bool:
    """Dense against sparse: evaluations, seconds, and whether all meshes are the same."""
    from core.extraction import extract

    print("\n### Extraction, dense grid against coarse to fine\n")
    row(
        "space", "cells", "dense evaluations", "sparse", "share", "dense s", "sparse s", "same mesh"
    )
    row(*["---"] * 8)
    right = True
    for name, space in spaces.items():
        code = space.codes[0]
        for cells in (n for n in RESOLUTIONS if n <= largest):
            sparse, fast = timed(lambda: extract(space, code, cells))  # noqa: B023
            dense, slow = timed(lambda: extract(space, code, cells, dense=True))  # noqa: B023
            same = sparse.faces.equal(dense.faces) and (
                float((sparse.vertices - dense.vertices).abs().max()) < 1e-5
                if len(dense.vertices)
                else True
            )
            right &= same
            share = f"1/{dense.evaluations / sparse.evaluations:.1f}"
            counts = f"{dense.evaluations:,}", f"{sparse.evaluations:,}"
            row(name, cells, *counts, share, f"{slow:.3f}", f"{fast:.3f}", "yes" if same else "NO")
    return right


def fit_of(spaces: dict, name: str, steps: int):
    """A fit of the space's second code (bob and spot) or of its mean to its first code."""
    import torch

    from core.camera import lens_view
    from core.extraction import extract
    from core.fitting import FitOptions, fit
    from core.pose import transformed
    from core.silhouette import see

    space = spaces[name]
    three_quarter = torch.tensor(
        [[0.85, -0.26, 0.46, 1.5], [0.53, 0.42, -0.74, -2.3], [0, 0.87, 0.49, 1.6], [0, 0, 0, 1]]
    )
    view = lens_view(three_quarter, STEP_PIXELS, STEP_PIXELS, lens=50)
    mesh = extract(space, space.codes[0], 128)
    world = transformed(space.frame.matrix(), mesh.vertices.double())
    target = torch.from_numpy(see(view, world, mesh.faces.numpy()).mask).float()
    start = space.codes[1] if name == "bob_and_spot" else space.mean_code
    options = FitOptions(solver="adam", resolution=STEP_RESOLUTION, steps=steps, stop_iou=0.99)
    return fit(space, start, [view], [target], options=options)


def step(spaces: dict) -> None:
    """Milliseconds of a fit step by part, and of the mesh's way into Blender."""
    print(f"\n### A fit step at {STEP_RESOLUTION} cells, target of {STEP_PIXELS} pixels, ms\n")
    row("space", "extraction", "silhouette", "topology", "gradient", "all", "evaluations", "upload")
    row(*["---"] * 8)
    for name in spaces:
        steps = list(fit_of(spaces, name, 30))[:-1]
        median = {part: sorted(s.ms[part] for s in steps)[len(steps) // 2] for part in steps[0].ms}
        total = sorted(sum(s.ms.values()) for s in steps)[len(steps) // 2]
        evaluations = sorted(s.evaluations for s in steps)[len(steps) // 2]
        parts = [f"{median[p]:.1f}" for p in ("extraction", "silhouette", "topology", "gradient")]
        row(name, *parts, f"{total:.1f}", f"{evaluations:,}", upload(steps[-1]))


def upload(step) -> str:
    """Milliseconds to put the step's mesh into a Blender mesh, measured in a process of its own."""
    if importlib.util.find_spec("bpy") is None:
        return "no bpy here"
    import tempfile

    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        arrays = Path(folder) / "mesh.npz"
        np.savez(arrays, vertices=step.vertices.numpy(), faces=step.faces.numpy())
        command = [sys.executable, str(ROOT / "tools" / "bench_upload.py"), str(arrays)]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        return f"failed: {answer.stderr.strip().splitlines()[-1]}"
    return f"{json.loads(answer.stdout.splitlines()[-1])['ms']:.1f}"


def whole_fit(spaces: dict) -> None:
    """Steps and seconds to the marks."""
    print("\n### The whole fit: spot to bob, the mean head to the first head\n")
    row(
        "space",
        "start IoU",
        "to 0.95",
        "to 0.98",
        "best IoU",
        "steps",
        "steps/s",
        "genus on the way",
    )
    row(*["---"] * 8)
    for name in spaces:
        if name not in SPACES:
            continue
        start = perf_counter()
        steps, at = [], []
        for found in fit_of(spaces, name, 60):
            steps.append(found)
            at.append(perf_counter() - start)
        reached = []
        for mark in (0.95, 0.98):
            first = next((i for i, s in enumerate(steps) if s.iou >= mark), None)
            reached.append("not" if first is None else f"{first} steps, {at[first]:.2f} s")
        genus = [str(s.topology.genus) for s in steps[:-1]]
        path = " ".join(g for i, g in enumerate(genus) if i == 0 or g != genus[i - 1])
        last = steps[-1]
        rate = f"{(len(steps) - 1) / at[-1]:.1f}"
        row(name, f"{steps[0].iou:.3f}", *reached, f"{last.iou:.4f}", len(steps) - 2, rate, path)


if __name__ == "__main__":
    sys.exit(main())
