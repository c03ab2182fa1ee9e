"""What our own space files say of themselves, read without the worker: a JSON header.

For menus and cards only: the worker reads the file with care, and says what is wrong with it.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

SIZE_BYTES = 8
LARGEST_HEADER = 16 * 1024 * 1024
KEY = "meshsdf"
FORMAT = "meshsdf-space"


def described(path: Path) -> dict[str, Any]:
    """The description in a ``.safetensors`` space; empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            return parsed(file.read(SIZE_BYTES), file.read)
    except OSError:
        return {}


def described_bytes(data: bytes) -> dict[str, Any]:
    """The description in the bytes of such a file; empty where they are none."""
    return parsed(data[:SIZE_BYTES], lambda size: data[SIZE_BYTES : SIZE_BYTES + size])


def parsed(start: bytes, read: Any) -> dict[str, Any]:
    """The description, from the first bytes and a function that reads so many more."""
    try:
        (size,) = struct.unpack("<Q", start)
        if size > LARGEST_HEADER:
            return {}
        found = json.loads(json.loads(read(size))["__metadata__"][KEY])
    except (ValueError, KeyError, TypeError, struct.error, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
