"""The filled area of a mask datablock (Movie Clip or Image Editor) in the render's pixels."""

from __future__ import annotations

import bpy
import numpy as np

from ..errors import Refusal
from .silhouette import polygon_parity

SAMPLES_PER_SEGMENT = 24


def mask_coverage(mask: bpy.types.Mask, width: int, height: int) -> np.ndarray:
    """Which pixel centres the mask fills: bool ``(height, width)``, row 0 at the top.

    Layers are combined in their order; feather is ignored. Raises Refusal where nothing is filled.
    """
    covered = np.zeros((height, width), dtype=bool)
    filled = False
    for layer in mask.layers:
        outlines = [
            _to_pixels(_outline(spline), width, height)
            for spline in layer.splines
            if spline.use_cyclic and spline.use_fill and len(spline.points) > 1
        ]
        if layer.hide or not outlines:
            continue
        filled = True
        area = polygon_parity(outlines, width, height)
        covered = _combined(covered, ~area if layer.invert else area, layer.blend)
    if not filled:
        raise Refusal(
            f"Mask '{mask.name}' has no closed outline",
            "Close its spline (Alt C in the mask editor), or draw one",
        )
    return covered


def _combined(below: np.ndarray, area: np.ndarray, blend: str) -> np.ndarray:
    if blend in {"SUBTRACT", "MERGE_SUBTRACT"}:
        return below & ~area
    if blend in {"MUL", "DARKEN"}:
        return below & area
    if blend == "DIFFERENCE":
        return below ^ area
    if blend == "REPLACE":
        return area
    return below | area


def _outline(spline: bpy.types.MaskSpline) -> np.ndarray:
    """Points ``(N, 2)`` along a closed spline, in the mask's own unit square."""
    points = list(spline.points)
    share = np.linspace(0.0, 1.0, SAMPLES_PER_SEGMENT, endpoint=False)[:, None]
    pieces = []
    for here, there in zip(points, [*points[1:], points[0]], strict=True):
        start, end = np.array(here.co), np.array(there.co)
        leave = _handle(here, "right", start, end)
        arrive = _handle(there, "left", end, start)
        pieces.append(
            (1 - share) ** 3 * start
            + 3 * (1 - share) ** 2 * share * leave
            + 3 * (1 - share) * share**2 * arrive
            + share**3 * end
        )
    return np.concatenate(pieces)


def _handle(
    point: bpy.types.MaskSplinePoint, side: str, own: np.ndarray, other: np.ndarray
) -> np.ndarray:
    # Handles of scripted points are only placed once the mask was drawn; a vector needs no help.
    if getattr(point, f"handle_{side}_type") == "VECTOR":
        return own + (other - own) / 3
    return np.array(getattr(point, f"handle_{side}"))


def _to_pixels(points: np.ndarray, width: int, height: int) -> np.ndarray:
    """A mask lives in a square on the longer side of the frame, centred, y up."""
    side = max(width, height)
    x = (points[:, 0] - 0.5) * side + width / 2
    y = height / 2 - (points[:, 1] - 0.5) * side
    return np.stack([x, y], axis=1)
