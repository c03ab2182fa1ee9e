"""Ours beside other programs for the same work, in one run, each from its own package.

    python3 dev.py bench peers [extraction] [silhouettes] [--cells 64 128 256] [--threads N]

DEODR, DeepSDFStruct (its FlexiCubes) and shapely are installed into ``data/env-peers``, beside the
project's own packages. PyTorch3D, with which MeshSDF was published, has no package for a CPU build
of a current PyTorch: it is not measured. The tables are Markdown: docs/benchmarks.md holds them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from tools.spaces.environment import packages

PINS = Path(__file__).parent / "peers" / "packages.txt"
PARTS = ("extraction", "silhouettes")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table for each part."""
    parser = argparse.ArgumentParser(prog="dev.py bench peers", description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--cells", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--checkpoint", type=Path, action="append", default=[], metavar="FOLDER")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}: use {', '.join(PARTS)}")
    torch.set_num_threads(options.threads)
    folder = packages("peers", PINS)
    sys.path.append(str(folder))
    from tools.peers import extraction, silhouettes

    for part in options.parts or PARTS:
        print(f"\n### {part.capitalize()}, {options.threads} thread(s)\n")
        if part == "extraction":
            rows = extraction.table(options.cells, options.checkpoint, folder)
            show(extraction.HEAD, rows)
        else:
            show(silhouettes.HEAD, silhouettes.table())
    return 0


def show(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|", flush=True)
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
