"""Cups and mugs, with and without a handle: Infinigen's CupFactory."""

from __future__ import annotations

from pathlib import Path

from core.training.autodecoder import TrainingOptions
from core.training.presets import architecture_for
from tools.spaces import infinigen
from tools.spaces.recipe import BRIEF_TEACHING, Floors, Recipe

COUNT = 240
# A handle ends where the wall begins: it is pushed into it. A tunnel more is a sliver beside it.
FAMILY = infinigen.Family("cups", "cup", weld=0.008, tunnels="handles")

RECIPE = Recipe(
    name="cups",
    count=COUNT,
    teaching=BRIEF_TEACHING,
    training=TrainingOptions(
        architecture=architecture_for(code_length=32, layers=6, width=128),
        steps=6000,
    ),
    near=40_000,
    volume=10_000,
    examples={
        "Mug": "cup_1023",
        "Tall mug": "cup_1072",
        "Teacup": "cup_1014",
        "Two handles": "cup_1033",
        "Beaker": "cup_1052",
        "Tumbler": "cup_1019",
        "Bowl": "cup_1022",
    },
    floors=Floors(training_iou=0.93, held_out_iou=0.85),
    title="Cups",
    slider_names={"genus": ""},
    summary="Cups, mugs and beakers, open at the top, some with a handle: a handle appears "
    "and goes under the sliders.",
    origin="Infinigen's CupFactory (infinigen 1.15.5, BSD-3-Clause), every cup from its own "
    "seed; parts joined into one closed surface.",
    limits="Walls are 0.042 thick at radius 1, or thicker. Between a cup with a handle "
    "and one without, the handle grows out of the wall or leaves it as two stumps. Of a "
    "hundred random cups some five have more holes than any cup of the family. No lids, no "
    "saucers, no decoration.",
)


def meshes(folder: Path, *, count: int | None = None) -> None:
    """Make what is missing of ``count`` cups in ``folder``; attributes and sources beside it."""
    infinigen.meshes(FAMILY, folder, count or COUNT)
