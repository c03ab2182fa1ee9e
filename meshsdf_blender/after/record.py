"""What made a shape, step by step, kept with it as JSON: the source of Copy as Script.

Only steps that can be repeated from nothing but their arguments are listed. Whatever else changes a
code (keyframes, a code written by hand, another operator) is noticed by the code's digest at the
next step, and goes in as the code itself, so that the list always leads to the shape that is there.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

import bpy
import numpy as np

from ..errors import Refusal
from ..shapes import codes, mesh_upload, shape
from ..spaces import catalogue
from . import fit_scene, former

REPLAYED = frozenset(
    f"meshsdf.{name}"
    for name in (
        *("shape_add", "encode", "shape_update", "make_regular", "make_shape"),
        *("slide", "slider_reset", "randomise", "interpolate", "known_shape"),
        *("fit", "fit_step"),
    )
)
FITS = frozenset({"meshsdf.fit", "meshsdf.fit_step"})
UNSAID = frozenset({"rna_type", "print_every"})
MOST = 50  # then it starts again from the code that is there

Step = dict[str, Any]


@dataclass
class Record:
    """Steps since the shape was added, or since it had the code ``base``; ``now`` is a digest."""

    base: list[float] | None = None
    steps: list[Step] = field(default_factory=list)
    now: str = ""


@dataclass(frozen=True)
class Before:
    """The active object before a step: its name, code and place."""

    name: str = ""
    code: np.ndarray | None = None
    matrix: list[list[float]] | None = None


def before(context: bpy.types.Context, operator: bpy.types.Operator) -> Before:
    """What to remember of the active object until :func:`note`."""
    ob = context.active_object
    if ob is None:
        return Before()
    if type(operator).bl_idname in FITS:  # in a script the matrix may be behind
        context.view_layer.update()
    return Before(ob.name, _code(ob), fit_scene.rows(ob.matrix_world))


def note(context: bpy.types.Context, operator: bpy.types.Operator, was: Before) -> None:
    """Add an operator that is done to the record of the active shape."""
    ob = context.active_object
    name = type(operator).bl_idname
    if name not in REPLAYED or ob is None or not mesh_upload.is_editable(ob):
        return
    code = _code(ob)
    if code is None:
        return
    step: Step = {"op": name, "with": _arguments(context, operator)}
    if ob.name != was.name:
        step["adds"] = True
        if name == "meshsdf.encode":
            step["of"] = was.name
        _write(ob, Record(steps=[step], now=digest(code)))
        return
    if name == "meshsdf.randomise" and any(ob.meshsdf.locks):
        step["locks"] = list(ob.meshsdf.locks)
    if name in FITS:
        step["fit"] = fit_scene.seen(context.scene)
        step["fit"] |= {"from": was.matrix, "to": fit_scene.rows(ob.matrix_world)}
    _add(ob, step, was.code, code)


def slid(ob: bpy.types.Object, slider: str, value: float, was: np.ndarray) -> None:
    """Add a slider that was moved by hand; ``was`` is the code before."""
    code = _code(ob)
    if code is not None:
        step = {"op": "meshsdf.slide", "with": {"slider": slider, "value": shortest(value)}}
        _add(ob, step, was, code)


def of(ob: bpy.types.Object) -> Record:
    """An object's record; where it is missing or unreadable, one that starts at its code now."""
    try:
        told = Record(**json.loads(ob.meshsdf.after.record))
        if isinstance(told.steps, list) and all(isinstance(step, dict) for step in told.steps):
            return told
    except (ValueError, TypeError):
        pass
    code = codes.read(ob)
    return Record(base=numbers(code), now=digest(code))


def digest(code: np.ndarray) -> str:
    """A code as a short text that changes with it."""
    return hashlib.blake2b(np.asarray(code, dtype="<f4").tobytes(), digest_size=8).hexdigest()


def numbers(code: np.ndarray) -> list[float]:
    """A code as numbers that are exact as float32 and no longer than need be."""
    return [shortest(value) for value in code]


def shortest(value: float) -> float:
    """The float with the fewest digits that is the same as float32: 0.3, not 0.30000001192."""
    return float(str(np.float32(value)))


def _add(ob: bpy.types.Object, step: Step, was: np.ndarray | None, code: np.ndarray) -> None:
    known = bool(ob.meshsdf.after.record)
    record = of(ob)
    if was is not None and not known:
        record = Record(base=numbers(was), now=digest(was))
    if was is not None and digest(was) != record.now:
        _merge(record.steps, {"code": numbers(was)})
    _merge(record.steps, step)
    if len(record.steps) > MOST:
        record = Record(base=numbers(code))
    record.now = digest(code)
    _write(ob, record)


def _merge(steps: list[Step], step: Step) -> None:
    """Add a step; one that says again what the last ones said takes their place."""
    if step.get("op") == "meshsdf.slide":
        for earlier in reversed(range(len(steps))):
            if steps[earlier].get("op") != "meshsdf.slide":
                break
            if steps[earlier]["with"].get("slider") == step["with"].get("slider"):
                del steps[earlier]
    elif steps and step.get("op") not in FITS:
        both_codes = "code" in step and "code" in steps[-1]
        if both_codes or step == steps[-1]:
            del steps[-1]
    steps.append(step)


def _arguments(context: bpy.types.Context, operator: bpy.types.Operator) -> dict[str, Any]:
    """What the operator was given beside its defaults; its space in any case."""
    given: dict[str, Any] = {}
    called = getattr(bpy.ops.meshsdf, type(operator).bl_idname.partition(".")[2])
    properties = called.get_rna_type().properties
    for item in properties:
        name = item.identifier
        if name in UNSAID or item.type in {"POINTER", "COLLECTION"}:
            continue
        value = getattr(operator, name, item.default)
        if value != item.default:
            given[name] = shortest(value) if item.type == "FLOAT" else value
    if "space" in properties and "space" not in given:
        given["space"], given["up"] = catalogue.chosen(context.scene)
    return given


def _code(ob: bpy.types.Object) -> np.ndarray | None:
    """The code of a shape or of what was one."""
    if not (shape.is_shape(ob) or former.is_former(ob)):
        return None
    try:
        return codes.read(ob)
    except Refusal:
        return None


def _write(ob: bpy.types.Object, record: Record) -> None:
    ob.meshsdf.after.record = json.dumps(asdict(record))
