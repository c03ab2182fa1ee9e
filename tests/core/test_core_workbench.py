"""Our cameras and silhouettes against masks that Blender's Workbench rendered, pixel for pixel."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from core.camera import View, lens_view
from core.silhouette import see

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "workbench.npz")
CAMERAS = json.loads(str(GOLDEN["cameras"]))
# Graphics drivers snap corners to 1/256 of a pixel: an outline that passes this close to a pixel's
# centre may fall on either side of it.
SNAP = 1 / 128


def shifted(view: View, x: float, y: float) -> View:
    move = torch.eye(4, dtype=torch.float64)
    move[0, 3], move[1, 3] = x, y
    return View(move @ view.matrix, view.width, view.height)


@pytest.mark.parametrize("number", range(len(CAMERAS)), ids=list(CAMERAS))
def test_silhouettes_are_what_workbench_renders(number):
    settings = dict(list(CAMERAS.values())[number])
    width, height = settings.pop("size")
    shift, aspect = settings.pop("shift"), settings.pop("pixel_aspect")
    view = lens_view(
        torch.from_numpy(GOLDEN["camera_to_world"]),
        width,
        height,
        shift=tuple(shift),
        pixel_aspect=tuple(aspect),
        **settings,
    )
    vertices, faces = torch.from_numpy(GOLDEN["vertices"]), GOLDEN["faces"].astype(np.int64)
    moves = [(0.0, 0.0)] + [(x, y) for x in (-SNAP, SNAP) for y in (-SNAP, SNAP)]
    masks = [see(shifted(view, x, y), vertices, faces).mask for x, y in moves]
    theirs = GOLDEN[f"mask{number}"]
    assert 1000 < theirs.sum() < theirs.size
    sure = np.all([mask == masks[0] for mask in masks], axis=0)
    assert (masks[0] == theirs)[sure].all()
    assert (masks[0] != theirs).sum() <= 2
    assert (~sure).sum() < 0.002 * theirs.size
