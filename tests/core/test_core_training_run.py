"""Whole runs on small meshes: what is written, interrupted and resumed, and what bad input does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
import torch
import trimesh

from core import files
from core.decoder import Architecture
from core.errors import TrainingError
from core.extraction import extract
from core.loading import load_space
from core.pose import transformed
from core.shapes.family import Alignment
from core.training import autodecoder, learning, preparation, runlock
from core.training.autodecoder import Training, TrainingOptions
from core.training.presets import options_for
from core.training.progress import Pace, Progress
from core.training.run import RunOptions, train
from core.training.sources import held_out

from .worker_client import environment

TRAINING = TrainingOptions(
    Architecture(2, (24, 24), fourier_degree=1),
    steps=40,
    shapes_per_step=2,
    points_per_shape=256,
    clamp=0.3,
    code_deviation=0.1,
)
OPTIONS = RunOptions(name="balls", seed=5, training=TRAINING)
RADII = {"a": 1.0, "b": 2.0, "c": 1.5}


@pytest.fixture(autouse=True)
def small_and_calm(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(preparation, "NEAR_POINTS", 3_000)
    monkeypatch.setattr(preparation, "VOLUME_POINTS", 1_000)


@pytest.fixture
def meshes(tmp_path: Path) -> Path:
    folder = tmp_path / "meshes"
    folder.mkdir()
    for name, radius in RADII.items():
        ball(radius).export(folder / f"{name}.ply")
    return folder


def ball(radius: float) -> Any:
    return trimesh.creation.icosphere(2, radius=radius)


def run_all(*arguments: Any, **more: Any) -> list[Progress]:
    return list(train(*arguments, **more))


def bytes_of(run: Path) -> tuple[bytes, dict[str, Any]]:
    state = torch.load(run / "training.pt", weights_only=True)
    return (run / "balls.safetensors").read_bytes(), state


def report(run: Path) -> dict[str, dict[str, Any]]:
    entries = json.loads((run / "report.json").read_text(encoding="utf-8"))["meshes"]
    return {entry["name"]: entry for entry in entries}


def test_a_run_reads_signs_samples_trains_and_writes(meshes: Path, tmp_path: Path) -> None:
    steps = run_all(tmp_path / "run", meshes, OPTIONS)
    stages = list(dict.fromkeys(step.stage for step in steps))
    assert stages == ["reading", "signing", "sampling", "training", "writing"]
    assert [step.finished for step in steps] == [False] * (len(steps) - 1) + [True]
    last = steps[-1]
    assert (last.reason, last.done, last.total) == ("trained", 40, 40)
    assert last.path == tmp_path / "run" / "balls.safetensors"
    assert last.loss is not None
    space = load_space(last.path)
    assert space.shape_names == ("a", "b", "c")
    assert space.card["training_shapes"] == 3
    assert space.card["finished"] is True
    assert str(tmp_path) not in json.dumps(dict(space.card))
    assert {name: entry["outcome"] for name, entry in report(tmp_path / "run").items()} == {
        "a": "used",
        "b": "used",
        "c": "used",
    }
    left = json.loads((tmp_path / "run" / "progress.json").read_text(encoding="utf-8"))
    assert (left["finished"], left["path"]) == (True, str(last.path))


def test_shapes_come_back_at_their_size_and_place(tmp_path: Path) -> None:
    """Balls about (10, 0, 0), the first of radius 3: the frame brings them back there."""
    source = tmp_path / "meshes"
    source.mkdir()
    for name, radius in (("a", 3.0), ("b", 2.5)):
        mesh = ball(radius)
        mesh.apply_translation([10, 0, 0])
        mesh.export(source / f"{name}.ply")
    long = replace(TRAINING, steps=400)
    *_, last = train(tmp_path / "run", source, replace(OPTIONS, training=long))
    space = load_space(last.path or "")
    found = extract(space, space.codes[0], 32)
    points = transformed(space.frame.matrix(), found.vertices.double()).numpy()
    assert points.mean(axis=0) == pytest.approx([10, 0, 0], abs=0.2)
    assert np.linalg.norm(points - [10, 0, 0], axis=1) == pytest.approx(3, abs=0.4)


@pytest.mark.parametrize("way", ["close", "stop", "crash"])
def test_an_interrupted_run_ends_as_the_whole_one(
    way: str, meshes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_all(tmp_path / "whole", meshes, OPTIONS)
    run = tmp_path / "broken"
    if way == "close":
        steps = train(run, meshes, OPTIONS)
        assert next(s for s in steps if s.stage == "training" and s.done == 13)
        steps.close()  # type: ignore[attr-defined]
        saved = 13
    elif way == "stop":
        stop = Event()
        for step in train(run, meshes, OPTIONS, stop=stop):
            if step.done == 13 and step.stage == "training":
                stop.set()
        assert step.reason == "stopped"
        saved = 13
    else:
        # A fault between two checkpoints, at step 20; the last was written after step 7.
        with monkeypatch.context() as patch:
            broken_at(patch, 20, RuntimeError("power cut"), saved=7)
            with pytest.raises(RuntimeError, match="power cut"):
                run_all(run, meshes, OPTIONS)
        saved = 7
    assert Training.load(run / "training.pt").step == saved
    assert load_space(run / "balls.safetensors").card["steps"] == saved
    resumed = run_all(run)
    assert "sampling" not in {step.stage for step in resumed}
    assert resumed[-1].reason == "trained"
    space, state = bytes_of(run)
    whole_space, whole_state = bytes_of(tmp_path / "whole")
    assert space == whole_space
    assert torch.equal(state["codes"], whole_state["codes"])
    assert torch.equal(state["generator"], whole_state["generator"])
    # A finished run that goes on changes nothing.
    assert run_all(run)[-1].reason == "trained"
    assert bytes_of(run)[0] == whole_space


def broken_at(
    patch: pytest.MonkeyPatch, step: int, error: Exception, *, saved: int, times: int = 1
) -> None:
    """Lets the run save after step ``saved`` only, and fail in step ``step``, so many times."""
    true_advance, true_save = Training._advance, Training.save
    failures = []

    def advance(self: Training, *arguments: Any) -> float:
        if self.step == step - 1 and len(failures) < times:
            failures.append(self.options.points_per_shape)
            raise error
        return true_advance(self, *arguments)

    def save(self: Training, path: Path) -> None:
        if self.step in (0, saved, self.options.steps):
            true_save(self, path)

    patch.setattr(Training, "_advance", advance)
    patch.setattr(Training, "save", save)
    patch.setattr(learning, "CHECKPOINT_SECONDS", 0.0)
    true_write = learning.write_space
    patch.setattr(
        learning,
        "write_space",
        lambda path, space: space.card["steps"] in (0, saved, 40) and true_write(path, space),
    )


def test_the_whole_run_takes_part_in_the_seed(meshes: Path, tmp_path: Path) -> None:
    for name, options in (("a", OPTIONS), ("b", OPTIONS), ("c", replace(OPTIONS, seed=6))):
        run_all(tmp_path / name, meshes, options)
    assert bytes_of(tmp_path / "a")[0] == bytes_of(tmp_path / "b")[0] != bytes_of(tmp_path / "c")[0]


def test_an_interrupted_preparation_takes_no_sample_twice(
    meshes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, taken = tmp_path / "run", []
    true = preparation.sample_solid

    def counted(solid: Any, **options: Any) -> Any:
        taken.append(solid.name)
        return true(solid, **options)

    monkeypatch.setattr(preparation, "sample_solid", counted)
    steps = train(run, meshes, OPTIONS)
    assert next(s for s in steps if s.stage == "signing" and s.done == 2)
    steps.close()  # type: ignore[attr-defined]
    assert taken == ["a", "b"]
    run_all(run)
    assert taken == ["a", "b", "c"]


def test_a_stop_while_reading_is_resumed_too(meshes: Path, tmp_path: Path) -> None:
    run, stop = tmp_path / "run", Event()
    stop.set()
    (step, last) = run_all(run, meshes, OPTIONS, stop=stop)
    assert (step.stage, last.finished, last.path) == ("reading", True, None)
    assert run_all(run)[-1].reason == "trained"


def test_a_run_in_use_is_refused_and_a_dead_one_taken_over(meshes: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    steps = train(run, meshes, OPTIONS)
    next(steps)
    with pytest.raises(TrainingError, match=rf"in use by another process \(number {os.getpid()}\)"):
        next(train(run, meshes, OPTIONS))
    # Another process finds the same, and one that dies leaves a lock that counts for nothing.
    script = (
        "import os, sys; from pathlib import Path; from core.training.runlock import locked\n"
        "with locked(Path(sys.argv[1])): os._exit(7)"
    )
    command = [sys.executable, "-c", script, str(run)]
    refused = subprocess.run(command, env=environment(), capture_output=True, check=False)
    assert b"in use" in refused.stderr
    steps.close()  # type: ignore[attr-defined]
    assert subprocess.run(command, env=environment(), check=False).returncode == 7
    assert (run / runlock.LOCK).read_text() != ""
    assert next(train(run, meshes, OPTIONS)).stage == "reading"


def test_other_meshes_or_options_need_another_folder(meshes: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run_all(run, meshes, OPTIONS)
    before = bytes_of(run)[0]
    with pytest.raises(TrainingError, match="other options"):
        run_all(run, meshes, replace(OPTIONS, alignment=Alignment(centre=True)))
    ball(1.2).export(meshes / "d.ply")
    with pytest.raises(TrainingError, match="other meshes"):
        run_all(run, meshes, OPTIONS)
    assert bytes_of(run)[0] == before
    steps = run_all(run, meshes, OPTIONS, anew=True)
    # The new shape is no farther out than the others: their samples still hold.
    assert [step.message for step in steps if step.stage == "sampling"] == ["d: closed"]
    assert load_space(steps[-1].path or "").shape_names == ("a", "b", "c", "d")


def files_of(run: Path) -> dict[str, bytes]:
    names = ("run.json", "report.json", "training.pt", "balls.safetensors", "progress.json")
    return {name: (run / name).read_bytes() for name in names}


def test_a_run_is_replaced_once_the_new_one_has_its_samples(meshes: Path, tmp_path: Path) -> None:
    run, others = tmp_path / "run", tmp_path / "others"
    run_all(run, meshes, OPTIONS)
    before = files_of(run)
    others.mkdir()
    not_finite(others)
    with pytest.raises(TrainingError, match="refused"):
        run_all(run, others, OPTIONS, anew=True)
    assert files_of(run) == before
    (others / "bad.ply").unlink()
    for name, radius in (("x", 1.0), ("y", 0.6)):
        ball(radius).export(others / f"{name}.ply")
    for stage in ("reading", "signing"):
        steps = train(run, others, OPTIONS, anew=True)
        assert next(step for step in steps if step.stage == stage)
        steps.close()  # type: ignore[attr-defined]
        assert files_of(run) == before
    steps = train(run, others, OPTIONS, anew=True)
    assert next(step for step in steps if step.stage == "training")
    steps.close()  # type: ignore[attr-defined]
    assert run_all(run)[-1].reason == "trained"
    assert load_space(run / "balls.safetensors").shape_names == ("x", "y")
    assert sorted(report(run)) == ["x", "y"]


def test_a_mesh_that_was_signed_when_a_run_is_stopped_is_kept(
    meshes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, stop = tmp_path / "run", Event()
    true, signed = preparation.solid, []

    def stopped(mesh: Any, **options: Any) -> Any:
        stop.set()
        signed.append(mesh.name)
        return true(mesh, **options)

    monkeypatch.setattr(preparation, "solid", stopped)
    assert run_all(run, meshes, OPTIONS, stop=stop)[-1].reason == "stopped"
    assert len(list((run / "samples").iterdir())) == 1
    run_all(run)
    assert signed == ["a", "b", "c"]


def test_held_out_shapes_are_never_trained_on(meshes: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    *_, last = train(run, meshes, replace(OPTIONS, held_out=0.5))
    assert load_space(last.path or "").shape_names == ("a", "c")
    assert report(run)["b"]["outcome"] == "held out"


@pytest.mark.parametrize("count", [240, 242, 320])
def test_a_tenth_is_every_tenth_from_the_sixth_on(count: int) -> None:
    """Built-in spaces and runs of old depend on which shapes these are."""
    names = [f"shape_{n:04d}" for n in range(count)]
    assert held_out(names, 0.1) == [name for n, name in enumerate(names) if n % 10 == 5]


@pytest.mark.parametrize("share", [0.05, 0.2, 0.25, 0.3, 1 / 3, 0.4, 0.45, 0.5])
@pytest.mark.parametrize("count", [3, 5, 20, 101])
def test_what_is_held_out_is_the_share_that_was_asked_for(share: float, count: int) -> None:
    names = [f"shape_{n:04d}" for n in range(count)]
    chosen = held_out(names, share)
    assert abs(len(chosen) - share * count) < 1
    assert len(chosen) >= 1
    assert chosen == held_out(names, share)
    assert chosen == sorted(set(chosen))
    # Evenly: gaps differ by one at the most.
    places = [names.index(name) for name in chosen]
    gaps = {after - before for before, after in pairwise(places)}
    assert max(gaps, default=0) - min(gaps, default=0) <= 1


def test_few_shapes_are_held_out_by_name_or_said_to_be_too_few(
    meshes: Path, tmp_path: Path
) -> None:
    for share, names, expected in (
        (0.1, "abcde", ["c"]),
        (0.0, "abcde", []),
        (0.1, "ab", []),
        (0.4, "abcde", ["c", "e"]),
    ):
        assert held_out(names, share) == expected
    steps = run_all(tmp_path / "run", meshes, replace(OPTIONS, held_out=0.1))
    assert "held out 1 of 3: b" in [step.message for step in steps if step.stage == "reading"]
    (meshes / "c.ply").unlink()
    *_, last = train(tmp_path / "two", meshes, replace(OPTIONS, held_out=0.1))
    assert any("Nothing is held out: of 2 shapes" in text for text in last.warnings)


# Bad input.


def failure(source: Path, tmp_path: Path, options: RunOptions = OPTIONS) -> TrainingError:
    with pytest.raises(TrainingError) as caught:
        run_all(tmp_path / "run", source, options)
    assert caught.value.remedy
    return caught.value


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    assert "no mesh" in failure(tmp_path / "none", tmp_path).problem
    for name, radius in (("a", 1.0), ("b", 0.8)):
        ball(radius).export(tmp_path / "none" / f"{name}.ply")
    assert run_all(tmp_path / "run", tmp_path / "none", OPTIONS)[-1].reason == "trained"


def test_one_mesh_is_refused(meshes: Path, tmp_path: Path) -> None:
    """Given alone, or left over when the others are refused."""
    for name in ("b", "c"):
        (meshes / f"{name}.ply").unlink()
    not_finite(meshes)
    said = failure(meshes, tmp_path).problem
    assert "two shapes or more" in said
    assert "there is one: 'a'; refused: bad" in said
    next(meshes.glob("bad.*")).unlink()
    assert "there is one: 'a'" in failure(meshes, tmp_path).problem


def test_identical_meshes_are_named(meshes: Path, tmp_path: Path) -> None:
    (meshes / "twin.ply").write_bytes((meshes / "b.ply").read_bytes())
    *_, last = train(tmp_path / "run", meshes, OPTIONS)
    assert any("'twin' is the same mesh as 'b'" in text for text in last.warnings)
    assert len(load_space(last.path or "").codes) == 4


@pytest.mark.parametrize(
    ("centre", "normalise", "expected"),
    [
        (False, False, {"b", "copy"}),
        (True, False, {"b", "copy", "far", "moved"}),
        (True, True, {"b", "copy", "far", "large", "moved"}),
        (False, True, {"b", "copy"}),
    ],
)
def test_twins_are_what_is_one_shape_once_placed(
    centre: bool, normalise: bool, expected: set[str], tmp_path: Path
) -> None:
    """Through files, whose single precision rounds what was moved."""
    source = tmp_path / "meshes"
    source.mkdir()
    for name, scale, move in (
        ("b", 1, 0),
        ("copy", 1, 0),
        ("far", 1, 97.13),
        ("large", 2.3, 4.1),
        ("moved", 1, 0.31),
        ("other", 1, 0),
    ):
        mesh = ball(1.0)
        if name == "other":  # with the same faces
            mesh.apply_transform(np.diag([1, 1, 0.999, 1]))
        mesh.apply_scale(scale).apply_translation([move, -move, 2 * move]).export(
            source / f"{name}.ply"
        )
    options = replace(OPTIONS, alignment=Alignment(centre=centre, normalise=normalise))
    steps = train(tmp_path / "run", source, options)
    warnings = next(step for step in steps if step.stage == "signing").warnings
    steps.close()  # type: ignore[attr-defined]
    twins = [text.split("'")[1::2] for text in warnings if "is the same mesh as" in text]
    assert {name for pair in twins for name in pair} == expected
    assert {pair[1] for pair in twins} == {"b"}


def not_finite(folder: Path) -> None:
    mesh = ball(1)
    mesh.vertices[3] = np.nan
    mesh.export(folder / "bad.ply")


def flat(folder: Path) -> None:
    mesh = ball(1)
    mesh.vertices[:, 1:] = 0
    mesh.export(folder / "bad.obj")


def huge(folder: Path) -> None:
    """A header that claims ten million faces."""
    header = "ply\nformat binary_little_endian 1.0\nelement vertex 3\nproperty float x\n"
    header += "property float y\nproperty float z\nelement face 10000000\n"
    header += "property list uchar int vertex_indices\nend_header\n"
    (folder / "bad.ply").write_bytes(header.encode() + bytes(100))


def damaged(folder: Path) -> None:
    (folder / "bad.glb").write_bytes(b"glTF and nothing more")


@pytest.mark.parametrize("make", [not_finite, flat, huge, damaged])
def test_a_bad_mesh_is_refused_by_name_and_the_rest_goes_on(
    make: Callable[[Path], None], meshes: Path, tmp_path: Path
) -> None:
    make(meshes)
    *_, last = train(tmp_path / "run", meshes, OPTIONS)
    assert last.reason == "trained"
    assert load_space(last.path or "").shape_names == ("a", "b", "c")
    (warning,) = last.warnings
    assert warning.startswith("Left out: 'bad.")
    entry = report(tmp_path / "run")["bad"]
    assert entry["outcome"] == "refused"
    assert entry["problem"]
    assert entry["remedy"]
    if make is huge:
        assert "10,000,000 faces" in warning


@pytest.mark.parametrize("make", [not_finite, flat, huge])
def test_nothing_but_bad_meshes(make: Callable[[Path], None], tmp_path: Path) -> None:
    source = tmp_path / "meshes"
    source.mkdir()
    make(source)
    assert "bad." in failure(source, tmp_path).problem
    for name, radius in (("good", 1.0), ("better", 0.8)):
        ball(radius).export(source / f"{name}.ply")
    assert run_all(tmp_path / "run")[-1].reason == "trained"


def test_a_mesh_that_changes_under_a_run_is_noticed(meshes: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    steps = train(run, meshes, OPTIONS)
    assert next(s for s in steps if s.stage == "signing")
    steps.close()  # type: ignore[attr-defined]
    ball(1.1).export(meshes / "b.ply")
    *_, last = train(run)
    assert any("'b.ply' has changed" in text for text in last.warnings)
    assert load_space(last.path or "").shape_names == ("a", "c")


@pytest.mark.parametrize("name", ["training.pt", "mine.safetensors"])
def test_a_folder_with_files_that_a_run_would_replace_is_refused(
    meshes: Path, tmp_path: Path, name: str
) -> None:
    theirs = tmp_path / "run" / name
    theirs.parent.mkdir()
    theirs.write_bytes(b"not a run's")
    failed = failure(meshes, tmp_path)
    assert name in failed.problem
    assert "another folder" in failed.remedy
    assert theirs.read_bytes() == b"not a run's"
    assert list(theirs.parent.iterdir()) == [theirs]


# A machine that gives out.


def full(*_: Any) -> None:
    raise OSError(28, "No space left on device")


def test_a_disk_that_fills_up_while_sampling(
    meshes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", full)
        failed = failure(meshes, tmp_path)
    assert "resume" in failed.remedy
    assert not list((tmp_path / "run").rglob("*.part"))
    with monkeypatch.context() as patch:
        patch.setattr("core.shapes.samplecache.write_whole", full)
        failed = failure(meshes, tmp_path)
    assert "disk is full" in failed.problem
    said = json.loads((tmp_path / "run" / "progress.json").read_text())
    assert (said["finished"], said["reason"], said["message"]) == (True, "failed", str(failed))
    assert run_all(tmp_path / "run")[-1].reason == "trained"


def test_a_full_disk_does_not_keep_a_run_from_being_locked(
    meshes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    run_all(run, meshes, OPTIONS)
    monkeypatch.setattr(runlock.os, "write", full)
    with runlock.locked(run), pytest.raises(TrainingError, match="in use"), runlock.locked(run):
        pass


def test_a_run_folder_without_rights_says_so(
    meshes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    run_all(run, meshes, OPTIONS)
    monkeypatch.setattr(runlock.os, "open", full)
    with pytest.raises(TrainingError, match="cannot be written to: No space left"):
        run_all(run)


def test_a_disk_that_fills_up_while_training(
    meshes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    true, written = autodecoder.write_whole, list[Path]()

    def write(path: Path, data: bytes) -> None:
        written.append(path)
        with monkeypatch.context() as patch:
            if len(written) > 11:  # one at the start, one a step
                patch.setattr(files.os, "fsync", full)
            true(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(learning, "CHECKPOINT_SECONDS", 0.0)
        patch.setattr(autodecoder, "write_whole", write)
        failed = failure(meshes, tmp_path)
    assert "checkpoint could not be written" in failed.problem
    assert "resume" in failed.remedy
    assert not list(run.glob("*.part"))
    assert Training.load(run / "training.pt").step == 10
    run_all(run)
    run_all(tmp_path / "whole", meshes, OPTIONS)
    assert bytes_of(run)[0] == bytes_of(tmp_path / "whole")[0]


def test_a_space_that_cannot_be_written_leaves_the_checkpoint(
    meshes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("core.spacefile.write_whole", full)
        assert "could not be written" in failure(meshes, tmp_path).problem
    assert run_all(tmp_path / "run")[-1].reason == "trained"


SHORTAGES = [
    torch.OutOfMemoryError("CUDA out of memory"),
    MemoryError(),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
]
SHORTAGE_NAMES = ["cuda", "python", "cpu", "windows"]


@pytest.mark.parametrize("error", SHORTAGES, ids=SHORTAGE_NAMES)
def test_short_memory_halves_the_points_twice(
    error: Exception, meshes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken_at(monkeypatch, 20, error, saved=7, times=2)
    *_, last = train(tmp_path / "run", meshes, OPTIONS)
    assert last.reason == "trained"
    assert [text for text in last.warnings if "going on from step 7 with 128" in text]
    assert [text for text in last.warnings if "going on from step 7 with 64" in text]
    # The points that were enough are kept with the run.
    assert Training.load(tmp_path / "run" / "training.pt").options.points_per_shape == 64


def test_memory_that_stays_short_leaves_the_checkpoint(
    meshes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        broken_at(patch, 20, torch.OutOfMemoryError("CUDA out of memory"), saved=7, times=9)
        failed = failure(meshes, tmp_path)
    assert "not enough memory on 'cpu', even with 64 points" in failed.problem
    assert "checkpoint is kept" in failed.remedy
    assert Training.load(tmp_path / "run" / "training.pt").step == 7
    assert run_all(tmp_path / "run")[-1].reason == "trained"


@pytest.mark.parametrize("where", ["decoder", "optimiser", "device", "samples", "load"])
@pytest.mark.parametrize("error", SHORTAGES, ids=SHORTAGE_NAMES)
def test_memory_that_is_short_from_the_start_leaves_a_run_to_resume(
    error: Exception,
    where: str,
    meshes: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def short(*_: Any, **__: Any) -> None:
        raise error

    with monkeypatch.context() as patch:
        if where == "load":
            # A step gives out, then what goes back to the checkpoint.
            broken_at(patch, 20, error, saved=7, times=9)
            patch.setattr(Training, "_restore", short)
        elif where == "optimiser":
            patch.setattr(torch.optim, "Adam", short)
        elif where == "samples":
            patch.setattr(autodecoder, "tensors", short)
        else:
            name = {"decoder": "__init__", "device": "to"}[where]
            patch.setattr(autodecoder.Decoder, name, short)
        failed = failure(meshes, tmp_path)
    assert "not enough memory on 'cpu'" in failed.problem
    kept = "checkpoint is" if where in ("load", "samples") else "samples are"
    assert f"resume on another device: the {kept} kept" in failed.remedy
    resumed = run_all(tmp_path / "run")
    assert "sampling" not in {step.stage for step in resumed}
    assert resumed[-1].reason == "trained"


@pytest.mark.parametrize("error", SHORTAGES, ids=SHORTAGE_NAMES)
@pytest.mark.parametrize("stage", ["reading", "signing", "sampling"])
def test_a_mesh_that_is_too_much_for_the_memory_is_named(
    stage: str, error: Exception, meshes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(*_: Any, **__: Any) -> None:
        raise error

    place = {
        "reading": "core.training.sources.read_mesh",
        "signing": "core.training.preparation.solid",
        "sampling": "core.training.preparation.sample_solid",
    }[stage]
    with monkeypatch.context() as patch:
        patch.setattr(place, short)
        failed = failure(meshes, tmp_path)
    assert f"not enough memory for {stage} 'a" in failed.problem
    assert run_all(tmp_path / "run")[-1].reason == "trained"


def test_a_shortage_while_reading_a_file_is_no_damage(
    meshes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(*_: Any, **__: Any) -> None:
        raise MemoryError

    monkeypatch.setattr("core.shapes.meshes._parse", short)
    assert "not enough memory for reading 'a.ply'" in failure(meshes, tmp_path).problem


@pytest.mark.parametrize("error", SHORTAGES, ids=SHORTAGE_NAMES)
def test_memory_that_is_short_while_writing_keeps_the_checkpoint(
    error: Exception, meshes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(*_: Any, **__: Any) -> None:
        raise error

    run = tmp_path / "run"
    for place in ("torch.save", "core.training.learning.write_space"):
        steps = train(run, meshes, OPTIONS)
        assert next(s for s in steps if s.stage == "training" and s.done == 3)
        with monkeypatch.context() as patch:
            patch.setattr(place, short)
            with pytest.raises(TrainingError, match="not enough memory") as caught:
                steps.close()  # type: ignore[attr-defined]
        assert "then resume the run" in caught.value.remedy
    assert run_all(run)[-1].reason == "trained"


def test_a_training_that_comes_apart_says_so(
    meshes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = Training._advance
    with monkeypatch.context() as patch:
        patch.setattr(
            Training, "_advance", lambda self, s: float("nan") if self.step == 9 else true(self, s)
        )
        assert "came apart at step 10" in failure(meshes, tmp_path).problem
    assert load_space(tmp_path / "run" / "balls.safetensors").card["steps"] == 0


@pytest.mark.parametrize("what", ["weight", "code", "moment"])
@pytest.mark.parametrize("preview", [False, True])
def test_a_checkpoint_without_numbers_is_never_written(
    what: str, preview: bool, meshes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss of the step was a number; what the step made of the weights is none."""
    true = Training._advance

    def advance(self: Training, samples: Any) -> float:
        loss = true(self, samples)
        if self.step == 9:
            spoil(self, what)
        return loss

    with monkeypatch.context() as patch:
        patch.setattr(learning, "CHECKPOINT_SECONDS", 0.0)
        patch.setattr(learning, "PREVIEW_SECONDS", 0.0 if preview else 1e9)
        patch.setattr(learning, "PREVIEW_SHARE", 1e9)
        patch.setattr(Training, "_advance", advance)
        failed = failure(meshes, tmp_path)
    assert "came apart at step 10" in failed.problem
    assert "last checkpoint is kept" in failed.remedy
    assert Training.load(tmp_path / "run" / "training.pt").step == 9
    assert load_space(tmp_path / "run" / "balls.safetensors").card["steps"] == 9


