"""Whether another runtime evaluates a folded decoder faster than ours does.

    python3 dev.py bench runtimes [NAME ...] [--points 20000 200000] [--threads N] [--budget S]

A decoder of 6 x 128 (cars) and one of the published size. Each runtime has a process of its own;
all but the one that says so are given chunks of the same size. "Ready" is from the decoder in
memory to the first values: compiling, converting and loading. What cannot be had here is named, and
what would take longer than ``--budget`` seconds is told by an estimate from fewer points.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from time import perf_counter
from typing import TypeVar

import torch
from torch import Tensor

from tools.bench_peers import show
from tools.peers.decoders import Subject, subjects
from tools.peers.installed import installed
from tools.peers.ladder import timed
from tools.peers.runtimes import RUNTIMES, Evaluate, NotHadError
from tools.peers.sphere_decoder import NAME

T = TypeVar("T")
DECODERS = ("cars", NAME)
ROWS, WIDTHS = 2_048, (64, 128, 512)
# Characters of what a runtime says when it fails.
LONGEST_REASON = 100
# Points of a first run, which tells what others take.
FEW = 4_096


@dataclass(frozen=True)
class Figures:
    """Seconds until ready; milliseconds for each number of points; the largest difference."""

    ready: float
    times: tuple[str, ...]
    off: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the products' rates, then every runtime on every decoder."""
    parser = argparse.ArgumentParser(
        prog="dev.py bench runtimes", description=__doc__.split("\n")[0]
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"decoders ({', '.join(DECODERS)})"
    )
    parser.add_argument("--points", type=int, nargs="+", default=[20_000, 200_000])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--budget", type=float, default=15.0, help="seconds of an evaluation (15)")
    options = parser.parse_args(arguments)
    installed("onnxruntime")
    print(f"\n### Products of {ROWS:,} rows, {options.threads} thread(s)\n")
    head = ("width", "float32, GFLOP/s", "bfloat16, GFLOP/s")
    show(head, (alone(products, width, options.threads) for width in WIDTHS))
    print("\n### Evaluations\n")
    chosen = list(subjects(options.names or list(DECODERS), []))
    counts = [f"{count:,} points, ms" for count in options.points]
    rows = table(chosen, sorted(options.points), options.threads, options.budget)
    show(("decoder", "runtime", "ready, s", *counts, "off by"), rows)
    return 0


def alone(work: Callable[..., T], *arguments: object) -> T:
    """The result of ``work`` in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def products(width: int, threads: int) -> tuple[str, ...]:
    """Rates of one layer's product in both types."""
    torch.set_num_threads(threads)
    rates = []
    for kind in (torch.float32, torch.bfloat16):
        left, right = (torch.randn(rows, width).to(kind) for rows in (ROWS, width))
        seconds = timed(lambda: torch.mm(left, right))[1]  # noqa: B023
        rates.append(f"{2 * ROWS * width**2 / seconds / 1e9:.0f}")
    return str(width), *rates


def table(
    chosen: Sequence[Subject], counts: Sequence[int], threads: int, budget: float
) -> Iterator[tuple[str, ...]]:
    """A row for each decoder and runtime."""
    for subject in chosen:
        for name in RUNTIMES:
            try:
                found = alone(figures, name, subject, counts, threads, budget)
            except BrokenProcessPool:
                found = "its process died"
            if isinstance(found, str):
                yield (subject.name, name, found, *["-"] * len(counts), "-")
                continue
            yield (subject.name, name, f"{found.ready:.2f}", *found.times, f"{found.off:.1e}")


def figures(
    name: str, subject: Subject, counts: Sequence[int], threads: int, budget: float
) -> Figures | str:
    """What a runtime comes to on a decoder; why it cannot be had, if so."""
    torch.set_num_threads(threads)
    space, code = subject.load()
    points = 2 * torch.rand(max(counts), 3, generator=torch.Generator().manual_seed(0)) - 1
    with torch.inference_mode():
        try:
            began = perf_counter()
            evaluate = RUNTIMES[name](space, code)
            evaluate(points[:1])
            ready = perf_counter() - began
            few = points[:FEW]
            values, seconds = timed(lambda: evaluate(few), enough=0.0)
            off = float((values - space.fold(code).evaluate(few)).abs().max())
            return Figures(ready, tuple(paces(evaluate, points, counts, seconds, budget)), off)
        except NotHadError as error:
            return str(error)
        except Exception as error:  # a runtime that is broken here is a row of the table
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:LONGEST_REASON]
            return f"failed: {reason}"


def paces(
    evaluate: Evaluate, points: Tensor, counts: Sequence[int], seconds: float, budget: float
) -> Iterator[str]:
    """Milliseconds for so many points each, or what they would be: ``FEW`` took ``seconds``."""
    for count in counts:
        expected = seconds * count / FEW
        if expected > budget:
            yield f"not run: about {expected:,.0f} s"
        else:
            yield f"{1e3 * timed(lambda: evaluate(points[:count]))[1]:.1f}"  # noqa: B023


if __name__ == "__main__":
    raise SystemExit(main())
