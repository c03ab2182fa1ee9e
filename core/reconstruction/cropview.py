"""How an object stands before the square cut out of a picture: what an encoder guesses.

A picture is cut to a square about the object before an encoder sees it, so what can be guessed is
how the object stands to the ray through the square's middle (Kundu et al., CVPR 2018, call it
allocentric): its rotation, where its centre lies in the square, how large it is in it, and how
wide the square is as an angle. With the picture's focal length, given or guessed, this is a camera.

Camera axes are Blender's: x right, y up, the camera looks along -z. The object's are those of its
space, Z up, with the middle of the space's cube for its centre and half of the cube's side for its
unit, which is called its radius here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]
# The rotation's first two columns, the centre's place, two logarithms.
SIZE = 10
# Halves of the squares' widths lie between these, as tangents; beyond the guess is held.
NARROWEST, WIDEST = 0.02, 1.5


@dataclass(frozen=True)
class Square:
    """A square of a picture in pixels: its middle (column, row) and half of its side."""

    column: float
    row: float
    half: float


@dataclass(frozen=True)
class CropView:
    """An object before a square picture whose middle the camera looks at.

    rotation ``(3, 3)``
        From the object's axes to the camera's.
    centre
        Where the object's centre is seen: right and up, in half sides from the middle.
    size
        The object's radius over its distance, over ``tangent``: about 1 for one that fills it.
    tangent
        Half of the square's side over the focal length.
    """

    rotation: Floats
    centre: tuple[float, float]
    size: float
    tangent: float

    @property
    def distance(self) -> float:
        """How far before the camera the object's centre lies, in its radii."""
        return 1.0 / (self.size * self.tangent)

    @property
    def place(self) -> Floats:
        """The object's centre ``(3,)`` in camera axes, in its radii."""
        right, up = self.centre
        ray = np.array([right * self.tangent, up * self.tangent, -1.0])
        return ray * self.distance

    def numbers(self) -> Floats:
        """What an encoder learns: ``(10,)``; see :func:`crop_view`."""
        logs = [math.log(self.size), math.log(self.tangent)]
        return np.concatenate([self.rotation[:, 0], self.rotation[:, 1], self.centre, logs])

    def with_tangent(self, tangent: float) -> CropView:
        """The same picture through another lens: nearer or farther by it."""
        return CropView(self.rotation, self.centre, self.size, tangent)

    def in_picture(self, square: Square, width: int, height: int) -> tuple[Floats, float]:
        """Object to camera ``(4, 4)`` and the focal length in pixels, of the whole picture.

        The picture is ``width`` by ``height`` pixels and the optical axis meets its middle.
        """
        focal = square.half / self.tangent
        right = (square.column - width / 2) / focal
        up = (height / 2 - square.row) / focal
        turn, tangent = facing(right, up, (self.tangent, self.tangent))
        matrix = np.eye(4)
        matrix[:3, :3] = turn @ self.rotation
        matrix[:3, 3] = turn @ self.with_tangent(tangent).place
        return matrix, focal


def crop_view(numbers: Floats) -> CropView:
    """What ``numbers`` ``(10,)`` stand for: two columns made a rotation by Gram and Schmidt (Zhou
    et al., CVPR 2019), the centre, and the logarithms of size and tangent."""
    length = float(np.linalg.norm(numbers[:3]))
    x = numbers[:3] / length if length > 1e-6 else np.array([1.0, 0.0, 0.0])
    y = numbers[3:6] - x * (x @ numbers[3:6])
    if np.linalg.norm(y) < 1e-6:  # any at right angles
        y = np.cross(x, np.eye(3)[np.abs(x).argmin()])
    y = y / float(np.linalg.norm(y))
    size = math.exp(float(np.clip(numbers[8], -3.0, 2.0)))
    tangent = float(np.clip(math.exp(float(np.clip(numbers[9], -9, 9))), NARROWEST, WIDEST))
    rotation = np.stack([x, y, np.cross(x, y)], axis=1)
    return CropView(rotation, (float(numbers[6]), float(numbers[7])), size, tangent)


def rotations(columns: Tensor) -> Tensor:
    """Rotations ``(..., 3, 3)`` from two columns ``(..., 6)``, as :func:`crop_view` makes them.

    Differentiable.
    """
    x = torch.nn.functional.normalize(columns[..., :3], dim=-1)
    y = columns[..., 3:6]
    y = y - x * (x * y).sum(-1, keepdim=True)
    y = torch.nn.functional.normalize(y, dim=-1)
    return torch.stack([x, y, torch.linalg.cross(x, y)], dim=-1)


def towards(ray: Floats) -> Floats:
    """The least rotation ``(3, 3)`` that takes the camera's axis, -z, to the ``ray`` ``(3,)``."""
    to = ray / np.linalg.norm(ray)
    axis = np.cross([0.0, 0.0, -1.0], to)
    cosine = -to[2]
    skew = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]], float)
    return np.asarray(np.eye(3) + skew + skew @ skew / (1.0 + cosine))


def facing(right: float, up: float, half: tuple[float, float]) -> tuple[Floats, float]:
    """The turn ``(3, 3)`` to a square of a picture, and half of its side as it is seen then.

    Its middle lies ``right`` and ``up`` of the axis and it reaches ``half`` aside and up, all in
    focal lengths. A camera that turns to it sees no square. This one looks where the middles of
    opposite sides are as far away as each other, and the tangent is the mean of both pairs'.
    """
    ends = np.array(
        [
            [right - half[0], up, -1.0],
            [right + half[0], up, -1.0],
            [right, up - half[1], -1.0],
            [right, up + half[1], -1.0],
        ]
    )
    rays = ends / np.linalg.norm(ends, axis=1, keepdims=True)
    halved = [math.acos(float(np.clip(rays[i] @ rays[i + 1], -1.0, 1.0))) / 2 for i in (0, 2)]
    tangent = math.sqrt(math.tan(halved[0]) * math.tan(halved[1]))
    return towards(rays.sum(axis=0)), tangent


def around(azimuth: float, elevation: float, roll: float) -> Floats:
    """Object to camera ``(3, 3)`` for a camera so many radians round the object, up, and tilted.

    At azimuth 0 the camera stands at -Y and sees the front; it goes counterclockwise from above.
    """
    sine, cosine = math.sin(azimuth), math.cos(azimuth)
    back = np.array(
        [sine * math.cos(elevation), -cosine * math.cos(elevation), math.sin(elevation)]
    )
    right = np.array([cosine, sine, 0.0])
    rows = np.stack([right, np.cross(back, right), back])
    tilt, level = math.sin(roll), math.cos(roll)
    return np.asarray(np.array([[level, tilt, 0], [-tilt, level, 0], [0, 0, 1]]) @ rows)


def angles(rotation: Floats) -> tuple[float, float, float]:
    """Azimuth, elevation and roll, in radians: the inverse of :func:`around`."""
    back = rotation[2]
    elevation = math.asin(float(np.clip(back[2], -1, 1)))
    azimuth = math.atan2(float(back[0]), float(-back[1]))
    level = around(azimuth, elevation, 0.0)
    tilt = rotation @ level.T
    return azimuth, elevation, math.atan2(float(tilt[0, 1]), float(tilt[0, 0]))
