"""The worker, as a real process: its first words, its answers, its errors, and its ends."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any, cast

import numpy as np
import pytest
import torch

from core.camera import lens_view
from core.errors import SpaceError
from core.fitting.stopping import Stop
from core.folded import CHUNK_POINTS, FoldedDecoder
from core.space import Frame
from core.spacefile import write_space
from core.worker import __main__ as worker_main
from core.worker import machine, service, wire
from core.worker.fitting import Fitting
from core.worker.reply import error_header, space_reply
from core.worker.spacecache import SpaceCache, stamps

from .octahedron import octahedra, radius
from .worker_client import ROOT, WorkerClient, environment, start, wait_gone

# The design asks for an end within 60 ms; a loaded machine gets more.
GONE_SECONDS = 3.0


@pytest.fixture(scope="module")
def worker() -> Iterator[WorkerClient]:
    """One worker for all tests that leave it alive."""
    with WorkerClient() as client:
        yield client.ready()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("Köpfe")


@pytest.fixture(scope="module")
def path(folder: Path) -> str:
    """A space whose cube is Y-up, twice as large in Blender and moved."""
    write_space(folder / "顔.safetensors", octahedra(Frame("Y", 2.0, (1.0, 2.0, 3.0))))
    return str(folder / "顔.safetensors")


def code(*values: float) -> dict[str, np.ndarray]:
    return {"code": np.array(values, dtype="<f4")}


def failed(frame: wire.Frame, kind: str, *said: str) -> None:
    """The reply is an error of this kind that says all of this."""
    header = frame.header
    assert (header["op"], header["kind"]) == ("error", kind), header
    for text in said:
        assert text in header["problem"] + header["remedy"]


def test_first_words(worker: WorkerClient) -> None:
    assert worker.hello["op"] == "hello"
    assert worker.hello["id"] == worker.readiness["id"] == 0
    assert worker.hello["protocol"] == 1
    assert worker.hello["pid"] == worker.process.pid
    assert worker.hello["python"].count(".") == 2
    assert worker.readiness["torch"] == torch.__version__
    assert worker.readiness["device"] == "cpu"
    assert worker.readiness["devices"][0] == "cpu"
    assert worker.readiness["threads"] >= 1


def test_space(worker: WorkerClient, path: str) -> None:
    frame = worker.ask("space", path=path)
    header, arrays = frame.header, {name: raw.numpy() for name, raw in frame.arrays.items()}
    assert header["op"] == "space"
    assert (header["name"], header["code_length"], header["codes_count"]) == ("octahedra", 1, 3)
    assert header["shape_names"] == ["small", "middle", "large"]
    assert header["card"] == {"licence": "CC0"}
    assert header["warnings"] == []
    np.testing.assert_array_equal(arrays["codes"], [[-1], [0], [1]])
    np.testing.assert_allclose(arrays["mean"], [0], atol=1e-7)
    np.testing.assert_allclose(arrays["axes"] @ arrays["axes"].T, np.eye(1), atol=1e-6)
    np.testing.assert_allclose(arrays["deviations"], [1], atol=1e-6)


@pytest.mark.parametrize("up", [None, "Y", "Z"])
def test_mesh_is_in_the_objects_coordinates(
    worker: WorkerClient, path: str, up: str | None
) -> None:
    size = 2 * radius(0.5)
    fields = {} if up is None else {"up": up}
    frame = worker.ask("mesh", code(0.5), path=path, resolution=32, cap=False, newton=0, **fields)
    vertices, faces = frame.arrays["vertices"], frame.arrays["faces"]
    report = frame.header["report"]
    assert (vertices.dtype, faces.dtype) == ("<f4", "<i4")
    assert (report["vertices"], report["faces"]) == (vertices.shape[0], faces.shape[0])
    assert (report["components"], report["genus"], report["watertight"]) == (1, 0, True)
    assert report["volume"] == pytest.approx(4 / 3 * size**3, rel=0.02)
    assert report["area"] == pytest.approx(4 * 3**0.5 * size**2, rel=0.05)
    assert not report["open_at_wall"]
    assert all(value >= 0 for value in frame.header["ms"].values())
    points = vertices.numpy() - [1, 2, 3]
    np.testing.assert_allclose(np.abs(points).sum(axis=1).max(), size, rtol=1e-4)
    triangles = points[faces.numpy()]
    signed = np.linalg.det(triangles).sum() / 6
    assert signed == pytest.approx(report["volume"], rel=1e-3)


def test_up_turns_as_blender_does(worker: WorkerClient, folder: Path) -> None:
    """(x, y, z) of a Y-up cube becomes (x, -z, y)."""
    space = octahedra()
    with torch.no_grad():
        space.decoder.biases[0][0] = -0.3  # moves one face off, so that +x, +y, +z differ
        space.decoder.biases[0][1] = -0.1
    write_space(folder / "skew.safetensors", space)
    found = {}
    for up in ("Z", "Y"):
        frame = worker.ask(
            "mesh", code(0), path=str(folder / "skew.safetensors"), up=up, resolution=24
        )
        found[up] = frame.arrays["vertices"].numpy()
    x, y, z = found["Z"].T
    np.testing.assert_allclose(found["Y"], np.stack([x, -z, y], axis=1), atol=1e-6)
    assert abs(y.max() + z.min()) > 0.05


def test_an_empty_surface_says_why(worker: WorkerClient, path: str) -> None:
    frame = worker.ask("mesh", code(-5), path=path, resolution=16)
    assert frame.arrays["vertices"].shape == frame.arrays["faces"].shape == (0, 3)
    assert frame.header["report"]["genus"] is None
    assert "surface" in frame.header["report"]["message"]


def test_an_open_surface_and_its_cap(worker: WorkerClient, path: str) -> None:
    open_mesh = worker.ask("mesh", code(3), path=path, resolution=16, cap=False).header["report"]
    draft = worker.ask("mesh", code(3), path=path, resolution=16, cap=False, draft=True)
    told = draft.header["report"]
    assert told.keys() == {"vertices", "faces", "open_at_wall", "message"}
    assert (told["open_at_wall"], told["message"]) == (True, open_mesh["message"])
    assert open_mesh["open_at_wall"]
    assert (open_mesh["genus"], open_mesh["watertight"]) == (None, False)
    capped = worker.ask("mesh", code(3), path=path, resolution=16, cap=True).header["report"]
    assert (capped["genus"], capped["watertight"]) == (0, True)


def test_interpolate(worker: WorkerClient, path: str) -> None:
    codes = {"codes": np.array([[-1], [1]], dtype="<f4")}
    for method in ("linear", "spherical", "smooth"):
        frame = worker.ask("interpolate", codes, path=path, factor=0.75, method=method)
        assert frame.header["op"] == "code"
        assert frame.arrays["code"].shape == (1,)
    frame = worker.ask("interpolate", codes, path=path, factor=0.75, method="linear")
    np.testing.assert_allclose(frame.arrays["code"].numpy(), [0.5])


def test_errors_are_messages_and_the_worker_lives_on(worker: WorkerClient, path: str) -> None:
    failed(worker.ask("space", path=path + "x"), "SpaceError", "no file or folder")
    failed(worker.ask("space", path=str(ROOT)), "SpaceError", "specs.json")
    failed(worker.ask("space"), "Request", "'path'")
    failed(worker.ask("space", path=path, up="X"), "Request", "'up'")
    failed(worker.ask("mesh", code(0, 0), path=path, resolution=16), "CodeError", "1 values")
    failed(worker.ask("mesh", code(np.nan), path=path, resolution=16), "CodeError", "nan")
    failed(worker.ask("mesh", path=path, resolution=16), "Request", "code")
    failed(worker.ask("mesh", {"code": np.zeros(1)}, path=path, resolution=16), "Request", "<f8")
    for resolution in (0, -1, 10**9, 16.0, "16", True):
        failed(worker.ask("mesh", code(0), path=path, resolution=resolution), "Request")
    failed(worker.ask("mesh", code(0), path=path, newton=4), "Request", "'newton'")
    failed(worker.ask("mesh", code(0), path=path, cap=1), "Request", "'cap'")
    codes = {"codes": np.zeros((2, 1), dtype="<f4")}
    failed(worker.ask("interpolate", codes, path=path, factor=2, method="linear"), "Request")
    failed(worker.ask("interpolate", codes, path=path, factor=0.5, method="no"), "Request")
    wrong = {"codes": np.zeros((2, 3), dtype="<f4")}
    failed(worker.ask("interpolate", wrong, path=path, factor=0.5, method="linear"), "CodeError")
    failed(worker.ask("polish"), "Request", "polish")
    failed(worker.ask("next"), "Request", "No fit is running")
    assert worker.ask("stop").header["op"] == "stopping"
    wire.send(worker.connection, {"id": 5000})
    failed(worker.receive(), "Request", "'op'")
    wire.send(worker.connection, {"op": "space", "id": "one"})
    frame = worker.receive()
    failed(frame, "Request", "'id'")
    assert frame.header["id"] == 0
    assert worker.ask("space", path=path).header["op"] == "space"


class Sent:
    """A connection that only records."""

    def __init__(self) -> None:
        self.headers: list[dict[str, Any]] = []

    def send_bytes(self, buf: Any, /) -> None:
        if bytes(buf[:1]) == b"{":
            self.headers.append(json.loads(bytes(buf)))

    def recv_bytes(self, maxlength: int | None = None, /) -> bytes:
        raise EOFError


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        (ZeroDivisionError("division"), "log"),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried 9 bytes"), "resolution"),
        (MemoryError(), "resolution"),
    ],
)
def test_a_fault_of_ours_is_internal_and_logged(
    fault: Exception,
    remedy: str,
    path: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise fault

    monkeypatch.setattr(service, "extract", broken)
    sent, requests = Sent(), SimpleQueue[wire.Frame]()
    served = service.Service(sent, requests)
    raw = wire.RawArray("<f4", (1,), bytes(4))
    requests.put(wire.Frame({"op": "mesh", "id": 3, "path": path}, {"code": raw}))
    requests.put(wire.Frame({"op": "stop", "id": 4}, {}))
    served.turn()
    served.turn()
    error, stopping = sent.headers
    assert (error["id"], error["kind"]) == (3, "Internal")
    said = "not enough memory" if remedy == "resolution" else type(fault).__name__
    assert said in error["problem"]
    assert remedy in error["remedy"]
    assert stopping["op"] == "stopping"
    log = capsys.readouterr().err
    assert "Traceback" in log
    assert type(fault).__name__ in log


def test_a_mesh_that_is_dropped_ends_and_keeps_the_others_in_order(path: str) -> None:
    sent, requests = Sent(), SimpleQueue[wire.Frame]()
    served = service.Service(sent, requests)
    raw = wire.RawArray("<f4", (1,), bytes(4))

    def mesh(number: int) -> wire.Frame:
        header = {"op": "mesh", "id": number, "path": path, "resolution": 32}
        return wire.Frame(header, {"code": raw})

    def drop(number: int, request: object) -> wire.Frame:
        return wire.Frame({"op": "drop", "id": number, "request": request}, {})

    # All are there already when the first is worked on; that and the last are dropped.
    for frame in (mesh(1), drop(2, 1), mesh(3), mesh(4), drop(5, 4), drop(6, 77), drop(7, "all")):
        requests.put(frame)
    for _ in range(7):
        served.turn()
    told = [(header["id"], header.get("kind", header["op"])) for header in sent.headers]
    assert told == [
        (1, "Dropped"),
        (2, "dropped"),
        (3, "mesh"),
        (4, "Dropped"),
        (5, "dropped"),
        (6, "dropped"),
        (7, "dropped"),
    ]


def test_long_names_and_cards_still_fit_a_header() -> None:
    names = tuple("ü" * 300 for _ in range(2000))
    space = replace(
        octahedra(), codes=torch.zeros(2000, 1), shape_names=names, card={"a": "x" * 10**6}
    )
    sent = Sent()
    wire.send(sent, *space_reply(space))
    assert (sent.headers[0]["shape_names"], sent.headers[0]["card"]) == ([], {})
    assert len(sent.headers[0]["warnings"]) == 2


def test_a_file_that_changed_is_read_again(worker: WorkerClient, tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    write_space(file, octahedra())
    assert worker.ask("space", path=str(file)).header["name"] == "octahedra"
    write_space(file, replace(octahedra(), name="changed"))
    assert worker.ask("space", path=str(file)).header["name"] == "changed"
    file.write_bytes(b"broken")
    failed(worker.ask("space", path=str(file)), "SpaceError")


def test_a_run_whose_space_changed_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    cache = SpaceCache("cpu")
    write_space(tmp_path / "a.safetensors", octahedra())
    first = cache.load(str(tmp_path), None)
    assert cache.load(str(tmp_path), None) is first
    write_space(tmp_path / "a.safetensors", replace(octahedra(), name="changed"))
    assert cache.load(str(tmp_path), None).name == "changed"
    write_space(tmp_path / "b.safetensors", octahedra())
    with pytest.raises(SpaceError, match="several spaces"):
        cache.load(str(tmp_path), None)


def test_stamps_follow_an_experiment(tmp_path: Path) -> None:
    from .experiments import Dialect

    folder = Dialect().write(tmp_path / "a")
    for named in (folder, folder / "specs.json", folder / "ModelParameters" / "latest.pth"):
        before = stamps(named)
        os.utime(folder / "ModelParameters" / "latest.pth", (1, len(before) + hash(named) % 1000))
        assert stamps(named) != before


# A fit of the octahedron, seen from above.

SIZE = 64


def fit_request(path: str, target: float, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields and arrays of a fit whose target is the octahedron of code ``target``."""
    view = lens_view(torch.eye(4), SIZE, SIZE, ortho_scale=2.0)
    middle = (np.arange(SIZE) + 0.5) / SIZE * 2 - 1
    inside = np.abs(middle)[:, None] + np.abs(middle)[None, :] < radius(target)
    fields = {
        "path": path,
        "options": {"steps": 8, "resolution": 24, "stop_iou": 1.0, "patience": 100, **options},
        "views": [{"width": SIZE, "height": SIZE, "weight": 1.0}],
    }
    arrays = {
        **code(-1),
        "object": np.eye(4),
        "matrix0": view.matrix.numpy(),
        "target0": inside.astype("<f4"),
    }
    return fields, arrays


