"""Chairs: Infinigen's ChairFactory."""

from __future__ import annotations

from pathlib import Path

from core.training.autodecoder import TrainingOptions
from core.training.presets import architecture_for
from tools.spaces import infinigen
from tools.spaces.recipe import Floors, Recipe

COUNT = 320
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
    floors=Floors(training_iou=0.96, held_out_iou=0.85),
    title="Chairs",
    slider_names={"genus": ""},
    summary="Chairs with backs, with and without arms and stretchers, on legs of several "
    "kinds: most have holes, whose number changes under the sliders.",
    origin="Infinigen's ChairFactory (infinigen 1.15.5, BSD-3-Clause), every chair from its "
    "own seed; parts joined into one closed surface, turned towards -Y.",
    limits="Thin bars may break half way between chairs whose bars stand in different "
    "places. No cushions apart, no wheels.",
)


def meshes(folder: Path, *, count: int | None = None) -> None:
    """Make what is missing of ``count`` chairs in ``folder``; attributes and sources beside it."""
    infinigen.meshes(FAMILY, folder, count or COUNT)
