"""Reconstruction through the door, in the real worker process, by an encoder of one guess."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from core.reconstruction import SpaceEncoder, reconstruct
from core.reconstruction.cropview import CropView, Square, around
from core.reconstruction.encoder import Encoder, EncoderForm
from core.reconstruction.encoderfile import encoder_path, fingerprint, write_encoder
from core.reconstruction.masker import Masker
from core.reconstruction.placing import camera_of, picture_view
from core.reconstruction.result import Reconstruction, ReconstructOptions
from core.space import Frame
from core.spacefile import write_space
from core.worker.reconstructing import ReconstructingJob

from .octahedron import octahedra, radius
from .worker_client import WorkerClient

SIDE = 96
FRAME = Frame("Z", 2.0, (1.0, 0.0, 0.0))
GUESS = CropView(around(0.3, 0.2, 0.0), (0.0, 0.0), 1.0, 0.25)
CODE = 0.4


@pytest.fixture(scope="module")
def worker() -> Iterator[WorkerClient]:
    with WorkerClient() as client:
        yield client.ready()


def encoder(code: float = CODE) -> SpaceEncoder:
    """One that always says the same."""
    space = octahedra(FRAME)
    network = Encoder(EncoderForm(1, guesses=1, side=32, widths=(4, 4, 4, 4), features=8))
    whitened = space.statistics.whiten(torch.tensor([code])).numpy()
    with torch.no_grad():
        network.guesses.weight.zero_()
        told = np.concatenate([whitened, GUESS.numbers(), [0.0]])
        network.guesses.bias.copy_(torch.from_numpy(told))
    network.eval()
    return SpaceEncoder(space.name, fingerprint(space), network, Masker().eval(), torch.eye(1))


@pytest.fixture
def path(tmp_path: Path) -> str:
    where = tmp_path / "octahedra.safetensors"
    write_space(where, octahedra(FRAME))
    write_encoder(encoder_path(where), encoder())
    return str(where)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """A grey square on its corner, clear around it: not far from an octahedron's silhouette."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] - SIDE / 2 + 0.5
    inside = np.abs(rows) + np.abs(columns) < 0.38 * SIDE
    rgba = np.zeros((SIDE, SIDE, 4), np.uint8)
    rgba[inside] = (120, 120, 120, 255)
    return rgba


def run(worker: WorkerClient, path: str, arrays: Any, **fields: Any) -> list[Any]:
    """All step frames."""
    frame = worker.ask("reconstruct", arrays, path=path, **fields)
    assert frame.header["op"] == "reconstructing", frame.header
    frames = []
    while True:
        frame = worker.ask("next")
        assert frame.header["op"] == "step", frame.header
        frames.append(frame)
        if frame.header["done"]:
            return frames


def failed(frame: Any, kind: str, *said: str) -> None:
    header = frame.header
    assert (header["op"], header["kind"]) == ("error", kind), header
    for text in said:
        assert text in header["problem"] + header["remedy"]


def test_the_encoders_word_alone(worker: WorkerClient, path: str, picture: np.ndarray) -> None:
    options = {"steps": 0, "resolution": 16}
    *before, last = run(worker, path, {"picture": picture}, options=options)
    # Between two deliveries any number of steps may pass: only the last is sure to be seen.
    assert [frame.header["stage"] for frame in before] in ([], ["guess"])
    assert not any("mask" in frame.arrays for frame in before)
    header, arrays = last.header, last.arrays
    assert (header["stage"], header["predicted"], header["remarks"]) == ("done", False, [])
    assert 0.5 < header["iou"] <= 1
    assert arrays["code"].numpy()[0] == pytest.approx(CODE, abs=1e-5)
    assert np.array_equal(arrays["object"].numpy(), np.eye(4))
    assert np.array_equal(arrays["mask"].numpy(), picture[..., 3])
    wide = np.abs(arrays["vertices"].numpy() - [1, 0, 0]).sum(axis=1).max()
    assert wide == pytest.approx(FRAME.scale * radius(CODE), abs=0.1)
    rows = np.flatnonzero(picture[..., 3].any(1))
    half = (rows[-1] + 1 - rows[0]) / 2 * 1.15
    camera, focal = camera_of(GUESS, Square(SIDE / 2, SIDE / 2, half), SIDE, SIDE, FRAME)
    assert header["focal"] == pytest.approx(focal, rel=1e-5)
    np.testing.assert_allclose(arrays["camera"].numpy(), camera.numpy(), atol=1e-5)


def test_before_a_camera_that_stays(worker: WorkerClient, path: str, picture: np.ndarray) -> None:
    camera = torch.eye(4, dtype=torch.float64)
    camera[:3, 3] = torch.tensor([3.0, 2.0, 1.0])
    view = picture_view(camera, 120.0, SIDE, SIDE).matrix.numpy()
    arrays = {"picture": picture, "view": view}
    options = {"resolution": 16, "steps": 3, "guesses": 1}
    last = run(worker, path, arrays, options=options, scale=0.5)[-1]
    assert "camera" not in last.arrays
    assert last.header["focal"] is None
    matrix = last.arrays["object"].numpy()
    np.testing.assert_allclose(np.linalg.norm(matrix[:3, :3], axis=0), 0.5, atol=1e-3)
    middle = view @ matrix @ [1.0, 0.0, 0.0, 1.0]
    np.testing.assert_allclose(middle[:2] / middle[3], SIDE / 2, atol=3)
    assert last.header["iou"] > 0.8


