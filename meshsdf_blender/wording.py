"""Words that every text of the interface needs."""

from __future__ import annotations

# Why fits end.
REASONS = {
    "converged": "The outlines match",
    "steps": "All steps done",
    "patience": "No more to gain",
    "stopped": "Stopped",
}


def counted(count: int, thing: str) -> str:
    """A number with what it counts: 1 step, 2 steps."""
    return f"{count:,} {thing}" + "s" * (count != 1)
