"""What a space's file says of itself beside its tensors: one JSON object, see ``spacefile``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from .decoder import MOST_LAYERS, MOST_WIDTH, Architecture
from .errors import SpaceError
from .space import UPS, Frame

FORMAT = "meshsdf-space"
VERSION = 1
# No panel shows more.
MOST_SLIDERS = 256


class SpaceDescription:
    """The JSON object, checked field by field; ``source`` names its file in errors.

    Raises SpaceError that names the entry and what was expected.
    """

    def __init__(self, source: str, value: Mapping[str, Any]) -> None:
        self._source = source
        if value.get("format") != FORMAT:
            raise self._wrong("format", f"'{FORMAT}'")
        version = value.get("version")
        if version != VERSION:
            raise SpaceError(
                f"'{source}' is a space of format version {version!r:.20}; this reads {VERSION}",
                "Install the newest version of the extension",
            )
        self.name = self._text(value.get("name"), "name")
        self.architecture = self._architecture(value.get("architecture"))
        self.frame = self._frame(value.get("frame"))
        self.shape_names = self._texts(value.get("shape_names", []), "shape_names")
        self.warnings = self._texts(value.get("warnings", []), "warnings")
        card = value.get("card", {})
        if not isinstance(card, dict) or not _is_json(card):
            raise self._wrong("card", "a JSON object of texts and finite numbers")
        self.card: dict[str, Any] = card
        self.sliders = self._sliders(value.get("sliders", []))

    def _wrong(self, key: str, expected: str) -> SpaceError:
        return SpaceError(
            f"The entry '{key}' of '{self._source}' is missing or wrong; expected {expected}",
            "The file is damaged or was edited: write or download it again",
        )

    def _text(self, value: object, key: str) -> str:
        if not isinstance(value, str) or not _is_json(value):
            raise self._wrong(key, "a text")
        return value

    def _texts(self, value: object, key: str) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise self._wrong(key, "a list of texts")
        return tuple(self._text(text, key) for text in value)

    def _architecture(self, value: object) -> Architecture:
        names = {field.name for field in fields(Architecture)}
        if not isinstance(value, dict) or not {"code_length", "widths"} <= value.keys() <= names:
            raise self._wrong("architecture", f"an object with {', '.join(sorted(names))}")
        checked: dict[str, Any] = {}
        for key, item in value.items():
            where = f"architecture.{key}"
            if key in ("xyz_in_all", "tanh_last", "tanh_out"):
                if not isinstance(item, bool):
                    raise self._wrong(where, "true or false")
                checked[key] = item
            elif key in ("widths", "skips", "norms"):
                if not isinstance(item, list) or len(item) > MOST_LAYERS:
                    raise self._wrong(where, f"a list of at most {MOST_LAYERS} numbers")
                checked[key] = tuple(self._integer(n, where, MOST_WIDTH) for n in item)
            else:
                checked[key] = self._integer(item, where, MOST_WIDTH)
        form = Architecture(**checked)
        # Widths of 0 would make layers without inputs; Fourier octaves beyond 2^16 are noise.
        if not form.widths or min(form.widths) < 1:
            raise self._wrong("architecture.widths", "at least one hidden layer, widths of 1 or up")
        if form.fourier_degree > 16:
            raise self._wrong("architecture.fourier_degree", "0 to 16")
        if any(not 0 < layer < form.layer_count for layer in form.skips):
            raise self._wrong("architecture.skips", f"layers from 1 to {form.layer_count - 1}")
        if any(layer >= len(form.widths) for layer in form.norms):
            raise self._wrong("architecture.norms", f"layers from 0 to {len(form.widths) - 1}")
        return form

    def _integer(self, value: object, key: str, largest: int) -> int:
        if type(value) is not int or not 0 <= value <= largest:
            raise self._wrong(key, f"whole numbers from 0 to {largest}")
        return value

    def _frame(self, value: object) -> Frame:
        if not isinstance(value, dict):
            raise self._wrong("frame", "an object with up, scale and offset")
        up, offset = value.get("up"), value.get("offset")
        scale = self._number(value.get("scale"), "frame.scale")
        if up not in UPS:
            raise self._wrong("frame.up", "'Z' or 'Y'")
        if scale <= 0:
            raise self._wrong("frame.scale", "a number above 0")
        if not isinstance(offset, list) or len(offset) != 3:
            raise self._wrong("frame.offset", "three numbers")
        x, y, z = (self._number(n, "frame.offset") for n in offset)
        return Frame(str(up), scale, (x, y, z))

    def _sliders(self, value: object) -> tuple[tuple[str, float, float], ...]:
        """Name, low and high of each."""
        if not isinstance(value, list) or len(value) > MOST_SLIDERS:
            raise self._wrong("sliders", f"a list of at most {MOST_SLIDERS} objects")
        found = []
        for number, item in enumerate(value):
            where = f"sliders[{number}]"
            if not isinstance(item, dict):
                raise self._wrong(where, "an object with name, low and high")
            name = self._text(item.get("name"), f"{where}.name")
            low, high = (self._number(item.get(k), f"{where}.{k}") for k in ("low", "high"))
            if not low < high:
                raise self._wrong(f"{where}.low", "a number below high")
            found.append((name, low, high))
        return tuple(found)

    def _number(self, value: object, key: str) -> float:
        # A whole number of 400 digits is JSON, but no float.
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e30:
            number = float(value)
            if math.isfinite(number):
                return number
        raise self._wrong(key, "finite numbers")


def _is_json(value: object) -> bool:
    """Whether ``value`` can be written again: 1e999 is read as infinity, and half a character of
    UTF-16 as a text that nothing can encode."""
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode("utf-8")
    except (ValueError, TypeError, RecursionError):
        return False
    return True