@pytest.fixture(scope="module")
def flat_path(folder: Path) -> str:
    write_space(folder / "flat.safetensors", octahedra())
    return str(folder / "flat.safetensors")


def test_fit(worker: WorkerClient, flat_path: str) -> None:
    fields, arrays = fit_request(flat_path, 0.5)
    assert worker.ask("fit", arrays, **fields).header["op"] == "fitting"
    steps = [worker.ask("next")]
    while not steps[-1].header["done"]:
        failed(worker.ask("mesh", code(0), path=flat_path), "Busy", "A fit is running")
        steps.append(worker.ask("next"))
    headers = [step.header for step in steps]
    first, last = headers[0], headers[-1]
    assert all(header["op"] == "step" for header in headers)
    numbers = [header["step"] for header in headers[:-1]]
    assert numbers == sorted(set(numbers))
    assert first["steps"] == 8
    assert last["reason"] in ("steps", "converged", "patience")
    assert last["iou"] == last["best_iou"] > first["iou"]
    assert last["step"] == last["best_step"]
    assert last["report"]["genus"] == 0
    assert {"extraction", "silhouette", "derivative"} <= last["ms"].keys()
    assert last["evaluations"] > 0
    final = {name: raw.numpy() for name, raw in steps[-1].arrays.items()}
    assert final["code"][0] > -0.8
    np.testing.assert_array_equal(final["object"], np.eye(4))
    covered, wanted = final["mask0"], arrays["target0"] > 0.5
    assert covered.dtype == np.uint8
    both, either = (covered & wanted).sum(), (covered | wanted).sum()
    assert both / either == pytest.approx(last["iou"])
    # At tips the fit's own mesh, which keeps thin parts, reaches out by a share of a cell.
    reach = np.abs(final["vertices"]).sum(axis=1)
    assert np.median(reach) == pytest.approx(radius(float(final["code"][0])), abs=0.01)
    failed(worker.ask("next"), "Request", "No fit is running")
    assert worker.ask("mesh", code(0), path=flat_path, resolution=8).header["op"] == "mesh"


