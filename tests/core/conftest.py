"""Fixtures of core's tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

# Real checkpoints lie beside the repository where there are any; they are no part of it.
CHECKPOINTS = Path(__file__).resolve().parents[3] / "shared" / "checkpoints"


@pytest.fixture
def checkpoint() -> Callable[[str], Path]:
    """The folder of a real checkpoint by name; skips the test without it."""

    def folder(name: str) -> Path:
        path = CHECKPOINTS / name
        if not path.is_dir():
            pytest.skip(f"no real checkpoint {name} here")
        return path

    return folder
