"""Reading a request's fields; what does not fit becomes an error of kind ``Request``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor

from ..errors import MeshSDFError
from .wire import Frame


class RequestError(MeshSDFError):
    """A request is malformed: a fault of whoever wrote it, not of the user's data."""


class BusyError(MeshSDFError):
    """A job is running, and the request must wait for its end."""


class DroppedError(MeshSDFError):
    """Nobody wants the answer any more: the request was dropped while it was worked on."""


class Request:
    """A frame, read field by field. Every reader raises RequestError."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    @property
    def id(self) -> int:
        """The request's number; 0 where it has none that could be answered."""
        number = self._frame.header.get("id")
        return number if type(number) is int else 0

    @property
    def op(self) -> str:
        """What is asked for."""
        op = self._frame.header.get("op")
        if not isinstance(op, str) or type(self._frame.header.get("id")) is not int:
            raise RequestError("A request needs a text 'op' and a whole number 'id'")
        return op

    def text(self, name: str, *, choices: Sequence[str] = ()) -> str:
        """A required text."""
        value = self._frame.header.get(name)
        if not isinstance(value, str) or not value or (choices and value not in choices):
            raise self._wrong(name, f"one of {', '.join(choices)}" if choices else "a text")
        return value

    def optional_text(self, name: str, choices: Sequence[str] = ()) -> str | None:
        """A text, of ``choices`` where there are any, or None where the field is absent or null."""
        return None if self._frame.header.get(name) is None else self.text(name, choices=choices)

    def integer(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number of [low, high]."""
        value = self._frame.header.get(name, default)
        if type(value) is not int or not low <= value <= high:
            raise self._wrong(name, f"a whole number from {low} to {high}")
        return value

    def number(self, name: str, low: float, high: float, default: float | None = None) -> float:
        """A number of [low, high]."""
        return checked_number(self._frame.header.get(name, default), name, low, high)

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        value = self._frame.header.get(name, default)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def mapping(self, name: str) -> dict[str, Any]:
        """A JSON object; empty where the field is absent or null."""
        value = self._frame.header.get(name)
        value = {} if value is None else value
        if not isinstance(value, dict):
            raise self._wrong(name, "an object")
        return value

    def objects(self, name: str) -> list[dict[str, Any]]:
        """A list of JSON objects."""
        value = self._frame.header.get(name)
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            raise self._wrong(name, "a list of objects")
        return value

    def array(self, name: str, dtype: str, dimensions: int) -> Tensor:
        """A copy of an array that came with the request."""
        raw = self._frame.arrays.get(name)
        if raw is None or raw.dtype != dtype or len(raw.shape) != dimensions:
            found = "none" if raw is None else f"{raw.dtype} of shape {raw.shape}"
            raise self._wrong(f"array {name}", f"{dtype} of {dimensions} dimensions, found {found}")
        return torch.from_numpy(raw.numpy().copy())

    def optional_array(self, name: str, dtype: str, dimensions: int) -> Tensor | None:
        """A copy of an array, or None where none of that name came with the request."""
        return self.array(name, dtype, dimensions) if name in self._frame.arrays else None

    @staticmethod
    def _wrong(name: str, expected: str) -> RequestError:
        return RequestError(f"The request's '{name}' is missing or wrong; expected {expected}")


def checked_number(value: object, name: str, low: float, high: float) -> float:
    """``value`` as a float of [low, high]. Raises RequestError."""
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    # Not (low <= value <= high) would let a NaN pass.
    if not fits or not low <= cast(float, value) <= high:
        raise RequestError(f"'{name}' is missing or wrong; expected a number from {low} to {high}")
    number = float(cast(float, value))
    assert math.isfinite(number)
    return number
