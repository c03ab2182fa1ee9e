"""What to compute with: the device, and how many threads are worth their cores."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any

import torch

from ..decoder import Architecture, Decoder
from ..folded import CHUNK_POINTS, POINT_SIZE

# The measured load is what extraction does: chunk after chunk through a decoder of this width.
CHUNKS, WIDTH, LAYERS = 8, 128, 4
REPEATS = 3
# More threads must save this share of the time, or they are better left to Blender.
WORTH = 0.85


@dataclass(frozen=True)
class Machine:
    """The chosen device and threads."""

    device: torch.device
    threads: int

    @staticmethod
    def choose(device: str, threads: int) -> Machine:
        """Use ``device`` and ``threads`` (0 measures). Raises ValueError for an unknown device.

        Must run in the thread that computes: torch's thread count is a setting of a thread.
        """
        if device not in devices():
            raise ValueError(
                f"device '{device}' is not available to torch {torch.__version__}; "
                f"choose one of {', '.join(devices())} in the preferences"
            )
        chosen = threads or measured_threads()
        torch.set_num_threads(chosen)
        return Machine(torch.device(device), chosen)

    def described(self) -> dict[str, Any]:
        """The fields of the worker's ``ready``."""
        return {
            "torch": str(torch.__version__),
            "device": str(self.device),
            "devices": devices(),
            "threads": self.threads,
        }


def devices() -> list[str]:
    """Names of the devices that torch can use here, "cpu" first."""
    names = ["cpu"]
    if torch.cuda.is_available():
        count = torch.cuda.device_count()
        names += ["cuda", *(f"cuda:{i}" for i in range(count) if count > 1)]
    if torch.backends.mps.is_available():
        names.append("mps")
    return names


def cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def measured_threads() -> int:
    """The thread count that is fastest now, of 1, half and all but one core.

    On a busy machine two threads can take eight times as long as one, so this is measured and not
    computed. OMP_NUM_THREADS, where somebody set it, is the upper limit.
    """
    limit = max(1, cores() - 1)
    wished = os.environ.get("OMP_NUM_THREADS", "")
    if wished.isdigit():
        limit = max(1, min(limit, int(wished)))
    best, best_time = 1, float("inf")
    for threads in sorted({1, (limit + 1) // 2, limit}):
        if limit == 1:
            break
        torch.set_num_threads(threads)
        seconds = _measure()
        if seconds < best_time * WORTH:
            best, best_time = threads, seconds
    return best


@torch.inference_mode()
def _measure() -> float:
    """Seconds of the load, the best of a few; the first run only warms up."""
    form = Architecture(code_length=1, widths=(WIDTH,) * LAYERS)
    folded = Decoder(form, generator=torch.Generator().manual_seed(0)).fold(torch.zeros(1))
    points = torch.zeros(CHUNKS * CHUNK_POINTS, POINT_SIZE)
    seconds = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        folded.evaluate(points)
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])
