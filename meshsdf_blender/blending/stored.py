"""The list of codes that an artist keeps on a shape: stored, found, removed, put in order.

Codes and pictures are text in plain string properties. The trap: ID properties of another length
corrupt Blender's memory, and bytes end at the first zero; text does neither.
"""

from __future__ import annotations

import hashlib
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable

import bpy
import numpy as np

from .. import naming
from ..errors import Refusal
from ..shapes import codes, mesh_upload, shape, thumbnail
from ..spaces import catalogue
from ..spaces.catalogue import SpaceInfo
from . import channels

FIRST_NAME = "Code"
RENEW = "Remove that code, and store it again"


def store(ob: bpy.types.Object, name: str = "") -> bpy.types.PropertyGroup:
    """Keep the shape's code, with a picture of its mesh, at the end of the list. Refusal.

    Without a name it gets a number; a name that is taken gets one too.
    """
    code = shape.checked_code(ob)
    info = space_of(ob)
    picture = thumbnail.shaded(*mesh_upload.read(shape.mesh_of(ob)))
    blend = ob.meshsdf.blend
    entry = blend.codes.add()
    entry.code, entry.picture = code_text(code), picture_text(picture)
    entry.space, entry.mark = info.name, mark(info)
    taken = [other.name for other in blend.codes[:-1]]
    entry.name = name.strip() or numbered(taken)
    blend.active = len(blend.codes) - 1
    ob.update_tag()  # or the evaluated object keeps the old list
    return entry


def find(ob: bpy.types.Object, name: str) -> int:
    """The place of a code, by name in any case or number from 1 on; the selected one if empty."""
    blend = ob.meshsdf.blend
    names = [entry.name for entry in blend.codes]
    if not names:
        raise Refusal(
            f"Object '{ob.name}' has no stored codes",
            "Store its code first",
            script="bpy.ops.meshsdf.code_store()",
        )
    if not name:
        return min(max(blend.active, 0), len(names) - 1)
    found = naming.place(name, names)
    if found is not None:
        return found
    if name.isdecimal() and 0 < int(name) <= len(names):
        return int(name) - 1
    raise Refusal(f"Object '{ob.name}' has no stored code '{name}'", f"Use {naming.listed(names)}")


def remove(ob: bpy.types.Object, place: int) -> None:
    """Forget a stored code, and the animation of its weight. Raises Refusal."""
    blend = ob.meshsdf.blend
    order = [index for index in range(len(blend.codes)) if index != place]
    channels.renumber(ob, order)
    blend.codes.remove(place)
    blend.active = max(0, min(blend.active, len(order) - 1))
    ob.update_tag()


def move(ob: bpy.types.Object, place: int, steps: int) -> None:
    """Move a stored code down the list, or up; the animation of its weight goes along. Refusal."""
    blend = ob.meshsdf.blend
    target = min(max(place + steps, 0), len(blend.codes) - 1)
    order = [index for index in range(len(blend.codes)) if index != place]
    order.insert(target, place)
    channels.renumber(ob, order)
    blend.codes.move(place, target)
    blend.active = target
    ob.update_tag()


def code_of(ob: bpy.types.Object, entry: bpy.types.PropertyGroup) -> np.ndarray:
    """A stored code ``(L,)``. Raises Refusal where it is of another space than the shape."""
    info = space_of(ob)
    if entry.mark != mark(info):
        raise Refusal(
            f"The code '{entry.name}' was stored in space '{entry.space}', "
            f"and object '{ob.name}' lives in another, '{info.name}'",
            "Set the shape's space back, or remove that code",
            script=_removing(entry),
        )
    try:
        code = np.frombuffer(b64decode(entry.code), dtype="<f4")
    except ValueError as error:  # binascii.Error is one, and so is half a number
        raise Refusal(
            f"The stored code '{entry.name}' cannot be read: its text in the file is broken",
            RENEW,
            script=_removing(entry),
        ) from error
    named, script = f"the stored code '{entry.name}'", _removing(entry)
    return codes.check(code, named, info.code_length, remedy=RENEW, script=script)


def _removing(entry: bpy.types.PropertyGroup) -> str:
    return f"bpy.ops.meshsdf.code_remove(code={entry.name!r})"


def space_of(ob: bpy.types.Object) -> SpaceInfo:
    """What is known of a shape's space. Raises Refusal."""
    settings = ob.meshsdf
    return catalogue.info(settings.space, settings.up, ob.library)


def mark(info: SpaceInfo) -> str:
    """What tells one space from another wherever its file lies: a digest of its known codes."""
    known = info.codes if info.codes.size else info.mean
    return hashlib.sha256(np.ascontiguousarray(known, dtype="<f4").tobytes()).hexdigest()[:16]


def numbered(taken: Iterable[str], stem: str = FIRST_NAME) -> str:
    """The first of "Code 1", "Code 2" and so on that is free."""
    used, number = set(taken), 1
    while f"{stem} {number}" in used:
        number += 1
    return f"{stem} {number}"


def code_text(code: np.ndarray) -> str:
    """A code ``(L,)`` as text, exactly."""
    return b64encode(np.ascontiguousarray(code, dtype="<f4").tobytes()).decode("ascii")


def picture_text(picture: np.ndarray) -> str:
    """A picture ``(S, S, 4)`` in [0, 1] as text, in bytes a channel."""
    flat = np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    return b64encode(zlib.compress(flat.tobytes(), 9)).decode("ascii")


def picture_of(text: str) -> np.ndarray | None:
    """The picture ``(S, S, 4)`` float32 in a text; None where there is none.

    A text comes from a file, and drawing reads it: it is unpacked up to the one size that counts.
    """
    size = thumbnail.SIZE
    wanted = size * size * 4
    if not 0 < len(text) <= 2 * wanted:
        return None
    try:
        flat = zlib.decompressobj().decompress(b64decode(text), wanted + 1)
    except (ValueError, zlib.error):
        return None
    if len(flat) != wanted:
        return None
    return np.frombuffer(flat, dtype=np.uint8).reshape(size, size, 4).astype(np.float32) / 255
