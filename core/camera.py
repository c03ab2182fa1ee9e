"""A view: one 4x4 matrix from world to pixels, for every camera that Blender renders."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .errors import ViewError

# Points nearer than this share of unit depth count as behind the camera.
NEAREST_DEPTH = 1e-6


@dataclass(frozen=True)
class View:
    """A camera and its image.

    ``matrix`` ``(4, 4)``, double precision: homogeneous world coordinates to (col w, row w, depth,
    w), with columns to the right, rows **down**, and pixel centres at +0.5. ``weight``, above 0, is
    this view's share in a fit. Raises ViewError.
    """

    matrix: Tensor
    width: int
    height: int
    weight: float = 1.0

    def __post_init__(self) -> None:
        matrix = torch.as_tensor(self.matrix, dtype=torch.float64)
        if matrix.shape != (4, 4) or not bool(torch.isfinite(matrix).all()):
            raise ViewError(
                f"A view's matrix is no finite 4x4 matrix (shape {tuple(matrix.shape)})",
                "Check the camera's transform and lens",
            )
        if self.width < 1 or self.height < 1:
            raise ViewError(
                f"A view of {self.width} x {self.height} pixels is empty",
                "Give the render resolution a size",
            )
        if not 0.0 < self.weight < float("inf"):
            raise ViewError(
                f"A view's weight is {self.weight}", "Use a number above 0, or leave the view out"
            )
        object.__setattr__(self, "matrix", matrix)

    def project(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels ``(N, 2)`` and the homogeneous w ``(N,)`` of world ``points`` ``(N, 3)``.

        w is the depth in front of a perspective camera (negative behind it) and 1 for an
        orthographic one. Differentiable in ``points``.
        """
        matrix = self.matrix.to(points)
        image = points @ matrix[:, :3].t() + matrix[:, 3]
        w = image[:, 3]
        return image[:, :2] / w[:, None], w


def lens_view(
    camera_to_world: Tensor,
    width: int,
    height: int,
    *,
    lens: float = 50.0,
    ortho_scale: float | None = None,
    sensor_width: float = 36.0,
    sensor_height: float = 24.0,
    sensor_fit: str = "AUTO",
    shift: tuple[float, float] = (0.0, 0.0),
    pixel_aspect: tuple[float, float] = (1.0, 1.0),
    weight: float = 1.0,
) -> View:
    """The view of a camera given as Blender does: ``lens`` and sensor in millimetres.

    ``camera_to_world`` ``(4, 4)`` looks along its own -Z with +Y up; its scale does not count.
    ``ortho_scale`` (world units across the fitted side) makes it orthographic. ``sensor_fit`` is
    AUTO, HORIZONTAL or VERTICAL; ``shift`` is in shares of the fitted side. Raises ViewError.
    """
    aspect_x, aspect_y = pixel_aspect
    if sensor_fit == "AUTO":
        wide = width * aspect_x >= height * aspect_y
        sensor_fit, sensor = ("HORIZONTAL" if wide else "VERTICAL"), sensor_width
    elif sensor_fit in ("HORIZONTAL", "VERTICAL"):
        sensor = sensor_width if sensor_fit == "HORIZONTAL" else sensor_height
    else:
        raise ViewError(f"Unknown sensor fit {sensor_fit!r}", "Use AUTO, HORIZONTAL or VERTICAL")
    tall = aspect_y / aspect_x
    fitted = float(width) if sensor_fit == "HORIZONTAL" else tall * height
    focal = fitted / ortho_scale if ortho_scale else lens / sensor * fitted
    centre = (width / 2 - shift[0] * fitted, height / 2 + shift[1] * fitted / tall)

    to_pixels = torch.zeros(4, 4, dtype=torch.float64)
    to_pixels[0, 0], to_pixels[1, 1] = focal, -focal / tall
    if ortho_scale:
        to_pixels[0, 3], to_pixels[1, 3] = centre
        to_pixels[3, 3] = 1.0
    else:
        to_pixels[0, 2], to_pixels[1, 2] = -centre[0], -centre[1]
        to_pixels[3, 2] = -1.0
    to_pixels[2, 2] = -1.0

    pose = torch.as_tensor(camera_to_world, dtype=torch.float64).clone()
    pose[:3, :3] = torch.nn.functional.normalize(pose[:3, :3], dim=0)
    return View(to_pixels @ torch.linalg.inv(pose), width, height, weight)
