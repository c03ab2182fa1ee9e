"""Tensors of a ``.safetensors`` file as NumPy reads them, for what needs no torch."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from .space_header import LARGEST_HEADER, SIZE_BYTES

MOST_BYTES = 32 * 1024**2  # of a tensor: the codes of a common space have less than one
TYPES = {"F32": "<f4", "F16": "<f2"}


def tensors(path: Path, names: tuple[str, ...]) -> list[np.ndarray] | None:
    """Tensors of a ``.safetensors`` file as float32; None where one is missing, odd or large."""
    with path.open("rb") as file:
        try:
            (size,) = struct.unpack("<Q", file.read(SIZE_BYTES))
            if size > LARGEST_HEADER:
                return None
            header = json.loads(file.read(size))
            start = SIZE_BYTES + size
            return [_tensor(file, start, header[name]) for name in names]
        except (ValueError, KeyError, TypeError, struct.error, RecursionError):
            return None


def _tensor(file: BinaryIO, start: int, entry: dict[str, Any]) -> np.ndarray:
    """One tensor. Raises ValueError and its like where its entry makes no sense."""
    kind, shape = np.dtype(TYPES[entry["dtype"]]), tuple(entry["shape"])
    first, last = entry["data_offsets"]
    if any(type(number) is not int or number < 0 for number in (*shape, first, last)):
        raise ValueError("no sizes")
    if last - first != math.prod(shape) * kind.itemsize or last - first > MOST_BYTES:
        raise ValueError("another size")
    file.seek(start + first)
    values = np.frombuffer(file.read(last - first), dtype=kind)
    return values.reshape(shape).astype(np.float32)