def test_fit_steps_are_in_the_objects_coordinates(worker: WorkerClient, path: str) -> None:
    """The frame is between the cube and the object, the object's matrix after it."""
    fields, arrays = fit_request(path, 0.0, steps=0, keep_thin=False)
    # The target as before, for a cube that is twice as large and moved.
    undo = np.eye(4)
    undo[:3, :3] /= 2
    undo[:3, 3] = [-0.5, -1.0, -1.5]
    arrays["object"] = undo
    worker.ask("fit", {**arrays, **code(0)}, **fields)
    step = worker.ask("next")
    assert step.header["iou"] > 0.95
    assert step.header["report"]["volume"] == pytest.approx(4 / 3 * (2 * radius(0)) ** 3, rel=0.05)
    points = step.arrays["vertices"].numpy() - [1, 2, 3]
    assert np.abs(points).sum(axis=1).max() == pytest.approx(2 * radius(0), rel=1e-4)
    np.testing.assert_array_equal(step.arrays["object"].numpy(), undo)
    if not step.header["done"]:
        assert worker.ask("next").header["done"]


def test_fit_stop(worker: WorkerClient, flat_path: str) -> None:
    fields, arrays = fit_request(flat_path, 1.0, steps=100_000, rate=1e-4)
    worker.ask("fit", arrays, **fields)
    worker.ask("next")
    assert worker.ask("stop").header["op"] == "stopping"
    # After a stop other requests are served, and the last frame waits to be fetched.
    assert worker.ask("mesh", code(0), path=flat_path, resolution=8).header["op"] == "mesh"
    last = worker.ask("next").header
    assert (last["done"], last["reason"]) == (True, "stopped")
    assert last["iou"] == last["best_iou"]


