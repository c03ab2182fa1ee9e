"""What made a shape, step by step, kept with it as JSON: the source of Copy as Script.

Whatever is not listed but changes a code (keyframes, a code written by hand) is noticed by the
code's digest at the next step, and goes in as the code itself, so that the list always leads to the
shape that is there.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

import bpy
import numpy as np

from . import codes

SLIDE = "meshsdf.slide"
MOST = 50  # then it starts again from the code that is there

Step = dict[str, Any]


@dataclass
class Record:
    """Steps since the shape was added, or since it had the code ``base``; ``now`` is a digest."""

    base: list[float] | None = None
    steps: list[Step] = field(default_factory=list)
    now: str = ""


def slid(ob: bpy.types.Object, slider: str, value: float, was: np.ndarray) -> None:
    """Add a slider that was moved by hand; ``was`` is the code before."""
    step = {"op": SLIDE, "with": {"slider": slider, "value": shortest(value)}}
    add(ob, step, was, codes.read(ob))


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


def add(ob: bpy.types.Object, step: Step, was: np.ndarray | None, code: np.ndarray) -> None:
    """Add a step that led from the code ``was`` to ``code``."""
    known = bool(ob.meshsdf.after.record)
    record = of(ob)
    if was is not None and not known:
        record = Record(base=numbers(was), now=digest(was))
    if was is not None and digest(was) != record.now:
        merge(record.steps, {"code": numbers(was)})
    merge(record.steps, step)
    if len(record.steps) > MOST:
        record = Record(base=numbers(code))
    record.now = digest(code)
    write(ob, record)


def add_beside(ob: bpy.types.Object, step: Step) -> None:
    """Add a step that is repeated after all others, whatever the code was when it was done."""
    record = of(ob)
    merge(record.steps, step)
    if len(record.steps) > MOST:
        code = codes.read(ob)
        record = Record(base=numbers(code), now=digest(code))
    write(ob, record)


def merge(steps: list[Step], step: Step) -> None:
    """Add a step; one that says again what the last ones said takes their place."""
    if step.get("op") == SLIDE:
        for earlier in reversed(range(len(steps))):
            if steps[earlier].get("op") != SLIDE:
                break
            if steps[earlier]["with"].get("slider") == step["with"].get("slider"):
                del steps[earlier]
    elif steps and "fit" not in step:  # two fits go further than one
        both_codes = "code" in step and "code" in steps[-1]
        if both_codes or step == steps[-1]:
            del steps[-1]
    steps.append(step)


def write(ob: bpy.types.Object, record: Record) -> None:
    ob.meshsdf.after.record = json.dumps(asdict(record))
