"""Ours beside other programs for the same work, in one run, each from its own package.

    python3 dev.py bench peers [extraction] [silhouettes] [--cells 64 128 256 512] [--threads N]
                               [--checkpoint FOLDER] [--decoders NAME ...]
                               [--budget SECONDS] [--our-budget SECONDS] [--memory GIB]

DEODR, DeepSDFStruct (its FlexiCubes) and shapely are installed into ``data/env-peer-NAME``, beside
the project's own packages; where that fails, the table says so. Each program has a process of its
own on each decoder. What would take longer than the budget, or more memory, is not run: an estimate
from the size before stands in its place. The tables are Markdown: docs/benchmarks.md holds them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from tools.peers.installed import installed, missing

PARTS = ("extraction", "silhouettes")
NOT_MEASURED = (
    "Not measured: the code published with DeepSDF and with MeshSDF (CUDA and old versions of "
    "PyTorch alone; the dense grid is what both do), PyTorch3D (no package for a CPU build of a "
    "current PyTorch), Kaolin (its package is a placeholder), nvdiffrast, diso and isoext (CUDA "
    "alone)."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table for each part."""
    parser = argparse.ArgumentParser(prog="dev.py bench peers", description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--cells", type=int, nargs="+", default=[64, 128, 256, 512])
    parser.add_argument("--checkpoint", type=Path, action="append", default=[], metavar="FOLDER")
    parser.add_argument("--decoders", nargs="+", default=[], metavar="NAME", help="only these")
    parser.add_argument("--budget", type=float, default=20.0, help="seconds of a measurement (20)")
    parser.add_argument("--our-budget", type=float, default=120.0, help="the same of ours (120)")
    parser.add_argument("--memory", type=float, default=6.0, help="GiB of a measurement (6)")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}: use {', '.join(PARTS)}")
    torch.set_num_threads(options.threads)
    for part in options.parts or PARTS:
        print(f"\n### {part.capitalize()}, {options.threads} thread(s)\n", flush=True)
        (extraction if part == "extraction" else silhouettes)(options)
    print(f"\n{NOT_MEASURED}")
    return 0


def extraction(options: argparse.Namespace) -> None:
    """Meshes from decoders."""
    from tools.peers.decoders import subjects
    from tools.peers.extraction import HEAD, table
    from tools.peers.ladder import Bounds

    installed("deepsdfstruct")
    chosen, sizes = subjects(options.decoders, options.checkpoint), sorted(set(options.cells))
    theirs, ours = (
        Bounds(seconds, options.memory * 1024) for seconds in (options.budget, options.our_budget)
    )
    show(HEAD, table(chosen, sizes, theirs, ours, threads=options.threads))
    print(
        f"\nNot run: what is estimated, from the size before, to take more than {options.budget:g} "
        f"s (ours: {options.our_budget:g} s) or {options.memory:g} GiB. In brackets: memory beyond "
        "that of the loaded program."
    )


def silhouettes(options: argparse.Namespace) -> None:
    """Silhouettes and their gradients."""
    for name in ("deodr", "shapely"):
        if installed(name) is None:
            print(missing(name))
            return
    from tools.peers.silhouettes import HEAD, table

    show(HEAD, table())


def show(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table in Markdown, row by row."""
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|", flush=True)
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
