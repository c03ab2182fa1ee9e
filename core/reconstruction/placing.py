"""From a guess to a place: where the object stands before a known camera, or where the camera is.

A view is one matrix from world to pixels, so a known camera is taken apart into its axes and lens
(Hartley and Zisserman, Multiple View Geometry, 6.2.4). A perspective camera fixes the distance to
an object by its size; an orthographic one says nothing of it, and leaves the object's scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..camera import View
from ..errors import ViewError
from ..space import Frame
from .cropview import CropView, Floats, Square, facing

# Millimetres along a picture's longer side, for which a lens is told, and what lenses there are.
SENSOR, LENSES = 36.0, (1.0, 10_000.0)


@dataclass(frozen=True)
class Lens:
    """A camera taken apart: world to camera ``(3, 3)``, its place ``(3,)`` in the world, pixels.

    ``focal`` (right and down) are pixels at depth 1 in perspective, pixels a unit else; ``centre``
    is where the optical axis meets the picture.
    """

    rotation: Floats
    place: Floats
    focal: tuple[float, float]
    centre: tuple[float, float]
    perspective: bool

    @staticmethod
    def of(view: View) -> Lens:
        """The lens of a ``view``. Raises ViewError for one that no camera has."""
        matrix = view.matrix.numpy()
        rows, depth = matrix[[0, 1], :3], matrix[3, :3]
        length = float(np.linalg.norm(depth))
        if length <= 1e-9 * float(np.abs(rows).max()):
            return _orthographic(matrix)
        back = -depth / length
        matrix = matrix / length
        centre = rows @ -back / length
        right, down = rows / length + np.outer(centre, back)
        focal = float(np.linalg.norm(right)), float(np.linalg.norm(down))
        rotation = np.stack([right / (focal[0] or np.nan), -down / (focal[1] or np.nan), back])
        _check(rotation)
        place = -np.linalg.solve(matrix[[0, 1, 3], :3], matrix[[0, 1, 3], 3])
        return Lens(rotation, place, focal, (float(centre[0]), float(centre[1])), True)


def _orthographic(matrix: Floats) -> Lens:
    w = float(matrix[3, 3])
    right, down = matrix[[0, 1], :3] / (w or np.nan)
    focal = float(np.linalg.norm(right)), float(np.linalg.norm(down))
    rotation = np.stack([right / (focal[0] or np.nan), -down / (focal[1] or np.nan), np.zeros(3)])
    rotation[2] = np.cross(rotation[0], rotation[1])
    _check(rotation)
    # Any place on the axis sees the same: the one at the matrix's own depth 0, where it has any.
    depth, place = matrix[2, :3], np.zeros(3)
    length = float(np.linalg.norm(depth))
    if length and np.allclose(depth / length, -rotation[2], atol=1e-6):
        place = rotation[2] * float(matrix[2, 3]) / length
    centre = matrix[:2, 3] / w + matrix[:2, :3] @ place / w
    return Lens(rotation, place, focal, (float(centre[0]), float(centre[1])), False)


def _check(rotation: Floats) -> None:
    finite = bool(np.isfinite(rotation).all())
    square = finite and np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3)
    if not square or np.linalg.det(rotation) < 0:
        raise ViewError(
            "The view's matrix is that of no camera: its axes are not at right angles",
            "Use a camera without shear",
        )


def before_camera(
    guess: CropView, square: Square, view: View, frame: Frame, *, scale: float, depth: float
) -> Tensor:
    """The object's matrix ``(4, 4)`` that shows it in ``view`` as it was guessed.

    ``scale`` is the object's own; ``depth`` is how far before an orthographic camera's place it
    is put. ``frame`` is its space's.
    """
    lens = Lens.of(view)
    right = (square.column - lens.centre[0]) / lens.focal[0]
    up = (lens.centre[1] - square.row) / lens.focal[1]
    half = square.half / lens.focal[0], square.half / lens.focal[1]
    unit = scale * frame.scale  # half of the cube's side, in the world
    if lens.perspective:
        turn, tangent = facing(right, up, half)
        place = turn @ guess.with_tangent(tangent).place * unit
    else:
        turn = np.eye(3)
        # What is seen is all that is known of its size.
        unit = guess.size * (half[0] * half[1]) ** 0.5
        aside = np.array(guess.centre) * half + [right, up]
        place = np.array([*aside, -depth])
    linear = lens.rotation.T @ turn @ guess.rotation * (unit / frame.scale)
    matrix = np.eye(4)
    matrix[:3, :3] = linear
    matrix[:3, 3] = lens.place + lens.rotation.T @ place - linear @ np.array(frame.offset)
    return torch.from_numpy(matrix)


def camera_of(
    guess: CropView, square: Square, width: int, height: int, frame: Frame
) -> tuple[Tensor, float]:
    """Where the camera is of an object in its own coordinates: camera to world ``(4, 4)``, and the
    focal length in pixels of a picture ``width`` by ``height``."""
    to_camera, focal = guess.in_picture(square, width, height)
    own = np.eye(4)  # from the shape's own coordinates to the cube's, upright
    own[:3, :3] /= frame.scale
    own[:3, 3] = -np.array(frame.offset) / frame.scale
    matrix = to_camera @ own
    matrix[:3] *= frame.scale  # a camera does not scale
    return torch.from_numpy(np.linalg.inv(matrix)), focal


def focal_of(lens: float, width: int, height: int) -> float:
    """A ``lens`` in millimetres, for 36 along a picture's longer side, in pixels of it.

    Raises ViewError for one that no camera has.
    """
    low, high = LENSES
    if not low <= lens <= high:
        raise ViewError(
            f"A lens of {lens:g} mm is none of a camera",
            f"Use {low:g} to {high:g} mm, for 36 mm along the picture's longer side",
        )
    return lens / SENSOR * max(width, height)


def picture_view(camera_to_world: Tensor, focal: float, width: int, height: int) -> View:
    """The view of a camera with that ``focal`` length in pixels, its axis through the middle."""
    to_pixels = torch.tensor(
        [[focal, 0, -width / 2, 0], [0, -focal, -height / 2, 0], [0, 0, -1, 0], [0, 0, -1, 0]],
        dtype=torch.float64,
    )
    return View(to_pixels @ torch.linalg.inv(camera_to_world), width, height)


def camera_that_sees(view: View) -> tuple[Tensor, float]:
    """The inverse of :func:`picture_view`."""
    lens = Lens.of(view)
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = lens.rotation.T, lens.place
    return torch.from_numpy(matrix), lens.focal[0]


def cut_view(view: View, square: Square, side: int) -> View:
    """The view of a ``square`` of its picture, ``side`` pixels wide."""
    return View(_cut(square, side) @ view.matrix, side, side, view.weight)


def whole_view(view: View, square: Square, width: int, height: int) -> View:
    """The view of a whole picture, of that of a ``square`` of it: the inverse of
    :func:`cut_view`."""
    back = torch.linalg.inv(_cut(square, view.width))
    return View(back @ view.matrix, width, height, view.weight)


def _cut(square: Square, side: int) -> Tensor:
    share = side / (2 * square.half)
    change = torch.eye(4, dtype=torch.float64)
    change[0, 0] = change[1, 1] = share
    change[0, 3] = -(square.column - square.half) * share
    change[1, 3] = -(square.row - square.half) * share
    return change
