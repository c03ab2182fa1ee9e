"""Training, encoding and exporting through the door, in the real worker process."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from threading import Event
from typing import Any

import numpy as np
import pytest
import torch
import trimesh

from core.extraction import extract
from core.loading import load_space
from core.shapes import packages
from core.space import Frame
from core.spacefile import write_space
from core.training import learning
from core.training.newshape import EncodeStep, NewShape
from core.training.placing import EncodeOptions
from core.training.progress import Progress
from core.training.run import train
from core.worker import service, wire
from core.worker.encoding import EncodingJob
from core.worker.training import TrainingJob, run_options

from .octahedron import octahedra, radius
from .worker_client import WorkerClient, wait_gone

# One process for all tests that need no start of their own.
SCALE = 2.0


@pytest.fixture(scope="module")
def worker() -> Iterator[WorkerClient]:
    with WorkerClient() as client:
        yield client.ready()


@pytest.fixture
def meshes(tmp_path: Path) -> Path:
    folder = tmp_path / "meshes"
    folder.mkdir()
    trimesh.creation.icosphere(2, radius=SCALE).export(folder / "ball.ply")
    trimesh.creation.icosphere(2, radius=SCALE / 2).export(folder / "small ball.ply")
    return folder


def progress(worker: WorkerClient) -> wire.Frame:
    frame = worker.ask("next")
    assert frame.header["op"] == "progress", frame.header
    return frame


def until(worker: WorkerClient, stage: str) -> wire.Frame:
    """The first progress of a stage, or the last of all."""
    while True:
        frame = progress(worker)
        if frame.header["stage"] == stage or frame.header["finished"]:
            return frame


def failed(frame: wire.Frame, kind: str, *said: str) -> dict[str, Any]:
    header = frame.header
    assert (header["op"], header["kind"]) == ("error", kind), header
    for text in said:
        assert text in header["problem"] + header["remedy"]
    return header


def test_a_training_is_shown_stopped_and_goes_on(
    worker: WorkerClient, meshes: Path, tmp_path: Path
) -> None:
    run = str(tmp_path / "run")
    options = {"name": "balls", "preset": "fine", "seed": 3}
    asked = {"folder": run, "source": str(meshes), "options": options}
    assert worker.ask("train", **asked).header["op"] == "training"
    first = progress(worker).header
    assert (first["stage"], first["total"]) == ("reading", 2)
    assert (first["finished"], first["reason"], first["path"]) == (False, "", None)
    failed(worker.ask("space", path=run), "Busy", "A training is running")
    failed(worker.ask("train", **asked), "Busy")
    begun = until(worker, "training").header
    assert begun["total"] > 0
    while True:
        shown = progress(worker)
        if shown.arrays:
            break
    assert shown.header["preview_name"] in ("ball", "small ball")
    assert shown.header["loss"] > 0
    points = shown.arrays["vertices"].numpy()
    # In the meshes' own units.
    assert SCALE / 4 < np.linalg.norm(points, axis=1).max() < 2 * SCALE
    assert shown.arrays["faces"].dtype == "<i4"

    assert worker.ask("stop").header["op"] == "stopping"
    last = progress(worker).header
    assert (last["finished"], last["reason"]) == (True, "stopped")
    space = worker.ask("space", path=last["path"]).header
    assert (space["name"], space["shape_names"]) == ("balls", ["ball", "small ball"])
    failed(worker.ask("next"), "Request", "No fit is running")

    failed(worker.ask("train", folder=run, source=None, options=options), "Request", "no options")
    other = {**asked, "options": {**options, "seed": 4}}
    failed(worker.ask("train", **other), "TrainingError", "other options")
    assert worker.ask("train", folder=run, source=None).header["op"] == "training"
    again = until(worker, "training").header
    assert again["done"] >= last["done"]
    worker.ask("stop")
    assert progress(worker).header["reason"] == "stopped"


def test_a_stop_before_the_training_has_no_space(
    worker: WorkerClient, meshes: Path, tmp_path: Path
) -> None:
    worker.ask("train", folder=str(tmp_path / "run"), source=str(meshes))
    worker.ask("stop")
    last = progress(worker).header
    assert (last["finished"], last["reason"], last["path"]) == (True, "stopped", None)


def test_what_cannot_be_trained_is_said(worker: WorkerClient, meshes: Path, tmp_path: Path) -> None:
    run, empty = str(tmp_path / "run"), tmp_path / "empty"
    empty.mkdir()
    source = str(meshes)
    failed(worker.ask("train", folder=run, source=str(empty)), "TrainingError", "no mesh")
    failed(worker.ask("train", folder=run + "2", source=None), "TrainingError", "no run")
    assert not Path(run + "2").exists()
    for options in ({"colour": 1}, {"seed": "3"}, {"centre": 1}, {"held_out": True}, {"name": 3}):
        frame = worker.ask("train", folder=run + "3", source=source, options=options)
        failed(frame, "Request", next(iter(options)))
    for options, said in (({"preset": "best"}, "draft"), ({"up": "X"}, "X"), ({"name": "/"}, "/")):
        frame = worker.ask("train", folder=run + "3", source=source, options=options)
        failed(frame, "TrainingError", said)
    failed(worker.ask("train", source=source), "Request", "folder")


def test_a_run_in_use_is_refused(worker: WorkerClient, meshes: Path, tmp_path: Path) -> None:
    steps = train(tmp_path / "run", meshes)
    next(steps)
    frame = worker.ask("train", folder=str(tmp_path / "run"), source=str(meshes))
    failed(frame, "TrainingError", "in use", str(os.getpid()))
    steps.close()  # type: ignore[attr-defined]


def test_missing_packages_are_named(
    meshes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "NEEDED", {"no_such_igl": "libigl", "json": "json"})
    requests, sent = SimpleQueue[wire.Frame](), Sent()
    served = service.Service(sent, requests)
    header = {"op": "train", "id": 1, "folder": str(tmp_path / "run"), "source": str(meshes)}
    requests.put(wire.Frame(header, {}))
    served.turn()
    (error,) = sent.headers
    assert (error["kind"], error["missing"]) == ("TrainingError", ["libigl"])
    assert "pip install libigl" in error["remedy"]


class Sent:
    """A connection that keeps the headers that are sent."""

    def __init__(self) -> None:
        self.headers: list[dict[str, Any]] = []

    def send_bytes(self, buf: Any, /) -> None:
        self.headers.append(json.loads(bytes(buf)))

    def recv_bytes(self, maxlength: int | None = None, /) -> bytes:
        raise EOFError


def test_a_killed_training_goes_on(meshes: Path, tmp_path: Path) -> None:
    """The lock ends with its process, and the checkpoint is there from the first step on."""
    run = tmp_path / "run"
    with WorkerClient() as client:
        client.ready()
        client.ask("train", folder=str(run), source=str(meshes), options={"preset": "draft"})
        until(client, "training")
        os.kill(client.process.pid, signal.SIGKILL)
        client.process.wait()
    steps = train(run, stop=(stop := Event()))
    stages = []
    for step in steps:
        stages.append(step.stage)
        if step.stage == "training":
            stop.set()
    assert "sampling" not in stages
    assert step.reason == "stopped"
    assert load_space(run / "space.safetensors").shape_names == ("ball", "small ball")


def test_a_training_ends_with_its_client(meshes: Path, tmp_path: Path) -> None:
    with WorkerClient() as client:
        client.ready()
        client.ask("train", folder=str(tmp_path / "run"), source=str(meshes))
        client.connection.close()
        wait_gone(client.process.pid, 20)
    # Nobody holds the folder any more.
    assert next(train(tmp_path / "run", meshes)).stage == "reading"


# Credits, without a process.


def job(*steps: Progress, stop: Event | None = None) -> TrainingJob:
    return TrainingJob(iter(steps), stop or Event())


def test_a_preview_is_not_lost_between_two_deliveries() -> None:
    mesh = extract(octahedra(), torch.ones(1), 8)
    run = job(
        Progress("training", 0),
        Progress("training", 1, preview=mesh, preview_name="small", frame=Frame(scale=SCALE)),
        Progress("training", 2),
        Progress("training", 3),
    )
    for _ in range(2):
        run.advance()
    run.wait(5)
    delivery = run.delivery()
    assert delivery is not None
    number, step = delivery
    assert number == 5
    assert isinstance(step, Progress)
    assert (step.done, step.preview_name) == (2, "small")
    header, arrays = run.reply(step)
    assert header["preview_name"] == "small"
    reach = np.abs(arrays["vertices"]).sum(axis=1).max()
    assert reach == pytest.approx(SCALE * radius(1), rel=1e-4)
    run.advance()
    run.wait(6)
    delivery = run.delivery()
    assert delivery is not None
    assert isinstance(delivery[1], Progress)
    assert delivery[1].preview is None
    assert run.reply(delivery[1])[1] == {}


def test_a_stop_lets_the_run_write() -> None:
    stop = Event()

    def steps() -> Iterator[Progress]:
        yield Progress("training", 1)
        assert stop.is_set()
        yield Progress("training", 2)
        yield Progress("writing", 2, finished=True, reason="stopped")

    run = TrainingJob(steps(), stop)
    run.stop()
    run.wait(1)
    delivery = run.delivery()
    assert delivery is not None
    assert isinstance(delivery[1], Progress)
    assert delivery[1].finished
    assert run.over


def test_many_warnings_fit_a_header() -> None:
    run = job(Progress("signing", warnings=("x" * 10_000,) * 1000, loss=float("inf")))
    header, _ = run.reply(Progress("signing", warnings=("x" * 10_000,) * 1000))
    assert len(json.dumps(header)) < wire.MAX_HEADER_BYTES


def test_the_device_is_the_workers() -> None:
    options = run_options({"name": "a", "up": "Y", "centre": True, "held_out": 0}, "cuda:1")
    assert (options.device, options.alignment.up, options.alignment.centre) == ("cuda:1", "Y", True)


# Encoding.


@pytest.fixture
def path(tmp_path: Path) -> str:
    space = octahedra(Frame("Z", SCALE, (1.0, 0.0, 0.0)))
    write_space(tmp_path / "octahedra.safetensors", space)
    return str(tmp_path / "octahedra.safetensors")


def octahedron(code: float) -> tuple[np.ndarray, np.ndarray]:
    """The shape of ``code``, in the space's local coordinates."""
    corners = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
    faces = [(a, b, c) for a in (0, 1) for b in (2, 3) for c in (4, 5)]
    turned = [f if (sum(n % 2 for n in f) % 2 == 0) else f[::-1] for f in faces]
    vertices = corners * radius(code) * SCALE + [1.0, 0, 0]
    return vertices.astype("<f4"), np.array(turned, "<i4")


