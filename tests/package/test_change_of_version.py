"""Old to new to old: installed over each other in one Blender, with a shape in the file."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# As it was before codes could be stored, blended and baked, and fits had views.
FORMER = "0258d3383b3ee578cfed7e6127fb81ff6030208e"
SECONDS = 300
IDENTITY = "meshsdf_blender/identity.py"
MANIFEST = "blender_manifest.toml"


def versioned(package: Path, folder: Path, version: str) -> Path:
    """The package as of another version, whose code knows which it is."""
    target = folder / f"meshsdf-{version}.zip"
    with zipfile.ZipFile(package) as source, zipfile.ZipFile(target, "w") as made:
        for name in source.namelist():
            content = source.read(name)
            if name == MANIFEST:
                lines = content.decode().splitlines()
                at = next(i for i, line in enumerate(lines) if line.startswith("version = "))
                lines[at] = f'version = "{version}"'
                content = "\n".join(lines).encode()
            elif name == IDENTITY:
                content += f'\nVERSION = "{version}"\n'.encode()
            made.writestr(name, content)
    return target


@pytest.fixture
def former_package(tmp_path: Path) -> Path:
    """The package of the version before, built by its own sources from the history."""
    git = ["git", "-C", str(ROOT)]
    archive = subprocess.run([*git, "archive", FORMER], check=False, capture_output=True)
    if archive.returncode:
        pytest.skip(f"There is no history here to build {FORMER[:7]} from")
    sources, package = tmp_path / "former", tmp_path / "former.zip"
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as packed:
        packed.extractall(sources, filter="data")
    build = (
        "import sys; from pathlib import Path; from tools.dev.extension import build; "
        f"build(Path(sys.executable), Path({str(package)!r}))"
    )
    subprocess.run([sys.executable, "-c", build], check=True, cwd=sources, timeout=SECONDS)
    return package


def test_versions_follow_each_other_in_one_blender(
    light_package: Path, former_package: Path, tmp_path: Path
) -> None:
    order = ["0.0.9", "0.1.0", "0.0.9"]
    old = str(versioned(former_package, tmp_path, "0.0.9"))
    packages = [old, str(versioned(light_package, tmp_path, "0.1.0")), old]
    resources = tmp_path / "Blender für Åsa"
    resources.mkdir()
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "MESHSDF_", "VIRTUAL_ENV", "CONDA"))
    }
    here = {"BLENDER_USER_RESOURCES": str(resources), "MESHSDF_PYTHON": sys.executable}
    done = subprocess.run(
        [sys.executable, str(HERE / "change_version_in_blender.py"), *packages],
        check=False,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        cwd=tmp_path,
        env={**kept, **here},
    )
    seen = json.loads(done.stdout.strip().splitlines()[-1])
    assert "error" not in seen, f"{seen['error']}\n{done.stdout}\n{done.stderr}"
    stages = seen["stages"]
    assert [stage["version"] for stage in stages] == [*order, *["0.0.9"] * 3]
    for stage in stages:
        assert stage["running"] == stage["version"]
        assert stage["enabled"]
        assert stage["warnings"] == {}
        assert stage["space"] == "builtin:bob_and_spot"
        assert stage["same_mesh"]
        assert stage["same_code"]
        assert stage["slides"]
        assert stage["old_worker_ended"]
    for stage in stages[: len(order)]:
        assert stage["reopens"]
        assert stage["steps"] == 33
    assert seen["left_behind"] == []
