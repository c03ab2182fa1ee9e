"""Numbers as people give them to a residual: tensors, numpy arrays and lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import FitError

Numbers = Tensor | NDArray[Any] | Sequence[float] | Sequence[Sequence[float]]

POINT_ARRAY, AXES = 2, 3
# Beyond this, in the world's units, squares are no numbers in 32 bits any more.
FARTHEST = 1e12


def double(given: Numbers, what: str) -> Tensor:
    """They as a tensor of double precision on the CPU. Raises FitError where they are none."""
    if isinstance(given, np.ndarray):  # one that is read backwards is none of torch's
        given = np.ascontiguousarray(given)
    try:
        return torch.as_tensor(given, dtype=torch.float64).detach().cpu()
    except (TypeError, ValueError, RuntimeError):
        raise FitError(f"{what} are no array of numbers") from None


def points(given: Numbers, what: str, one: str) -> Tensor:
    """Points ``(N, 3)``, one at least. Raises FitError with ``what`` they are, and ``one`` is."""
    found = double(given, what)
    shape = tuple(found.shape)
    if len(shape) != POINT_ARRAY or shape[1] != AXES or not shape[0]:
        raise FitError(f"{what} are points of three numbers, and these are of shape {shape}")
    check_places(found, one)
    return found


def check_places(found: Tensor, one: str) -> None:
    """Raise FitError, with what ``one`` of them is, for points that are nowhere or too far off."""
    remedy = "Put it where it can be seen"
    if not bool(torch.isfinite(found).all()):
        raise FitError(f"{one} is not finite", remedy)
    if bool((found.abs() > FARTHEST).any()):
        raise FitError(f"{one} is more than {FARTHEST:g} units away", remedy)


def vector(given: Numbers, what: str) -> Tensor:
    """Three numbers ``(3,)``. Raises FitError."""
    found = double(given, what)
    if tuple(found.shape) != (AXES,) or not bool(torch.isfinite(found).all()):
        raise FitError(f"{what} are not three finite numbers")
    return found
