"""The area inside strokes that were drawn through a camera.

Open strokes are joined end to end, nearest ends first, until all are closed: a lone one by itself,
the four arcs of a circle to one circle. Closed ones add up; one inside another is a hole, one
inside a hole an island.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import Refusal
from .camera import CameraView
from .silhouette import polygon_area
from .strokes import HOW_TO_DRAW, Stroke

MOST_OPEN_STROKES = 500  # each end is compared with each other
INSIDE_SHARE = 0.95  # of a loop's points, for hand-drawn holes that touch the outline


def outline_mask(strokes: Sequence[Stroke], view: CameraView) -> np.ndarray:
    """Which pixel centres lie inside the strokes: bool ``(height, width)``, row 0 at the top.

    Raises Refusal for strokes behind the camera, too many of them, or none that encloses anything.
    """
    closed, opened = [], []
    for stroke in strokes:
        pixels = _seen(stroke.points, view)
        if stroke.closed:
            closed.append(pixels)
        elif len(pixels) > 1:  # a dot left by a click
            opened.append(pixels)
    if len(opened) > MOST_OPEN_STROKES:
        raise Refusal(
            f"The outline has {len(opened)} strokes, too many to join",
            "Draw around the shape in a few long strokes, without hatching",
        )
    loops = [loop for loop in closed + joined(opened) if len(loop) > 2]
    if not loops:
        raise Refusal("The drawn strokes enclose nothing", HOW_TO_DRAW)
    return _filled(loops, view.width, view.height)


def _seen(points: np.ndarray, view: CameraView) -> np.ndarray:
    """World points ``(N, 3)`` to pixels ``(N, 2)``."""
    places = np.hstack([points, np.ones((len(points), 1))]) @ view.matrix.T
    if (places[:, 3] <= 1e-9).any():
        raise Refusal("A drawn stroke lies behind the camera", f"Erase it. {HOW_TO_DRAW}")
    return places[:, :2] / places[:, 3:]


def joined(strokes: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Open polylines ``(N, 2)`` as closed ones, their ends joined nearest first."""
    partner = _partners(strokes)
    loops, left = [], set(range(len(strokes)))
    while left:
        start = min(left)
        pieces, entry = [], 2 * start
        while entry // 2 in left:
            stroke = strokes[entry // 2]
            left.remove(entry // 2)
            pieces.append(stroke if entry % 2 == 0 else stroke[::-1])
            entry = partner[entry ^ 1]  # out at the other end, on with its partner
        loops.append(np.concatenate(pieces))
    return loops


def _partners(strokes: Sequence[np.ndarray]) -> dict[int, int]:
    """Which end goes on with which: end 2 i is the first point of stroke i, 2 i + 1 its last."""
    ends = np.array([stroke[side] for stroke in strokes for side in (0, -1)]).reshape(-1, 2)
    first, second = np.triu_indices(len(ends), 1)
    order = np.argsort(np.linalg.norm(ends[first] - ends[second], axis=1), kind="stable")
    partner: dict[int, int] = {}
    for a, b in zip(first[order].tolist(), second[order].tolist(), strict=True):
        if a not in partner and b not in partner:
            partner[a], partner[b] = b, a
    return partner


def _filled(loops: list[np.ndarray], width: int, height: int) -> np.ndarray:
    loops = sorted(loops, key=_extent, reverse=True)
    mask = np.zeros((height, width), dtype=bool)
    for number, loop in enumerate(loops):
        depth = sum(_lies_inside(loop, larger) for larger in loops[:number])
        area = polygon_area(loop, width, height)
        if depth % 2:
            mask &= ~area
        else:
            mask |= area
    return mask


def _extent(loop: np.ndarray) -> float:
    """The area of the box around a loop: what lies inside has a smaller one."""
    return float(np.prod(np.ptp(loop, axis=0)))


def _lies_inside(loop: np.ndarray, larger: np.ndarray) -> bool:
    """Whether a loop's points lie inside another one, by their winding numbers."""
    start, end = larger[:, None], np.roll(larger, -1, axis=0)[:, None]
    x, y = loop[:, 0], loop[:, 1]
    side = (end[..., 0] - start[..., 0]) * (y - start[..., 1]) - (x - start[..., 0]) * (
        end[..., 1] - start[..., 1]
    )
    up = (start[..., 1] <= y) & (end[..., 1] > y) & (side > 0)
    down = (start[..., 1] > y) & (end[..., 1] <= y) & (side < 0)
    winding = up.sum(axis=0) - down.sum(axis=0)
    return bool((winding != 0).mean() >= INSIDE_SHARE)
