"""How the parts and holes of a shape changed in a fit, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..wording import counted


class Parts(NamedTuple):
    """How many parts and holes a shape has; ``holes`` is None where its surface is open."""

    parts: int
    holes: int | None


def of(report: Mapping[str, Any]) -> Parts | None:
    """Those of the worker's report on a mesh; None where it does not say."""
    parts, genus = report.get("components"), report.get("genus")
    if parts is None:
        return None
    return Parts(int(parts), None if genus is None else int(genus))


def changed(start: Parts | None, end: Parts | None) -> str:
    """What is different at the end: "Now 2 parts instead of 1"; nothing where nothing is."""
    if start is None or end is None or start == end:
        return ""
    told = []
    if start.parts != end.parts:
        told.append(f"{counted(end.parts, 'part')} instead of {start.parts:,}")
    if start.holes is None or end.holes is None:
        if start.holes != end.holes:
            told.append("closed instead of open" if start.holes is None else "open at an edge")
    elif start.holes != end.holes:
        told.append(f"{_holes(end.holes)} instead of {start.holes or 'none'}")
    return f"Now {' and '.join(told)}"


def _holes(count: int) -> str:
    return counted(count, "hole") if count else "no hole"
