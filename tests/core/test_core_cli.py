"""The command line: its answers, its exit statuses, and one line for each error."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from core import __main__ as main_module
from core import argumenttypes, builtin, commands, files, topology
from core.__main__ import INTERRUPTED, USER_ERROR, main
from core.builtin import builtin_spaces, find_space
from core.camera import lens_view
from core.codetext import read_code
from core.errors import CodeError, ViewError
from core.extraction import LARGEST_RESOLUTION, SMALLEST_RESOLUTION
from core.loading import load_space
from core.space import Frame, Slider
from core.spacefile import write_space
from core.viewfile import read_mask, read_view

from .command_line import fails, run
from .fields import space_of, two_balls
from .octahedron import octahedra, radius
from .worker_client import environment


def load(path: Path) -> Any:
    return trimesh.load(path, force="mesh")


def test_info(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("info", path) == 0
    text = capsys.readouterr().out
    assert "octahedra: 3 codes of 1 numbers" in text
    assert "small, middle, large" in text
    assert "CC0" in text
    assert run("info", path, "--json") == 0
    described = json.loads(capsys.readouterr().out)
    assert described["architecture"]["widths"] == [7]
    assert described["parameters"] == 7 * 4 + 7 + 7 + 1


def test_the_module_runs(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "core", "info", str(path)],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "3 codes" in done.stdout
    done = subprocess.run(
        [sys.executable, "-m", "core", "info", str(path) + "x"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == USER_ERROR
    assert done.stderr.startswith("error: There is no file or folder")
    assert "Traceback" not in done.stderr


def test_info_is_text_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("info", "heads") == 0
    text = capsys.readouterr().out
    assert "head_1007, head_1008, ... (198 in all)" in text
    assert re.search(r"^  held out shapes +head_1005", text, re.MULTILINE)
    assert re.search(r"^      volume iou +0\.9[89]", text, re.MULTILINE)
    assert re.search(r"^  examples .*Old man is head_\d+", text, re.MULTILINE)
    assert not re.search(r"[\[\]{}'_]", re.sub(r"head_\d|tools/\S+|\w's", "", text))


def test_a_run_is_its_space(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_folder = tmp_path / "run"
    run_folder.mkdir()
    (run_folder / "run.json").write_text("{}")
    assert "no space yet" in fails(capsys, "info", run_folder)
    (run_folder / "mine.safetensors").write_bytes(path.read_bytes())
    assert run("info", run_folder) == 0
    assert find_space(run_folder) == run_folder / "mine.safetensors"
    (run_folder / "other.safetensors").write_bytes(b"")
    assert "several spaces" in fails(capsys, "info", run_folder)


@pytest.mark.parametrize("name", ["bob_and_spot", "builtin:bob_and_spot"])
def test_built_in_spaces_go_by_name(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("info", name) == 0
    assert capsys.readouterr().out.startswith("bob_and_spot: 2 codes")


def test_only_built_in_spaces_go_by_name(
    path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "Use bob_and_spot, " in fails(capsys, "info", "builtin:tails")
    assert "no built-in space" in fails(capsys, "info", f"builtin:{path.with_suffix('')}")
    assert "no file or folder 'tails'" in fails(capsys, "info", "tails")
    # What lies there goes before what is built in.
    monkeypatch.chdir(tmp_path)
    path.rename(tmp_path / "heads")
    assert find_space(Path("heads")) == Path("heads")


def test_the_built_in_spaces_are_listed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run("info") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == sorted(builtin_spaces())
    assert re.fullmatch(r"heads +198 shapes, codes of 32 numbers\. Heads of people.*", lines[4])
    for unknown in ("tails", "builtin:tails"):
        assert run("info", unknown) == USER_ERROR
        said = capsys.readouterr()
        assert said.out.splitlines() == lines
        assert "vases" in said.err
    # What is written as a path is no name.
    assert run("info", tmp_path / "tails.safetensors") == USER_ERROR
    assert capsys.readouterr().out == ""


def test_a_broken_built_in_space_is_listed_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"\xff" * 20)
    monkeypatch.setattr(builtin, "FOLDER", tmp_path)
    assert run("info") == 0
    assert capsys.readouterr().out.strip() == "broken"


@pytest.mark.parametrize(
    "arguments",
    [
        ["info", "tails"],
        ["mesh", "tails", "--out", "a.ply"],
        ["mesh", "heads", "--out", "a.fbx"],
        ["mesh", "heads", "--out", "a.ply", "--slider", "Age"],
        ["interpolate", "tails", "0", "1"],
        ["interpolate", "heads", "0"],
        ["fit", "tails", "--target", "a.png", "--camera", "b.json"],
        ["encode", "heads", "none.ply"],
        ["encode", "tails", "none.ply"],
        ["export", "tails", "folder"],
        ["train", "none", "--out", "folder"],
        ["train", "--out", "none"],
        ["train", "--out", "none", "--resume"],
        ["report", "none"],
    ],
    ids=" ".join,
)
def test_plain_refusals_do_not_wait_for_torch(arguments: list[str], tmp_path: Path) -> None:
    """A torch that ends the process takes the place of the real one."""
    root = Path(commands.__file__).parents[1]
    (tmp_path / "torch.py").write_text("raise SystemExit('torch was asked for')")
    done = subprocess.run(
        [sys.executable, "-m", "core", *arguments],
        env={**environment(), "PYTHONPATH": os.pathsep.join([str(tmp_path), str(root)])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == USER_ERROR
    assert done.stderr.startswith("error: ")
    assert "torch was asked for" not in done.stderr


def test_a_python_without_torch_is_told_in_one_line(tmp_path: Path) -> None:
    root = Path(commands.__file__).parents[1]
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('No torch', name='torch')")
    done = subprocess.run(
        [sys.executable, "-m", "core", "mesh", "heads", "--out", str(tmp_path / "a.ply")],
        env={**environment(), "PYTHONPATH": os.pathsep.join([str(tmp_path), str(root)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == USER_ERROR
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"error: This Python, {sys.executable}, lacks")
    assert "-m pip install" in done.stderr or "-m core" in done.stderr


def test_the_remedy_fits_the_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main_module, "CHECKOUT", tmp_path)
    monkeypatch.setattr(
        main_module.importlib.util, "find_spec", lambda name: None if name == "torch" else name
    )
    assert main_module._lacking("torch").endswith(
        f"lacks torch. Install: {sys.executable} -m pip install torch"
    )
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert main_module._lacking("torch").endswith(f"Use the checkout's own: {python} -m core ...")


@pytest.mark.parametrize("suffix", [".ply", ".obj", ".stl", ".glb"])
def test_mesh(path: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"né{suffix}"
    assert run("mesh", path, "--shape", "large", "--resolution", 24, "--out", out) == 0
    mesh = load(out)
    assert mesh.volume == pytest.approx(4 / 3 * radius(1) ** 3, rel=0.02)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([path.name, out.name])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 0.0),
        (["--mean"], 0.0),
        (["--shape", "2"], 1.0),
        (["--shape", "small"], -1.0),
        (["--code", "0.5"], 0.5),
        (["--code", "-0.5"], -0.5),
        (["--code=-0.5"], -0.5),
        (["--code", "1"], 1.0),
    ],
)
def test_which_code(path: Path, tmp_path: Path, arguments: list[str], code: float) -> None:
    out = tmp_path / "a.ply"
    assert run("mesh", path, *arguments, "--resolution", 16, "--out", out) == 0
    assert np.abs(load(out).vertices).sum(axis=1).max() == pytest.approx(radius(code), rel=1e-4)


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_too_little_memory_is_one_line(
    error: Exception,
    path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def short(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("core.extraction.extract", short)
    assert "not enough memory" in fails(capsys, "mesh", path, "--out", tmp_path / "a.ply")


def test_files_are_z_up_but_for_gltf(tmp_path: Path) -> None:
    """The frame is applied; glTF is Y-up by its standard."""
    write_space(tmp_path / "s.safetensors", octahedra(Frame("Y", 1.0, (0.0, 0.0, 5.0))))
    for suffix, axis in ((".ply", 2), (".glb", 1)):
        out = tmp_path / f"a{suffix}"
        assert run("mesh", tmp_path / "s.safetensors", "--resolution", 16, "--out", out) == 0
        centre = load(out).bounds.mean(axis=0)
        assert centre[axis] == pytest.approx(5, abs=1e-3)
        assert np.delete(centre, axis) == pytest.approx([0, 0], abs=1e-3)


def test_missing_folders_are_made(path: Path, tmp_path: Path) -> None:
    out, few = tmp_path / "a" / "b" / "c.ply", ["--resolution", 8]
    assert run("mesh", path, *few, "--out", out) == 0
    assert run("interpolate", path, "0", "1", *few, "--out", tmp_path / "d" / "e.obj") == 0
    assert out.is_file()
    assert (tmp_path / "d" / "e_004.obj").is_file()
    write_target(tmp_path / "mask.png", 0.5)
    (tmp_path / "camera.json").write_text(json.dumps(CAMERA))
    view = ["--target", tmp_path / "mask.png", "--camera", tmp_path / "camera.json"]
    results = ["--out", tmp_path / "f" / "f.ply", "--save", tmp_path / "g" / "g.json"]
    assert run("fit", path, *view, "--steps", 1, *few, *results) == 0
    assert run("encode", path, out, "--steps", 1, "--out", tmp_path / "h" / "h.json") == 0
    for file in ("f/f.ply", "g/g.json", "h/h.json"):
        assert (tmp_path / file).is_file()


def with_sliders(path: Path) -> None:
    """The octahedra with two sliders, and an example of another name than its shape's."""
    sliders = (
        Slider("Size", torch.tensor([0.5]), -1.0, 2.0),
        Slider("Over all", torch.tensor([-0.25]), -4.0, 4.0),
    )
    card = {"examples": [{"name": "Number 1", "shape": "large_one"}]}
    names = ("small", "middle-sized", "large_one")
    write_space(path, replace(octahedra(), sliders=sliders, card=card, shape_names=names))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--slider", "Size=1"], 0.5),
        (["--slider", "size=-0.5", "--slider", "OVER_ALL=2"], -0.75),
        (["--slider", "Over all=1e-1", "--shape", "small"], -1.025),
        (["--slider", "Size=1", "--code", "0.25"], 0.75),
        (["--shape", "Large One"], 1.0),
        (["--shape", "MIDDLE SIZED"], 0.0),
        (["--shape", "number_1"], 1.0),
        (["--shape", "Mean"], 0.0),
    ],
)
def test_names_as_people_write_them(
    path: Path, tmp_path: Path, arguments: list[str], code: float
) -> None:
    with_sliders(path)
    out = tmp_path / "a.ply"
    assert run("mesh", path, *arguments, "--resolution", 16, "--out", out) == 0
    assert np.abs(load(out).vertices).sum(axis=1).max() == pytest.approx(radius(code), rel=1e-4)


