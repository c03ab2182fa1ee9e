"""The outline of a mask: where coverage passes one half, by marching squares.

Lorensen and Cline's idea in two dimensions: in each cell between four pixel centres the crossings
of its edges are joined by straight lines.
"""

from __future__ import annotations

import numpy as np

LEVEL = 0.5
TOP, RIGHT, BOTTOM, LEFT, NONE = 0, 1, 2, 3, 0
# The edges that are joined, by which corners are inside: 1 top left, 2 top right, 4 bottom right,
# 8 bottom left. Two lines where opposite corners are inside; else the second has no length.
JOINED = np.array(
    [
        [[NONE, NONE], [NONE, NONE]],
        [[LEFT, TOP], [NONE, NONE]],
        [[TOP, RIGHT], [NONE, NONE]],
        [[LEFT, RIGHT], [NONE, NONE]],
        [[RIGHT, BOTTOM], [NONE, NONE]],
        [[LEFT, TOP], [RIGHT, BOTTOM]],
        [[TOP, BOTTOM], [NONE, NONE]],
        [[LEFT, BOTTOM], [NONE, NONE]],
        [[BOTTOM, LEFT], [NONE, NONE]],
        [[BOTTOM, TOP], [NONE, NONE]],
        [[TOP, RIGHT], [BOTTOM, LEFT]],
        [[BOTTOM, RIGHT], [NONE, NONE]],
        [[RIGHT, LEFT], [NONE, NONE]],
        [[RIGHT, TOP], [NONE, NONE]],
        [[TOP, LEFT], [NONE, NONE]],
        [[NONE, NONE], [NONE, NONE]],
    ]
)


def contour(coverage: np.ndarray) -> np.ndarray:
    """Lines ``(N, 2, 2)`` float32 from (x, y) to (x, y), in pixels with y down, centres at +0.5.

    coverage ``(H, W)`` in [0, 1]; beside the image nothing is covered, so every outline is closed.
    """
    field = np.pad(np.asarray(coverage, dtype=np.float32), 1)
    inside = (field >= LEVEL).view(np.uint8)
    case = inside[:-1, :-1] + 2 * inside[:-1, 1:] + 4 * inside[1:, 1:] + 8 * inside[1:, :-1]
    row, column = np.nonzero((case != 0) & (case != 15))
    case = case[row, column]
    top = _crossed(field[row, column], field[row, column + 1])
    right = _crossed(field[row, column + 1], field[row + 1, column + 1])
    bottom = _crossed(field[row + 1, column], field[row + 1, column + 1])
    left = _crossed(field[row, column], field[row + 1, column])
    ones, zeros = np.ones_like(top), np.zeros_like(top)
    within = [(top, zeros), (ones, right), (bottom, ones), (zeros, left)]
    points = np.stack([np.stack(each, axis=-1) for each in within], axis=1)
    # The padding put pixel 0 at index 1.
    points += np.stack([column, row], axis=-1)[:, None].astype(np.float32) - 0.5
    lines = points[np.arange(len(points))[:, None, None], JOINED[case]]
    joined = JOINED[case][..., 0] != JOINED[case][..., 1]
    return lines[joined]


def _crossed(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Where between two corners the level lies, 0 to 1; anything where it does not."""
    rise = second - first
    safe = np.where(rise == 0, 1, rise)
    return np.clip((LEVEL - first) / safe, 0.0, 1.0, dtype=np.float32)
