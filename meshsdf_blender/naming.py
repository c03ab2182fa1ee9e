"""Names as an artist types them: as they are written first, then the same in another case."""

from __future__ import annotations

from collections.abc import Iterable

MOST_LISTED = 5


def place(name: str, known: Iterable[str]) -> int | None:
    """Where ``name`` stands among ``known``; None where it is not there in any case."""
    names = list(known)
    if name in names:
        return names.index(name)
    folded = [each.casefold() for each in names]
    return folded.index(name.casefold()) if name.casefold() in folded else None


def listed(names: Iterable[str]) -> str:
    """The first names, and how many more there are: "a, b, and 3 more"."""
    found = list(names)
    text = ", ".join(found[:MOST_LISTED])
    more = len(found) - MOST_LISTED
    return f"{text}, and {more} more" if more > 0 else text
