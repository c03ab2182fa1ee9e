"""What a caller gives a fit beside outlines, checked: residuals, their arrays and their values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..errors import FitError
from .rows import Residual, Rows, Surface

PLUG = "Give objects with a weight and a method rows(surface), as core.fitting.rows says"


def residuals_of(given: Any) -> tuple[Residual, ...]:
    """Residuals as ``fit`` takes them: a sequence of them, or a single one.

    Raises FitError for what is none, and for a weight that is below zero or not finite.
    """
    if hasattr(given, "rows"):
        given = [given]
    if not isinstance(given, Iterable):
        raise FitError(f"residuals is a {name_of(given)}, and no list of residuals", PLUG)
    found = tuple(given)
    for each in found:
        if isinstance(each, type) or not callable(getattr(each, "rows", None)):
            raise FitError(f"Of the residuals one is none: {str(each)[:60]}", PLUG)
        try:
            weight = float(each.weight)
        except (AttributeError, TypeError, ValueError, RuntimeError):
            raise FitError(f"{name_of(each)} has no number as its weight", "Make it 1") from None
        if not (math.isfinite(weight) and weight >= 0):
            told = f"{name_of(each)} has the weight {weight:g}: below zero or not finite"
            raise FitError(told, "Make it 1")
    return found


def rows_of(residual: Residual, surface: Surface) -> Rows:
    """A residual's rows on a surface.

    Raises FitError, which names it, for what are no numbers, and for weights below zero.
    """
    rows = residual.rows(surface)
    name = name_of(residual)
    if rows.values.ndim != 1 or rows.values.shape != rows.weights.shape:
        told = f"{tuple(rows.values.shape)} and {tuple(rows.weights.shape)}"
        raise FitError(f"{name} gives values and weights of the shapes {told}", "Make both (N,)")
    _check(name, "values", rows.values)
    _check(name, "weights", rows.weights)
    if bool((rows.weights < 0).any()):
        raise FitError(f"{name} gives weights below zero", "Make each 0 or more")

    def by() -> Tensor:
        found = rows.by()
        _check(name, "derivatives", found)
        return found

    return replace(rows, by=by)


def names_of(residuals: Sequence[Residual]) -> list[str]:
    """What each is called, so that no two are called alike: "Landmarks", "Landmarks 2"."""
    names: list[str] = []
    for residual in residuals:
        name, number = name_of(residual), 1
        unique = name
        while unique in names:
            number += 1
            unique = f"{name} {number}"
        names.append(unique)
    return names


def name_of(thing: object) -> str:
    """What a message calls it."""
    return type(thing).__name__


def _check(name: str, what: str, numbers: Tensor) -> None:
    if not bool(torch.isfinite(numbers).all()):
        remedy = "Look at what it computes on this surface"
        raise FitError(f"{name} gives {what} that are no numbers", remedy)