def encoded(worker: WorkerClient, path: str, arrays: Any, **options: Any) -> wire.Frame:
    """The last frame of an encoding."""
    frame = worker.ask("encode", arrays, path=path, options=options)
    assert frame.header["op"] == "encoding", frame.header
    while True:
        frame = worker.ask("next")
        assert frame.header["op"] == "step", frame.header
        if frame.header["done"]:
            return frame


@pytest.mark.parametrize("kind", ["mesh", "scan", "cloud"])
def test_encode(worker: WorkerClient, path: str, kind: str) -> None:
    vertices, faces = octahedron(0.6)
    options: dict[str, Any] = {}
    if kind == "scan":
        faces, options = faces[:5], {"partial": True}
    if kind == "cloud":
        points, _ = trimesh.sample.sample_surface(trimesh.Trimesh(vertices, faces), 500, seed=1)
        vertices, faces = points.astype("<f4"), faces[:0]
    frame = encoded(worker, path, {"vertices": vertices, "faces": faces}, resolution=16, **options)
    header = frame.header
    assert header["reason"] == ("steps" if header["step"] == header["steps"] else "converged")
    assert 0 <= header["loss"] < 0.02
    assert float(frame.arrays["code"].numpy()[0]) == pytest.approx(0.6, abs=0.06)
    assert header["error"] < 0.02
    assert np.array_equal(frame.arrays["object"].numpy(), np.eye(4))
    found = frame.arrays["vertices"].numpy() - [1, 0, 0]
    assert np.abs(found).sum(axis=1).max() == pytest.approx(SCALE * radius(0.6), abs=0.1)
    assert header["report"]["components"] == 1
    assert header["warnings"] == []


