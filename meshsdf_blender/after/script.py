"""A shape as the Python that makes it: its steps as they were done, and what they depend on."""

from __future__ import annotations

import bpy

from ..shapes import codes, history, shape
from ..shapes.history import Record, Step
from ..spaces import catalogue
from . import fit_scene, former, record
from .fit_scene import identifier, literal

NAME = "shape"
HEAD = """\
# Run it in Blender's Text Editor, or: blender --background --python FILE
# The extension MeshSDF has to be enabled, and Blender in Object Mode.
"""
UNTOLD = "# What keyframes, hands or other tools made of the code in between."


def of(ob: bpy.types.Object) -> str:
    """The script of a shape, or of a regular mesh that was one. Raises Refusal without a code."""
    told = history.of(ob)
    try:
        return _Script(ob, told).text()
    except (ValueError, TypeError, KeyError, AttributeError, IndexError):
        # A record that no operator of ours wrote: what is there now is the truth.
        code = codes.read(ob)
        return _Script(ob, Record(base=history.numbers(code), now=history.digest(code))).text()


class _Script:
    def __init__(self, ob: bpy.types.Object, told: Record) -> None:
        self._ob, self._record = ob, told
        self._needs: list[str] = []
        self._stands: list[list[float]] | None = None
        self._scene: fit_scene.State = {}
        self._meshed = True  # as the settings now ask for
        self._regular = False

    def text(self) -> str:
        """The whole script."""
        steps = list(self._record.steps)
        body = self._first(steps.pop(0) if steps and steps[0].get("adds") else None)
        for step in steps:
            body += self._step(step)
        code = codes.read(self._ob)
        if history.digest(code) != self._record.now:
            body += [UNTOLD, *self._code(history.numbers(code))]
        if not self._meshed:
            body.append("bpy.ops.meshsdf.shape_update()")
        body += self._last()
        needs = f"# The file has to have: {', '.join(self._needs)}\n" if self._needs else ""
        scene = "scene = bpy.context.scene\n" if any("scene" in line for line in body) else ""
        title = f"# {literal(self._ob.name)}, as it was made.\n"
        return f"{title}{HEAD}{needs}\nimport bpy\n\n{scene}" + "\n".join(body) + "\n"

    def _first(self, step: Step | None) -> list[str]:
        """Adding the shape, with the settings that it has now."""
        settings = self._ob.meshsdf
        given = {"space": self._space(), "up": settings.up, "resolution": settings.resolution}
        written: list[str] = []
        name = "meshsdf.shape_add"
        if step is not None:
            name, given = step["op"], {**step["with"], **given}
            if "of" in step:
                source = fit_scene.block(step["of"], "Object")
                written.append(f"bpy.context.view_layer.objects.active = {source}")
                self._needs.append(f"object {literal(step['of'])}")
        defaults = {"up": "FILE", "resolution": 64}
        given = {key: value for key, value in given.items() if defaults.get(key) != value}
        written += [_call(name, given), f"{NAME} = bpy.context.active_object"]
        written.append(f"{NAME}.name = {literal(self._ob.name)}")
        for key in ("cap", "newton"):
            if getattr(settings, key) != settings.bl_rna.properties[key].default:
                written.append(f"{NAME}.meshsdf.{key} = {literal(getattr(settings, key))}")
                self._meshed = False
        if step is None:
            written += self._code(self._record.base or history.numbers(codes.read(self._ob)))
        return written

    def _step(self, step: Step) -> list[str]:
        if "code" in step:
            return [UNTOLD, *self._code(step["code"])]
        written: list[str] = []
        if "locks" in step:
            written.append(f"{NAME}.meshsdf.locks = {literal(step['locks'])}")
        if "fit" in step:
            written += self._before_fit(step["fit"])
        if step["op"] == "meshsdf.interpolate":
            self._needs += [f"object {literal(name)}" for name in self._objects(step["with"])]
        self._meshed = True
        if step["op"] in {"meshsdf.make_regular", "meshsdf.make_shape"}:
            self._regular = step["op"] == "meshsdf.make_regular"
        return [*written, _call(step["op"], step["with"])]

    def _before_fit(self, told: fit_scene.State) -> list[str]:
        """The shape's place, and the camera, frame and settings of a fit."""
        placed = [] if told["from"] == self._stands else fit_scene.place_lines(NAME, told["from"])
        self._needs += [need for need in fit_scene.needs(told) if need not in self._needs]
        written = ["", *placed, *fit_scene.lines(told, self._scene)]
        self._scene, self._stands = told, told["to"]
        return [*written, "bpy.context.view_layer.update()"]

    def _code(self, values: list[float]) -> list[str]:
        self._meshed = True
        rows = [f"    {literal(v)}," for v in values]
        set_code = [f'{NAME}["{codes.KEY}"] = [', *rows, "]"]
        return set_code if self._regular else [*set_code, "bpy.ops.meshsdf.shape_update()"]

    def _last(self) -> list[str]:
        """Where it stands, and that it is a regular mesh now."""
        written: list[str] = []
        now = fit_scene.rows(self._ob.matrix_world)
        if now != self._stands:
            written += ["", *fit_scene.place_lines(NAME, now)]
        if former.is_former(self._ob) and not self._regular:
            written.append("bpy.ops.meshsdf.make_regular()")
        return written

    def _space(self) -> str:
        """The space's text, whole: // means another folder in another file."""
        space = self._ob.meshsdf.space or self._ob.meshsdf.after.space
        builtin = space.startswith(catalogue.BUILTIN)
        return str(space if builtin else catalogue.location(space, self._ob.library))

    def _objects(self, given: dict[str, str]) -> list[str]:
        """Which ends of a blend are other objects."""
        settings = self._ob.meshsdf
        known = catalogue.shape_choices(settings.space or settings.after.space, settings.up)
        ends = [given.get("first", ""), given.get("second", "")]
        return [e for e in ends if e not in known and shape.is_shape(bpy.data.objects.get(e))]


def _call(name: str, given: dict[str, object]) -> str:
    """A line that calls one of our operators."""
    if name not in record.REPLAYED:
        raise ValueError(f"no step of ours: {name!r}")
    arguments = ", ".join(f"{identifier(key)}={literal(value)}" for key, value in given.items())
    return f"bpy.ops.{name}({arguments})"
