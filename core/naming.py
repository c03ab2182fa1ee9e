"""Names as people write them: "Cup 1009" for cup_1009, "head width" for Head width."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from .errors import CodeError


def plain(name: str) -> str:
    """``name`` without what people leave out or change: case, underscores, dashes, spaces."""
    return " ".join(name.replace("_", " ").replace("-", " ").split()).casefold()


def named(name: str, known: Mapping[str, str] | Iterable[str]) -> list[str]:
    """What ``name`` stands for among ``known``: one is found, none is, or several could be meant.

    A mapping takes names, of which several may stand for one, to what they stand for. A name as it
    is written goes before one that only looks like it.
    """
    meant = known if isinstance(known, Mapping) else {each: each for each in known}
    if name in meant:
        return [meant[name]]
    return sorted({value for key, value in meant.items() if plain(key) == plain(name)})


def slider_text(text: str) -> tuple[str, float]:
    """Name and value of "NAME=VALUE". Raises CodeError."""
    name, equals, value = text.rpartition("=")
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not equals or not name.strip() or not math.isfinite(number):
        raise CodeError(
            f"The slider '{text[:60]}' has no name or no number",
            'Write NAME=VALUE, as in --slider "Head width=1.5"',
        )
    return name.strip(), number
