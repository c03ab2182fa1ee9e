"""What was measured of a space, kept beside its data, so that each step can be run alone.

``data/NAME/verdict.json`` holds the figures and the codes of held-out shapes, with a hash of what
they belong to: figures of another training, of other meshes or of another judge are never used.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.files import write_whole
from core.space import Space

from . import judge, shapes
from .recipe import Recipe
from .verdict import Verdict


def identity(recipe: Recipe, space: Space) -> str:
    """A hash of the decoder and codes, of the meshes, and of how they are judged."""
    digest = sha256(space.codes.contiguous().numpy().tobytes())
    for tensor in space.decoder.state_dict().values():
        digest.update(tensor.detach().contiguous().numpy().tobytes())
    for path in shapes.paths(recipe).values():
        digest.update(shapes.key(recipe, path).encode())
    how = (judge.VERSION, judge.CELLS, judge.PAIRS, judge.RANDOM_CODES, judge.DEVIATIONS)
    digest.update(repr((*how, recipe.encoding_steps, recipe.encoding_points)).encode())
    return digest.hexdigest()


def keep(recipe: Recipe, space: Space, verdict: Verdict, codes: dict[str, Tensor]) -> None:
    """Write the record."""
    recipe.data.mkdir(parents=True, exist_ok=True)
    value = {
        "space": identity(recipe, space),
        "short": list(verdict.short),
        "quality": verdict.figures(),
        "verdict": asdict(verdict),
        "held_out_codes": {name: code.tolist() for name, code in codes.items()},
    }
    write_whole(_path(recipe), json.dumps(value, indent=1).encode())


def read(recipe: Recipe, space: Space) -> dict[str, Any] | None:
    """The record, if it is this very space's."""
    if not _path(recipe).exists():
        return None
    value: dict[str, Any] = json.loads(_path(recipe).read_text("utf-8"))
    return value if value["space"] == identity(recipe, space) else None


def held_out_codes(recipe: Recipe, space: Space) -> dict[str, Tensor]:
    """Codes of held-out shapes that were found before."""
    kept = read(recipe, space) or {"held_out_codes": {}}
    return {name: torch.tensor(code) for name, code in kept["held_out_codes"].items()}


def _path(recipe: Recipe) -> Path:
    return recipe.data / "verdict.json"
