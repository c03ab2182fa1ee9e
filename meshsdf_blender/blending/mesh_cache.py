"""Meshes of codes that were asked for before, so that playing back again asks for nothing.

Kept beside Blender's data, never in the .blend; the least recently used ones go first.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, NamedTuple

import bpy
import numpy as np

from .. import door
from ..errors import Refusal
from ..shapes import shape
from . import stored

MOST_BYTES = 256 * 2**20

Key = tuple[object, ...]


class Meshed(NamedTuple):
    """A mesh as the worker sent it: vertices ``(V, 3)``, faces ``(F, 3)``, and what it said."""

    vertices: np.ndarray
    faces: np.ndarray
    report: dict[str, Any]

    @property
    def nbytes(self) -> int:
        """The memory that its arrays take."""
        return int(self.vertices.nbytes + self.faces.nbytes)


_held: OrderedDict[Key, Meshed] = OrderedDict()


def key(ob: bpy.types.Object, code: np.ndarray) -> Key:
    """What a mesh depends on: code, space as it is on disk now, how finely. Raises Refusal."""
    info, settings = stored.space_of(ob), ob.meshsdf
    how = (settings.resolution, settings.newton, settings.cap)
    exact = np.ascontiguousarray(code, dtype=np.float32).tobytes()
    return (info.path, settings.up, info.stamps, *how, exact)


def held(known: Key) -> Meshed | None:
    """The mesh of a key, if it was asked for before and not dropped since."""
    found = _held.get(known)
    if found is not None:
        _held.move_to_end(known)
    return found


def keep(known: Key, meshed: Meshed) -> None:
    """Keep a mesh, and drop the oldest beyond the limit of memory."""
    _held[known] = meshed
    _held.move_to_end(known)
    while len(_held) > 1 and size() > MOST_BYTES:
        _held.popitem(last=False)


def mesh(ob: bpy.types.Object, code: np.ndarray) -> Meshed:
    """The mesh of ``code`` as the shape is meshed; waits for the worker where it is new. Refusal.

    A code without a surface has no faces, and its report says why.
    """
    known = key(ob, code)
    found = held(known)
    if found is None:
        header = shape.mesh_header(ob, ob.meshsdf.resolution)
        reply = door.ready_worker().request("mesh", header, {"code": code})
        found = read(reply)
        keep(known, found)
    return found


def read(reply: tuple[dict[str, Any], dict[str, np.ndarray]]) -> Meshed:
    """The mesh in the answer to a request. Raises Refusal where there is none."""
    header, arrays = reply
    try:
        return Meshed(arrays["vertices"], arrays["faces"], dict(header.get("report") or {}))
    except KeyError as error:
        raise Refusal("The worker sent a broken mesh", "Report this with Copy Details") from error


def size() -> int:
    """Bytes that are held."""
    return sum(meshed.nbytes for meshed in _held.values())


def forget(*_: object) -> None:
    """Drop every mesh."""
    _held.clear()
