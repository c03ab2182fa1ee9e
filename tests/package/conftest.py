"""Packages built once for the session, and a Blender in a process of its own to put them into."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools.dev import extension
from tools.dev.wheels import collect

HERE = Path(__file__).parent
INSTALL_SECONDS = 300


@pytest.fixture(scope="session")
def light_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("light")
    return extension.build(Path(sys.executable), folder / "meshsdf-light.zip")


@pytest.fixture(scope="session")
def full_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    python = Path(sys.executable)
    folder = tmp_path_factory.mktemp("full")
    return extension.build(python, folder / "meshsdf-full.zip", collect(python))


@pytest.fixture
def install(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Install a package with `python`'s Blender; what install_in_blender.py saw."""

    def run(package: Path, python: Path, **variables: str) -> dict[str, Any]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "MESHSDF_", "VIRTUAL_ENV", "CONDA"))
        }
        # A folder with a space and letters beyond ASCII: users have them.
        resources = tmp_path / "Blender für Åsa"
        resources.mkdir()
        done = subprocess.run(
            [str(python), str(HERE / "install_in_blender.py"), str(package)],
            check=False,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            cwd=tmp_path,
            env={**kept, "BLENDER_USER_RESOURCES": str(resources), **variables},
        )
        lines = done.stdout.strip().splitlines()
        assert lines, done.stderr
        seen = json.loads(lines[-1])
        assert "error" not in seen, f"{seen['error']}\n{done.stdout}\n{done.stderr}"
        return seen

    return run
