"""Old to new to old: installed over each other in one Blender, with a shape in the file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
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


def test_versions_follow_each_other_in_one_blender(light_package: Path, tmp_path: Path) -> None:
    order = ["0.0.9", "0.1.0", "0.0.9"]
    packages = [str(versioned(light_package, tmp_path, version)) for version in order]
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
    assert seen["left_behind"] == []
