"""How near extraction and fits come to their limit: the decoder evaluations they cannot spare.

    python3 dev.py bench limit [NAME ...] [--cells 64 128 256] [--checkpoint FOLDER] [--threads N]

The limit is the time of their products at the rate at which this machine multiplies matrices of the
decoder's width, the better of before and after each row. What is above it: adding biases, ReLU,
features, finding out where to evaluate, marching cubes; in fits silhouettes and derivatives. In a
fit each evaluation counts as one pass, though a derivative takes about three.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from core.extraction import extract
from core.fitting import fit
from core.pose import transformed
from core.silhouette import see
from core.space import Space
from tools.around import camera
from tools.bench_peers import show
from tools.peers.decoders import Subject, subjects
from tools.peers.ladder import timed

# Rows of a product: a chunk of points.
ROWS = 2_048
PIXELS, TARGET_CELLS, AZIMUTH = 256, 128, 30.0
# What FitStep.ms calls the time inside the decoder, where it tells it apart.
DECODER = "decoder"
EXTRACTION = (
    *("decoder", "cells", "GFLOP/s of products", "evaluations", "limit, s", "extraction, s"),
    "limit / extraction",
)
FIT = (
    *("decoder", "steps", "evaluations", "limit, s", "inside the decoder, s", "fit, s"),
    *("decoder / fit", "limit / fit"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="dev.py bench limit", description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="decoders (all)")
    parser.add_argument("--cells", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--checkpoint", type=Path, action="append", default=[], metavar="FOLDER")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    chosen = list(subjects(options.names, options.checkpoint))
    print(f"\n### Extraction, {options.threads} thread(s)\n")
    show(EXTRACTION, extractions(chosen, options.cells))
    print("\n### A fit from another shape, or the mean, to a known one\n")
    show(FIT, fits(chosen))
    return 0


def extractions(chosen: Iterable[Subject], sizes: Sequence[int]) -> Iterator[tuple[str, ...]]:
    """A row for each decoder and number of cells."""
    for subject in chosen:
        space, code = subject.load()
        for cells in sizes:
            before = product_rate(space)
            mesh, seconds = timed(lambda: extract(space, code, cells))  # noqa: B023
            rate = max(before, product_rate(space))
            limit = least_seconds(space, mesh.evaluations, rate)
            yield (
                *(subject.name, str(cells), f"{rate / 1e9:.0f}", f"{mesh.evaluations:,}"),
                *(f"{limit:.3g}", f"{seconds:.3g}", f"{limit / seconds:.0%}"),
            )


def fits(chosen: Iterable[Subject]) -> Iterator[tuple[str, ...]]:
    """A row for each space that has another shape to start from."""
    for subject in chosen:
        space, _ = subject.load()
        if len(space.codes) < 2:
            continue
        start = space.codes[1] if len(space.codes) == 2 else space.mean_code
        view, before = camera(PIXELS, around=AZIMUTH), product_rate(space)
        target = silhouette(space, space.codes[0], view)
        last, seconds = timed(lambda: list(fit(space, start, [view], [target]))[-1])  # noqa: B023
        rate = max(before, product_rate(space))
        limit = least_seconds(space, last.evaluations, rate)
        inside = last.ms[DECODER] / 1e3 if DECODER in last.ms else None
        yield (
            *(subject.name, str(last.step), f"{last.evaluations:,}", f"{limit:.3g}"),
            *("not told" if inside is None else f"{inside:.3g}", f"{seconds:.3g}"),
            *("-" if inside is None else f"{inside / seconds:.0%}", f"{limit / seconds:.0%}"),
        )


def silhouette(space: Space, code: Tensor, view) -> Tensor:
    """What a view sees of a code."""
    mesh = extract(space, code, TARGET_CELLS)
    world = transformed(space.frame.matrix(), mesh.vertices.double())
    return torch.from_numpy(see(view, world, mesh.faces.numpy()).mask).float()


def least_seconds(space: Space, evaluations: int, rate: float) -> float:
    """What so many evaluations' products take at a rate."""
    return evaluations * space.decoder.architecture.flops / rate


def product_rate(space: Space) -> float:
    """Floating-point operations a second of products of a chunk's activations and a layer."""
    width = max(space.decoder.architecture.widths)
    left, right, bias = torch.randn(ROWS, width), torch.randn(width, width), torch.randn(width)
    out = torch.empty(ROWS, width)
    rounds = max(1, 40 * 128**2 // width**2)

    def multiply() -> None:
        for _ in range(rounds):
            torch.addmm(bias, left, right, out=out)

    multiply()
    return rounds * 2 * ROWS * width**2 / timed(multiply, enough=0.5)[1]


if __name__ == "__main__":
    raise SystemExit(main())
