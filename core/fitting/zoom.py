"""A lens that may change: a view through a longer or shorter one, from as much farther or nearer.

A photo that was taken with a longer lens from farther away shows an object as large, and flatter.
This is the one thing about a camera that a similarity of the object cannot bring about, so a fit
changes it beside the object's transform. With s times the focal length the camera stands s times
as far from the ``middle`` (the object's at the start) along its own axis (film-makers call it a
dolly zoom), and what lies in the middle's plane is seen as before. The fit's number is log s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..camera import View
from ..errors import FitError

# Nearer than this share of the middle's depth, a point's motion counts as no faster.
NEAREST = 0.05


@dataclass(frozen=True)
class Axis:
    """The optical axis of a perspective ``view``: where it meets the image ``(2,)``, and which way
    it goes in the world ``(3,)``."""

    centre: Tensor
    ahead: Tensor

    @staticmethod
    def of(view: View) -> Axis:
        """That of a view. Raises FitError for one without perspective."""
        rows, ahead = view.matrix[:2, :3], view.matrix[3, :3]
        square = float(ahead.square().sum())
        if square <= 1e-18 * float(rows.square().sum()):
            raise FitError(
                "A camera without perspective has no lens to fit", "Leave the lens as it is"
            )
        return Axis(rows @ ahead / square, ahead / square**0.5)


def zoomed(view: View, log_zoom: float, middle: Tensor) -> View:
    """The ``view`` through another lens, the world point ``middle`` ``(3,)`` seen as before."""
    if log_zoom == 0.0:
        return view
    axis, zoom = Axis.of(view), math.exp(log_zoom)
    matrix = view.matrix.clone()
    depth = matrix[3, :3] @ middle + matrix[3, 3]
    matrix[3, 3] += (zoom - 1) * depth
    # The depth's own row, which counts from the camera too.
    matrix[2, 3] += (zoom - 1) * depth * (matrix[2, :3] @ axis.ahead) / matrix[3, :3].norm()
    beside = view.matrix[:2] - axis.centre[:, None] * view.matrix[3]
    matrix[:2] = zoom * beside + axis.centre[:, None] * matrix[3]
    return replace(view, matrix=matrix)


def moved_by_zoom(view: View, middle: Tensor, world: Tensor) -> tuple[Tensor, Tensor]:
    """How points ``(N, 3)`` move in the image with log s, and the points of fixed pixels' rays in
    the world: ``(N, 2)`` in pixels and ``(N, 3)``. ``view`` is the one through the lens as it is.
    """
    axis = Axis.of(view)
    image = world @ view.matrix[:, :3].t() + view.matrix[:, 3]
    depths = image[:, 3]
    depth = view.matrix[3, :3] @ middle + view.matrix[3, 3]
    share = (1 - depth / depths.clamp_min(NEAREST * float(depth)))[:, None]
    eye = -torch.linalg.solve(view.matrix[[0, 1, 3], :3], view.matrix[[0, 1, 3], 3])
    off = world - eye
    aside = off - (off @ axis.ahead)[:, None] * axis.ahead
    return share * (image[:, :2] / image[:, 3:] - axis.centre), -share * aside
