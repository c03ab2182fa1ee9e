"""The command line's training, encoding and exporting: what it prints, writes and refuses."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import trimesh

from core import training_commands
from core.__main__ import INTERRUPTED, USER_ERROR
from core.decoder import Architecture
from core.loading import load_space
from core.space import Frame
from core.spacefile import write_space
from core.training import distributed, preparation
from core.training import run as run_module
from core.training.autodecoder import TrainingOptions
from core.training.progress import Progress
from core.training.runrecord import Record
from core.training_commands import duration

from .command_line import fails, run
from .octahedron import octahedra, radius
from .worker_client import environment

FULL_OPTIONS = run_module.training_options
TINY = TrainingOptions(
    Architecture(2, (16, 16)), steps=20, shapes_per_step=2, points_per_shape=128, clamp=0.3
)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(preparation, "NEAR_POINTS", 2_000)
    monkeypatch.setattr(preparation, "VOLUME_POINTS", 1_000)
    monkeypatch.setattr(run_module, "training_options", lambda *_: TINY)


@pytest.fixture
def meshes(tmp_path: Path) -> Path:
    folder = tmp_path / "meshes"
    folder.mkdir()
    trimesh.creation.icosphere(2).export(folder / "ball.ply")
    trimesh.creation.icosphere(2, radius=0.5).export(folder / "small.ply")
    return folder


def octahedron(code: float) -> Any:
    corners = np.concatenate([np.eye(3), -np.eye(3)]) * radius(code)
    return trimesh.convex.convex_hull(corners)


def test_train(meshes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "balls"
    assert run("train", meshes, "--out", out, "--preset", "draft", "--seed", 3) == 0
    said = capsys.readouterr()
    for stage in ("reading", "signing", "sampling", "training"):
        assert f"{stage:<8} 0 of " in said.out
    assert re.search(r"^trained: 20 steps, loss 0\.\d+$", said.out, re.MULTILINE)
    assert "error" not in said.out
    assert f"wrote {out / 'balls.safetensors'}" in said.out
    assert said.err == ""
    space = load_space(out / "balls.safetensors")
    assert (space.name, space.shape_names) == ("balls", ("ball", "small"))
    assert (space.card["seed"], space.card["preset"]) == (3, "draft")
    assert run("report", out) == 0
    assert capsys.readouterr().out.splitlines() == ["ball   closed", "small  closed"]
    # Again, and resumed: nothing is left to do, and little is said.
    assert run("train", "--out", out, "--resume") == 0
    resumed = capsys.readouterr().out.splitlines()
    assert resumed[0] == "signing  2 of 2  2 of 2 were sampled before"
    assert resumed[2] == "trained: 20 steps"
    words = [line.split()[0] for line in resumed]
    assert words == ["signing", "training", "trained:", "wrote", "train"]


def test_a_plain_training_is_exported_for_deepsdf(
    meshes: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def short(record: Record) -> TrainingOptions:
        return replace(FULL_OPTIONS(record), steps=10)

    monkeypatch.setattr(run_module, "training_options", short)
    for name, flags, warnings in (("usual", (), 1), ("plain", ("--plain",), 0)):
        assert run("train", meshes, "--out", tmp_path / name, "--preset", "draft", *flags) == 0
        assert run("export", tmp_path / name / f"{name}.safetensors", tmp_path / f"{name}_sdf") == 0
        assert capsys.readouterr().err.count("DeepSDF's own programs cannot") == warnings
    assert "other options" in fails(
        capsys, "train", meshes, "--out", tmp_path / "plain", "--preset", "draft"
    )


def test_train_says_how_to_judge_the_space(
    meshes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("train", meshes, "--out", tmp_path / "a") == 0
    assert "three shapes or more and --held-out 0.1" in capsys.readouterr().out.splitlines()[-1]
    trimesh.creation.icosphere(2, radius=0.7).export(meshes / "middle.ply")
    out = tmp_path / "b c"
    assert run("train", meshes, "--out", out, "--held-out", 0.3) == 0
    command = capsys.readouterr().out.splitlines()[-1].partition(": ")[2]
    assert shlex.split(command)[1:] == ["-m", "core", "judge", str(out)]


def test_a_run_that_goes_on_takes_the_threads_that_are_asked_for(
    meshes: Path, tmp_path: Path
) -> None:
    first = (meshes, "--threads", 2)
    for given, used in ((first, 2), (("--resume",), 2), (("--resume", "--threads", 1), 1)):
        torch.set_num_threads(1)
        assert run("train", *given, "--out", tmp_path / "run") == 0
        assert torch.get_num_threads() == used


def test_train_warns_and_reports(
    meshes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (meshes / "bad.obj").write_text("v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n")
    assert run("train", meshes, "--out", tmp_path / "run", "--name", "my balls") == 0
    error = capsys.readouterr().err
    assert error.startswith("warning: Left out: 'bad.obj'")
    assert error.count("\n") == 1
    assert (tmp_path / "run" / "my balls.safetensors").is_file()
    assert run("report", tmp_path / "run") == 0
    assert "bad    refused; " in capsys.readouterr().out


def test_a_name_that_is_not_utf_8_is_refused(
    meshes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        (meshes / os.fsdecode(b"\xff.ply")).write_bytes((meshes / "ball.ply").read_bytes())
    except OSError:
        pytest.skip("this file system takes no such name")
    assert run("train", meshes, "--out", tmp_path / "run") == 0
    said = capsys.readouterr()
    assert said.err == (
        "warning: Left out: The name of '\\xff.ply' is not valid UTF-8. Rename the file.\n"
    )
    assert load_space(tmp_path / "run" / "run.safetensors").shape_names == ("ball", "small")
    meshes.rename(tmp_path / os.fsdecode(b"\xfe"))
    for arguments in (
        (tmp_path / os.fsdecode(b"\xfe"), "--out", tmp_path / "other"),
        (tmp_path / "run", "--out", tmp_path / os.fsdecode(b"\xfd") / "other"),
    ):
        (tmp_path / "run" / "a.ply").touch()
        assert "not valid UTF-8. Rename the folder" in fails(capsys, "train", *arguments)


def test_what_cannot_be_trained(
    meshes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert "--resume" in fails(capsys, "train", "--out", out)
    assert "no run" in fails(capsys, "train", "--out", out, "--resume")
    assert "own meshes" in fails(capsys, "train", meshes, "--out", out, "--resume")
    assert "no device 'abacus'" in fails(
        capsys, "train", meshes, "--out", out, "--device", "abacus"
    )
    assert "'held_out'" in fails(capsys, "train", meshes, "--out", out, "--held-out", 2)
    assert "no folder of meshes" in fails(capsys, "train", tmp_path / "none", "--out", out)
    assert "no run" in fails(capsys, "report", tmp_path / "none")
    assert run("train", meshes, "--out", tmp_path / "b") == 0
    assert "other options" in fails(capsys, "train", meshes, "--out", tmp_path / "b", "--seed", 1)
    assert run("train", meshes, "--out", tmp_path / "b", "--seed", 1, "--anew") == 0


def test_a_team_goes_on_where_its_run_was(
    meshes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, joined = tmp_path / "run", []
    assert run("train", meshes, "--out", out, "--device", "cpu") == 0
    record = json.loads((out / "run.json").read_text())
    record["options"]["device"] = "cuda"
    (out / "run.json").write_text(json.dumps(record))
    monkeypatch.setattr(training_commands, "check_device", lambda _: None)
    monkeypatch.setattr(
        distributed, "join", lambda device: joined.append(device) or (distributed.ALONE, device)
    )
    monkeypatch.setattr(run_module, "train", lambda *_, **__: iter([Progress("training", 1, 1)]))
    assert run("train", "--out", out, "--resume") == 0
    assert run("train", "--out", out, "--resume", "--device", "cpu") == 0
    assert run("train", meshes, "--out", out) == 0
    assert joined == ["cuda", "cpu", "cpu"]


def test_a_team_is_left_however_a_training_ends(
    meshes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = []
    monkeypatch.setattr(distributed, "leave", lambda: left.append(True))
    assert run("train", meshes, "--out", tmp_path / "run") == 0
    assert left == [True]

    def broken(*_: object, **__: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr(run_module, "train", broken)
    with pytest.raises(ZeroDivisionError):
        run("train", meshes, "--out", tmp_path / "other")
    assert left == [True, True]


@pytest.mark.parametrize(
    ("name", "content"),
    [("bad.ply", b"ply\nformat"), ("bad.obj", b"v 0 0 nan\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")],
)
def test_messages_are_words_for_people(
    name: str, content: bytes, path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text('{"kind": "meshsdf-run 1"}')
    (tmp_path / "bad.xyz").write_text("one two three")
    for arguments in (
        ("encode", path, tmp_path / name),
        ("encode", path, tmp_path / "bad.xyz"),
        ("train", "--out", tmp_path / "run", "--resume"),
    ):
        said = fails(capsys, *arguments)
        assert not re.search(r"Error|Exception|not finite", said), said


def test_an_interrupt_keeps_what_there_is(meshes: Path, tmp_path: Path) -> None:
    """The real process, with the real Ctrl+C, in the middle of the training."""
    out = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-m", "core", "train", str(meshes), "--out", str(out)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("training"):
            process.send_signal(signal.SIGINT)
            break
    rest, error = process.communicate(timeout=100)
    assert process.returncode == INTERRUPTED
    assert f"wrote {out / 'run.safetensors'}" in rest
    assert "stopping after this step" in error
    (command,) = re.findall("go on with: (.+)", error)
    assert command.endswith(f" -m core train --out {out} --resume")
    assert (Path.cwd() / shlex.split(command)[0]).samefile(sys.executable)
    assert "Traceback" not in error
    assert load_space(out / "run.safetensors").card["steps"] > 0
    assert (out / "training.pt").is_file()


@pytest.mark.parametrize("kind", ["mesh", "scan", "ply", "xyz", "npy"])
def test_encode(kind: str, path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mesh, given = octahedron(0.5), tmp_path / "given.ply"
    more: list[object] = []
    points, _ = trimesh.sample.sample_surface(mesh, 800, seed=1)
    if kind == "mesh":
        mesh.export(given)
    elif kind == "scan":
        more = ["--partial"]
        trimesh.Trimesh(mesh.vertices, mesh.faces[:5]).export(given)
    elif kind == "ply":
        trimesh.PointCloud(points).export(given)
    elif kind == "xyz":
        given = given.with_suffix(".xyz")
        np.savetxt(given, points)
    else:
        given = given.with_suffix(".npy")
        np.save(given, points)
    code, out = tmp_path / "code.json", tmp_path / "out.ply"
    more += ["--out", code, "--mesh", out, "--resolution", 24]
    assert run("encode", path, given, *more) == 0
    before, told = capsys.readouterr().out.split("mean surface distance ")
    assert before == ("signing and sampling\nclosed\n" if kind == "mesh" else "")
    said = told.splitlines()[0]
    assert 0 <= float(said.split()[0]) < 0.02
    both = "of both ways" if kind == "mesh" else "from the given points to the code's shape"
    assert f" in the file's units, {both}: " in said
    assert said.endswith(" % of the longest side of the given shape's box")
    saved = json.loads(code.read_text())
    assert saved["code"] == pytest.approx([0.5], abs=0.06)
    assert saved["surface_error"] < 0.02
    reach = np.abs(trimesh.load(out).vertices).sum(axis=1).max()
    assert reach == pytest.approx(radius(0.5), abs=0.03)
    # The code is one that the other commands read.
    assert run("mesh", path, "--code", code, "--resolution", 8, "--out", out) == 0


def test_the_mesh_of_an_encoding_stands_where_the_given_one_does(
    path: Path, tmp_path: Path
) -> None:
    given, out = octahedron(0.5), tmp_path / "out.ply"
    given.apply_scale(20)
    given.apply_translation([100, -40, 7])
    given.export(tmp_path / "given.ply")
    more = ("--centre", "--normalise", "--mesh", out, "--resolution", 32)
    write_space(path, replace(octahedra(), frame=Frame(offset=(0.0, 0.0, 2.0), scale=3.0)))
    assert run("encode", path, tmp_path / "given.ply", *more) == 0
    np.testing.assert_allclose(trimesh.load(out).bounds, given.bounds, atol=1.0)


@pytest.mark.parametrize("flag", ["--centre", "--normalise"])
def test_a_partial_scan_is_not_placed_by_its_own_box(
    flag: str, path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mesh = octahedron(0.5)
    trimesh.Trimesh(mesh.vertices, mesh.faces[:5]).export(tmp_path / "scan.ply")
    said = fails(capsys, "encode", path, tmp_path / "scan.ply", "--partial", flag)
    assert "by its own box" in said
    assert f"leave {flag[2:]} out" in said
    # A space that was trained so does not do it either.
    alignment = {"centre": True, "normalise": True}
    write_space(path, replace(octahedra(), card={"alignment": alignment}))
    code = tmp_path / "code.json"
    assert run("encode", path, tmp_path / "scan.ply", "--partial", "--out", code) == 0
    assert json.loads(code.read_text())["code"] == pytest.approx([0.5], abs=0.06)


@pytest.mark.parametrize("kind", ["mesh", "cloud"])
def test_files_of_a_family_with_y_up_are_turned(
    kind: str, path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As its training turned them: two above the ground along Y is two along Z in the space."""
    raised, mesh = Frame(offset=(0.0, 0.0, 2.0)), octahedron(0.5)
    mesh.apply_translation([0, 2, 0])
    given = tmp_path / "given.ply"
    if kind == "cloud":
        mesh = trimesh.PointCloud(trimesh.sample.sample_surface(mesh, 800, seed=1)[0])
    mesh.export(given)
    code = tmp_path / "code.json"
    write_space(path, replace(octahedra(), frame=raised, card={"alignment": {"up": "Y"}}))
    assert run("encode", path, given, "--out", code) == 0
    assert json.loads(code.read_text())["code"] == pytest.approx([0.5], abs=0.06)
    write_space(path, replace(octahedra(), frame=raised))
    capsys.readouterr()
    assert "as far as the cube" in fails(capsys, "encode", path, given)


