"""Where a new shape lies in a space's cube, and what is asked of its encoding."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import TrainingError
from ..pose import transformed
from ..shapes.geometry import FloatArray
from ..space import Space

RADIUS = 0.85


@dataclass(frozen=True)
class EncodeOptions:
    """How to encode.

    partial
        The mesh is an open scan: where it has no faces, nothing is known. Nothing is known of the
        whole shape's box either, so a scan is taken where it stands.
    steps
        0: as many as are usual.
    centre, normalise
        Move and scale the shape alone, as the space's training did (None; not a partial one) or
        not. Raises TrainingError for a partial one.
    fill_voids
        Fill the voids that no wide opening leads into, as the space's training did (None) or not.
        Of a partial scan or a cloud nothing is filled.
    thickness
        That open surfaces of a mesh get, in its units, as the space's training did (None); 0: as
        thin as can be learnt.
    """

    partial: bool = False
    steps: int = 0
    centre: bool | None = None
    normalise: bool | None = None
    seed: int = 0
    fill_voids: bool | None = None
    thickness: float | None = None

    def __post_init__(self) -> None:
        asked = [name for name in ("centre", "normalise") if getattr(self, name)]
        if self.partial and asked:
            raise TrainingError(
                f"A partial scan cannot be placed by its own box ({' and '.join(asked)}): the box "
                "is not that of the whole shape",
                "Move and scale the scan to where the space's shapes stand, and leave "
                f"{' and '.join(asked)} out",
            )
        if self.thickness is not None and not 0 <= self.thickness < math.inf:
            raise TrainingError(f"The thickness is {self.thickness}", "Use a number from 0 on")


def placed(space: Space, points: FloatArray, options: EncodeOptions) -> tuple[Tensor, Tensor]:
    """From the given coordinates to the cube, and from the space's local ones to the given."""
    frame, trained = space.frame.matrix(), _alignment(space)
    centre, normalise = (
        bool(trained.get(key, False)) and not options.partial if wish is None else wish
        for key, wish in (("centre", options.centre), ("normalise", options.normalise))
    )
    inverse = torch.linalg.inv(frame)
    inside = moved(inverse, points)
    own = torch.eye(4, dtype=torch.float64)
    middle = np.zeros(3)
    if centre:
        middle = (inside.min(axis=0) + inside.max(axis=0)) / 2
    if normalise:
        reach = float(np.linalg.norm(inside - middle, axis=1).max())
        own[:3, :3] *= float(trained.get("radius", RADIUS)) / max(reach, 1e-12)
    own[:3, 3] = -own[:3, :3] @ torch.from_numpy(middle)
    return own @ inverse, frame @ torch.linalg.inv(own) @ inverse


def trained_up(space: Space) -> str:
    """The axis that points up in files like those that ``space`` was trained on: "Z" or "Y"."""
    return "Y" if _alignment(space).get("up") == "Y" else "Z"


def fills_voids(space: Space, options: EncodeOptions) -> bool:
    """Whether a mesh's voids are filled: as asked for, or as the space's card says."""
    wish = options.fill_voids
    return space.card.get("fill_voids") is True if wish is None else wish


def plate_thickness(space: Space, options: EncodeOptions) -> float:
    """How thick an open surface becomes: as asked for, or as the space's card says."""
    if options.thickness is not None:
        return options.thickness
    said = space.card.get("thickness")
    if isinstance(said, bool) or not isinstance(said, int | float):
        return 0.0
    return float(said) if 0 <= said < math.inf else 0.0


def _alignment(space: Space) -> Mapping[str, Any]:
    trained = space.card.get("alignment")
    return trained if isinstance(trained, dict) else {}


def moved(matrix: Tensor, points: FloatArray) -> FloatArray:
    """``points`` ``(N, 3)`` under ``matrix`` ``(4, 4)``."""
    return np.asarray(transformed(matrix, torch.from_numpy(points).double()).numpy())
