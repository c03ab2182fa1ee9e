"""What needs no guess of a code: the mean shape and a known shape, their poses fitted.

Both begin where the encoder sees the object, for without a first guess of the pose there is nothing
to fit, and where it would be seen from behind, which an outline hardly tells apart. They are judged
as a reconstruction is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.camera import View
from core.errors import FitError
from core.fitting import FitOptions, fit
from core.reconstruction import Reconstruction, ReconstructOptions, SpaceEncoder, reconstruct
from core.silhouette import intersection_over_union, see
from core.space import Space
from tools.reconstruct.judge import Mesh, surface

KNOWN_CELLS = 32
TRIED = 3  # known shapes, the most alike ones
# Half a turn about the upright axis.
BEHIND = torch.diag(torch.tensor([-1.0, -1.0, 1.0, 1.0], dtype=torch.float64))
POSE = FitOptions(steps=20, resolution=48, code=False, move=True, turn=True)


def known_meshes(space: Space) -> list[Mesh]:
    """The known shapes, coarse."""
    return [surface(space, code, KNOWN_CELLS) for code in space.codes]


def fitted(
    space: Space, encoder: SpaceEncoder, picture: Tensor, mask: Tensor, known: Sequence[Mesh]
) -> tuple[Reconstruction, Reconstruction]:
    """The mean shape and the known shape that match best, each in its fitted pose."""
    only = ReconstructOptions(guesses=1, steps=0)
    *_, guess = reconstruct(space, encoder, picture, mask=mask, options=only)
    back = replace(guess, camera=BEHIND @ _camera(guess), view=_from_behind(guess.view))
    sides = [_posed(space, each, space.mean_code, mask) for each in (guess, back)]
    average = max(sides, key=lambda each: each.iou)
    alike = most_alike(known, average.view, (mask > 0.5).numpy())[:TRIED]
    tries = [_posed(space, average, space.codes[number], mask) for number in alike]
    return average, max(tries, key=lambda each: each.iou)


def _posed(space: Space, at: Reconstruction, code: Tensor, mask: Tensor) -> Reconstruction:
    """``code`` moved and turned as the mask asks, from where ``at`` is; there where it cannot."""
    try:
        *_, last = fit(space, code, [at.view], [mask], options=POSE)
    except FitError:  # without a surface there
        return replace(at, code=code, iou=0.0)
    matrix = last.object_matrix
    return replace(
        at,
        code=code,
        camera=torch.linalg.inv(matrix) @ _camera(at),
        view=replace(at.view, matrix=at.view.matrix @ matrix),
        iou=last.best_iou,
    )


def _camera(at: Reconstruction) -> Tensor:
    assert at.camera is not None  # it was guessed
    return at.camera


def _from_behind(view: View) -> View:
    return replace(view, matrix=view.matrix @ torch.linalg.inv(BEHIND))


def most_alike(meshes: Sequence[Mesh], view: View, mask: NDArray[np.bool_]) -> list[int]:
    """The numbers of ``meshes``, that with the silhouette most like the mask first."""
    found = [
        intersection_over_union(see(view, torch.from_numpy(vertices), faces).mask, mask)
        for vertices, faces in meshes
    ]
    return np.argsort(found)[::-1].tolist()
