"""The teaching of an encoder beside its space: in the real worker process, and step by step."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.errors import TrainingError
from core.reconstruction import find_encoder, judging, teachfolder, teaching, teachrun
from core.reconstruction.encoderfile import encoder_path
from core.reconstruction.learning import EncoderOptions
from core.reconstruction.maskerlearning import MaskerOptions
from core.reconstruction.teachclock import TeachStep
from core.reconstruction.teaching import TeachOptions
from core.reconstruction.teachrun import Lesson, run_folder, teach_beside
from core.spacefile import write_space
from core.worker.request import RequestError
from core.worker.teaching import TeachingJob, asked_lesson

from .octahedron import octahedra
from .worker_client import WorkerClient

SHORT = Lesson(pictures=10, steps=4, seed=3)


@pytest.fixture(scope="module")
def worker() -> Iterator[WorkerClient]:
    with WorkerClient() as client:
        yield client.ready()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    where = tmp_path / "mine" / "octa.hedra.safetensors"
    where.parent.mkdir()
    write_space(where, octahedra())
    return where


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teachfolder, "PART", 5)
    monkeypatch.setattr(judging, "CHECKED", 5)
    monkeypatch.setattr(judging, "CHECKED_MASKS", 2)
    usual = Lesson.options

    def few(lesson: Lesson) -> TeachOptions:
        options = usual(lesson)
        return replace(options, encoder=replace(options.encoder, batch=6, views=2))

    monkeypatch.setattr(Lesson, "options", few)


def asked(worker: WorkerClient, path: Path, **options: Any) -> Any:
    return worker.ask("teach", path=str(path), options=options).header


def test_it_is_told_of_stopped_and_goes_on(worker: WorkerClient, path: Path) -> None:
    whole = {"pictures": 50, "steps": 100_000, "seed": 3}
    assert asked(worker, path, **whole)["op"] == "teaching"
    shares = []
    while True:
        header = worker.ask("next").header
        assert (header["op"], header["finished"], header["path"]) == ("progress", False, None)
        shares.append(header["share"])
        if header["stage"] == "encoder" and header["figures"]:
            break
    assert shares == sorted(shares)
    assert 0 < shares[-1] < 1
    assert header["figures"].keys() == {"loss", "code", "degrees"}
    busy = worker.ask("space", path=str(path)).header
    assert (busy["kind"], busy["problem"]) == ("Busy", "A teaching is running")
    assert worker.ask("stop").header["op"] == "stopping"
    last = worker.ask("next").header
    assert (last["finished"], last["reason"], last["path"]) == (True, "stopped", None)
    assert worker.ask("space", path=str(path)).header["op"] == "space"  # it is free again
    folder = run_folder(path)
    assert folder == path.parent / "encoders" / "octa.hedra.teaching"
    assert json.loads((folder / "teaching.json").read_text("utf-8")) == whole
    # As it was begun, and where it was.
    assert asked(worker, path)["op"] == "teaching"
    stages = set()
    while "encoder" not in stages:
        header = worker.ask("next").header
        stages.add(header["stage"])
    assert header["share"] >= last["share"]
    worker.ask("stop")
    assert worker.ask("next").header["reason"] == "stopped"
    assert json.loads((folder / "teaching.json").read_text("utf-8")) == whole


def test_what_cannot_be_taught_is_said(worker: WorkerClient, path: Path) -> None:
    for options, kind, said in (
        ({"colour": 1}, "Request", "colour"),
        ({"pictures": 0}, "TrainingError", "'pictures'"),
        ({"steps": True}, "TrainingError", "'steps'"),
        ({"seed": -1}, "TrainingError", "'seed'"),
    ):
        header = asked(worker, path, **options)
        assert (header["op"], header["kind"]) == ("error", kind)
        assert said in header["problem"]
    assert asked(worker, path.parent / "none")["kind"] == "SpaceError"
    (path.parent / "encoders").write_text("a file")
    header = asked(worker, path, pictures=5)
    assert header["kind"] == "EncoderError"
    assert "cannot be kept beside its space" in header["problem"]
    assert "Copy the space to a folder that you can write to" in header["remedy"]


@pytest.mark.usefixtures("brief")
def test_the_encoder_lands_where_it_is_looked_for(path: Path) -> None:
    space = octahedra()
    job = TeachingJob(teach_beside(space, path, SHORT), encoder_path(path))
    assert run_folder(path).is_dir()
    while job.running:
        job.advance()
    job.wait(1)
    delivery = job.delivery()
    assert delivery is not None
    assert isinstance(delivery[1], TeachStep)
    header, _ = job.reply(delivery[1])
    assert (header["finished"], header["reason"], header["share"]) == (True, "taught", 1.0)
    assert header["path"] == str(encoder_path(path))
    assert find_encoder(space, path).card["recipe"]["seed"] == 3
    assert not run_folder(path).exists()  # nothing is left to go on from


@pytest.mark.usefixtures("brief")
def test_a_stopped_one_comes_to_the_same_file(path: Path) -> None:
    space, out = octahedra(), encoder_path(path)
    list(teach_beside(space, path, SHORT))
    whole = out.read_bytes()
    out.write_bytes(b"an older one")
    running = teach_beside(space, path, SHORT)
    next(step for step in running if step.stage == "encoder")
    with pytest.raises(TrainingError, match="in use"):
        next(teach_beside(space, path))
    running.close()
    (run_folder(path) / "notes.txt").write_text("mine")
    assert out.read_bytes() == b"an older one"
    resumed = list(teach_beside(space, path))
    assert resumed[-1].stage == "done"
    assert out.read_bytes() == whole
    assert [each.name for each in run_folder(path).iterdir()] == ["notes.txt"]


@pytest.mark.usefixtures("brief")
def test_a_full_disk_keeps_what_was_learnt(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "somewhere")

    with monkeypatch.context() as patched:
        patched.setattr(teaching, "write_encoder", full)
        with pytest.raises(TrainingError, match=r"'somewhere' cannot be written.*is kept"):
            list(teach_beside(octahedra(), path, SHORT))
    assert (run_folder(path) / "lessons" / "encoder.pt").exists()
    stages = [step.stage for step in teach_beside(octahedra(), path)]
    assert not {"encoder", "masker"} & set(stages)  # all of that was kept
    assert stages[-1] == "done"


def test_what_can_never_be_taught_leaves_nothing(path: Path) -> None:
    one = replace(octahedra(), codes=octahedra().codes[:1])
    with pytest.raises(TrainingError, match="fewer than two"):
        next(teach_beside(one, path))
    assert not run_folder(path).exists()


def test_a_damaged_record_is_no_record(path: Path) -> None:
    folder = run_folder(path)
    assert teachrun.recorded(folder) is None
    folder.mkdir(parents=True)
    for text in ("{", "[]", '{"pictures": 5}', '{"pictures": 0, "steps": 1, "seed": 1}'):
        (folder / "teaching.json").write_text(text)
        assert teachrun.recorded(folder) is None
    (folder / "teaching.json").write_text('{"pictures": 5, "steps": 1, "seed": 1, "more": 2}')
    assert teachrun.recorded(folder) == Lesson(5, 1, 1)


def test_a_lesson_is_as_long_as_the_usual_one_unless_it_is_told() -> None:
    assert Lesson().options() == TeachOptions()
    short = Lesson(pictures=100, steps=EncoderOptions.steps // 2, seed=7).options()
    assert (short.encoder.pictures, short.seed) == (100, 7)
    assert short.masker.steps == MaskerOptions.steps // 2
    assert short.masker.pictures == MaskerOptions.pictures // 100
    assert asked_lesson({}) is None
    assert asked_lesson({"steps": 5}) == Lesson(steps=5)
    with pytest.raises(RequestError, match="colour"):
        asked_lesson({"colour": 1})
