"""Frames: one message with a JSON header, then one message for each array it names.

This is the worker's half of docs/protocol.md; ``tests/golden/frames.json`` keeps it in step with
Blender's half. Nothing here imports numpy before there is an array to convert, so that a worker
without it can still say what is missing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PROTOCOL = 1
MAX_HEADER_BYTES = 1024**2
MAX_ARRAY_BYTES = 1024**3
MAX_ARRAYS = 1024
ITEM_BYTES = {"<f4": 4, "<f8": 8, "<i4": 4, "|u1": 1}


class BrokenFrameError(Exception):
    """What arrived is no frame; after it nothing on this connection can be trusted."""


class Messages(Protocol):
    """The part of ``multiprocessing.connection.Connection`` that frames need."""

    def send_bytes(self, buf: Any, /) -> None: ...

    def recv_bytes(self, maxlength: int | None = None, /) -> bytes: ...


@dataclass(frozen=True)
class RawArray:
    """An array as it arrived: checked, not yet converted."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes

    def numpy(self) -> NDArray[Any]:
        """A read-only array over the bytes."""
        import numpy as np

        return np.frombuffer(self.data, dtype=self.dtype).reshape(self.shape)


@dataclass(frozen=True)
class Frame:
    """One received frame; ``arrays`` by name."""

    header: dict[str, Any]
    arrays: dict[str, RawArray]


def send(
    connection: Messages,
    header: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]] | None = None,
) -> None:
    """Send a frame. ``header["arrays"]`` is written here. Raises ValueError for NaN and infinity,
    OSError when the other side is gone."""
    for message in encode(header, arrays or {}):
        connection.send_bytes(message)


def encode(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> list[Any]:
    """The messages of a frame: bytes, then one buffer per array."""
    described, buffers = [], []
    for name, array in arrays.items():
        dtype, buffer = _buffer(array)
        described.append({"name": name, "dtype": dtype, "shape": list(array.shape)})
        buffers.append(buffer)
    text = json.dumps({**header, "arrays": described}, allow_nan=False).encode("utf-8")
    if len(text) > MAX_HEADER_BYTES:
        raise ValueError(f"a header of {len(text)} bytes is longer than {MAX_HEADER_BYTES}")
    return [text, *buffers]


def _buffer(array: NDArray[np.generic]) -> tuple[str, Any]:
    import numpy as np

    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    dtype = little.dtype.str
    if dtype not in ITEM_BYTES:
        raise ValueError(f"arrays of dtype {dtype} have no place in a frame")
    # Views with a zero in their shape cannot be cast to bytes.
    return dtype, little.data.cast("B") if little.size else b""


def receive(connection: Messages) -> Frame:
    """Wait for a frame; lengths are checked before anything is allocated.

    Raises BrokenFrameError, and EOFError or OSError when the other side is gone.
    """
    header = decode_header(connection.recv_bytes(MAX_HEADER_BYTES))
    arrays: dict[str, RawArray] = {}
    for name, dtype, shape in described_arrays(header):
        expected = math.prod(shape) * ITEM_BYTES[dtype]
        # Not 0 for an empty array: a Windows pipe cannot read a message into no room at all.
        data = connection.recv_bytes(max(expected, 1))
        if len(data) != expected:
            raise BrokenFrameError(
                f"array '{name}' has {len(data)} bytes, its shape says {expected}"
            )
        arrays[name] = RawArray(dtype, shape, data)
    return Frame(header, arrays)


def decode_header(data: bytes) -> dict[str, Any]:
    """The JSON object of a frame's first message. Raises BrokenFrameError."""
    try:
        header = json.loads(data.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BrokenFrameError(f"the header is not JSON ({type(error).__name__})") from error
    if not isinstance(header, dict):
        raise BrokenFrameError("the header is no JSON object")
    return header


def described_arrays(header: Mapping[str, Any]) -> list[tuple[str, str, tuple[int, ...]]]:
    """Name, dtype and shape of each announced array, all checked. Raises BrokenFrameError."""
    described = header.get("arrays", [])
    if not isinstance(described, list) or len(described) > MAX_ARRAYS:
        raise BrokenFrameError(f"'arrays' is no list of at most {MAX_ARRAYS}")
    checked = [_described(entry) for entry in described]
    if len({name for name, _, _ in checked}) != len(checked):
        raise BrokenFrameError("two arrays have one name")
    return checked


def _described(entry: object) -> tuple[str, str, tuple[int, ...]]:
    if not isinstance(entry, dict):
        raise BrokenFrameError("an entry of 'arrays' is no object")
    name, dtype, shape = entry.get("name"), entry.get("dtype"), entry.get("shape")
    if not isinstance(name, str) or not isinstance(dtype, str) or dtype not in ITEM_BYTES:
        raise BrokenFrameError("an array has no name or a dtype of another kind")
    if not isinstance(shape, list) or len(shape) > 8 or not _counts(shape):
        raise BrokenFrameError(f"array '{name}' has no shape")
    if math.prod(shape) * ITEM_BYTES[dtype] > MAX_ARRAY_BYTES:
        raise BrokenFrameError(f"array '{name}' is larger than {MAX_ARRAY_BYTES} bytes")
    return name, dtype, tuple(shape)


def _counts(values: Sequence[object]) -> bool:
    return all(type(n) is int and 0 <= n <= MAX_ARRAY_BYTES for n in values)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
