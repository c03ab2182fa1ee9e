"""The last refusal of an operator, kept until something succeeds or the artist dismisses it."""

from __future__ import annotations

import bpy
from bpy.app.handlers import persistent

from ..errors import Refusal

_last: list[Refusal] = []  # at most one


def note(refusal: Refusal) -> None:
    """Keep what an operator was refused for."""
    _last[:] = [refusal]


def last() -> Refusal | None:
    """What was refused last, if that still matters."""
    return _last[0] if _last else None


@persistent
def forget(*_: object) -> None:
    """It is mended, dismissed, or of another file."""
    _last.clear()


def register() -> None:
    bpy.app.handlers.load_pre.append(forget)


def unregister() -> None:
    bpy.app.handlers.load_pre.remove(forget)
    forget()