def test_fit_stop_with_a_next_outstanding(worker: WorkerClient, flat_path: str) -> None:
    fields, arrays = fit_request(flat_path, 1.0, steps=100_000, rate=1e-4, resolution=64)
    worker.ask("fit", arrays, **fields)
    worker.ask("next")
    waiting = worker.send("next")
    stopping = worker.send("stop")
    frames = {}
    while not frames.get(waiting) or not frames.get(stopping):
        frame = worker.receive().header
        frames[frame["id"]] = frame
        if frame["id"] == waiting and not frame["done"]:
            waiting = worker.send("next")
    assert frames[stopping]["op"] == "stopping"
    assert frames[waiting]["reason"] == "stopped"


def test_a_fit_that_cannot_start(worker: WorkerClient, flat_path: str) -> None:
    fields, arrays = fit_request(flat_path, 1.0)
    empty = {**arrays, "target0": np.zeros((SIZE, SIZE), dtype="<f4")}
    failed(worker.ask("fit", empty, **fields), "ViewError", "empty")
    other = {**arrays, "target0": np.zeros((SIZE, 3), dtype="<f4")}
    failed(worker.ask("fit", other, **fields), "ViewError")
    failed(worker.ask("fit", {**arrays, **code(-5)}, **fields), "FitError")
    failed(worker.ask("fit", {**arrays, **code(0, 0)}, **fields), "CodeError")
    skew = np.diag([1.0, 2.0, 1.0, 1.0])
    moving = {**fields, "options": {"move": True}}
    failed(worker.ask("fit", {**arrays, "object": skew}, **moving), "FitError", "uniform")
    for options in ({"speed": 1}, []):
        failed(worker.ask("fit", arrays, **{**fields, "options": options}), "Request")
    for options in ({"steps": -1}, {"steps": 1.5}, {"cap": 1}, {"rate": "x"}, {"rate": None}):
        failed(worker.ask("fit", arrays, **{**fields, "options": options}), "FitError", *options)
    size = {"width": SIZE, "height": SIZE}
    for views in (None, [{}], [3], [{"width": 1.5, "height": 2}], [{**size, "weight": True}]):
        failed(worker.ask("fit", arrays, **{**fields, "views": views}), "Request")
    weightless = {**fields, "views": [{**size, "weight": 0}]}
    failed(worker.ask("fit", arrays, **weightless), "ViewError", "weight")
    del arrays["matrix0"]
    failed(worker.ask("fit", arrays, **fields), "Request", "matrix0")
    failed(worker.ask("next"), "Request", "No fit is running")


