"""What was done to a shape as Python: each step a call, and what it depended on before it."""

from __future__ import annotations

import bpy

from ..shapes import codes, history
from ..shapes.history import Step
from ..spaces import catalogue, packed, space_pack
from . import blend_lines, fit_scene, record, stored_lines
from .fit_lines import FitLines
from .needs import Needs
from .plain_python import block, identifier, literal, placed
from .stored_lines import StoredCodes

NAME = "shape"
UNTOLD = "# In numbers, as keyframes, hands or other tools made it, or codes that are here no more."
UPDATE = "bpy.ops.meshsdf.shape_update()"
CHOOSE = f"bpy.context.view_layer.objects.active = {NAME}"
SHOW = f"{NAME}.hide_set(False)"


class StepLines:
    """Lines for one step after the other, and how the shape is after them.

    ``stands`` is where a fit left the shape.
    """

    def __init__(self, ob: bpy.types.Object, stored: StoredCodes, needs: Needs) -> None:
        self._ob, self._stored, self._needs = ob, stored, needs
        self._fits = FitLines(needs)
        self._meshed = True  # as the settings now ask for
        self.stands: list[list[float]] | None = None
        self.regular = False

    def repeated(self, steps: list[Step]) -> tuple[list[Step], list[Step]]:
        """The steps as they can be repeated, and the bakes, which keyframes and blend come before.

        As a shape that is made by them notes them, so that its script is the same.
        """
        kept: list[Step] = []
        bakes: list[Step] = []
        for step in steps:
            if step.get("op") == record.BAKE:
                history.merge(bakes, step)
            elif "gives" in step and not self._has_ends(step):
                history.merge(kept, {"code": step["gives"]})
            else:
                history.merge(kept, step)
        return kept, bakes

    def first(self, step: Step | None) -> list[str]:
        """Adding the shape, with the settings that it has now; at the mean without a step."""
        settings = self._ob.meshsdf
        given = {"space": self._space(), "up": settings.up, "resolution": settings.resolution}
        written: list[str] = []
        name = "meshsdf.shape_add"
        if step is not None:
            name, given = step["op"], {**step["with"], **given}
            if "of" in step:
                source = block(step["of"], "Object")
                written.append(f"bpy.context.view_layer.objects.active = {source}")
                self._needs.block(step["of"], "Object")
            written += self._before_picture(step)
        defaults = {"up": "FILE", "resolution": 64}
        given = {key: value for key, value in given.items() if defaults.get(key) != value}
        written += [call(name, given), f"{NAME} = bpy.context.active_object"]
        if step is not None and step.get("kept") is False and "seen" in step:
            written += self._fits.adopt(step["seen"])
        written.append(f"{NAME}.name = {literal(self._ob.name)}")
        for key in ("cap", "newton"):
            if getattr(settings, key) != settings.bl_rna.properties[key].default:
                written.append(f"{NAME}.meshsdf.{key} = {literal(getattr(settings, key))}")
                self._meshed = False
        return written

    def next(self, step: Step) -> list[str]:
        """One more step. Raises ValueError and its like where it makes no sense."""
        if "code" in step:
            return [UNTOLD, *self.code(step["code"])]
        name, given = step["op"], step["with"]
        called = call(name, given)
        if name in record.BESIDE:
            return [*self.mesh(), called, CHOOSE, SHOW]
        written: list[str] = []
        if "fit" in step:
            written += self._before_fit(step["fit"])
        if name == "meshsdf.interpolate":
            ends = [given.get("first", ""), given.get("second", "")]
            for end in blend_lines.objects(self._ob, ends, self._stored):
                self._needs.block(end, "Object")
        self._meshed = True
        if name in {"meshsdf.make_regular", "meshsdf.make_shape"}:
            self.regular = name == "meshsdf.make_regular"
        return [*written, called]

    def code(self, values: list[float]) -> list[str]:
        """A code as numbers."""
        self._meshed = True
        rows = [f"    {literal(v)}," for v in values]
        set_code = [f'{NAME}["{codes.KEY}"] = [', *rows, "]"]
        return set_code if self.regular else [*set_code, UPDATE]

    def mesh(self) -> list[str]:
        """Meshing, where settings were written and nothing meshed the shape since."""
        written = [] if self._meshed or self.regular else [UPDATE]
        self._meshed = True
        return written

    def after_fits(self) -> list[str]:
        """What the last fit leaves to be put away."""
        return self._fits.last()

    def _has_ends(self, step: Step) -> bool:
        """Whether the names of a step stand for what they stood for, as far as that is known."""
        names = [step["with"].get(key, "") for key in record.NAMES]
        if stored_lines.among(self._stored.digests, names) != step["stored"]:
            return False
        objects = [end for end in step.get("objects", []) if end not in self._stored.digests]
        return len(blend_lines.objects(self._ob, objects, self._stored)) == len(objects)

    def _before_picture(self, step: Step) -> list[str]:
        """The camera that a picture is reconstructed before, and what the file has to have."""
        self._fits.makes(step.get("makes", []))
        for key in ("image", "mask"):
            if step["with"].get(key):
                self._needs.block(step["with"][key], "Image")
        if not step.get("kept") or "seen" not in step:
            return []
        return [*self._fits.lines(step["seen"], NAME), "bpy.context.view_layer.update()"]

    def _before_fit(self, told: fit_scene.State) -> list[str]:
        """The shape's place, and the camera, frame and settings of a fit."""
        there = told["from"], told.get("own", ())
        stands = [] if told["from"] == self.stands else placed(NAME, *there)
        self.stands = told["to"]
        return ["", *stands, *self._fits.lines(told, NAME), "bpy.context.view_layer.update()"]

    def _space(self) -> str:
        """The space's text, whole: // means another folder in another file.

        A packed one is found by its text wherever that .blend is open; where it is unpacked to
        means nothing on another machine.
        """
        space = str(self._ob.meshsdf.space or self._ob.meshsdf.after.space)
        if packed.is_packed(space):
            same = space_pack.same_bytes(space)
            if not same:
                self._needs.words(f"the space {literal(packed.name_of(space))}, packed in it")
            return same or space
        if space.startswith(catalogue.BUILTIN):
            return space
        return catalogue.location(space, self._ob.library)


def call(name: str, given: dict[str, object]) -> str:
    """A line that calls one of our operators."""
    if name not in record.REPLAYED:
        raise ValueError(f"no step of ours: {name!r}")
    arguments = ", ".join(f"{identifier(key)}={literal(value)}" for key, value in given.items())
    return f"bpy.ops.{name}({arguments})"
