"""The names in our own space files, read without the worker: a JSON header before the tensors."""

from __future__ import annotations

import json
import struct
from pathlib import Path

SIZE_BYTES = 8
LARGEST_HEADER = 16 * 1024 * 1024
KEY = "meshsdf"


def shape_names(path: Path) -> tuple[str, ...]:
    """Names of the known shapes of a ``.safetensors`` space; empty where it cannot be read.

    For menus only: the worker reads the file with care, and says what is wrong with it.
    """
    try:
        with path.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(SIZE_BYTES))
            if size > LARGEST_HEADER:
                return ()
            header = json.loads(file.read(size))
        names = json.loads(header["__metadata__"][KEY])["shape_names"]
        return tuple(str(name) for name in names)
    except (OSError, ValueError, KeyError, TypeError, struct.error, RecursionError):
        return ()
