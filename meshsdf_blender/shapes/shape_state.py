"""What tells one shape from another beside its mesh.

Code, blend, transform, settings, readout, and the record of what made it.

One list of it, for whatever puts a shape back: a fit that failed, the shape before a fit. It is
checked whole before anything is written, and nothing follows what is written.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import bmesh
import bpy
import numpy as np

from ..errors import Refusal
from ..spaces import catalogue
from . import codes
from .shape import FIT_READOUT, mesh_of

# The mode first: setting it converts the rotation of the old mode into the new one's.
TRANSFORM = (
    "rotation_mode",
    "location",
    "rotation_euler",
    "rotation_quaternion",
    "rotation_axis_angle",
    "scale",
)
SPACE = ("space", "up")
SETTINGS = (
    *SPACE,
    *("resolution", "cap", "newton", "draft"),
    *("vertices", "faces", "components", "genus", "watertight", "volume", "message"),
    *FIT_READOUT,
)
KINDS: dict[str, type | tuple[type, ...]] = {
    "INT": int,
    "FLOAT": (int, float),
    "STRING": str,
    "ENUM": str,
}
LARGEST_INT = 2**31 - 1  # that Blender's whole numbers hold


@dataclass(frozen=True)
class ShapeState:
    """A shape's code ``(L,)`` float32, the mode of its blend, and its properties by their names.

    ``record`` is what ``history`` keeps of it: going back to a shape goes back to its steps.
    """

    code: np.ndarray
    blend: str
    record: str
    transform: Mapping[str, Any]
    settings: Mapping[str, Any]

    @classmethod
    def of(cls, ob: bpy.types.Object) -> ShapeState:
        """The state of a shape. Raises Refusal where its code cannot be read."""
        # The properties themselves: through matrix_world they would come back rounded.
        return cls(
            codes.read(ob),
            ob.meshsdf.blend.mode,
            ob.meshsdf.after.record,
            {name: _copied(getattr(ob, name)) for name in TRANSFORM},
            {name: _copied(getattr(ob.meshsdf, name)) for name in SETTINGS},
        )

    @classmethod
    def from_text(cls, text: str) -> ShapeState:
        """A state from JSON as :meth:`text` gives it. Raises ValueError; ``check`` what comes."""
        told = json.loads(text)
        try:
            code, blend, record = told["code"], told["blend"], told.get("record", "")
            transform, settings = told["transform"].items(), told["settings"].items()
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"without {error}") from error
        if not isinstance(code, list) or not code or not _are(code, (int, float)):
            raise ValueError("its code is no list of numbers")
        return cls(
            np.array(code, dtype=np.float32),
            blend,
            record,
            {name: _copied(value) for name, value in transform},
            {name: _copied(value) for name, value in settings},
        )

    def text(self) -> str:
        """As JSON, in which single precision comes back exactly.

        Without the space, for that may be renamed meanwhile: packed, found elsewhere.
        """
        told = {
            "code": [float(value) for value in self.code],
            "blend": self.blend,
            "record": self.record,
        }
        settings = {name: value for name, value in self.settings.items() if name not in SPACE}
        return json.dumps(told | {"transform": self.transform, "settings": settings})

    def check(self, ob: bpy.types.Object) -> None:
        """Raise Refusal where not all of it can be put into ``ob``; nothing is written."""
        told = ob.meshsdf
        for owner, values, known in (
            (ob, self.transform, TRANSFORM),
            (told, self.settings, SETTINGS),
            (told.blend, {"mode": self.blend}, ("mode",)),
            (told.after, {"record": self.record}, ("record",)),
        ):
            for name, value in values.items():
                if name not in known or not _fits(owner.bl_rna.properties[name], value):
                    raise Refusal(f"A shape cannot have the value {value!r} of '{name}'")
        space, up = (self.settings.get(name, getattr(told, name)) for name in ("space", "up"))
        found = catalogue.known(space, up, ob.library)
        codes.check(self.code, ob, found.code_length if found else None)

    def put(self, ob: bpy.types.Object, *, pose: bool = True) -> None:
        """Write all of it, ``pose`` with the transform. Raises Refusal, changing nothing.

        Nothing follows: no mesh is made anew of a resolution or a blend that is written.
        """
        self.check(ob)
        before = ob.meshsdf.before
        shown, before.shown = before.shown, True  # to which nothing is written by itself
        try:
            codes.write(ob, self.code)
            _set(ob.meshsdf.blend, {"mode": self.blend}, ("mode",))
            _set(ob.meshsdf.after, {"record": self.record}, ("record",))
            _set(ob, self.transform, TRANSFORM if pose else ())
            _set(ob.meshsdf, self.settings, SETTINGS)
        finally:
            before.shown = shown


class Snapshot:
    """A shape as it was: its state, and its mesh with all its layers.

    Kept outside Blender's data (a bmesh), so that undo and saving never see it. ``free`` it.
    """

    def __init__(self, ob: bpy.types.Object) -> None:
        self._state = ShapeState.of(ob)
        self._mesh = bmesh.new()
        self._mesh.from_mesh(mesh_of(ob))
        self._of = mesh_of(ob).meshsdf_of

    def restore(self, ob: bpy.types.Object, *, pose: bool) -> None:
        """Put everything back; ``pose`` says whether the transform was touched."""
        self._mesh.to_mesh(mesh_of(ob))
        mesh_of(ob).update()
        mesh_of(ob).meshsdf_of = self._of
        self._state.put(ob, pose=pose)

    def free(self) -> None:
        """Release the mesh; harmless when repeated."""
        if self._mesh.is_valid:
            self._mesh.free()


def _copied(value: Any) -> Any:
    """``value``, or what an array of Blender's holds now."""
    return value if isinstance(value, str | bool | int | float | None) else tuple(value)


def _set(owner: bpy.types.bpy_struct, values: Mapping[str, Any], names: tuple[str, ...]) -> None:
    """Write those of ``names`` that differ, in their order."""
    for name in names:
        if name in values and _copied(getattr(owner, name)) != values[name]:
            setattr(owner, name, values[name])


def _fits(described: bpy.types.Property, value: Any) -> bool:
    """Whether a property takes ``value`` as it is."""
    if getattr(described, "is_array", False):
        right = isinstance(value, tuple) and len(value) == described.array_length
        return right and _are(value, (int, float)) and all(math.isfinite(each) for each in value)
    if described.type == "BOOLEAN":
        return isinstance(value, bool)
    if not _are([value], KINDS[described.type]):
        return False
    if described.type == "ENUM":
        return value in described.enum_items
    return described.type != "INT" or abs(value) <= LARGEST_INT


def _are(values: Iterable[Any], kind: type | tuple[type, ...]) -> bool:
    return all(isinstance(value, kind) and not isinstance(value, bool) for value in values)