def test_a_far_code_is_warned_of(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_space(path, replace(octahedra(), codes=torch.tensor([[-0.3], [0.0], [0.3]])))
    for code, told in ((0.5, ""), (1.5, "warning: The code lies ")):
        octahedron(code).export(tmp_path / "given.ply")
        assert run("encode", path, tmp_path / "given.ply") == 0
        error = capsys.readouterr().err
        assert error.startswith(told)
        assert bool(error) == bool(told)


def test_what_cannot_be_encoded(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    octahedron(0).apply_scale(30).export(tmp_path / "large.ply")
    assert "normalised" in fails(capsys, "encode", path, tmp_path / "large.ply")
    assert run("encode", path, tmp_path / "large.ply", "--normalise", "--steps", 3) == 0
    assert "cannot be read" in fails(capsys, "encode", path, tmp_path / "none.ply")
    (tmp_path / "text.xyz").write_text("one two three\n")
    assert "point cloud" in fails(capsys, "encode", path, tmp_path / "text.xyz")
    (tmp_path / "few.xyz").write_text("0 0 0\n1 0 0\n")
    assert "2 points" in fails(capsys, "encode", path, tmp_path / "few.xyz")
    assert "no mesh file" in fails(capsys, "encode", path, path)


def judged(text: str) -> dict[str, list[float]]:
    """Numbers of each line by what it is of: Chamfer twice, normals, IoU, components."""
    found = {}
    for line in text.splitlines()[2:]:
        name, figures = re.split(r"  |: ", line, maxsplit=1)
        found[name] = [float(number) for number in re.findall(r"(?<= )\d[\d.]*", figures)]
    return found


def test_judge_a_space(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Octahedra that the space holds exactly, and a ball, which it does not."""
    folder = tmp_path / "meshes"
    folder.mkdir()
    for name, code in (("large", 1.0), ("new", 0.5), ("other", -0.4)):
        octahedron(code).export(folder / f"{name}.ply")
    assert run("judge", path, folder, "--resolution", 32) == 0
    said = capsys.readouterr().out
    assert said.startswith("2 shapes, each to be signed")
    found = judged(said)
    # "large" is one that the space was trained on.
    assert set(found) == {"new", "other", "mean of 2"}
    squared, distance, normals, iou, components = found["new"]
    assert squared < 0.5
    assert distance < 0.02
    assert normals > 0.95
    assert iou > 0.95
    assert components == 1
    assert "  watertight" in said.splitlines()[2]
    assert said.splitlines()[-1].endswith("watertight 100 %")
    means = [(a + b) / 2 for a, b in zip(found["new"], found["other"], strict=True)]
    assert found["mean of 2"][:5] == pytest.approx(means, abs=1e-3)
    # What the card says of held-out shapes goes before.
    write_space(path, replace(octahedra(), card={"held_out_shapes": ["ball", "bad"]}))
    trimesh.creation.icosphere(3, radius=0.6).export(folder / "ball.ply")
    (folder / "bad.obj").write_text("v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n")
    assert run("judge", path, folder, "--resolution", 32) == 0
    said = capsys.readouterr()
    assert set(judged(said.out)) == {"ball", "mean of 1"}
    assert 0.3 < judged(said.out)["ball"][3] < 0.9
    assert said.err.startswith("warning: 'bad' is left out. 'bad.obj' is refused")


def test_judge_a_run(meshes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trimesh.creation.icosphere(2, radius=0.8).export(meshes / "middle.ply")
    out = tmp_path / "run"
    assert "no run's folder" in fails(capsys, "judge", "heads")
    assert "no file or folder" in fails(capsys, "judge", out)
    assert run("train", meshes, "--out", out) == 0
    assert "held nothing out" in fails(capsys, "judge", out)
    assert run("train", meshes, "--out", out, "--held-out", 0.5, "--anew") == 0
    assert "held out 1 of 3: middle" in capsys.readouterr().out
    assert run("judge", out, "--resolution", 16) == 0
    found = judged(capsys.readouterr().out)
    assert set(found) == {"middle", "mean of 1"}
    assert found["mean of 1"][:5] == found["middle"][:5]
    moved = tmp_path / "elsewhere"
    meshes.rename(moved)
    assert "could be used" in fails_with_warnings(capsys, "judge", out)
    assert run("judge", out, moved, "--resolution", 16) == 0
    trimesh.creation.icosphere(2, radius=0.9).export(moved / "middle.ply")
    capsys.readouterr()
    assert run("judge", out, moved) == USER_ERROR
    assert "'middle.ply' has changed since the run began" in capsys.readouterr().err


def fails_with_warnings(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert run(*arguments) == USER_ERROR
    *warnings, error = capsys.readouterr().err.splitlines()
    assert all(line.startswith("warning: ") for line in warnings)
    return error


def test_export(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", path, tmp_path / "experiment") == 0
    said = capsys.readouterr()
    assert said.out.count("wrote ") == 4
    assert said.err.startswith("warning: The decoder's output passes through no last tanh")
    capsys.readouterr()
    assert run("export", "bob_and_spot", tmp_path / "fourier") == 0
    assert "warning: DeepSDF's own programs cannot load this experiment" in capsys.readouterr().err
    assert run("info", tmp_path / "experiment") == 0
    assert "octahedra: 3 codes" in capsys.readouterr().out
    assert "not empty" in fails(capsys, "export", path, tmp_path / "experiment")


def testdurations() -> None:
    assert [duration(s) for s in (0.4, 59.6, 61, 3600, 7385)] == [
        "0 s",
        "1 min 00 s",
        "1 min 01 s",
        "1 h 00 min",
        "2 h 03 min",
    ]