def test_a_lens_is_given_or_noted_by_the_photos_file(
    worker: WorkerClient, path: str, picture: np.ndarray, tmp_path: Path
) -> None:
    notes = Image.Exif()
    notes.get_ifd(0x8769)[0xA405] = 70
    Image.new("RGB", (30, 20)).save(tmp_path / "photo.jpg", exif=notes)
    (tmp_path / "text.jpg").write_text("no picture")
    photo, text = str(tmp_path / "photo.jpg"), str(tmp_path / "text.jpg")
    options = {"steps": 2, "resolution": 16}

    def told(**fields: Any) -> tuple[Any, float]:
        header = run(worker, path, {"picture": picture}, options=options, **fields)[-1].header
        return header["lens"], header["focal"] * 36 / SIDE

    assert told(lens=40) == pytest.approx((40, 40))
    assert told(lens=40, photo=photo) == pytest.approx((40, 40))
    assert told(photo=photo) == pytest.approx((70, 70))
    for nothing in ({}, {"photo": text}, {"photo": str(tmp_path / "gone.jpg")}):
        assert told(**nothing)[0] is None
    view = picture_view(torch.eye(4, dtype=torch.float64), 120.0, SIDE, SIDE).matrix.numpy()
    both = {"picture": picture, "view": view}
    assert run(worker, path, both, options=options, photo=photo)[-1].header["lens"] is None
    failed(worker.ask("reconstruct", both, path=path, lens=40), "ViewError", "lens and a camera")
    failed(worker.ask("reconstruct", {"picture": picture}, path=path, lens="a"), "Request", "lens")
    failed(worker.ask("reconstruct", {"picture": picture}, path=path, lens=1e6), "ViewError", "mm")


def test_a_mask_of_any_size(worker: WorkerClient, path: str, picture: np.ndarray) -> None:
    arrays = {"picture": np.full_like(picture, 255), "mask": picture[::2, ::2, 3].copy()}
    last = run(worker, path, arrays, options={"steps": 0})[-1]
    assert not last.header["predicted"]
    assert last.arrays["mask"].shape == (SIDE, SIDE)


def test_what_cannot_be_reconstructed_is_said(
    worker: WorkerClient, path: str, picture: np.ndarray
) -> None:
    def ask(arrays: Any, **fields: Any) -> Any:
        return worker.ask("reconstruct", arrays, path=path, **fields)

    whole = {"picture": picture}
    for options in ({"colour": 1}, {"steps": "3"}, {"pose": 1}, {"trust": -1}, {"guesses": True}):
        failed(ask(whole, options=options), "Request", next(iter(options)))
    for options in ({"steps": -1}, {"guesses": 0}, {"resolution": 10**6}, {"trust": 1e6}):
        failed(ask(whole, options=options), "FitError", next(iter(options)))
    for scale in (0, -1, "1", True):
        failed(ask(whole, scale=scale), "Request", "scale")
    failed(ask({}), "Request", "picture")
    failed(ask({"picture": picture[..., :3].copy()}), "Request", "picture")
    failed(ask({**whole, "view": np.full((4, 4), np.nan)}), "ViewError")
    failed(ask({**whole, "view": np.eye(3)}), "ViewError")
    failed(ask({**whole, "view": np.zeros((4, 4))}), "ViewError")
    failed(ask({"picture": picture * 0}), "PictureError", "transparent all over")
    failed(ask({"picture": picture[:4, :4].copy()}), "PictureError", "4 x 4")
    failed(ask({**whole, "mask": picture[..., 3] * 0}), "PictureError", "empty")


def test_an_encoder_is_read_anew_when_its_file_changes(
    worker: WorkerClient, path: str, picture: np.ndarray
) -> None:
    def code() -> float:
        frames = run(worker, path, {"picture": picture}, options={"steps": 0})
        return float(frames[-1].arrays["code"].numpy()[0])

    assert code() == pytest.approx(CODE, abs=1e-5)
    write_encoder(encoder_path(Path(path)), encoder(-0.3))
    assert code() == pytest.approx(-0.3, abs=1e-5)
    write_encoder(encoder_path(Path(path)), replace(encoder(), fingerprint="0" * 32))
    asked = worker.ask("reconstruct", {"picture": picture}, path=path)
    failed(asked, "EncoderError", "was not taught")
    encoder_path(Path(path)).unlink()
    asked = worker.ask("reconstruct", {"picture": picture}, path=path)
    failed(asked, "EncoderError", "no encoder", "core teach", "built-in")


def test_a_stop_gives_the_best_so_far(picture: np.ndarray) -> None:
    """Without a process: this one would be done before a stop could reach it."""
    space, options = octahedra(FRAME), ReconstructOptions(resolution=16)
    rgba = torch.from_numpy(picture).permute(2, 0, 1) / 255
    first = next(iter(reconstruct(space, encoder(), rgba, options=options)))

    def steps() -> Iterator[Reconstruction]:
        yield first
        for number, iou in enumerate((0.6, 0.9, 0.7), 1):
            yield replace(first, stage="refine", step=number, iou=iou)

    job = ReconstructingJob(space, steps(), options)
    for _ in range(3):
        job.advance()
    job.stop()
    job.wait(1)
    delivery = job.delivery()
    assert delivery is not None
    assert isinstance(delivery[1], Reconstruction)
    assert (delivery[1].step, delivery[1].iou, delivery[1].done) == (2, 0.9, True)
    header, arrays = job.reply(delivery[1])
    assert header["done"]
    assert "mask" in arrays
    assert job.over
