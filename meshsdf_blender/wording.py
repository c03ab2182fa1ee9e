"""Words that every text of the interface needs."""

from __future__ import annotations


def counted(count: int, thing: str) -> str:
    """A number with what it counts: 1 step, 2 steps."""
    return f"{count:,} {thing}" + "s" * (count != 1)
