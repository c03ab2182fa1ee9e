"""Frames of the door, as docs/protocol.md writes them: a JSON header, then raw arrays.

The worker has its own implementation of the same page; both read the golden frames in
``tests/golden``. Nothing is ever unpickled.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

PROTOCOL = 1
HEADER_LIMIT = 1 << 20  # bytes
ARRAY_LIMIT = 1 << 30  # bytes
DTYPES = ("<f4", "<f8", "<i4", "|u1")


class BrokenFrame(Exception):
    """What arrived, or what should be sent, is no frame of docs/protocol.md."""


class Channel(Protocol):
    """What a frame needs of ``multiprocessing.connection.Connection``."""

    def send_bytes(self, buf: Any) -> None: ...
    def recv_bytes(self, maxlength: int | None = None) -> bytes: ...


def encode(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None) -> list[Any]:
    """The messages of one frame: the header's bytes, then one buffer per array."""
    named = {name: np.asarray(array, order="C") for name, array in (arrays or {}).items()}
    listed = []
    for name, array in named.items():
        if array.dtype.str not in DTYPES:
            raise BrokenFrame(f"array '{name}' is {array.dtype.str}, not one of {DTYPES}")
        if array.nbytes > ARRAY_LIMIT:
            raise BrokenFrame(f"array '{name}' has {array.nbytes} bytes, more than {ARRAY_LIMIT}")
        listed.append({"name": name, "dtype": array.dtype.str, "shape": list(array.shape)})
    try:
        text = json.dumps({**header, "arrays": listed}, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BrokenFrame(f"the header cannot be written as JSON: {error}") from error
    data = text.encode("utf-8")
    if len(data) > HEADER_LIMIT:
        raise BrokenFrame(f"the header has {len(data)} bytes, more than {HEADER_LIMIT}")
    # tobytes for empty arrays: a memoryview with a 0 in its shape cannot be cast.
    return [data, *(a.reshape(-1).data.cast("B") if a.size else b"" for a in named.values())]


def send(
    channel: Channel, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None
) -> None:
    """Send one frame. Raises BrokenFrame before anything is sent, OSError when nobody listens."""
    for message in encode(header, arrays):
        channel.send_bytes(message)


def receive(channel: Channel) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """One frame: its header and its arrays (read-only views).

    Raises BrokenFrame, and EOFError or OSError when the other side is gone.
    """
    header = _header(channel.recv_bytes(HEADER_LIMIT))
    arrays = {}
    for entry in header.pop("arrays", []):
        name, dtype, shape, size = _described(entry)
        data = channel.recv_bytes(max(size, 1))
        if len(data) != size:
            raise BrokenFrame(f"array '{name}' has {len(data)} bytes, its shape says {size}")
        arrays[name] = np.frombuffer(data, dtype).reshape(shape)
    return header, arrays


def _header(data: bytes) -> dict[str, Any]:
    try:
        header = json.loads(data.decode("utf-8"), parse_constant=_no_constant)
    except ValueError as error:
        raise BrokenFrame(f"the header is no JSON: {error}") from error
    if not isinstance(header, dict) or not isinstance(header.get("op"), str):
        raise BrokenFrame("the header is no object with an 'op'")
    if not isinstance(header.get("arrays", []), list):
        raise BrokenFrame("'arrays' is no list")
    return header


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of a header")


def _described(entry: Any) -> tuple[str, str, tuple[int, ...], int]:
    """Name, dtype, shape and bytes of one entry of ``arrays``, checked."""
    if not isinstance(entry, dict):
        raise BrokenFrame("an entry of 'arrays' is no object")
    name, dtype, shape = entry.get("name"), entry.get("dtype"), entry.get("shape")
    if not isinstance(name, str) or dtype not in DTYPES or not isinstance(shape, list):
        raise BrokenFrame(f"an array of unknown form: {entry!r:.200}")
    if not all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in shape):
        raise BrokenFrame(f"array '{name}' has the impossible shape {shape!r:.100}")
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size > ARRAY_LIMIT:
        raise BrokenFrame(f"array '{name}' would have {size} bytes, more than {ARRAY_LIMIT}")
    return name, dtype, tuple(shape), size