def tips(size: float) -> np.ndarray[Any, Any]:
    """Landmarks at the tips of the octahedron of that radius, all but one."""
    return size * np.array([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1]])


def last_of(worker: WorkerClient, fields: Any, arrays: Any) -> wire.Frame:
    """The last frame of a fit."""
    assert worker.ask("fit", arrays, **fields).header["op"] == "fitting"
    while not (frame := worker.ask("next")).header["done"]:
        pass
    return frame


def test_a_fit_through_landmarks_alone(worker: WorkerClient, flat_path: str) -> None:
    """Landmarks are in the world, and what is off too: the object stands elsewhere, larger."""
    placed = np.diag([2.0, 2.0, 2.0, 1.0])
    placed[:3, 3] = 5, 0, 1
    landmarks = 2 * tips(radius(0.5)) + placed[:3, 3]
    arrays = {**code(-1), "object": placed, "landmarks": landmarks}
    fields = {**fit_request(flat_path, 0.5)[0], "views": []}
    start = last_of(worker, {**fields, "options": {"resolution": 24, "steps": 0}}, arrays)
    # From tip to tip; a mesh of cells reaches not quite so far.
    gap = 2 * (radius(0.5) - radius(-1))
    assert start.header["landmark_distance"] == pytest.approx(gap, abs=0.1)
    last = last_of(worker, fields, arrays)
    assert last.header["landmark_distance"] < 0.1 * gap
    assert last.header["iou"] == 0
    assert not any(name.startswith("mask") for name in last.arrays)
    fitted = float(last.arrays["code"].numpy()[0])
    assert radius(fitted) == pytest.approx(radius(0.5), abs=0.03)


