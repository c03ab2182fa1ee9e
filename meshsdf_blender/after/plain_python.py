"""Values as Python, which nothing in a file can break out of.

What a script is written from lies in a .blend and may be anybody's, so it is checked: identifiers
are identifiers, and every value is a literal. ValueError and its like where it makes no sense.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from mathutils import Euler, Matrix, Vector

from ..shapes.history import shortest

BLOCKS = {"Image": "images", "Object": "objects", "Mask": "masks"}
# Of angles (decimals) and scales (in all), where a matrix was taken apart.
DIGITS = 6
# How far parts may be from a matrix: to be what made it, to stand for it.
SAME, SHEARED = 1e-6, 1e-5


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


def placed(name: str, matrix: list[list[float]], own: Sequence[Sequence[float]] = ()) -> list[str]:
    """Lines that put an object where ``matrix`` says, in parts that can be read.

    ``own`` are the object's rotation and scale as it holds them (``fit_scene.own``): where they
    make that matrix they are told, to the last digit. A matrix that is taken apart is told as
    nearly as the parts allow, in few digits where these do as well.
    """
    whole = Matrix(matrix)
    location, turn, scale = whole.decompose()
    euler = turn.to_euler()
    few = [round(v, DIGITS) for v in euler], [float(f"{v:.{DIGITS}g}") for v in scale]
    pairs: list[Any] = [few, (euler, scale)]
    if own and _off(whole, *own) <= SAME:
        pairs = [own]
    angles, sizes = min(pairs, key=lambda pair: _off(whole, *pair))
    if _off(whole, angles, sizes) > SHEARED:  # by a parent
        columns = [list(column) for column in zip(*matrix, strict=True)]  # as Blender reads tuples
        return [f"{name}.matrix_world = {literal(columns)}"]
    parts = [("location", location), ("rotation_euler", angles), ("scale", sizes)]
    # Not -0.0.
    return [
        f"{name}.{part} = {literal([shortest(v) + 0.0 for v in values])}" for part, values in parts
    ]


def _off(whole: Matrix, euler: Sequence[float], scale: Sequence[float]) -> float:
    """How far a matrix of these parts is from ``whole``, beside its largest number if over 1."""
    again = Matrix.LocRotScale(whole.translation, Euler(euler), Vector(scale))
    numbers = np.array(whole)
    return float(np.abs(np.array(again) - numbers).max() / max(1.0, np.abs(numbers).max()))


def one_line(text: str) -> str:
    """A text without line breaks, as a comment has to be."""
    return " ".join(text.split())
