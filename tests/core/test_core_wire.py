"""The worker's frames against the golden ones, and against bytes that are none."""

from __future__ import annotations

import contextlib
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.worker import wire

GOLDEN = Path(__file__).parents[1] / "golden"
FRAMES = json.loads((GOLDEN / "frames.json").read_text(encoding="utf-8"))
NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


class Recorded:
    """A connection that plays messages back and records what is sent."""

    def __init__(self, messages: list[bytes | None] | None = None) -> None:
        self.messages = list(messages or [])
        self.sent: list[bytes] = []

    def recv_bytes(self, maxlength: int | None = None, /) -> bytes:
        if not self.messages:
            raise EOFError
        message = self.messages.pop(0)
        assert message is not None, "read on after a broken header"
        if maxlength is not None and len(message) > maxlength:
            raise OSError("bad message length")
        return message

    def send_bytes(self, buf: Any, /) -> None:
        self.sent.append(bytes(buf))


def array_of(entry: dict[str, Any]) -> np.ndarray:
    return np.array(entry["values"], dtype=entry["dtype"]).reshape(entry["shape"])


@pytest.mark.parametrize("golden", FRAMES["good"], ids=lambda golden: golden["name"])
def test_golden_frames_are_read(golden: dict[str, Any]) -> None:
    connection = Recorded([bytes.fromhex(message) for message in golden["messages"]])
    frame = wire.receive(connection)
    assert frame.header == golden["header"]
    assert list(frame.arrays) == list(golden["arrays"])
    for name, entry in golden["arrays"].items():
        array = frame.arrays[name].numpy()
        assert array.dtype == np.dtype(entry["dtype"])
        np.testing.assert_array_equal(array, array_of(entry))
    assert not connection.messages


@pytest.mark.parametrize("golden", FRAMES["good"], ids=lambda golden: golden["name"])
def test_golden_frames_are_written(golden: dict[str, Any]) -> None:
    fields = {name: value for name, value in golden["header"].items() if name != "arrays"}
    connection = Recorded()
    wire.send(connection, fields, {n: array_of(entry) for n, entry in golden["arrays"].items()})
    assert json.loads(connection.sent[0]) == golden["header"]
    assert [message.hex() for message in connection.sent[1:]] == golden["messages"][1:]


@pytest.mark.parametrize("golden", FRAMES["broken"], ids=lambda golden: golden["why"])
def test_broken_frames_are_refused(golden: dict[str, Any]) -> None:
    messages = [None if m is None else bytes.fromhex(m) for m in golden["messages"]]
    with pytest.raises(wire.BrokenFrameError):
        wire.receive(Recorded(messages))


@pytest.mark.parametrize("fields", FRAMES["unwritable"])
def test_numbers_that_do_not_exist_are_not_written(fields: dict[str, Any]) -> None:
    def real(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: real(inner) for key, inner in value.items()}
        return NUMBERS[value]

    connection = Recorded()
    with pytest.raises(ValueError, match="JSON"):
        wire.send(connection, real(fields))
    assert connection.sent == []


def test_the_golden_file_is_what_its_maker_writes() -> None:
    import runpy

    made = runpy.run_path(str(GOLDEN / "make_frames.py"))
    assert {
        "good": made["GOOD"],
        "broken": made["BROKEN"],
        "unwritable": made["UNWRITABLE"],
    } == FRAMES


def test_arrays_of_any_layout_are_written_in_c_order() -> None:
    array = np.arange(6, dtype=">f4").reshape(2, 3).T
    connection = Recorded()
    wire.send(connection, {"op": "x", "id": 1}, {"a": array})
    assert json.loads(connection.sent[0])["arrays"] == [
        {"name": "a", "dtype": "<f4", "shape": [3, 2]}
    ]
    assert connection.sent[1] == struct.pack("<6f", 0, 3, 1, 4, 2, 5)


@pytest.mark.parametrize("dtype", ["<f2", "<i8", "|b1", "|O"])
def test_other_dtypes_are_not_written(dtype: str) -> None:
    with pytest.raises(ValueError, match="no place in a frame"):
        wire.send(Recorded(), {"op": "x", "id": 1}, {"a": np.zeros(2, dtype=dtype)})


def test_a_header_over_its_limit_is_not_sent() -> None:
    connection = Recorded()
    with pytest.raises(ValueError, match="longer than"):
        wire.send(connection, {"op": "x", "id": 1, "text": "a" * wire.MAX_HEADER_BYTES})
    assert connection.sent == []


def test_two_arrays_of_one_name_are_refused() -> None:
    entry = {"name": "a", "dtype": "<f4", "shape": [1]}
    header = json.dumps({"op": "x", "id": 1, "arrays": [entry, entry]}).encode()
    with pytest.raises(wire.BrokenFrameError, match="one name"):
        wire.receive(Recorded([header, bytes(4), bytes(4)]))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60) | json_values.map(lambda v: json.dumps(v).encode()))
def test_any_header_is_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(wire.BrokenFrameError, EOFError, OSError):
        wire.receive(Recorded([data, bytes(4), bytes(4)]))


@settings(max_examples=150, deadline=None)
@given(json_values)
def test_any_arrays_are_read_or_refused(arrays: Any) -> None:
    data = json.dumps({"op": "x", "id": 1, "arrays": arrays}).encode()
    with contextlib.suppress(wire.BrokenFrameError, EOFError):
        wire.receive(Recorded([data]))