def test_landmarks_beside_a_view(worker: WorkerClient, flat_path: str) -> None:
    fields, arrays = fit_request(flat_path, 0.5)
    one = {"landmarks": tips(radius(0.5))[-1:], "landmark_weights": np.array([2.0])}
    last = last_of(worker, fields, {**arrays, **one}).header
    assert last["landmark_distance"] < 0.05
    assert last["iou"] > 0.95


def test_without_landmarks_nothing_is_said_of_them(worker: WorkerClient, flat_path: str) -> None:
    fields, arrays = fit_request(flat_path, 0.5, steps=0)
    worker.ask("fit", {**arrays, "landmarks": np.zeros((0, 3))}, **fields)
    assert "landmark_distance" not in worker.ask("next").header
    worker.ask("stop")
    worker.ask("next")


def test_landmarks_that_cannot_be_used(worker: WorkerClient, flat_path: str) -> None:
    fields, arrays = fit_request(flat_path, 0.5)

    def refused(kind: str, *words: str, options: Any = None, **given: Any) -> None:
        asked = {**fields, "options": options or fields["options"]}
        failed(worker.ask("fit", {**arrays, **given}, **asked), kind, *words)

    point = np.zeros((1, 3))
    refused("FitError", "not finite", landmarks=np.array([[0, np.nan, 0.0]]))
    refused("FitError", "three numbers", landmarks=np.zeros((2, 2)))
    refused("FitError", "1001 landmarks", "at most 1000", landmarks=np.zeros((1001, 3)))
    refused("FitError", "weight", landmarks=point, landmark_weights=np.array([-1.0]))
    refused("FitError", "1 landmarks, and", landmarks=point, landmark_weights=np.ones(2))
    refused("FitError", "second_order", landmarks=point, options={"solver": "adam"})
    refused("Request", "landmarks", landmarks=np.zeros(3))
    refused("Request", "landmarks", landmarks=point.astype("<f4"))
    refused("Request", "no 'landmarks'", landmark_weights=np.ones(1))
    blind = {**arrays, "landmarks": np.zeros((0, 3))}
    failed(worker.ask("fit", blind, **{**fields, "views": []}), "ViewError")
    failed(worker.ask("next"), "Request", "No fit is running")


# Credits, without a process.


@dataclass(frozen=True)
class FakeStep:
    step: int
    done: bool = False
    reason: str = ""


def fitting(*steps: FakeStep) -> Fitting:
    """A fit whose best step, where it is stopped, is its third."""

    def run() -> Generator[Any, None, None]:
        try:
            yield from steps[1:]
        except Stop:
            yield replace(steps[2], done=True, reason="stopped")

    first, rest = cast(Any, steps[0]), cast(Any, run())
    return Fitting(first, rest, Frame())


def test_the_newest_step_is_sent() -> None:
    run = fitting(*(FakeStep(n) for n in range(5)), FakeStep(0, done=True, reason="steps"))
    run.advance()
    run.advance()
    assert run.delivery() is None
    run.wait(7)
    assert run.delivery() == (7, FakeStep(2))
    run.wait(8)
    assert run.delivery() is None
    run.advance()
    assert run.delivery() == (8, FakeStep(3))
    run.advance()
    run.advance()
    assert not run.running
    assert run.busy
    run.wait(9)
    assert run.delivery() == (9, FakeStep(0, done=True, reason="steps"))
    assert run.over
    assert not run.busy


