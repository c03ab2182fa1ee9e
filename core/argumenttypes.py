"""Numbers on the command line: what is out of its range is refused before anything is done."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

# What torch's generators and numpy's take alike, and a run's options.
MOST_SEED = 2**32
MOST_THREADS = 1024
# extraction.py's, which would load torch.
FEWEST_CELLS, MOST_CELLS = 4, 1024


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """The type of an argument that is a whole number from ``least`` to ``most``."""

    def whole(text: str) -> int:
        number = int(text)
        if number < least:
            raise argparse.ArgumentTypeError(f"{number} is less than {least}")
        if most is not None and number > most:
            raise argparse.ArgumentTypeError(f"{number} is more than {most}")
        return number

    return whole


def number(text: str) -> float:
    """The type of an argument that is a finite number from 0 on."""
    value = float(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no number from 0 on")
    return value
