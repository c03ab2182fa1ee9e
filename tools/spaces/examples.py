"""The named shapes that a space offers first."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from core.sliders import readable

from .recipe import Recipe

COUNT = 6


def examples(recipe: Recipe, shape_names: Sequence[str], codes: Tensor) -> list[dict[str, str]]:
    """The card's entry: ``[{"name": "Mug", "shape": "cup_1012"}]``.

    The recipe's own; without any, a few that lie far apart, beginning with the one next to the
    mean. Raises SystemExit where the recipe names a shape that is not trained on.
    """
    if recipe.examples:
        missing = sorted(set(recipe.examples.values()) - set(shape_names))
        if missing:
            raise SystemExit(
                f"Examples of {recipe.name} are not among its shapes: {', '.join(missing)}"
            )
        return [{"name": name, "shape": shape} for name, shape in recipe.examples.items()]
    chosen = [shape_names[index] for index in far_apart(codes, COUNT)]
    return [{"name": readable(shape), "shape": shape} for shape in chosen]


def far_apart(codes: Tensor, count: int) -> list[int]:
    """Indices of ``codes`` ``(N, L)``: the one next to the mean, then each farthest from all."""
    if not len(codes):
        return []
    chosen = [int((codes - codes.mean(dim=0)).norm(dim=1).argmin())]
    distance = (codes - codes[chosen[0]]).norm(dim=1)
    while len(chosen) < min(count, len(codes)):
        chosen.append(int(distance.argmax()))
        distance = torch.minimum(distance, (codes - codes[chosen[-1]]).norm(dim=1))
    return chosen
