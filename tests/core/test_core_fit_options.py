"""The options of a fit: what is out of range is refused where it is made, by name."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from core.errors import FitError
from core.fitting import FitOptions
from core.fitting.options import LARGEST_NUMBER, RANGES

NUMBERS = [f.name for f in fields(FitOptions) if not isinstance(f.default, bool | str)]
SWITCHES = [f.name for f in fields(FitOptions) if isinstance(f.default, bool)]


def refused(name: str, value: Any) -> str:
    with pytest.raises(FitError) as caught:
        FitOptions(**{name: value})
    assert f"'{name}' is {value!r}" in caught.value.problem
    return caught.value.remedy


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_and_their_ranges(name: str) -> None:
    low, high = RANGES.get(name, (0.0, LARGEST_NUMBER))
    for value in (low, high):
        assert getattr(FitOptions(**{name: value}), name) == value
    for value in (low - 1, high + 1, float("nan"), float("inf"), "1", None, True):
        assert refused(name, value) == f"Use {expected(name)}"


def expected(name: str) -> str:
    return {
        "steps": "a whole number from 0 to 100000",
        "patience": "a whole number from 1 to 100000",
        "resolution": "a whole number from 4 to 1024",
        "newton": "a whole number from 0 to 3",
        "restarts": "a whole number from 0 to 64",
    }.get(name, "a number from 0 to 1000000")


@pytest.mark.parametrize("name", RANGES)
def test_counts_are_whole(name: str) -> None:
    assert "a whole number" in refused(name, RANGES[name][0] + 1.5)


@pytest.mark.parametrize("name", SWITCHES)
def test_switches_are_no_numbers(name: str) -> None:
    assert refused(name, 1) == "Use true or false"


def test_there_are_two_solvers() -> None:
    for name in ("newton", "", None, 1, True):
        assert refused("solver", name) == "Use one of second_order, adam"


def test_numpys_numbers_are_numbers() -> None:
    assert FitOptions(steps=np.int64(3), rate=np.float32(0.5)).steps == 3  # type: ignore[arg-type]
