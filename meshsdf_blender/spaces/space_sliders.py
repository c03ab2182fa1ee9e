"""What is in a space of our own format, read without the worker: so that sliders show at once.

Only what is small and sure: named directions and known codes, all checked as the worker checks
them. Anything else, such as a space whose directions have no names, is left to the worker. Files
are read by a timer, never while a panel is drawn.
"""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
from bpy.app.handlers import persistent

from ..errors import Refusal
from ..redraw import redraw
from . import catalogue, packed, space_header
from .catalogue import SpaceInfo
from .sliders import Sliders
from .space_tensors import tensors

VERSION = 1

_tried: set[tuple[str, str]] = set()
_wanted: list[tuple[str, str, str]] = []  # spaces, their paths and up axes


def want(space: str, up: str, library: bpy.types.Library | None = None) -> None:
    """Have a space read soon, if that was not tried yet; no disk is touched."""
    if catalogue.known(space, up, library) is not None:
        return
    if not space or not catalogue.is_passive(space, library):
        return
    path = catalogue.location(space, library)
    if (path, up) in _tried:
        return
    _tried.add((path, up))
    _wanted.append((space, path, up))
    if not bpy.app.background and not bpy.app.timers.is_registered(tick):
        bpy.app.timers.register(tick, first_interval=0.0, persistent=True)


def read_now(space: str, up: str, library: bpy.types.Library | None = None) -> None:
    """Read a space's own file at once, unless that was tried before: not while drawing."""
    want(space, up, library)
    while tick() is not None:
        pass


def tick() -> float | None:
    """Read the next one; the next interval, or None when all were read."""
    if not _wanted:
        return None
    space, path, up = _wanted.pop(0)
    try:
        found = _read(space, Path(packed.unpacked(space) if packed.is_packed(space) else path))
    except (Refusal, OSError):  # the worker says what is wrong, where somebody asks it
        found = None
    if found is not None:
        catalogue.keep(found, up)
        redraw(bpy.context)
    return 0.0 if _wanted else None


def _read(space: str, path: Path) -> SpaceInfo | None:
    """What a space's file says of itself, as the worker would; None where that is not sure."""
    stamps = catalogue.stamps(path)
    told = space_header.described(path)
    if told.get("format") != space_header.FORMAT or told.get("version") != VERSION:
        return None
    arrays = tensors(path, ("codes", "mean", "sliders"))
    if arrays is None:
        return None
    codes, mean, offsets = arrays
    names, warnings, card = (told.get(key) for key in ("shape_names", "warnings", "card"))
    if not (_are_texts(names) and _are_texts(warnings) and isinstance(card, dict)):
        return None
    if codes.ndim != 2 or mean.shape != codes.shape[1:] or len(names) not in {0, len(codes)}:
        return None
    named = told.get("sliders")
    if not np.isfinite(codes).all() or not isinstance(named, list) or not named:
        return None
    try:
        sliders = Sliders.of(named, offsets, mean)
    except Refusal:
        return None
    builtin, title = space.startswith(catalogue.BUILTIN), catalogue.title(space)
    return SpaceInfo(
        name=title if builtin else str(told.get("name") or title),
        path=str(path),
        code_length=len(mean),
        shape_names=tuple(names),
        codes=codes,
        mean=mean,
        sliders=sliders,
        card=card,
        warnings=tuple(warnings),
        stamps=stamps,
    )


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


@persistent
def _loaded(*_: object) -> None:
    """Another file: read the spaces of its shapes, and try again what did not work."""
    forget()
    for ob in bpy.data.objects:
        if ob.type == "MESH" and ob.meshsdf.space:
            want(ob.meshsdf.space, ob.meshsdf.up, ob.library)


def forget() -> None:
    """Try every space again."""
    _tried.clear()
    _wanted.clear()


def register() -> None:
    bpy.app.handlers.load_post.append(_loaded)


def unregister() -> None:
    bpy.app.handlers.load_post.remove(_loaded)
    forget()
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
