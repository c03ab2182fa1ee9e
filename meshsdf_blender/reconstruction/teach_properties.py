"""How an encoder is taught, as the operator takes it, and (not saved) how far a teaching is."""

from __future__ import annotations

import bpy
from bpy.props import IntProperty, PointerProperty

from ..training.training_properties import LARGEST_SEED, TrainingProgress

PICTURES, STEPS, SEED = 10_000, 1_800, 1  # the worker's own defaults
MOST = 1_000_000


class Teaching:
    """How to teach."""

    pictures: IntProperty(
        name="Pictures",
        description="How many pictures of the space's shapes are drawn to learn from; fewer are "
        "sooner done, and guess less well",
        default=PICTURES,
        min=1,
        soft_min=500,
        soft_max=50_000,
        max=MOST,
    )
    steps: IntProperty(
        name="Steps",
        description="How long it learns from them; fewer are sooner done, and guess less well",
        default=STEPS,
        min=1,
        soft_min=100,
        soft_max=20_000,
        max=MOST,
    )
    seed: IntProperty(
        name="Seed",
        description="The same space with the same numbers gives the same encoder",
        default=SEED,
        min=0,
        max=LARGEST_SEED,
    )


def register() -> None:
    bpy.types.WindowManager.meshsdf_teaching = PointerProperty(type=TrainingProgress)


def unregister() -> None:
    del bpy.types.WindowManager.meshsdf_teaching
