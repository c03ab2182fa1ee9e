"""The packages: what is in them, what Blender's validator says, and that they work installed."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools.dev import Problem, extension
from tools.dev.extension import CONTENTS, ROOT, with_wheels
from tools.dev.wheels import WheelSet

Install = Callable[..., dict[str, Any]]


def test_light_holds_the_product_and_nothing_else(light_package: Path) -> None:
    with zipfile.ZipFile(light_package) as archive:
        inside = set(archive.namelist())
    expected = {
        path.relative_to(ROOT).as_posix() for pattern in CONTENTS for path in ROOT.glob(pattern)
    }
    files = {name for name in inside if not name.endswith("/")}
    assert files == expected | {"blender_manifest.toml"}
    assert {
        "__init__.py",
        "LICENSE",
        "core/decoder.py",
        "meshsdf_blender/door/__init__.py",
    } <= files
    assert not [name for name in files if "__pycache__" in name or name.startswith(("tests", "."))]


def test_the_packages_hold_the_encoders_beside_the_spaces() -> None:
    staged = {str(path.relative_to(ROOT)) for pattern in CONTENTS for path in ROOT.glob(pattern)}
    there = {str(path.relative_to(ROOT)) for path in (ROOT / "spaces").rglob("*.safetensors")}
    assert there <= staged
    assert "spaces/encoders/*.safetensors" in CONTENTS


def test_light_installs_runs_and_goes(light_package: Path, install: Install) -> None:
    seen = install(light_package, Path(sys.executable), MESHSDF_PYTHON=sys.executable)
    assert seen["enabled"]
    assert seen["warnings"] == {}
    assert seen["operator"]
    assert seen["worker"]["protocol"] == 1
    assert seen["worker"]["torch"].startswith("2.")
    assert not seen["torch_in_blender"]
    assert "heads" in seen["spaces"]
    assert seen["faces"] > 0
    assert seen["worker_ended"]
    assert seen["left_behind"] == []


def test_the_manifest_of_a_full_package_names_its_wheels() -> None:
    template = (ROOT / "blender_manifest.toml").read_text()
    files = (Path("a-1-cp311-cp311-win_amd64.whl"), Path("b-2-py3-none-any.whl"))
    both = WheelSet("windows-x64", ((3, 11), (3, 13)), files)
    manifest = tomllib.loads(with_wheels(template, both))
    assert manifest["wheels"] == [f"./wheels/{path.name}" for path in files]
    assert manifest["platforms"] == ["windows-x64"]
    assert manifest["permissions"] == tomllib.loads(template)["permissions"]
    assert "blender_version_max" not in manifest
    only_311 = tomllib.loads(with_wheels(template, WheelSet("windows-x64", ((3, 11),), files)))
    assert only_311["blender_version_max"] == "5.1.0"


def test_the_packager_refuses_a_broken_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stage(target: Path, wheels: WheelSet | None = None) -> None:
        target.mkdir(parents=True)
        (target / "blender_manifest.toml").write_text('schema_version = "1.0.0"\nid = "x"\n')

    monkeypatch.setattr(extension, "stage", stage)
    with pytest.raises(Problem, match="building the extension failed"):
        extension.build(Path(sys.executable), tmp_path / "x.zip")


@pytest.mark.heavy
def test_full_bundles_torch_and_never_numpy(full_package: Path) -> None:
    with zipfile.ZipFile(full_package) as archive:
        manifest = tomllib.loads(archive.read("blender_manifest.toml").decode())
        notices = archive.read("THIRD_PARTY_NOTICES.md").decode()
        inside = set(archive.namelist())
    names = [Path(wheel).name.split("-")[0].lower() for wheel in manifest["wheels"]]
    assert {"torch", "scikit_image", "scipy", "safetensors"} <= set(names)
    assert "numpy" not in names
    assert not [name for name in names if name.startswith(("nvidia", "cuda", "triton"))]
    for wheel in manifest["wheels"]:
        assert wheel.removeprefix("./") in inside
        assert f"| {Path(wheel).name.split('-')[0].replace('_', '-').lower()} |" in notices


@pytest.mark.heavy
def test_full_runs_on_its_own_wheels(full_package: Path, install: Install, tmp_path: Path) -> None:
    """A Python that has Blender and numpy only: torch can come from the package alone."""
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", str(bare)], check=True)
    python = bare / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    pins = (ROOT / "tools" / "dev" / "pins.txt").read_text().splitlines()
    needed = [line for line in pins if line.startswith(("bpy==", "numpy=="))]
    subprocess.run([str(python), "-m", "pip", "install", "-q", "--no-deps", *needed], check=True)
    seen = install(full_package, python)
    assert seen["enabled"]
    assert seen["warnings"] == {}
    assert ".local" in Path(seen["python_path"]).parts
    assert seen["worker"]["torch"].startswith("2.13.0")
    assert "heads" in seen["spaces"]
    assert seen["faces"] > 0
    assert seen["worker_ended"]
    assert seen["left_behind"] == []
