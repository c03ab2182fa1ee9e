"""A shape as the Python that makes it: what was done to it, and what it is now beside that."""

from __future__ import annotations

import bpy
import numpy as np

from ..shapes import codes, history, mesh_upload, shape
from ..shapes.history import Record, Step
from . import blend_lines, fit_scene, former, key_lines, stored_lines
from .blend_lines import BlendLines
from .needs import Needs
from .plain_python import literal, one_line, placed
from .step_lines import CHOOSE, NAME, SHOW, UNTOLD, StepLines, call
from .stored_lines import StoredCodes

HEAD = """\
# Run it in Blender's Text Editor, or: blender --background --python FILE
# The extension MeshSDF has to be enabled, and Blender in Object Mode.
"""


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
        self._code = codes.read(ob)
        self._needs = Needs()
        self._stored = StoredCodes(ob)
        self._blend = BlendLines(ob, self._stored)
        self._steps = StepLines(ob, self._stored, self._needs)
        self._left_out = [
            *self._stored.left_out,
            *self._blend.left_out,
            *key_lines.left_out(ob),
        ]

    def text(self) -> str:
        """The whole script."""
        steps = list(self._record.steps)
        added = steps.pop(0) if steps and steps[0].get("adds") else None
        base = self._record.base or history.numbers(self._code)
        if added is None and not self._is_mean(base):  # which a shape is added at
            steps.insert(0, {"code": base})
        steps, bakes = self._steps.repeated(steps)
        told = history.digest(self._code) == self._record.now
        if steps and "code" in steps[-1]:  # the one that is there now comes last
            del steps[-1]
            told = False
        body = [*self._steps.first(added), *self._stored.lines()]
        for step in steps:
            body += self._steps.next(step)
        body += [
            *self._steps.after_fits(),
            *self._steps.mesh(),
            *self._led(),
            *self._bakes(bakes),
            *self._set_since(),
        ]
        body += self._code_now(told=told)
        body += self._last()
        scene = "scene = bpy.context.scene\n" if any("scene." in line for line in body) else ""
        left_out = "".join(f"# Left out: {one_line(what)}.\n" for what in self._left_out)
        head = f"# {literal(self._ob.name)}, as it was made.\n{HEAD}{self._needs.head()}{left_out}"
        return f"{head}\nimport bpy\n\n{self._needs.check()}{scene}" + "\n".join(body) + "\n"

    def _is_mean(self, code: list[float]) -> bool:
        space = stored_lines.space_of(self._ob)
        return space is not None and history.digest(space.mean) == history.digest(np.array(code))

    def _led(self) -> list[str]:
        """What leads the shape now, and its keyframes."""
        written: list[str] = []
        values = self._blend.values(self._needs)
        keys = key_lines.lines(self._ob, self._stored.places)
        mode = self._blend.mode_line()
        if values or mode:
            written += ["", "# Its blend.", f"blend = {NAME}.meshsdf.blend", *values]
        written += [*keys, *mode]
        if keys:
            written.append(f"scene.frame_set({bpy.context.scene.frame_current})")
        return written

    def _set_since(self) -> list[str]:
        """Values that are not as their keyframes say: the change of the frame took them away."""
        frame = bpy.context.scene.frame_current
        found = key_lines.set_since(self._ob, self._stored.places, frame)
        lines = [
            f"{NAME}.{path} = {literal(blend_lines.plain(told))}" for path, told in found.items()
        ]
        return ["", "# Set since, whatever the keyframes say.", *lines] if lines else []

    def _code_now(self, *, told: bool) -> list[str]:
        """The code that is there, where neither the steps (``told``) nor the blend lead to it."""
        # Keyframes of the code lead away from where the steps left it.
        keyed = key_lines.moves(self._ob, self._stored.places, blended=False)
        if (told and not keyed) or self._blend.leads():
            return []
        return [UNTOLD, *self._steps.code(history.numbers(self._code))]

    def _bakes(self, steps: list[Step]) -> list[str]:
        """The bakes, of the keyframes that are there now; none where nothing moves it any more."""
        if not self._blend.is_whole:
            return []
        blended = self._blend.mode != "NONE"
        moves = key_lines.moves(self._ob, self._stored.places, blended=blended)
        if self._steps.regular or not moves:
            return []
        calls = [call(step["op"], step["with"]) for step in steps]
        show = [CHOOSE, f"{NAME}.hide_render = False", SHOW]
        return [line for each in calls for line in ("", each, *show)]

    def _last(self) -> list[str]:
        """Where it stands, how it looks, and that it is a regular mesh now."""
        ob, written = self._ob, []
        now = fit_scene.rows(ob.matrix_world)
        if now != self._steps.stands:
            written += ["", *placed(NAME, now, fit_scene.own(ob))]
        if any(ob.meshsdf.locks):
            written.append(f"{NAME}.meshsdf.locks = {literal(list(ob.meshsdf.locks))}")
        if mesh_upload.is_flat(shape.mesh_of(ob)):
            written.append(f"{NAME}.data.shade_flat()")
        if former.is_former(ob) and not self._steps.regular:
            written.append("bpy.ops.meshsdf.make_regular()")
        if ob.hide_render:
            written.append(f"{NAME}.hide_render = True")
        return [*written, f"{NAME}.hide_set(True)"] if ob.hide_get() else written
