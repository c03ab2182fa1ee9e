"""Blender's rules for a manifest, and one version everywhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
# Blender's own list is in _bpy_internal/extensions/tags.py; these are the ones we use.
TAGS = {"Mesh", "Modeling", "Camera"}


def test_what_blender_asks_for() -> None:
    assert MANIFEST["id"] == "meshsdf"
    assert MANIFEST["id"].isidentifier()
    assert "blender" not in MANIFEST["name"].lower()
    assert MANIFEST["license"] == ["SPDX:GPL-3.0-or-later"]
    assert MANIFEST["blender_version_min"] == "4.2.0"
    assert set(MANIFEST["tags"]) <= TAGS


def test_texts_fit_blenders_limits() -> None:
    for text in (MANIFEST["tagline"], *MANIFEST["permissions"].values()):
        assert 0 < len(text) <= 64
        assert text[-1].isalnum()


def test_no_permission_but_files_and_clipboard() -> None:
    assert set(MANIFEST["permissions"]) == {"files", "clipboard"}


def test_no_wheels_in_the_template() -> None:
    assert not {"wheels", "platforms", "build"} & set(MANIFEST)


def test_one_version_everywhere() -> None:
    version = MANIFEST["version"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == version
    assert re.search(rf"^## {re.escape(version)}\b", (ROOT / "CHANGELOG.md").read_text(), re.M)


def test_the_licence_is_there_in_full() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "GNU GENERAL PUBLIC LICENSE" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_library_holds_every_package_of_core():
    """setuptools installs only what is listed."""
    root = Path(__file__).resolve().parents[2]
    listed = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    there = {str(path.parent.relative_to(root)) for path in (root / "core").rglob("__init__.py")}
    assert set(listed) == {each.replace("/", ".").replace("\\", ".") for each in there}
