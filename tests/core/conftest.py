"""Fixtures of core's tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.loading import load_space
from core.space import Space

# Real checkpoints lie beside the repository where there are any; they are no part of it.
CHECKPOINTS = Path(__file__).resolve().parents[3] / "shared" / "checkpoints"

SPACES = Path(__file__).resolve().parents[2] / "spaces"


@pytest.fixture(scope="session")
def bob_and_spot() -> Space:
    """The built-in pair: code 0 has a hole, code 1 has none."""
    return load_space(SPACES / "bob_and_spot.safetensors")


@pytest.fixture
def checkpoint() -> Callable[[str], Path]:
    """The folder of a real checkpoint by name; skips the test without it."""

    def folder(name: str) -> Path:
        path = CHECKPOINTS / name
        if not path.is_dir():
            pytest.skip(f"no real checkpoint {name} here")
        return path

    return folder
