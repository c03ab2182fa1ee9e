"""Values as Python, which nothing in a file can break out of.

What a script is written from lies in a .blend and may be anybody's, so it is checked: identifiers
are identifiers, and every value is a literal. ValueError and its like where it makes no sense.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from mathutils import Matrix

from ..shapes.history import shortest

BLOCKS = {"Image": "images", "Object": "objects", "Mask": "masks"}
# Of angles (decimals) and scales (in all): what taking a matrix apart again gives unchanged.
DIGITS = 6


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
    off = np.abs(np.array(again) - np.array(whole)).max()
    if off > 1e-5 * max(1.0, np.abs(np.array(whole)).max()):  # sheared by a parent
        columns = [list(column) for column in zip(*matrix, strict=True)]  # as Blender reads tuples
        return [f"{name}.matrix_world = {literal(columns)}"]
    parts = [
        ("location", [shortest(value) for value in location]),
        ("rotation_euler", [round(value, DIGITS) for value in euler]),
        ("scale", [float(f"{value:.{DIGITS}g}") for value in scale]),
    ]
    # Not -0.0.
    return [f"{name}.{part} = {literal([v + 0.0 for v in values])}" for part, values in parts]


def one_line(text: str) -> str:
    """A text without line breaks, as a comment has to be."""
    return " ".join(text.split())