def spoil(training: Training, what: str) -> None:
    with torch.no_grad():
        if what == "weight":
            training.decoder.weights[1][0, 0] = float("inf")
        elif what == "code":
            training.codes[0, 0] = float("nan")
        else:
            next(iter(training.optimisers[0].state.values()))["exp_avg"][0] = float("nan")


# Several processes.

TEAM = """
import sys
from dataclasses import replace
from pathlib import Path
import torch
from core.training import distributed, preparation
from core.training.run import RunOptions, train
import json
torch.set_num_threads(1)
preparation.NEAR_POINTS, preparation.VOLUME_POINTS = 3_000, 1_000
options = RunOptions.from_json(json.loads(sys.argv[3]))
team, device = distributed.join("cpu")
for _ in train(Path(sys.argv[1]), Path(sys.argv[2]), options, team=team):
    assert team.leads
distributed.leave()
"""


def test_two_processes_share_a_run(meshes: Path, tmp_path: Path) -> None:
    """By torchrun; the sum of two halves differs from the whole in the last bits only."""
    script = tmp_path / "team.py"
    script.write_text(TEAM)
    few = replace(OPTIONS, training=replace(TRAINING, steps=10, shapes_per_step=3))
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    given = [str(script), str(tmp_path / "team"), str(meshes), json.dumps(few.to_json())]
    done = subprocess.run(
        [sys.executable, *launcher, *given],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    run_all(tmp_path / "alone", meshes, few)
    shared, alone = (bytes_of(tmp_path / name)[1] for name in ("team", "alone"))
    assert shared["step"] == alone["step"] == 10
    assert torch.equal(shared["generator"], alone["generator"])
    assert torch.allclose(shared["codes"], alone["codes"], atol=1e-3)
    assert not torch.allclose(shared["codes"], torch.zeros(()), atol=1e-2)


# Options, previews, time.


def test_previews_show_every_shape_in_turn(
    meshes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "PREVIEW_SECONDS", 0.0)
    monkeypatch.setattr(learning, "PREVIEW_SHARE", 1e9)
    long = replace(TRAINING, steps=150)
    steps = run_all(tmp_path / "run", meshes, replace(OPTIONS, training=long))
    shown = [step for step in steps if step.preview is not None]
    assert {step.preview_name for step in shown} == set("abc")
    assert all(step.preview is not None and len(step.preview.vertices) for step in shown)
    # What is shown changes nothing in what is learnt.
    run_all(tmp_path / "blind", meshes, replace(OPTIONS, training=long), previews=False)
    assert bytes_of(tmp_path / "run")[0] == bytes_of(tmp_path / "blind")[0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "../a"},
        {"name": "a\nb"},
        {"name": ".a"},
        {"preset": "best"},
        {"seed": -1},
        {"held_out": 0.7},
        {"thickness": float("nan")},
    ],
)
def test_options_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(TrainingError):
        RunOptions(**wrong)


