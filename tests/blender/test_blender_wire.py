"""Frames: round trips, what is refused, and the golden files that the worker's tests read too."""

from __future__ import annotations

import json
from multiprocessing import Pipe
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def wire(part):
    return part("door.wire")


@pytest.fixture
def pipe():
    ends = Pipe()
    yield ends
    for end in ends:
        end.close()


def test_a_frame_comes_back_as_it_was_sent(wire, pipe):
    arrays = {
        "code": np.array([1.5, -2.0], dtype="<f4"),
        "object": np.eye(4),
        "faces": np.arange(6, dtype="<i4").reshape(2, 3),
        "mask": np.zeros((2, 0), dtype="|u1"),
        "turned": np.arange(6.0).reshape(2, 3).T,
    }
    wire.send(pipe[0], {"op": "mesh", "id": 3, "name": "Köpfe"}, arrays)
    header, got = wire.receive(pipe[1])
    assert header == {"op": "mesh", "id": 3, "name": "Köpfe"}
    for name, array in arrays.items():
        np.testing.assert_array_equal(got[name], array)
        assert got[name].dtype == array.dtype


@pytest.mark.parametrize(
    ("header", "arrays"),
    [
        ({"op": "x", "value": float("nan")}, {}),
        ({"op": "x", "value": object()}, {}),
        ({"op": "x", "text": "x" * (1 << 20)}, {}),
        ({"op": "x"}, {"a": np.zeros(2, dtype=complex)}),
        ({"op": "x"}, {"a": np.zeros(2, dtype=np.int64)}),
    ],
)
def test_what_is_no_frame_is_not_sent(wire, pipe, header, arrays):
    with pytest.raises(wire.BrokenFrame):
        wire.send(pipe[0], header, arrays)
    assert not pipe[1].poll(0)


def described(name="a", dtype="<f4", shape=(1,)):
    return {"op": "x", "arrays": [{"name": name, "dtype": dtype, "shape": list(shape)}]}


@pytest.mark.parametrize(
    "messages",
    [
        [b"\xff\xfe"],
        [b"[]"],
        [b"{}"],
        [b'{"op": "x", "value": NaN}'],
        [b'{"op": "x", "arrays": 3}'],
        [json.dumps(described(dtype="|O")).encode()],
        [json.dumps(described(shape=[-1])).encode()],
        [json.dumps(described(shape=[1 << 20, 1 << 20])).encode()],
        [json.dumps(described(shape=[True])).encode()],
        [json.dumps(described(shape=[2])).encode(), b"four"],
    ],
)
def test_what_is_no_frame_is_not_read(wire, pipe, messages):
    for message in messages:
        pipe[0].send_bytes(message)
    with pytest.raises(wire.BrokenFrame):
        wire.receive(pipe[1])


def test_an_end_is_an_end(wire, pipe):
    pipe[0].send_bytes(json.dumps(described()).encode())
    pipe[0].close()
    with pytest.raises((EOFError, OSError)):
        wire.receive(pipe[1])


GOLDEN = json.loads(
    (Path(__file__).resolve().parents[1] / "golden" / "frames.json").read_text(encoding="utf-8")
)


class Tape:
    """A connection's sending or receiving end, kept in a list."""

    def __init__(self, messages=()):
        self.messages = list(messages)

    def send_bytes(self, data):
        self.messages.append(bytes(data))

    def recv_bytes(self, maxlength=None):
        message = self.messages.pop(0)
        assert message is not None, "read on past what was broken"
        if maxlength is not None and len(message) > maxlength:
            raise OSError("bad message length")
        return message


def golden_arrays(entry):
    return {
        name: np.array(a["values"], dtype=a["dtype"]).reshape(a["shape"])
        for name, a in entry["arrays"].items()
    }


@pytest.mark.parametrize("entry", GOLDEN["good"], ids=lambda e: e["name"])
def test_golden_frames_are_read_and_written(wire, entry):
    raw = [bytes.fromhex(message) for message in entry["messages"]]
    header, arrays = wire.receive(Tape(raw))
    assert header == {k: v for k, v in entry["header"].items() if k != "arrays"}
    wanted = golden_arrays(entry)
    assert list(arrays) == list(wanted)
    for name, array in wanted.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype
    tape = Tape()
    wire.send(tape, header, wanted)
    assert json.loads(tape.messages[0]) == entry["header"]
    assert tape.messages[1:] == raw[1:]


@pytest.mark.parametrize("entry", GOLDEN["broken"], ids=lambda e: e["why"])
def test_golden_broken_frames_are_refused(wire, entry):
    raw = [None if message is None else bytes.fromhex(message) for message in entry["messages"]]
    with pytest.raises(wire.BrokenFrame):
        wire.receive(Tape(raw))


@pytest.mark.parametrize("fields", GOLDEN["unwritable"])
def test_golden_unwritable_headers_are_refused(wire, fields):
    numbers = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}

    def real(value):
        if isinstance(value, dict):
            return {k: real(v) for k, v in value.items()}
        if isinstance(value, list):
            return [real(v) for v in value]
        return numbers.get(value, value) if isinstance(value, str) else value

    tape = Tape()
    with pytest.raises(wire.BrokenFrame):
        wire.send(tape, real(fields))
    assert not tape.messages
