"""Fixtures of core's tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from core.loading import load_space
from core.space import Space
from core.spacefile import write_space

from .octahedron import octahedra

# Real checkpoints lie beside the repository where there are any; they are no part of it.
CHECKPOINTS = Path(
    os.environ.get("MESHSDF_CHECKPOINTS")
    or Path(__file__).resolve().parents[3] / "shared" / "checkpoints"
)

SPACES = Path(__file__).resolve().parents[2] / "spaces"


@pytest.fixture(scope="session")
def built_in() -> Callable[[str], Space]:
    """A space that ships, by name."""
    return lambda name: load_space(SPACES / f"{name}.safetensors")


@pytest.fixture(scope="session")
def bob_and_spot(built_in: Callable[[str], Space]) -> Space:
    """The built-in pair: code 0 has a hole, code 1 has none."""
    return built_in("bob_and_spot")


@pytest.fixture
def checkpoint() -> Callable[[str], Path]:
    """The folder of a real checkpoint by name; skips the test without it."""

    def folder(name: str) -> Path:
        path = CHECKPOINTS / name
        if not path.is_dir():
            pytest.skip(f"no real checkpoint {name} here")
        return path

    return folder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of the octahedra, unless a module of tests has its own."""
    write_space(tmp_path / "octahedra.safetensors", octahedra())
    return tmp_path / "octahedra.safetensors"
