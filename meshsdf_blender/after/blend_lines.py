"""A shape's blend, as it is now, as the Python that makes it."""

from __future__ import annotations

import bpy
import numpy as np

from ..blending import blended, held
from ..deleted import is_deleted
from ..errors import Refusal
from ..shapes import codes, history, shape
from ..spaces import catalogue
from .needs import Needs
from .plain_python import literal
from .stored_lines import StoredCodes


class BlendLines:
    """A shape's blend; what of it stands for nothing is ``left_out``, in words.

    ``mode`` is what the shape of the script follows.
    """

    def __init__(self, ob: bpy.types.Object, kept: StoredCodes) -> None:
        self._ob, self._kept = ob, kept
        self.left_out: list[str] = []
        self._ends = [which for which in held.ENDS if self._stands(which)]
        self.mode = self._followed()

    def values(self, needs: Needs) -> list[str]:
        """Python for what is set of it; its mode last, or each value would mesh the shape."""
        blend = self._ob.meshsdf.blend
        written = [
            f"blend.{name} = {literal(_plain(getattr(blend, name)))}"
            for name in (*self._ends, "factor", "method")
            if getattr(blend, name) != blend.bl_rna.properties[name].default
        ]
        for old, new in self._kept.places.items():
            weight = _plain(blend.codes[old].weight)
            if weight:
                written.append(f"blend.codes[{new}].weight = {literal(weight)}")
        places = self._kept.places
        if blend.active in places and places[blend.active] != len(places) - 1:
            written.append(f"blend.active = {places[blend.active]}")
        if self.mode == "TWO":
            for name in objects(self._ob, [blend.first, blend.second], self._kept):
                needs.block(name, "Object")
        return written

    def mode_line(self) -> list[str]:
        """Python for what the shape follows."""
        return [] if self.mode == "NONE" else [f"blend.mode = {literal(self.mode)}"]

    def leads(self) -> bool:
        """Whether the blend alone makes the code that is there."""
        if self.mode == "NONE" or not shape.is_shape(self._ob):
            return False
        try:
            code = blended.code(self._ob)
            return code is not None and np.array_equal(code, codes.read(self._ob))
        except Refusal:
            return False

    def _stands(self, which: str) -> bool:
        """Whether an end is set and stands for a code, as far as that can be told."""
        name = held.name(self._ob, which)
        if not name or not shape.is_shape(self._ob):
            return bool(name)
        try:
            blended.end_of(self._ob, which)
        except Refusal as refusal:
            self.left_out.append(f"{held.LABELS[which]} of its blend: {refusal.problem}")
            return False
        if held.is_object(self._ob, which) and not objects(self._ob, [name], self._kept):
            self.left_out.append(
                f"{held.LABELS[which]} of its blend: object {literal(name)} is called like a code"
            )
            return False
        return True

    def _followed(self) -> str:
        mode = str(self._ob.meshsdf.blend.mode)
        if mode == "NONE" or not shape.is_shape(self._ob):
            return mode
        if mode == "TWO" and self.left_out:
            return "NONE"
        try:
            blended.check(self._ob)
        except Refusal as refusal:
            self.left_out.append(f"its blend: {refusal.problem}")
            return "NONE"
        return mode


def objects(ob: bpy.types.Object, names: list[str], kept: StoredCodes) -> list[str]:
    """Which ends of a blend are other objects."""
    settings = ob.meshsdf
    known = catalogue.shape_choices(settings.space or settings.after.space, settings.up)
    others = [name for name in names if name not in known and name not in kept.digests]
    return [name for name in others if _is_there(bpy.data.objects.get(name))]


def _is_there(ob: bpy.types.Object | None) -> bool:
    return ob is not None and shape.is_shape(ob) and not is_deleted(ob)


def _plain(value: object) -> object:
    return history.shortest(value) if isinstance(value, float) else value