def test_a_stop_sends_the_best_step() -> None:
    run = fitting(FakeStep(0), FakeStep(1), FakeStep(2), FakeStep(3))
    for _ in range(3):
        run.advance()
    run.stop()
    assert not run.running
    assert not run.busy
    run.wait(1)
    assert run.delivery() == (1, FakeStep(2, done=True, reason="stopped"))


def test_a_fault_in_a_fit_is_delivered() -> None:
    def steps() -> Generator[Any, None, None]:
        raise ZeroDivisionError
        yield

    run = Fitting(FakeStep(0), steps(), Frame())  # type: ignore[arg-type]
    run.advance()
    run.wait(1)
    delivery = run.delivery()
    assert delivery is not None
    assert isinstance(delivery[1], ZeroDivisionError)
    assert run.over


# Ends.


def test_bye() -> None:
    with WorkerClient() as client:
        client.ready()
        client.send("bye")
        assert client.status() == 0


@pytest.mark.parametrize("family", ["AF_UNIX", "AF_INET"])
def test_a_client_that_vanishes_while_torch_is_imported(family: str) -> None:
    with WorkerClient(family=family) as client:
        assert client.receive().header["op"] == "hello"
        client.connection.close()
        assert client.status(GONE_SECONDS) == 0


def test_a_client_that_vanishes_while_the_worker_works(flat_path: str) -> None:
    with WorkerClient() as client:
        client.ready()
        client.send("mesh", code(0), path=flat_path, resolution=512)
        client.connection.close()
        assert client.status(GONE_SECONDS) == 0


@pytest.mark.parametrize(
    "message", [b"GET / HTTP/1.1", b"\x80\x04N.", b'{"op": "mesh", "id": 1, "arrays": [{}]}']
)
def test_a_broken_frame_ends_the_worker(message: bytes) -> None:
    with WorkerClient() as client:
        client.receive()
        client.connection.send_bytes(message)
        assert client.status() == worker_main.EXIT_BROKEN_FRAME
        assert "Broken frame" in client.log


def test_a_wrong_key_ends_the_worker() -> None:
    with WorkerClient(key="00" * 32) as client:
        assert client.wait_refused() is not None
        assert client.status() == worker_main.EXIT_NO_CONNECTION
        assert "No connection" in client.log


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"", 2),
        (b"hello\n", 2),
        (b"[]\n", 2),
        (b'{"family": "AF_UNIX", "address": "a", "key": "no hex"}\n', 2),
        (b'{"family": "AF_TAPE", "address": "a", "key": "5ec2e7"}\n', 2),
        (b'{"family": "AF_INET", "address": ["127.0.0.1"], "key": "5ec2e7"}\n', 2),
        (b'{"family": "AF_INET", "address": ["127.0.0.1", "x"], "key": "5ec2e7"}\n', 2),
        (b'{"family": "AF_UNIX", "address": "/nowhere/s", "key": "5ec2e7"}\n', 4),
        (b'{"family": "AF_INET", "address": ["127.0.0.1", 1], "key": "5ec2e7"}\n', 4),
    ],
)
def test_a_start_that_leads_nowhere(line: bytes, status: int) -> None:
    with tempfile.TemporaryFile() as log:
        process = start(line, log)
        assert process.wait(30) == status
        log.seek(0)
        text = log.read().decode()
    assert text
    assert "5ec2e7" not in text