def test_names_stand_for_codes_everywhere(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_sliders(path)
    assert run("interpolate", path, "Number 1", "SMALL", "--factor", 0) == 0
    assert capsys.readouterr().out.split()[1] == "1"
    assert run("info", path) == 0
    text = capsys.readouterr().out
    assert re.search(r"^  sliders, in deviations\n    Size +-1 to 2\n", text, re.MULTILINE)
    assert run("info", path, "--json") == 0
    described = json.loads(capsys.readouterr().out)["sliders"]
    assert described[0] == {"name": "Size", "low": -1.0, "high": 2.0}


def test_sliders_that_are_wrong(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_sliders(path)
    out = ["--resolution", 8, "--out", tmp_path / "a.ply"]
    for text in ("Size", "Size=", "=1", "Size=x", "Size=nan", "Size=inf"):
        assert "NAME=VALUE" in fails(capsys, "mesh", path, "--slider", text, *out)
    assert "Use Size, Over all" in fails(capsys, "mesh", path, "--slider", "Age=1", *out)
    assert run("mesh", path, "--slider", "Size=-1.5", *out) == 0
    assert "Size -1.5 is beyond the known shapes" in capsys.readouterr().err
    space = replace(octahedra(), shape_names=("a b", "a_b", "c"))
    write_space(path, space)
    assert "Use a b or a_b" in fails(capsys, "mesh", path, "--shape", "A-B", *out)
    assert run("mesh", path, "--shape", "a_b", *out) == 0
    assert "has none" in fails(capsys, "mesh", path, "--slider", "Age=1", *out)


def test_an_example_goes_by_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    codes = []
    for name in ("Cup 1009", "cup_1009", "CUP-1009"):
        assert run("interpolate", "cups", name, "mean", "--factor", 0) == 0
        codes.append(capsys.readouterr().out)
    assert len(set(codes)) == 1


def test_a_mesh_in_pieces_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    space = space_of(two_balls, [[0.3]], "two balls")
    monkeypatch.setattr("core.loading.load_space", lambda *_, **__: space)
    out = ["--resolution", 24, "--out", tmp_path / "a.ply"]
    assert run("mesh", "heads", *out) == 0
    assert capsys.readouterr().err == (
        "warning: at 24 cells the mesh has 2 components; more cells may help (--resolution 48)\n"
    )
    assert run("mesh", "heads", "--code", "-0.3", *out) == 0
    assert capsys.readouterr().err == ""
    whole = topology.topology

    def torn(*arguments: Any) -> Any:
        return replace(whole(*arguments), watertight=False)

    monkeypatch.setattr(topology, "topology", torn)
    assert run("mesh", "heads", "--code", "-0.3", *out) == 0
    assert "at 24 cells the mesh is not watertight" in capsys.readouterr().err


def test_interpolate(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("interpolate", path, "small", "large", "--frames", 3) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [[float(n) for n in line.split()] for line in lines] == [[0, -1], [0.5, 0], [1, 1]]
    assert run("interpolate", path, "small", "2", "0.25", "--factor", 0.5) == 0
    assert capsys.readouterr().out.split()[1] == "1"
    out = tmp_path / "b.ply"
    assert run("interpolate", path, "0", "0.5", "--frames", 2, "--out", out, "--resolution", 8) == 0
    assert {p.name for p in tmp_path.glob("*.ply")} == {"b_000.ply", "b_001.ply"}


def test_codes(tmp_path: Path) -> None:
    space = octahedra()
    assert float(read_code(space, "mean")) == 0
    assert float(read_code(space, "large")) == 1
    assert float(read_code(space, "0.3")) == pytest.approx(0.3)
    assert float(read_code(space, "2")) == 1  # shape number 2
    assert float(read_code(space, "2,")) == 2
    for text, said in [
        ("huge", "no shape 'huge'"),
        ("1,2", "1 values"),
        ("nan", "nan"),
        (str(tmp_path / "none.json"), "cannot be read"),
    ]:
        with pytest.raises(CodeError, match=said):
            read_code(space, text)
    saved = tmp_path / "a.json"
    saved.write_text('{"code": [0.25]}')
    assert float(read_code(space, str(saved))) == 0.25
    for text in ("", "[", '{"code": "x"}', "{}", '{"code": [[1], [2, 3]]}', "null"):
        saved.write_text(text)
        with pytest.raises(CodeError):
            read_code(space, str(saved))


def test_errors_are_one_line(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.ply"
    assert "no file or folder" in fails(capsys, "info", tmp_path / "none")
    (tmp_path / "broken.safetensors").write_bytes(b"broken")
    assert "broken.safetensors" in fails(capsys, "info", tmp_path / "broken.safetensors")
    assert "no shape '7'" in fails(capsys, "mesh", path, "--shape", 7, "--out", out)
    assert "1 values" in fails(capsys, "mesh", path, "--code", 1, 2, "--out", out)
    assert ".ply" in fails(capsys, "mesh", path, "--out", tmp_path / "a.fbx")
    assert "no folder" in fails(capsys, "mesh", path, "--out", path / "a" / "a.ply")
    assert "5000" in fails(capsys, "mesh", path, "--resolution", 5000, "--out", out)
    assert "abacus" in fails(capsys, "mesh", path, "--device", "abacus", "--out", out)
    assert "two codes or more" in fails(capsys, "interpolate", path, "small")
    assert "factor" in fails(capsys, "interpolate", path, "0", "1", "--factor", 2)
    assert not out.exists()
    assert run("mesh", path, "--code", -5, "--out", out) == USER_ERROR
    assert "no surface" in capsys.readouterr().err
    assert not out.exists()


def test_the_cells_of_the_command_line_are_those_of_an_extraction() -> None:
    cells = argumenttypes.FEWEST_CELLS, argumenttypes.MOST_CELLS
    assert cells == (SMALLEST_RESOLUTION, LARGEST_RESOLUTION)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["polish"],
        ["mesh", "a", "--out", "a.ply", "--resolution", "x"],
        ["mesh", "a", "--out", "a.ply", "--resolution", "2"],
        ["mesh", "a", "--out", "a.ply", "--mean", "--shape", "2"],
        ["fit", "a", "--target", "b", "--camera", "c", "--rate", "fast"],
        ["encode", "heads", "a.ply", "--steps", "-1"],
        ["encode", "heads", "a.ply", "--seed", "-1"],
        ["encode", "heads", "a.ply", "--seed", str(2**80)],
        ["encode", "heads", "a.ply", "--resolution", "3"],
        ["encode", "heads", "a.ply", "--resolution", "1025"],
        ["train", "a", "--out", "b", "--threads", "-3"],
        ["train", "a", "--out", "b", "--seed", "-1"],
        ["judge", "heads", "a", "--threads", "0"],
    ],
)
def test_a_wrong_command_line_shows_its_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_an_interrupt_is_no_traceback(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import core.loading

    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(core.loading, "load_space", interrupt)
    assert run("info", path) == INTERRUPTED


def test_a_full_disk_leaves_the_old_mesh(
    path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "a.ply"
    out.write_text("old")

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    assert run("mesh", path, "--resolution", 8, "--out", out) == USER_ERROR
    assert "No space left" in capsys.readouterr().err
    assert out.read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["a.ply", "octahedra.safetensors"]  # noqa: PTH208


# Fits.

SIZE = 64
CAMERA = {"location": [0, 0, 3], "rotation": [0, 0, 0], "ortho_scale": 2}


def write_target(path: Path, code: float, *, alpha: bool = False) -> None:
    """The octahedron of ``code`` from above, bright on dark or opaque on clear."""
    middle = np.abs((np.arange(SIZE) + 0.5) / SIZE * 2 - 1)
    inside = ((middle[:, None] + middle[None]) < radius(code)).astype(np.uint8) * 255
    if alpha:
        image = np.stack([np.full_like(inside, 90)] * 3 + [inside], axis=2)
        Image.fromarray(image, "RGBA").save(path)
    else:
        Image.fromarray(inside).save(path)


@pytest.mark.parametrize("alpha", [False, True])
def test_fit(path: Path, tmp_path: Path, alpha: bool, capsys: pytest.CaptureFixture[str]) -> None:
    target, camera = tmp_path / "mask.png", tmp_path / "camera.json"
    write_target(target, 0.6, alpha=alpha)
    camera.write_text(json.dumps(CAMERA))
    arguments = ["--start", "small", "--steps", 30, "--resolution", 24, "--prior", 0]
    results = ["--out", tmp_path / "a.ply", "--save", tmp_path / "a.json"]
    assert run("fit", path, "--target", target, "--camera", camera, *arguments, *results) == 0
    text = capsys.readouterr().out
    assert text.startswith("step   0  IoU 0.")
    assert re.search(
        r"\. Step \d+ was the best: IoU [01]\.\d+ \(1 is a perfect overlap\)\.\n", text
    )
    assert "genus 0" in text
    saved = json.loads((tmp_path / "a.json").read_text())
    assert saved["code"][0] == pytest.approx(0.6, abs=0.15)
    assert saved["object_matrix"] == np.eye(4).tolist()
    found = np.abs(load(tmp_path / "a.ply").vertices).sum(axis=1).max()
    assert found == pytest.approx(radius(saved["code"][0]), rel=1e-3)


def aimed(folder: Path) -> tuple[Path, Path]:
    """A target and the camera that it is seen by."""
    target, camera = folder / "mask.png", folder / "camera.json"
    write_target(target, 0.5)
    camera.write_text(json.dumps(CAMERA))
    return target, camera


def test_fit_errors(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target, camera = aimed(tmp_path)
    both = ["--target", target, "--camera", camera]
    assert "2 targets and 1 cameras" in fails(capsys, "fit", path, *both, "--target", target)
    assert "full" in fails(capsys, "fit", path, *both, "--threshold", 0)
    assert "empty" in fails(capsys, "fit", path, *both, "--threshold", 2)
    assert "Nothing to fit" in fails(capsys, "fit", path, *both, "--fixed-code")
    camera.write_text(json.dumps({**CAMERA, "width": 32, "height": 32}))
    assert "32 x 32" in fails(capsys, "fit", path, *both)
    missing = ["--target", tmp_path / "none.png", "--camera", camera]
    assert "There is no file" in fails(capsys, "fit", path, *missing)
    for option in (("rate", "nan"), ("pose-rate", -1), ("resolution", 3), ("patience", 0)):
        wrong = fails(capsys, "fit", path, *missing, f"--{option[0]}", option[1])
        assert f"'{option[0].replace('-', '_')}' is {option[1]}" in wrong


def test_a_fit_that_is_not_kept_says_so(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, camera = aimed(tmp_path)
    few = ["--target", target, "--camera", camera, "--steps", 1, "--resolution", 8]
    assert run("fit", path, *few) == 0
    error = capsys.readouterr().err
    assert "nothing was kept" in error
    assert "borders" not in error
    assert run("fit", path, *few, "--save", tmp_path / "a.json") == 0
    assert "nothing was kept" not in capsys.readouterr().err


def test_a_fit_goes_on_where_a_saved_one_stood(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, camera = aimed(tmp_path)
    saved = tmp_path / "a.json"
    moved = np.eye(4)
    moved[0, 3] = 0.3
    code = [float(value) for value in load_space(path).mean_code]
    saved.write_text(json.dumps({"code": code, "object_matrix": moved.tolist()}))
    both = ["--target", target, "--camera", camera, "--steps", 0, "--resolution", 16]
    again, out = tmp_path / "b.json", tmp_path / "b.ply"
    assert run("fit", path, *both, "--start", saved, "--save", again, "--out", out) == 0
    assert np.allclose(json.loads(again.read_text())["object_matrix"], moved)
    assert run("fit", path, *both, "--out", tmp_path / "c.ply") == 0
    there, here = (trimesh.load(each, force="mesh").vertices for each in (out, tmp_path / "c.ply"))
    assert np.allclose(there - here, [0.3, 0, 0], atol=1e-5)
    for wrong in ("far", [[1, 2]], [[float("nan")] * 4] * 4):
        saved.write_text(json.dumps({"code": code, "object_matrix": wrong}))
        assert "4x4 matrix" in fails(capsys, "fit", path, *both, "--start", saved)


def test_a_target_that_is_inside_out_is_pointed_at(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, camera = aimed(tmp_path)
    saved = tmp_path / "a.json"
    few = ["--target", target, "--camera", camera, "--steps", 1, "--resolution", 16]
    few += ["--restarts", 0]
    assert run("fit", path, *few, "--invert", "--save", saved) == USER_ERROR
    warning, error = capsys.readouterr().err.splitlines()
    assert "all four borders" in warning
    assert "--invert may be wrong" in warning
    assert error.startswith("error: The shape never touched the target (IoU 0)")
    assert not saved.exists()
    with Image.open(target) as image:
        Image.fromarray(255 - np.asarray(image)).save(target)
    assert run("fit", path, *few) == USER_ERROR
    assert "needs --invert" in capsys.readouterr().err
    assert run("fit", path, *few, "--invert") == 0
    assert "borders" not in capsys.readouterr().err


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("camera", "said"),
    [
        ({"location": [9, 0, 3], "ortho_scale": 2}, "never touched the target"),
        ({"location": [0, 0, 0], "look_at": [1, 0, 0]}, "behind the camera"),
        ({"location": [3, 0, 0], "look_at": [4, 0, 0]}, "behind the camera"),
    ],
    ids=["beside", "in its plane", "away"],
)
def test_a_camera_that_looks_elsewhere(
    path: Path, tmp_path: Path, camera: Any, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    target, file = tmp_path / "mask.png", tmp_path / "camera.json"
    write_target(target, 0.5)
    file.write_text(json.dumps(camera))
    out = ["--out", tmp_path / "a.ply", "--steps", 2, "--resolution", 8]
    assert said in fails(capsys, "fit", path, "--target", target, "--camera", file, *out)
    assert not (tmp_path / "a.ply").exists()


def test_masks(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    grey = np.array([[0, 51], [204, 255]], dtype=np.uint8)
    Image.fromarray(grey).save(file)
    expected = torch.tensor([[0.0, 0.2], [0.8, 1.0]])
    assert torch.allclose(read_mask(file), expected)
    assert torch.allclose(read_mask(file, invert=True), 1 - expected)
    assert read_mask(file, threshold=0.5).tolist() == [[0, 0], [1, 1]]
    opaque = np.dstack([grey, grey, grey, np.full_like(grey, 255)])
    Image.fromarray(opaque, "RGBA").save(file)
    assert torch.allclose(read_mask(file), expected, atol=0.005)
    opaque[..., 3] = 100  # equally transparent all over: it says nothing
    Image.fromarray(opaque, "RGBA").save(file)
    assert torch.allclose(read_mask(file), expected, atol=0.005)
    # A cut-out, dark and coloured, on clear white.
    cut = np.full((2, 2, 4), 255, dtype=np.uint8)
    cut[..., 3] = [[0, 51], [204, 255]]
    cut[1, 1, :3] = (60, 0, 0)
    for image in (Image.fromarray(cut, "RGBA"), Image.fromarray(cut[..., [0, 3]], "LA")):
        image.save(file)
        assert torch.allclose(read_mask(file), expected)
    file.write_bytes(file.read_bytes()[:50])
    for wrong in (file, tmp_path):
        with pytest.raises(ViewError, match="cannot be read as an image"):
            read_mask(wrong)
    with pytest.raises(ViewError, match="There is no file"):
        read_mask(tmp_path / "none.png")


DEEP = np.array([[0.0, 0.2], [0.8, 1.0]])


@pytest.mark.parametrize(
    ("suffix", "pixels"),
    [
        ("png", (DEEP * 65_535).astype(np.uint16)),
        ("tiff", (DEEP * 65_535).astype(np.uint16)),
        ("tiff", (DEEP * (2**31 - 1)).astype(np.int32)),
        ("tiff", DEEP.astype(np.float32)),
    ],
    ids=["png 16", "tiff 16", "tiff 32", "tiff float"],
)
def test_masks_of_more_than_8_bits(tmp_path: Path, suffix: str, pixels: Any) -> None:
    file = tmp_path / f"a.{suffix}"
    Image.fromarray(pixels).save(file)
    assert torch.allclose(read_mask(file), torch.from_numpy(DEEP).float(), atol=1e-4)


def test_cameras(tmp_path: Path) -> None:
    """Every way to write the same camera gives the same matrix."""
    pose = torch.eye(4, dtype=torch.float64)
    pose[:3, :3] = torch.tensor([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # looks along +Y
    pose[:3, 3] = torch.tensor([0.0, -5, 1])
    expected = lens_view(pose, 40, 30, lens=35, shift=(0.1, -0.2), pixel_aspect=(1, 2))
    lens = {"lens": 35, "shift": [0.1, -0.2], "pixel_aspect": [1, 2]}
    file = tmp_path / "camera.json"
    for place in (
        {"camera_to_world": pose.tolist()},
        {"location": [0, -5, 1], "rotation": [90, 0, 0]},
        {"location": [0, -5, 1], "look_at": [0, 7, 1]},
        {"matrix": expected.matrix.tolist()},
    ):
        file.write_text(json.dumps({**place, **({} if "matrix" in place else lens)}))
        view = read_view(file, 40, 30)
        assert torch.allclose(view.matrix, expected.matrix)
        assert (view.width, view.height) == (40, 30)
    file.write_text(json.dumps({"location": [1, 2, 3], "rotation": [30, 50, 70], "weight": 2}))
    view = read_view(file, 40, 30)
    assert view.weight == 2
    x, y, z = np.deg2rad([30, 50, 70])
    turns = [
        np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]]),
        np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]]),
        np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]]),
    ]
    pose[:3, :3] = torch.from_numpy(turns[2] @ turns[1] @ turns[0])
    pose[:3, 3] = torch.tensor([1.0, 2, 3])
    assert torch.allclose(view.matrix, lens_view(pose, 40, 30).matrix)


@pytest.mark.parametrize(
    ("camera", "said"),
    [
        ("{", "not JSON"),
        ("[]", "no JSON object"),
        ({}, "location"),
        ({"focal": 3}, "focal"),
        ({"matrix": [[1, 2], [3, 4]]}, "'matrix'"),
        ({"matrix": "x"}, "'matrix'"),
        ({"location": [1, 2]}, "'location'"),
        ({"location": [1, 2, "3"]}, "'location'"),
        ({"location": [0, 0, 3], "look_at": [0, 0, 0]}, "'look_at'"),
        ({"location": [0, 0, 3], "look_at": [0, 0, 3]}, "'look_at'"),
        ({"location": [0, 0, 3], "lens": 0}, "lens"),
        ({"location": [0, 0, 3], "pixel_aspect": [1, 0]}, "pixel_aspect"),
        ({"location": [0, 0, 3], "width": 0}, "width"),
        ({"location": [0, 0, 3], "sensor_fit": "BEST"}, "BEST"),
        ({"location": [0, 0, 10**400]}, "'location'"),
    ],
)
def test_cameras_that_cannot_be_used(tmp_path: Path, camera: Any, said: str) -> None:
    file = tmp_path / "camera.json"
    file.write_text(camera if isinstance(camera, str) else json.dumps(camera))
    with pytest.raises(ViewError, match=said) as caught:
        read_view(file, 40, 30)
    assert caught.value.remedy
