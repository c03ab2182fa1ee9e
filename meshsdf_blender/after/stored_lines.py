"""The codes that are stored on a shape, as the Python that stores them again."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable

import bpy
import numpy as np

from ..blending import stored
from ..errors import Refusal
from ..shapes import codes, history
from ..spaces import catalogue
from ..spaces.catalogue import SpaceInfo
from .plain_python import literal

# The shape's own start is as if nothing had been stored.
STORE = """\
]:
    shape["meshsdf_code"] = code
    bpy.ops.meshsdf.shape_update()
    bpy.ops.meshsdf.code_store(title=name)
shape["meshsdf_code"] = start
bpy.ops.meshsdf.shape_update()""".splitlines()


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
            f'start = list(shape["{codes.KEY}"])',
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