def test_a_code_that_is_far_out_is_warned_of(worker: WorkerClient, path: str) -> None:
    """The codes of this space lie at one deviation, 0.3, from the mean."""
    space = replace(load_space(path), codes=torch.tensor([[-0.3], [0.0], [0.3]]))
    write_space(path, space)
    for code, warned in ((0.7, 0), (-0.7, 0), (1.5, 1)):
        vertices, faces = octahedron(code)
        arrays = {"vertices": vertices, "faces": faces}
        header = encoded(worker, path, arrays, resolution=16).header
        assert len(header["warnings"]) == warned, code
    assert " deviations from the mean of space 'octahedra'" in header["warnings"][0]


def test_a_shape_elsewhere_is_brought_into_the_cube(worker: WorkerClient, path: str) -> None:
    vertices, faces = octahedron(0.6)
    far = (vertices - [1, 0, 0]) * 50 + [300, 20, 0]
    arrays = {"vertices": far.astype("<f4"), "faces": faces}
    frame = worker.ask("encode", arrays, path=path)
    failed(frame, "TrainingError", "times as far as the cube", "centred")
    frame = encoded(worker, path, arrays, centre=True, normalise=True, resolution=16, steps=50)
    back = frame.arrays["object"].numpy() @ np.append([1.0, 0, 0], 1)
    assert back[:3] == pytest.approx([300, 20, 0], abs=1e-3)


