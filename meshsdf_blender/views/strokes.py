"""Strokes that an artist drew, as polylines in the world: annotations and Grease Pencil objects.

A frame of a layer is the one that Blender shows: the last that is not after the scene's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import bpy
import numpy as np

from .. import compat
from ..errors import Refusal

HOW_TO_DRAW = (
    "Draw it through the camera with the tool Annotate, its Placement on 3D Cursor or Surface "
    "(Draw Outline sets this up)"
)


@dataclass(frozen=True)
class Stroke:
    """Points ``(N, 3)`` float64 in the world, and whether the last one joins the first."""

    points: np.ndarray
    closed: bool


def drawn_strokes(scene: bpy.types.Scene, settings: bpy.types.PropertyGroup) -> list[Stroke]:
    """The strokes that ``settings`` name, as the scene's frame shows them. Raises Refusal."""
    holder = settings.outline
    if holder is None:
        data, matrix = compat.annotation(scene), np.eye(4)
        what = f"the annotation of scene '{scene.name}'"
    elif holder.type not in compat.DRAWN_TYPES:
        raise Refusal(f"Object '{holder.name}' holds no strokes", "Pick a Grease Pencil object")
    else:
        data, matrix = holder.data, np.array(holder.matrix_world, dtype=np.float64)
        what = f"Grease Pencil object '{holder.name}'"
    strokes: list[Stroke] = []
    if data is not None:
        for layer in _layers(data, settings.layer, what, annotated=holder is None):
            strokes += _shown(layer, matrix, scene.frame_current)
    if not strokes:
        where = f"layer '{settings.layer}' of " if settings.layer else ""
        raise Refusal(f"Nothing is drawn in {where}{what} at this frame", HOW_TO_DRAW)
    return strokes


def layer_names(data: bpy.types.ID) -> list[str]:
    """The names of all layers of an annotation or a Grease Pencil datablock."""
    return [compat.layer_name(layer) for layer in data.layers]


def _layers(
    data: bpy.types.ID, name: str, what: str, *, annotated: bool
) -> list[bpy.types.bpy_struct]:
    if name and name not in layer_names(data):
        raise Refusal(
            f"{what[0].upper()}{what[1:]} has no layer '{name}'",
            "Pick one that is there, or press Draw Outline",
        )
    return [
        layer
        for layer in data.layers
        if (compat.layer_name(layer) == name if name else _visible(layer, annotated=annotated))
    ]


def _visible(layer: bpy.types.bpy_struct, *, annotated: bool) -> bool:
    ruler = getattr(layer, "is_ruler", False)  # the ruler's lines are annotations too
    return not (ruler or compat.layer_hidden(layer, annotated=annotated))


def _shown(layer: bpy.types.bpy_struct, matrix: np.ndarray, number: int) -> Iterator[Stroke]:
    if getattr(layer, "parent", None) is not None:
        raise Refusal(
            f"Layer '{compat.layer_name(layer)}' of strokes has a parent", "Clear its parent"
        )
    # ``active_frame`` is None until the strokes were drawn in a window.
    frames = [frame for frame in layer.frames if frame.frame_number <= number]
    if not frames:
        return
    own = compat.layer_matrix(layer)
    to_world = matrix if own is None else matrix @ np.array(own, dtype=np.float64)
    for stroke in compat.frame_strokes(max(frames, key=lambda frame: frame.frame_number)):
        # 4.3 to 5.0 do not say; what is no place in the world then projects to nowhere.
        if getattr(stroke, "display_mode", "3DSPACE") != "3DSPACE":
            raise Refusal(
                f"A stroke in layer '{compat.layer_name(layer)}' lies on the screen, "
                "not in the scene",
                f"Erase it. {HOW_TO_DRAW}",
            )
        points = np.array(compat.stroke_points(stroke), dtype=np.float64).reshape(-1, 3)
        if len(points):
            world = points @ to_world[:3, :3].T + to_world[:3, 3]
            yield Stroke(world, compat.stroke_closed(stroke))
