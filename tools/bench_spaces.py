"""The figures of the built-in spaces, and what they fall short of.

    python3 dev.py bench spaces [NAME ...] [--shapes N] [--meshes DIR] [--threads N]

Held-out shapes are encoded first. Meshes that are missing are made by the recipes. The tables are
Markdown: docs/benchmarks.md holds them. The exit status is 1 when a space misses a floor by more
than its recipe accepts; what lacks of the floor is told in any case.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools.spaces import verdict as verdicts  # noqa: E402
from tools.spaces.judge import SHAPES  # noqa: E402
from tools.spaces.recipe import NAMES, SPACES, Recipe, maker  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the spaces asked for, or all that ship; the exit status."""
    parser = argparse.ArgumentParser(prog="dev.py bench spaces", description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument(
        "--shapes",
        type=int,
        default=SHAPES,
        metavar="N",
        help=f"training shapes, and held-out ones, to look at (default {SHAPES}; 0: all)",
    )
    parser.add_argument("--meshes", type=Path, metavar="DIR", help="instead of data/NAME/meshes")
    parser.add_argument("--threads", type=int, default=1, metavar="N")
    parser.add_argument("--quiet", action="store_true", help="only the tables")
    options = parser.parse_args(arguments)
    names = options.names or [name for name in NAMES if (SPACES / f"{name}.safetensors").exists()]
    if options.meshes and len(names) != 1:
        parser.error("--meshes needs one NAME")
    # libigl reads it when it is first used.
    os.environ.setdefault("IGL_NUM_THREADS", str(options.threads))
    import torch

    torch.set_num_threads(options.threads)
    say = silent if options.quiet else report
    recipes = [maker(name).RECIPE for name in names]
    found = [one(each, shapes=options.shapes, folder=options.meshes, say=say) for each in recipes]
    show(found)
    right = all(verdicts.acceptable(r, v) for r, v in zip(recipes, found, strict=True))
    return 0 if right else 1


def silent(text: str) -> None:
    """No progress."""


def report(text: str) -> None:
    """A line of progress, apart from the tables."""
    print(text, file=sys.stderr, flush=True)


def one(
    recipe: Recipe,
    *,
    shapes: int = SHAPES,
    folder: Path | None = None,
    keep: bool = False,
    say: Callable[[str], None] = report,
) -> verdicts.Verdict:
    """The verdict on one space; ``keep`` writes it down for the space's card."""
    from core.spacefile import read_space
    from tools.spaces import record
    from tools.spaces.judge import judge

    if not recipe.file.exists():
        raise SystemExit(f"There is no {recipe.file.name}: python3 dev.py spaces {recipe.name}")
    space = read_space(recipe.file)
    codes = record.held_out_codes(recipe, space) if folder is None else {}
    verdict = judge(
        recipe,
        space,
        file_bytes=recipe.file.stat().st_size,
        folder=folder,
        most=shapes,
        held_out_codes=codes,
        say=say,
    )
    if keep:
        record.keep(recipe, space, verdict, codes)
    return verdict


def show(found: Sequence[verdicts.Verdict]) -> None:
    """The tables."""
    print("\n### Spaces\n")
    row("space", "file, bytes", "codes", "latent length")
    row(*["---"] * 4)
    for v in found:
        row(v.name, f"{v.file_bytes:,}", v.codes, v.code_length)
    print("\n### Shapes against the meshes that they stand for\n")
    likeness_table(found)
    print("\n### Between pairs of codes (t = 0.5), and random codes within two deviations\n")
    pieces_table(found)
    print("\n### Floors\n")
    for v in found:
        print(f"- {v.name}: {'; '.join(v.short) or 'all reached'}")


def likeness_table(found: Sequence[verdicts.Verdict]) -> None:
    """Training and held-out shapes, one row each."""
    row(
        *("space", "shapes", "Chamfer, squared x 1000", "mean distance", "normal consistency"),
        *("volume IoU", "worst", "watertight", "components", "whole", "same genus"),
    )
    row(*["---"] * 11)
    for v in found:
        for kind, one_kind in (("training", v.training), ("held out", v.held_out)):
            if one_kind is None:
                row(v.name, f"0 {kind}", *["-"] * 9)
                continue
            k = one_kind
            row(
                *(v.name, f"{k.shapes} {kind}", f"{k.chamfer_squared:.4f}", f"{k.chamfer:.5f}"),
                *(f"{k.normal_consistency:.4f}", f"{k.volume_iou:.4f}"),
                *(f"{k.volume_iou_worst:.4f} ({k.worst})", percent(k.watertight)),
                *(f"{k.components:.2f}", percent(k.whole), percent(k.same_genus)),
            )


def pieces_table(found: Sequence[verdicts.Verdict]) -> None:
    """What lies between codes and around the mean; the genus against that of the training shapes,
    of the two ends or of all."""
    row(
        *("space", "codes", "watertight", "components, mean", "most", "whole", "genus"),
        *("genus within that of the shapes", "specks left out"),
    )
    row(*["---"] * 9)
    for v in found:
        for kind, p in (("pairs", v.between), ("random", v.random)):
            if p is not None:
                row(
                    *(v.name, f"{p.meshes} {kind}", percent(p.watertight), f"{p.components:.2f}"),
                    *(p.components_most, percent(p.whole), f"{p.genus_low} to {p.genus_high}"),
                    *(percent(p.genus_within), percent(p.specks)),
                )


def percent(share: float | None) -> str:
    """A share as a text; a dash where there is none."""
    return "-" if share is None else f"{100 * share:.0f} %"


def row(*cells: object) -> None:
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
