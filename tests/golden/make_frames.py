"""Write frames.json from the protocol's page, with neither side's code. See README.md."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

FORMATS = {"<f4": "<%df", "<f8": "<%dd", "<i4": "<%di", "|u1": "<%dB"}
Array = tuple[str, str, list[int], list[Any]]


def frame(name: str, fields: dict[str, Any], *arrays: Array) -> dict[str, Any]:
    header = dict(fields)
    header["arrays"] = [
        {"name": name, "dtype": dtype, "shape": shape} for name, dtype, shape, _ in arrays
    ]
    messages = [json.dumps(header, allow_nan=False, ensure_ascii=False).encode()]
    messages += [
        struct.pack(FORMATS[dtype] % math.prod(shape), *values)
        for _, dtype, shape, values in arrays
    ]
    return {
        "name": name,
        "messages": [message.hex() for message in messages],
        "header": header,
        "arrays": {
            name: {"dtype": dtype, "shape": shape, "values": values}
            for name, dtype, shape, values in arrays
        },
    }


def broken(why: str, *messages: bytes | None) -> dict[str, Any]:
    return {"why": why, "messages": [None if m is None else m.hex() for m in messages]}


def header(arrays: Any, **fields: Any) -> bytes:
    return json.dumps({"op": "mesh", "id": 1, **fields, "arrays": arrays}).encode()


IDENTITY = [1.0, 0, 0, 0, 0, 1.0, 0, 0, 0, 0, 1.0, 0, 0, 0, 0, 1.0]
REPORT = {
    "vertices": 3,
    "faces": 1,
    "components": 1,
    "genus": None,
    "watertight": False,
    "volume": 0.125,
    "area": 0.5,
    "open_at_wall": True,
    "message": "",
}
MESH: tuple[Array, Array] = (
    ("vertices", "<f4", [3, 3], [0.0, 0.5, -1.0, 1.0, 0.25, 0.0, -0.125, 1.0, 0.0]),
    ("faces", "<i4", [1, 3], [0, 1, 2]),
)
PROGRESS = {
    "op": "progress",
    "stage": "signing",
    "done": 2,
    "total": 5,
    "message": "Mug: holes closed: 1",
    "loss": None,
    "seconds_left": None,
    "preview_name": "",
    "warnings": ["'Leaf' is left out: it has no area"],
    "finished": False,
    "reason": "",
    "path": None,
}

GOOD = [
    frame("hello", {"op": "hello", "id": 0, "protocol": 1, "python": "3.11.7", "pid": 123}),
    frame(
        "unready",
        {"op": "unready", "id": 0, "problem": "No torch", "remedy": "", "missing": ["torch"]},
    ),
    frame(
        "a path that is not ASCII", {"op": "space", "id": 1, "path": "/tmp/Köpfe/顔.safetensors"}
    ),
    frame(
        "a request with a code",
        {"op": "mesh", "id": 2, "path": "a", "resolution": 64, "cap": False, "newton": 0},
        ("code", "<f4", [2], [0.5, -1.5]),
    ),
    frame("a mesh", {"op": "mesh", "id": 2, "report": REPORT, "ms": {"extraction": 12.5}}, *MESH),
    frame(
        "an empty mesh",
        {"op": "mesh", "id": 3, "report": {**REPORT, "message": "empty"}, "ms": {}},
        ("vertices", "<f4", [0, 3], []),
        ("faces", "<i4", [0, 3], []),
    ),
    frame(
        "a fit",
        {
            "op": "fit",
            "id": 4,
            "path": "a",
            "up": "Y",
            "options": {"steps": 2, "move": True},
            "views": [{"width": 3, "height": 2, "weight": 1.0}],
        },
        ("code", "<f4", [1], [0.0]),
        ("object", "<f8", [4, 4], IDENTITY),
        ("matrix0", "<f8", [4, 4], [0.1, *IDENTITY[1:]]),
        ("target0", "<f4", [2, 3], [0, 0.5, 1, 1, 0.25, 0]),
    ),
    frame(
        "a step without a loss",
        {"op": "step", "id": 5, "step": 0, "loss": None, "done": False, "report": REPORT},
        ("code", "<f4", [1], [0.0]),
        *MESH,
    ),
    frame(
        "a training",
        {
            "op": "train",
            "id": 9,
            "folder": "/tmp/Läufe/cups",
            "source": "/tmp/Läufe/cups/meshes",
            "options": {"name": "cups", "preset": "draft", "centre": True, "seed": 3},
        },
    ),
    frame("a training that goes on", {"op": "train", "id": 10, "folder": "a", "source": None}),
    frame("progress without a preview", {**PROGRESS, "id": 11}),
    frame(
        "progress with a preview",
        {
            **PROGRESS,
            "id": 12,
            "stage": "training",
            "done": 1200,
            "total": 4000,
            "loss": 0.0078125,
            "seconds_left": 61.5,
            "preview_name": "Mug",
            "path": "/tmp/Läufe/cups/cups.safetensors",
        },
        *MESH,
    ),
    frame("the last progress", {**PROGRESS, "id": 13, "finished": True, "reason": "stopped"}),
    frame(
        "an encoding of a point cloud",
        {"op": "encode", "id": 14, "path": "a", "options": {"partial": True, "centre": None}},
        ("vertices", "<f4", [2, 3], [0.0, 0.5, -1.0, 1.0, 0.25, 0.0]),
        ("faces", "<i4", [0, 3], []),
    ),
    frame(
        "the last step of an encoding",
        {
            "op": "step",
            "id": 15,
            "step": 300,
            "steps": 300,
            "loss": 0.0009765625,
            "error": 0.00390625,
            "done": True,
            "reason": "steps",
            "report": REPORT,
            "evaluations": 4096,
        },
        ("code", "<f4", [1], [0.5]),
        ("object", "<f8", [4, 4], IDENTITY),
        *MESH,
    ),
    frame(
        "a reconstruction before a camera",
        {"op": "reconstruct", "id": 15, "path": "a", "options": {"steps": 0}, "scale": 1.0},
        ("picture", "|u1", [1, 2, 4], [255, 128, 0, 255, 10, 20, 30, 0]),
        ("mask", "|u1", [1, 2], [255, 0]),
        ("view", "<f8", [4, 4], IDENTITY),
    ),
    frame(
        "the last step of a reconstruction",
        {
            "op": "step",
            "id": 15,
            "stage": "done",
            "step": 12,
            "steps": 12,
            "iou": 0.96875,
            "done": True,
            "remarks": ["The object is cut off at the left: a guess there"],
            "predicted": True,
            "focal": 700.5,
            "likelihood": 0.5,
            "ms": {"encoder": 12.5},
            "report": REPORT,
        },
        *MESH,
        ("code", "<f4", [1], [0.5]),
        ("object", "<f8", [4, 4], IDENTITY),
        ("camera", "<f8", [4, 4], IDENTITY),
        ("mask", "|u1", [1, 2], [255, 0]),
    ),
    frame("an export", {"op": "export", "id": 16, "path": "a", "folder": "/tmp/deepsdf"}),
    frame(
        "an exported space",
        {"op": "exported", "id": 16, "files": ["/tmp/deepsdf/specs.json"], "notes": []},
    ),
    frame(
        "a package is missing",
        {
            "op": "error",
            "id": 17,
            "kind": "TrainingError",
            "problem": "No libigl",
            "remedy": "python -m pip install libigl",
            "missing": ["libigl"],
        },
    ),
    frame("bytes", {"op": "x", "id": 6}, ("mask", "|u1", [2, 2], [0, 1, 128, 255])),
    frame("a number on its own", {"op": "x", "id": 7}, ("scale", "<f8", [], [0.1])),
    frame(
        "an error",
        {"op": "error", "id": 8, "kind": "CodeError", "problem": "Wrong", "remedy": "Reset"},
    ),
]

CODE = {"name": "code", "dtype": "<f4", "shape": [2]}
BROKEN = [
    broken("empty header", b""),
    broken("no JSON", b"hello"),
    broken("a pickle", b"\x80\x04N."),
    broken("not UTF-8", b'{"op": "\xff", "id": 1}'),
    broken("no object", b"[1, 2]"),
    broken("NaN in the header", b'{"op": "x", "id": 1, "a": NaN, "arrays": []}'),
    broken("arrays is no list", header({"code": 1}), None),
    broken("an array is no object", header(["code"]), None),
    broken("an array without a name", header([{**CODE, "name": None}]), None),
    broken("an unknown dtype", header([{**CODE, "dtype": "<f2"}]), None),
    broken("an object dtype", header([{**CODE, "dtype": "|O"}]), None),
    broken("a dtype of the other byte order", header([{**CODE, "dtype": ">f4"}]), None),
    broken("a negative shape", header([{**CODE, "shape": [-2]}]), None),
    broken("a fraction as shape", header([{**CODE, "shape": [2.0]}]), None),
    broken("true as shape", header([{**CODE, "shape": [True]}]), None),
    broken("no shape", header([{**CODE, "shape": None}]), None),
    broken("larger than 1 GiB", header([{**CODE, "shape": [2**28 + 1]}]), None),
    broken("far larger than memory", header([{**CODE, "shape": [2**40, 2**40]}]), None),
    broken("too few bytes", header([CODE]), bytes(7)),
    broken("no bytes", header([CODE]), b""),
]

UNWRITABLE = [{"loss": "NaN"}, {"loss": "Infinity"}, {"report": {"volume": "-Infinity"}}]


def main() -> None:
    content = {"good": GOOD, "broken": BROKEN, "unwritable": UNWRITABLE}
    text = json.dumps(content, indent=1, ensure_ascii=False)
    path = Path(__file__).parent / "frames.json"
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
