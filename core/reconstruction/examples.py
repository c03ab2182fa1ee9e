"""What an encoder learns from: codes of a space, drawn before random cameras.

Half of the codes are drawn from the space's normal distribution, the other half lie between two
known shapes (a known shape itself where the share is 0). Each mesh is drawn from several cameras.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..extraction import extract
from ..space import Space
from .cropview import CropView, around
from .drawing import Floats, Shape, draw, projected

CELLS = 40
MOST_DEVIATIONS = 2.5
# Cameras: elevations and tilts (one deviation) in degrees, and radii of distance.
ELEVATIONS, TILT = (-12.0, 55.0), 4.0
DISTANCES = (2.4, 12.0)
# The square is wider than the object by this, as far as it is known.
MARGINS = (1.04, 1.35)


class Chance:
    """Draws from a torch generator, for numpy's arrays."""

    def __init__(self, generator: torch.Generator) -> None:
        self._generator = generator

    def numbers(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Floats:
        drawn = torch.rand(shape, generator=self._generator, dtype=torch.float64).numpy()
        return np.asarray(low + (high - low) * drawn)

    def number(self, low: float = 0.0, high: float = 1.0) -> float:
        return float(self.numbers(1, low=low, high=high)[0])

    def normal(self, *shape: int) -> Floats:
        return torch.randn(shape, generator=self._generator, dtype=torch.float64).numpy()


@dataclass(frozen=True)
class Example:
    """A shape before a camera: its whitened code ``(L,)``, how it is seen, and its relief
    ``(8, H, W)``, bytes, which light makes a picture of."""

    whitened: Tensor
    view: CropView
    relief: NDArray[np.uint8]


def random_code(space: Space, generator: torch.Generator) -> Tensor:
    """A whitened code ``(L,)``."""
    statistics, count = space.statistics, len(space.codes)
    if count > 1 and float(torch.rand((), generator=generator)) < 0.6:
        pair = torch.randint(count, (2,), generator=generator)
        # Near one of the two more often than halfway, where shapes may be broken.
        share = float(torch.rand((), generator=generator)) ** 2
        code = torch.lerp(space.codes[pair[0]].cpu(), space.codes[pair[1]].cpu(), share)
        return statistics.whiten(code)
    spread = float(torch.rand((), generator=generator)) ** 0.5
    drawn: Tensor = torch.randn(space.code_length, generator=generator) * spread
    return drawn.clamp(-MOST_DEVIATIONS, MOST_DEVIATIONS)


def shape_of(space: Space, whitened: Tensor, cells: int = CELLS) -> Shape:
    """The mesh of a code in its object's axes; without faces where there is no surface."""
    # Draft: walls thinner than a cell stay whole.
    mesh = extract(space, space.statistics.unwhiten(whitened), cells, draft=True)
    turn = space.frame.matrix()[:3, :3] / space.frame.scale
    vertices = (mesh.vertices.double().cpu() @ turn.T).numpy()
    return Shape.of(vertices, mesh.faces.cpu().numpy())


def random_view(shape: Shape, chance: Chance) -> CropView:
    """A camera somewhere around ``shape`` that looks at the middle of a square about it."""
    azimuth = chance.number(-math.pi, math.pi)
    elevation = math.radians(chance.number(*ELEVATIONS))
    tilt = math.radians(TILT) * float(chance.normal(1)[0])
    near, far = (math.log(distance) for distance in DISTANCES)
    distance = math.exp(chance.number(near, far))
    rotation = around(azimuth, elevation, tilt)
    margin = chance.number(*MARGINS)
    shift = 0.06 * chance.normal(2)
    return squared(shape, rotation, distance, margin=margin, shift=shift)


def squared(
    shape: Shape,
    rotation: Floats,
    distance: float,
    *,
    margin: float = 1.15,
    shift: Floats | None = None,
) -> CropView:
    """The view whose square is the shape's box times ``margin``, off by ``shift`` half sides.

    The box stays in the square, however large the shift.
    """
    room = max(1 - 1 / margin, 0.0)
    off = np.zeros(2) if shift is None else np.clip(shift, -room, room)
    centre, tangent = np.zeros(2), 1.0
    view = CropView(rotation, (0.0, 0.0), 1.0 / distance, 1.0)
    for _ in range(4):  # moving the box to the middle changes it a little
        seen, _ = projected(shape, view)
        low, high = seen.min(axis=0) * view.tangent, seen.max(axis=0) * view.tangent
        tangent = max(float((high - low).max()) / 2 * margin, 1e-3)
        middle = (low + high) / 2
        centre = np.array(view.centre) * view.tangent - middle + off * tangent
        right, up = (centre / tangent).tolist()
        # The object's centre stays as far away, measured along the camera's axis.
        view = CropView(rotation, (right, up), 1.0 / (distance * tangent), tangent)
    return view


def examples(
    space: Space,
    side: int,
    *,
    generator: torch.Generator,
    views: int = 4,
) -> Iterator[Example]:
    """Reliefs ``side`` pixels square without end, ``views`` of each code."""
    chance = Chance(generator)
    while True:
        whitened = random_code(space, generator)
        shape = shape_of(space, whitened)
        if not len(shape.faces):
            continue
        for _ in range(views):
            view = random_view(shape, chance)
            yield Example(whitened, view, draw(shape, view, side))