def test_the_preset_decides_where_no_options_are_given(meshes: Path, tmp_path: Path) -> None:
    steps = train(tmp_path / "run", meshes, RunOptions(name="balls", preset="draft"))
    begun = next(step for step in steps if step.stage == "training")
    steps.close()  # type: ignore[attr-defined]
    assert begun.total == options_for(3, "draft").steps
    assert Training.load(tmp_path / "run" / "training.pt").options == options_for(3, "draft")


def test_options_come_back_from_json() -> None:
    options = replace(OPTIONS, alignment=Alignment("Y", True, True, 0.7), held_out=0.1)
    assert RunOptions.from_json(json.loads(json.dumps(options.to_json()))) == options
    for damaged in ({"colour": 1}, {"alignment": 3}, {"training": {}}):
        with pytest.raises(TrainingError):
            RunOptions.from_json(damaged)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"kind": "other"}'])
def test_a_damaged_record_is_refused(content: str, meshes: Path, tmp_path: Path) -> None:
    steps: Iterator[Progress] = train(tmp_path / "run", meshes, OPTIONS)
    list(islice(steps, 1))
    steps.close()  # type: ignore[attr-defined]
    (tmp_path / "run" / "run.json").write_text(content)
    with pytest.raises(TrainingError, match="run"):
        run_all(tmp_path / "run")


def test_the_pace_is_that_of_the_last_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("core.training.progress.time.monotonic", lambda: now)
    pace = Pace(1000)
    assert pace.seconds_left(0) is None
    for done in range(1, 101):
        now = float(done)
        left = pace.seconds_left(done)
    assert left == pytest.approx(900)
    for done in range(101, 501):
        now += 0.1
        left = pace.seconds_left(done)
    assert left == pytest.approx(50)
