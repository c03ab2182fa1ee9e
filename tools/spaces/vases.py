"""Vases, smooth and fluted: Infinigen's VaseFactory, their walls made thicker."""

from __future__ import annotations

from pathlib import Path

from core.training.autodecoder import TrainingOptions
from core.training.presets import architecture_for
from tools.spaces import infinigen
from tools.spaces.recipe import BRIEF_TEACHING, Floors, Recipe

COUNT = 240
# The walls are 0.008 thick at the scale of the unit sphere, a quarter of a cell of 64: they would
# be full of holes. So they become 0.044, a cell and a fifth.
FAMILY = infinigen.Family("vases", "vase", thickness=0.018)

RECIPE = Recipe(
    name="vases",
    count=COUNT,
    teaching=BRIEF_TEACHING,
    training=TrainingOptions(
        architecture=architecture_for(code_length=32, layers=6, width=128),
        steps=6000,
    ),
    near=40_000,
    volume=10_000,
    examples={
        "Urn": "vase_1054",
        "Bottle": "vase_1044",
        "Bud vase": "vase_1029",
        "Round bowl": "vase_1008",
        "Fluted": "vase_1000",
        "Tulip": "vase_1028",
        "Squat": "vase_1022",
    },
    floors=Floors(training_iou=0.93, held_out_iou=0.85),
    title="Vases",
    summary="Vases from slender to squat, smooth and fluted, hollow and open at the top.",
    origin="Infinigen's VaseFactory (infinigen 1.15.5, BSD-3-Clause), every vase from its "
    "own seed; walls made 0.044 thick at radius 1, one closed surface.",
    limits="Walls are thicker than those of real vases. All flutes are eight: no other number.",
)


def meshes(folder: Path, *, count: int | None = None) -> None:
    """Make what is missing of ``count`` vases in ``folder``; attributes and sources beside it."""
    infinigen.meshes(FAMILY, folder, count or COUNT)
