"""The headless example and the page's script, each as its own process.

It is the bpy wheel, or the Blender that runs the tests.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import bpy
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("__init__.py", "blender_manifest.toml", "meshsdf_blender", "core", "spaces")
SPACE = ROOT / "spaces" / "bob_and_spot.safetensors"


def headless(tmp_path, *arguments, script=ROOT / "examples" / "headless_fit.py"):
    environment = os.environ | {
        "BLENDER_USER_RESOURCES": str(tmp_path / "user"),
        "MESHSDF_PYTHON": os.environ["MESHSDF_PYTHON"],
    }
    script = str(script)
    if bpy.app.binary_path:  # a real Blender runs these tests, not the wheel
        start = [bpy.app.binary_path, "-b", "--factory-startup", "--python", script, "--"]
    else:
        start = [sys.executable, script, "--"]
    return subprocess.run(
        [*start, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env=environment,
        cwd=tmp_path,
    )


def test_the_pages_whole_script_runs_as_it_stands(tmp_path, scene):
    """As the page says: installed in user_default, under --background, with a mask and a folder."""
    page = (ROOT / "docs" / "scripting.md").read_text("utf-8")
    (whole,) = re.findall(r"```python\n(\"\"\"heads\.py.*?)```", page, re.DOTALL)
    script, out = tmp_path / "heads.py", tmp_path / "fertig ü"
    script.write_text(whole, "utf-8")
    installed = tmp_path / "user" / "extensions" / "user_default" / "meshsdf"
    installed.mkdir(parents=True)
    for part in PARTS:
        (installed / part).symlink_to(ROOT / part)
    mask = drawing(tmp_path / "mask.png", alpha=False)
    done = headless(tmp_path, mask, out, script=script)
    assert done.returncode == 0, done.stderr
    before, after = map(float, re.findall(r"IoU (\S+) to (\S+)", done.stdout)[0])
    assert after > before
    meshes = {path.stem: path.read_bytes() for path in out.glob("*.ply")}
    assert meshes.keys() == {"old", "frame_1", "frame_2", "frame_3", "fitted"}
    assert len(set(meshes.values())) == 5
    assert all(data.startswith(b"ply") for data in meshes.values())
    with bpy.data.libraries.load(str(out / "heads.blend")) as (inside, _):
        assert inside.objects


def test_every_slider_of_the_built_in_spaces_is_on_the_page():
    page = (ROOT / "docs" / "scripting.md").read_text("utf-8")
    for path in (ROOT / "spaces").glob("*.safetensors"):
        data = path.read_bytes()
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        sliders = json.loads(header["__metadata__"]["meshsdf"])["sliders"]
        row = f"| `{path.stem}` | {', '.join(slider['name'] for slider in sliders)} |"
        assert row in page.splitlines()


def drawing(path, size=128, *, alpha=True):
    """A round silhouette, in alpha or white on black, written by Blender."""
    y, x = np.mgrid[:size, :size] - size / 2 + 0.5
    inside = (x / 0.25) ** 2 + (y / 0.2) ** 2 < size**2
    rgba = np.repeat(inside[..., None], 4, axis=2).astype(np.float32)
    if not alpha:
        rgba[..., 3] = 1
    image = bpy.data.images.new("Drawing", size, size, alpha=True)
    image.pixels.foreach_set(rgba.ravel())
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()
    return path


def test_it_fits_and_saves(tmp_path, scene):
    target = drawing(tmp_path / "ziel ü.png")
    out = tmp_path / "gefittet é.blend"
    done = headless(
        tmp_path, "--target", target, "--space", SPACE, "--out", out,
        "--steps", 6, "--resolution", 32, "--pose",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("IoU before"))
    before, after = (float(word.strip(",")) for word in line.split()[2::2])
    assert after > before
    with bpy.data.libraries.load(str(out)) as (inside, _):
        assert len(inside.meshes) == 1
        assert "Fit Camera" in inside.cameras


def test_what_is_refused_is_said_and_the_status_is_not_zero(tmp_path, scene):
    target = drawing(tmp_path / "target.png")
    out = tmp_path / "out.blend"
    done = headless(
        tmp_path, "--target", target, "--space", tmp_path / "none.safetensors", "--out", out
    )
    assert done.returncode == 1
    assert "none.safetensors' is not there" in done.stderr
    assert not out.exists()


def test_a_dark_subject_is_warned_of_and_progress_is_printed(tmp_path, scene):
    target = drawing(tmp_path / "target.png")
    out = tmp_path / "new folder" / "out"
    done = headless(
        tmp_path, "--target", target, "--space", SPACE, "--out", out,
        "--steps", 12, "--resolution", 32, "--prior", 0.01, "--invert",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "touches all four borders: if it is the background, turn Invert off" in done.stdout
    assert "still far from the target" in done.stdout
    assert "Step 1 of 12: IoU " in done.stdout
    assert out.with_suffix(".blend").is_file()


def test_a_shape_that_never_meets_the_target_is_a_failure(tmp_path, scene):
    target = drawing(tmp_path / "target.png")
    done = headless(
        tmp_path, "--target", target, "--space", SPACE, "--out", tmp_path / "out.blend",
        "--steps", 2, "--resolution", 16, "--distance", 400,
    )  # fmt: skip
    assert done.returncode == 1
    assert "never met the target" in done.stderr
    assert not (tmp_path / "out.blend").exists()


def test_what_cannot_work_is_refused_before_the_fit_and_once(tmp_path, scene):
    target = drawing(tmp_path / "target.png")
    (tmp_path / "file").touch()
    out = tmp_path / "out.blend"
    for arguments, message in (
        (("--target", tmp_path, "--out", out), f"'{tmp_path}' is a folder: --target takes"),
        (("--target", target, "--out", tmp_path), "is a folder: --out takes"),
        (("--target", target, "--out", tmp_path / "file" / "o.blend"), "Nothing can be written"),
        (("--target", target, "--out", out, "--space", "heads"), "builtin:heads"),
    ):
        done = headless(tmp_path, *arguments)
        assert done.returncode == 1
        assert (done.stdout + done.stderr).count(message) == 1
        assert message in done.stderr


def test_cells_beyond_blenders_own_are_refused_and_not_cut(tmp_path):
    for cells in ("1024", "3", "64.5", "many"):
        done = headless(
            tmp_path, "--target", "a.png", "--out", tmp_path / "a.blend", "--resolution", cells
        )
        assert done.returncode != 0
        assert f"'{cells}' is no whole number from 4 to 512" in done.stderr
