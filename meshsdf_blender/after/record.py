"""Which operators go into a shape's history, and with what.

Only steps that can be repeated from nothing but their arguments are listed. Meshing a code anew is
none: a code that no step made is noted by the next one, and a script meshes what it writes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import bpy
import numpy as np

from ..blending import ends, held
from ..errors import Refusal
from ..shapes import codes, history, mesh_upload, shape
from ..spaces import catalogue
from . import fit_scene, former, picture_steps, stored_lines

REPLAYED = frozenset(
    f"meshsdf.{name}"
    for name in (
        *("shape_add", "encode", "reconstruct", "make_regular", "make_shape"),
        *("slide", "slider_reset", "randomise", "interpolate", "known_shape", "code_apply"),
        *("fit", "fit_step", "retopologise", "bake_frames"),
    )
)
FITS = frozenset({"meshsdf.fit", "meshsdf.fit_step"})
APPLY = "meshsdf.code_apply"
BAKE = "meshsdf.bake_frames"
NAMES = ("code", *held.ENDS)
# They add an object that is no shape, and make it active.
BESIDE = frozenset({BAKE, "meshsdf.retopologise"})
UNSAID = frozenset({"rna_type", "print_every"})


@dataclass(frozen=True)
class Before:
    """The active object before a step: name, code, place, own turn; before a fit the handles."""

    name: str = ""
    code: np.ndarray | None = None
    matrix: list[list[float]] | None = None
    own: list[list[float]] = field(default_factory=list)
    handles: list[dict[str, Any]] = field(default_factory=list)


def before(context: bpy.types.Context, operator: bpy.types.Operator) -> Before:
    """What to remember of the active object until :func:`note`."""
    ob = context.active_object
    if ob is None:
        return Before()
    held = []
    if type(operator).bl_idname in FITS:  # in a script the matrix may be behind
        context.view_layer.update()
        held = fit_scene.held(ob)  # some may hang on the shape, and move with it
    return Before(ob.name, _code(ob), fit_scene.rows(ob.matrix_world), fit_scene.own(ob), held)


def note(context: bpy.types.Context, operator: bpy.types.Operator, was: Before) -> None:
    """Add an operator that is done to the record of the active shape."""
    name = type(operator).bl_idname
    ob = bpy.data.objects.get(was.name) if name in BESIDE else context.active_object
    if name not in REPLAYED or ob is None or not mesh_upload.is_editable(ob):
        return
    code = _code(ob)
    if code is None:
        return
    step: history.Step = {"op": name, "with": _arguments(context, operator)}
    if ob.name != was.name:
        step["adds"] = True
        if name == "meshsdf.encode":
            step["of"] = was.name
        if name == picture_steps.RECONSTRUCT:
            step |= picture_steps.noted(context.scene, step["with"], operator.came_of)
        history.write(ob, history.Record(steps=[step], now=history.digest(code)))
        return
    if name == BAKE:
        history.add_beside(ob, step)
        return
    if name in FITS:
        step["fit"] = fit_scene.seen(context.scene, was.handles)
        step["fit"] |= {"from": was.matrix, "own": was.own, "to": fit_scene.rows(ob.matrix_world)}
    if name == APPLY:  # it selects what it was given, by whatever name or number
        step["with"]["code"] = ob.meshsdf.blend.codes[ob.meshsdf.blend.active].name
    if name == "meshsdf.interpolate":
        step["objects"] = _name_objects(ob, step["with"])
    if name in {APPLY, "meshsdf.interpolate"}:  # another list may be there when it is repeated
        names = [step["with"].get(key, "") for key in NAMES]
        step |= {"stored": stored_lines.digests(ob, names), "gives": history.numbers(code)}
    history.add(ob, step, was.code, code)


def _arguments(context: bpy.types.Context, operator: bpy.types.Operator) -> dict[str, Any]:
    """What the operator was given beside its defaults; space, frames and locks in any case."""
    given: dict[str, Any] = {}
    called = getattr(bpy.ops.meshsdf, type(operator).bl_idname.partition(".")[2])
    properties = called.get_rna_type().properties
    for item in properties:
        name = item.identifier
        if name in UNSAID or item.type in {"POINTER", "COLLECTION"}:
            continue
        is_array = getattr(item, "is_array", False)
        default = list(item.default_array) if is_array else item.default
        value = getattr(operator, name, default)
        value = list(value) if is_array else value
        if value != default:
            given[name] = history.shortest(value) if isinstance(value, float) else value
    if "space" in properties and "space" not in given:
        given["space"], given["up"] = catalogue.chosen(context.scene)
    if type(operator).bl_idname == BAKE:
        given = _frames(context.scene, operator) | given
    return given


def _name_objects(ob: bpy.types.Object, given: dict[str, Any]) -> list[str]:
    """The ends that are objects, which are written as these are called."""
    found = {end: ends.find(ob, given[end]) for end in held.ENDS if end in given}
    others = {end: other for end, other in found.items() if isinstance(other, bpy.types.Object)}
    given |= {end: other.name for end, other in others.items()}
    return [given[end] for end in others]


def _frames(scene: bpy.types.Scene, operator: bpy.types.Operator) -> dict[str, int]:
    """What a bake was given, or took from the scene."""
    named, given = ("start", "end"), operator.properties.is_property_set
    return {n: getattr(operator, n) if given(n) else getattr(scene, f"frame_{n}") for n in named}


def _code(ob: bpy.types.Object) -> np.ndarray | None:
    """The code of a shape or of what was one."""
    if not (shape.is_shape(ob) or former.is_former(ob)):
        return None
    try:
        return codes.read(ob)
    except Refusal:
        return None
