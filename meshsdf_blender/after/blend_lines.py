"""A shape's stored codes and its blend, as they are now, as the Python that makes them."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable

import bpy
import numpy as np

from ..blending import blended, stored
from ..errors import Refusal
from ..shapes import codes, history, shape
from ..spaces import catalogue
from ..spaces.catalogue import SpaceInfo
from .needs import Needs
from .plain_python import literal

# The shape's own start and its history are as if nothing had been stored.
STORE = """\
]:
    shape["meshsdf_code"] = code
    bpy.ops.meshsdf.shape_update()
    bpy.ops.meshsdf.code_store(title=name)
shape["meshsdf_code"] = start
bpy.ops.meshsdf.shape_update()
shape.meshsdf.after.record = made""".splitlines()


class StoredCodes:
    """The codes on a shape that a script can bring, and why not the others.

    ``digests`` are theirs by name, ``places`` their new places in the list by the old ones.
    """

    def __init__(self, ob: bpy.types.Object) -> None:
        self.digests: dict[str, str] = {}
        self.places: dict[int, int] = {}
        self.left_out: list[str] = []
        self._numbers: list[tuple[str, list[float]]] = []
        entries = ob.meshsdf.blend.codes
        if not len(entries):
            return
        space = _space(ob)
        for place, entry in enumerate(entries):
            code, why = _code(entry, space)
            if code is None:
                self.left_out.append(f"the stored code {literal(entry.name)}, {why}")
                continue
            self.places[place] = len(self.places)
            self.digests[entry.name] = history.digest(code)
            self._numbers.append((entry.name, history.numbers(code)))

    def lines(self) -> list[str]:
        """Python that stores them, and leaves the shape as it was."""
        if not self._numbers:
            return []
        return [
            "",
            "# Its stored codes.",
            f'start, made = list(shape["{codes.KEY}"]), shape.meshsdf.after.record',
            "for name, code in [",
            *(f"    ({literal(name)}, {numbers})," for name, numbers in self._numbers),
            *STORE,
            "",
        ]


def digests(ob: bpy.types.Object, names: list[str]) -> dict[str, str]:
    """Which of these names are stored codes, and what these are now."""
    known: dict[str, str] = {}
    for entry in ob.meshsdf.blend.codes:
        try:
            known[entry.name] = history.digest(np.frombuffer(b64decode(entry.code), dtype="<f4"))
        except ValueError:
            continue
    return among(known, names)


def among(known: dict[str, str], names: Iterable[str]) -> dict[str, str]:
    """The digests of those names that are known: as they are written, else in another case."""
    folded = {name.casefold(): digest for name, digest in reversed(known.items())} | known
    found = {name: folded.get(name, folded.get(name.casefold())) for name in names}
    return {name: digest for name, digest in found.items() if name and digest is not None}


def values(ob: bpy.types.Object, kept: StoredCodes, needs: Needs) -> list[str]:
    """Python for what is set of the blend; its mode last, or each value would mesh the shape."""
    blend = ob.meshsdf.blend
    written = [
        f"blend.{name} = {literal(_plain(getattr(blend, name)))}"
        for name in ("first", "second", "factor", "method")
        if getattr(blend, name) != blend.bl_rna.properties[name].default
    ]
    for old, new in kept.places.items():
        weight = _plain(blend.codes[old].weight)
        if weight:
            written.append(f"blend.codes[{new}].weight = {literal(weight)}")
    if blend.active in kept.places and kept.places[blend.active] != len(kept.places) - 1:
        written.append(f"blend.active = {kept.places[blend.active]}")
    if blend.mode == "TWO":
        for name in objects(ob, [blend.first, blend.second], kept):
            needs.block(name, "Object")
    return written


def mode(ob: bpy.types.Object) -> list[str]:
    """Python for what the shape follows."""
    now = ob.meshsdf.blend.mode
    return [] if now == "NONE" else [f"blend.mode = {literal(now)}"]


def leads(ob: bpy.types.Object) -> bool:
    """Whether the blend alone makes the code that is there."""
    try:
        code = blended.code(ob) if shape.is_shape(ob) else None
        return code is not None and np.array_equal(code, codes.read(ob))
    except Refusal:
        return False


def objects(ob: bpy.types.Object, ends: list[str], kept: StoredCodes) -> list[str]:
    """Which ends of a blend are other objects."""
    settings = ob.meshsdf
    known = catalogue.shape_choices(settings.space or settings.after.space, settings.up)
    others = [name for name in ends if name not in known and name not in kept.digests]
    return [name for name in others if shape.is_shape(bpy.data.objects.get(name))]


def _space(ob: bpy.types.Object) -> SpaceInfo | None:
    settings = ob.meshsdf
    try:
        space = settings.space or settings.after.space
        return catalogue.info(space, settings.up, ob.library)
    except Refusal:
        return None


def _code(entry: bpy.types.PropertyGroup, space: SpaceInfo | None) -> tuple[np.ndarray | None, str]:
    """A stored code, or why a script cannot bring it."""
    if space is None:
        return None, "as its space could not be read"
    if entry.mark != stored.mark(space):
        return None, "which is of another space"
    try:
        code = np.frombuffer(b64decode(entry.code), dtype="<f4")
        return codes.check(code, entry.name, space.code_length), ""
    except (Refusal, ValueError):
        return None, "which is damaged"


def _plain(value: object) -> object:
    return history.shortest(value) if isinstance(value, float) else value
