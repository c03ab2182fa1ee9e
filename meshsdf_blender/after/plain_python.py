"""Values as Python, which nothing in a file can break out of.

What a script is written from lies in a .blend and may be anybody's, so it is checked: identifiers
are identifiers, and every value is a literal. ValueError and its like where it makes no sense.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from mathutils import Matrix

BLOCKS = {"Image": "images", "Object": "objects", "Mask": "masks"}
DIGITS = 7


def identifier(name: Any) -> str:
    """``name`` if it is one; ValueError else."""
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(f"no identifier: {name!r}")
    return name


def literal(value: Any) -> str:
    """A value as Python, if it is a plain one; ValueError else."""
    if isinstance(value, bool | int | str):
        return repr(value)
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    if isinstance(value, list | tuple):
        inside = ", ".join(literal(item) for item in value)
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    raise ValueError(f"no plain value: {value!r}")


def block(name: Any, of: str) -> str:
    """Python that looks a datablock up by its name."""
    return f"bpy.data.{BLOCKS[of]}[{literal(name)}]"


def value(told: Any) -> str:
    """A plain value, or a datablock as ``fit_scene`` names it."""
    if not isinstance(told, dict):
        return literal(told)
    if told.get("path"):
        return f"bpy.data.images.load({literal(told['path'])}, check_existing=True)"
    return block(told["block"], told["of"])


def assigned(owner: str, values: dict[str, Any]) -> list[str]:
    """Lines that give attributes of ``owner`` their values."""
    return [f"{owner}.{identifier(name)} = {value(told)}" for name, told in values.items()]


def placed(name: str, matrix: list[list[float]]) -> list[str]:
    """Lines that put an object where ``matrix`` says, in parts that can be read."""
    whole = Matrix(matrix)
    location, turn, scale = whole.decompose()
    euler = turn.to_euler()
    again = Matrix.LocRotScale(location, euler, scale)
    if np.abs(np.array(again) - np.array(whole)).max() > 1e-5:  # sheared by a parent
        return [f"{name}.matrix_world = {literal(matrix)}"]
    parts = [("location", location), ("rotation_euler", euler), ("scale", scale)]
    return [f"{name}.{part} = {literal(_rounded(values))}" for part, values in parts]


def _rounded(values: Any) -> list[float]:
    """Without the noise of taking a matrix apart; not -0.0."""
    return [round(value, DIGITS) + 0.0 for value in values]
