"""Which way an entry of a list is moved."""

from __future__ import annotations

DIRECTIONS = (
    ("UP", "Up", "Towards the start of the list"),
    ("DOWN", "Down", "Towards the end of the list"),
)
