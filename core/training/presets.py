"""Options for a family of so many shapes: "draft", "balanced" or "fine".

The figures behind them are in docs/benchmarks.md: Muon's rates above 1e-2 let units die, Fourier
features beyond degree 2 fit training shapes no better and new ones worse, and the code at every
layer costs nothing once it is folded into the biases.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..decoder import Architecture
from .autodecoder import TrainingOptions

# Points of a step, over all its shapes: what one core's own cache holds the activations of.
POINTS = 2048
MOST_SHAPES_A_STEP = 32
FOURIER_DEGREE = 2
# Up to so many shapes a family is a blend of a few, and a small decoder holds it.
FEW = 4


@dataclass(frozen=True)
class Preset:
    """What the time is spent on: hidden layers, their width, the longest code, steps.

    ``steps`` are for a hundred shapes; few take a third, many up to twice as many.
    """

    layers: int
    width: int
    code_length: int
    steps: int


PRESETS = {
    "draft": Preset(layers=5, width=96, code_length=16, steps=1_200),
    "balanced": Preset(layers=6, width=128, code_length=32, steps=4_000),
    "fine": Preset(layers=6, width=160, code_length=64, steps=8_000),
}
SMALL = Preset(layers=5, width=64, code_length=8, steps=0)


def options_for(shapes: int, preset: str = "balanced", *, plain: bool = False) -> TrainingOptions:
    """How to train a space of ``shapes`` meshes; ``preset`` is a key of ``PRESETS``.

    A ``plain`` decoder sees points without Fourier features, as DeepSDF's own programs want it.
    """
    chosen = PRESETS[preset]
    form = SMALL if shapes <= FEW else chosen
    # N codes span N - 1 directions; a code of few gets twice as many numbers and no more, and never
    # less than two, so that a plane can be shown.
    length = max(2, min(form.code_length, 2 * shapes - 2))
    at_once = min(shapes, MOST_SHAPES_A_STEP)
    decoder = architecture_for(code_length=length, layers=form.layers, width=form.width)
    return TrainingOptions(
        architecture=replace(decoder, fourier_degree=0) if plain else decoder,
        steps=round(chosen.steps * min(2.0, max(1 / 3, (shapes / 100) ** 0.5))),
        shapes_per_step=at_once,
        points_per_shape=POINTS // at_once,
    )


def architecture_for(*, code_length: int, layers: int, width: int) -> Architecture:
    """A decoder of so many hidden layers, each as wide: the code at every one, Fourier features."""
    return Architecture(
        code_length=code_length,
        widths=(width,) * layers,
        skips=tuple(range(1, layers)),
        fourier_degree=FOURIER_DEGREE,
    )
