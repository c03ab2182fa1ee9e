"""Chairs whose bars slide and grow: Infinigen's ChairFactory, drawn anew."""

from __future__ import annotations

from pathlib import Path

from core.training.autodecoder import TrainingOptions
from core.training.presets import architecture_for
from tools.spaces import infinigen
from tools.spaces.recipe import Floors, Recipe

COUNT = 440
FAMILY = infinigen.Family("chairs", "chair", turn=True)

RECIPE = Recipe(
    name="chairs",
    count=COUNT,
    training=TrainingOptions(
        architecture=architecture_for(code_length=64, layers=6, width=128),
        steps=8000,
    ),
    near=40_000,
    volume=10_000,
    examples={
        "Spindle back": "chair_1000",
        "Ladder back": "chair_1051",
        "Solid back": "chair_1041",
        "Open back": "chair_1044",
        "Armchair": "chair_1020",
        "Panel armchair": "chair_1016",
        "Lattice back": "chair_1057",
        "Flared legs": "chair_1040",
    },
    floors=Floors(training_iou=0.96, held_out_iou=0.85),
    # Between a full back and an open one lie blobs, and slats and spindles do not turn into each
    # other.
    accepted={"whole_between": 0.9},
    title="Chairs",
    slider_names={"genus": ""},
    summary="Chairs with boards, slats and spindles in their backs, with and without arms and "
    "stretchers, on legs of several kinds: most have holes, which open and close under the "
    "sliders.",
    origin="Infinigen's ChairFactory (infinigen 1.15.5, BSD-3-Clause), every chair from its "
    "own seed, its back, arms and stretchers drawn by this project's own rules; parts joined into "
    "one closed surface, turned towards -Y.",
    limits="Between two chairs a bar slides or grows out of a board, a post or the seat; where two "
    "differ in many bars, some may break halfway. No cushions apart, no wheels.",
)


def meshes(folder: Path, *, count: int | None = None) -> None:
    """Make what is missing of ``count`` chairs in ``folder``; attributes and sources beside it."""
    infinigen.meshes(FAMILY, folder, count or COUNT)