def test_an_encoding_is_stopped() -> None:
    """Without a process: this one would be done before a stop could reach it."""
    space, (vertices, faces) = octahedra(), octahedron(0.6)
    own = (vertices - [1.0, 0, 0]) / SCALE
    shape = NewShape(space, own, faces.astype(np.int64), EncodeOptions())
    run = EncodingJob(shape, shape.encode(), 8)
    run.wait(1)
    first = run.delivery()
    assert first is not None
    assert isinstance(first[1], EncodeStep)
    header, arrays = run.reply(first[1])
    assert (header["step"], header["done"], header["error"]) == (1, False, None)
    assert set(arrays) == {"code", "object", "vertices", "faces"}
    assert run.busy
    run.stop()
    assert not run.busy
    run.wait(2)
    last = run.delivery()
    assert last is not None
    assert isinstance(last[1], EncodeStep)
    assert (last[1].step, last[1].done, last[1].reason) == (1, True, "stopped")
    assert last[1].error is not None
    assert last[1].error < 0.2


def test_what_cannot_be_encoded_is_said(worker: WorkerClient, path: str) -> None:
    vertices, faces = octahedron(0.6)
    arrays = {"vertices": vertices, "faces": faces}
    for options in ({"colour": 1}, {"steps": -1}, {"partial": 1}, {"resolution": 2}, {"centre": 1}):
        frame = worker.ask("encode", arrays, path=path, options=options)
        failed(frame, "Request", next(iter(options)))
    for name in ("centre", "normalise"):
        frame = worker.ask("encode", arrays, path=path, options={"partial": True, name: True})
        failed(frame, "TrainingError", "by its own box", f"leave {name} out")
    failed(worker.ask("encode", {"vertices": vertices}, path=path), "Request", "faces")
    bad = vertices.copy()
    bad[2, 1] = np.nan
    failed(worker.ask("encode", {**arrays, "vertices": bad}, path=path), "TrainingError", "NaN")
    cloud = {"vertices": vertices[:3], "faces": faces[:0]}
    failed(worker.ask("encode", cloud, path=path), "TrainingError", "3 points")
    wrong = {**arrays, "faces": faces + 3}
    failed(worker.ask("encode", wrong, path=path), "TrainingError", "names vertex")


# Export.


def test_export(worker: WorkerClient, path: str, tmp_path: Path) -> None:
    folder = tmp_path / "experiment"
    header = worker.ask("export", path=path, folder=str(folder)).header
    assert header["op"] == "exported"
    assert all(Path(file).is_file() for file in header["files"])
    assert "no last tanh" in header["notes"][0]
    assert worker.ask("space", path=str(folder)).header["name"] == "octahedra"
    failed(worker.ask("export", path=path, folder=str(folder)), "SpaceError", "not empty")


def test_progress_is_left_for_anybody(meshes: Path, tmp_path: Path) -> None:
    run, stop = tmp_path / "run", Event()
    for step in train(run, meshes, stop=stop):
        if step.stage == "training":
            stop.set()
    left = json.loads((run / "progress.json").read_text(encoding="utf-8"))
    assert (left["finished"], left["reason"]) == (True, "stopped")
    assert learning.CHECKPOINT_SECONDS <= 60
    assert time.time() - (run / "progress.json").stat().st_mtime < 60
