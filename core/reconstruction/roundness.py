"""Whether the shapes of a space look alike from all around their upright axis, as most vases do."""

from __future__ import annotations

import torch
from torch import Tensor

from ..space import Space
from .examples import shape_of

# A shape that upright turns change by less than this, in its radii, looks alike from all around. Of
# the built-in families the usual vase changes by 0.03, the usual cup, for its handle, by 0.16.
ROUND, LOOKED_AT = 0.07, 8
TURNS = (25.0, 60.0, 90.0, 145.0, 180.0)  # degrees


def looks_round(space: Space) -> bool:
    """Whether the usual shape looks alike from all around its upright axis."""
    some = torch.linspace(0, len(space.codes) - 1, min(LOOKED_AT, len(space.codes))).long()
    found = [changed_by_turns(space, code) for code in (space.mean_code, *space.codes[some].cpu())]
    changes = sorted(change for change in found if change is not None)
    return bool(changes) and changes[len(changes) // 2] < ROUND


def changed_by_turns(space: Space, code: Tensor) -> float | None:
    """How far turns about the upright axis take a shape's surface from where it was, in its radii.

    None where the code has no surface.
    """
    shape = shape_of(space, space.statistics.whiten(code))
    if not len(shape.faces):
        return None
    away = torch.from_numpy(shape.vertices).float()
    turn = space.frame.matrix()[:3, :3].float() / space.frame.scale
    field, worst = space.fold(code), 0.0
    for degrees in TURNS:
        angle = torch.tensor(degrees).deg2rad()
        about = torch.tensor(
            [[angle.cos(), -angle.sin(), 0], [angle.sin(), angle.cos(), 0], [0, 0, 1]]
        )
        off = field.evaluate((away @ about.T @ turn).to(space.device)).abs().max()
        worst = max(worst, float(off))
    return worst / float(away.norm(dim=1).max())