PARENT = """
import sys, time
sys.path.insert(0, {root!r})
from tests.core.worker_client import WorkerClient
client = WorkerClient()
print(client.receive().header["pid"], flush=True)
if {ready}: client.receive()
print("now", flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc")
@pytest.mark.parametrize("ready", [False, True])
def test_a_killed_parent_takes_the_worker_along(ready: bool, tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(root=str(ROOT), ready=ready)],
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        env=environment(TMPDIR=str(tmp_path)),
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert parent.stdout.readline() == b"now\n"
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_gone(pid, GONE_SECONDS)


def test_the_worker_leaves_nothing_behind(tmp_path: Path, flat_path: str) -> None:
    with WorkerClient(env=environment(TMPDIR=str(tmp_path))) as client:
        client.ready()
        client.ask("mesh", code(0), path=flat_path, resolution=16)
        client.send("bye")
        assert client.status() == 0
    assert list(tmp_path.iterdir()) == []


# What cannot work says so.


def unready(client: WorkerClient) -> dict[str, Any]:
    assert client.receive().header["op"] == "hello"
    header = client.receive().header
    assert header["op"] == "unready"
    assert header["id"] == 0
    assert client.status() == worker_main.EXIT_UNREADY
    return header


def test_a_torch_that_cannot_be_imported(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise OSError('a DLL is missing')")
    with WorkerClient(env=environment(tmp_path)) as client:
        header = unready(client)
    assert "a DLL is missing" in header["problem"]
    assert header["remedy"]
    assert header["missing"] == ["torch"]


def test_a_torch_that_is_too_old(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("__version__ = '2.5.1+cpu'")
    with WorkerClient(env=environment(tmp_path)) as client:
        header = unready(client)
    assert "2.5.1" in header["problem"]
    assert "2.6" in header["remedy"]


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_main, "NEEDED", {"no_such_module": "no-such", "json": "json"})
    with pytest.raises(worker_main.UnreadyError) as caught:
        worker_main.check_packages()
    assert caught.value.missing == ("no-such",)
    assert "pip install no-such" in caught.value.remedy


def test_all_that_core_imports_is_asked_for() -> None:
    """A package that is missing is named at the start, not in the middle of a fit."""
    needed = set()
    for path in sorted((ROOT / "core").rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Import):
                needed |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                needed.add(str(node.module).split(".")[0])
    assert set(worker_main.NEEDED) == needed - set(sys.stdlib_module_names)


def test_another_protocol() -> None:
    with WorkerClient(protocol=2) as client:
        assert "protocol 2" in unready(client)["problem"]


def test_a_device_that_is_not_there() -> None:
    with WorkerClient(device="abacus") as client:
        assert "abacus" in unready(client)["problem"]


def test_hello_needs_the_standard_library_only() -> None:
    program = (
        "import sys, core.worker.__main__\n"
        "print([m for m in ('torch', 'numpy', 'skimage', 'scipy') if m in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, check=True
    )
    assert found.stdout.strip() == b"[]"


def test_threads_are_chosen_by_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    seconds = {1: 1.0, 4: 0.5, 7: 0.49}
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(machine, "cores", lambda: 8)
    asked: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    monkeypatch.setattr(machine, "_measure", lambda: seconds[asked[-1]])
    assert machine.measured_threads() == 4  # three more threads for 2 % are Blender's
    assert asked == [1, 4, 7]
    seconds |= {4: 8.0, 7: 16.0}  # a busy machine
    assert machine.measured_threads() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    seconds |= {2: 0.6, 4: 0.3}
    assert machine.measured_threads() == 4
    monkeypatch.undo()
    assert torch.get_num_threads() == before
    measured: list[int] = []
    monkeypatch.setattr(FoldedDecoder, "_can_be_fused", False)
    monkeypatch.setattr(
        FoldedDecoder,
        "__call__",
        lambda self, points: measured.append(len(points)) or torch.zeros(len(points)),
    )
    assert machine._measure() > 0
    assert set(measured) == {CHUNK_POINTS}  # as extraction evaluates, chunk by chunk
    assert len(measured) == machine.CHUNKS * (machine.REPEATS + 1)


def test_the_start_line_is_json_of_the_protocol() -> None:
    import io

    line = {"protocol": 1, "family": "AF_INET", "address": ["127.0.0.1", 5], "key": "ab"}
    read = worker_main.Start.read(io.BytesIO(json.dumps(line).encode() + b"\nmore"))
    assert (read.address, read.key, read.device, read.threads) == (
        ("127.0.0.1", 5),
        b"\xab",
        "cpu",
        0,
    )


def test_too_little_memory_is_said_in_words():
    torchs_own = RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
    for error in (MemoryError(), torchs_own):
        told = error_header(error)
        assert told["problem"] == "There is not enough memory for this"
        assert told["remedy"].startswith("Lower the resolution")
    assert error_header(RuntimeError("odd"))["problem"] == "RuntimeError: odd"
