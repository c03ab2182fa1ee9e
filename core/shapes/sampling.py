"""Signed distance samples of solids: what an auto-decoder is trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .distances import signed_distances
from .geometry import FloatArray, IntArray, check_mesh, face_areas

if TYPE_CHECKING:
    from .signing import Solid

# Shares of the near points, and how far each moves from the surface along every axis (standard
# deviation, in units of the cube). Tight ones for walls of 0.03, wide ones for true values beyond.
NEAR_MIXTURE = ((0.50, 0.01), (0.35, 0.03), (0.15, 0.08))


@dataclass(frozen=True)
class Samples:
    """Points ``(N, 3)`` in the cube [-1, 1]^3 and their signed distances ``(N,)``, both float32.

    Negative inside.
    """

    points: NDArray[np.float32]
    distances: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.points)


def sample_solid(solid: Solid, *, near: int, volume: int, rng: np.random.Generator) -> Samples:
    """Sample a solid inside the cube: ``near`` points at its surface, then ``volume`` in the cube.

    Near points are surface points, uniform by area, moved by normal deviates as ``NEAR_MIXTURE``
    says; the others are uniform in the cube.
    """
    return sample_mesh(solid.vertices, solid.faces, near=near, volume=volume, rng=rng)


def sample_mesh(
    vertices: FloatArray,
    faces: IntArray,
    *,
    near: int,
    volume: int,
    rng: np.random.Generator,
) -> Samples:
    """As :func:`sample_solid`, for a watertight mesh that nobody has signed.

    Raises SampleError for a mesh that is empty, not finite or without area.
    """
    check_mesh(vertices, faces)
    points = np.concatenate(
        [near_points(vertices, faces, near, rng=rng), rng.uniform(-1, 1, (volume, 3))]
    )
    # What is stored is what is measured: the nearest single precision point.
    points = points.astype(np.float32)
    distances = signed_distances(vertices, faces, points.astype(np.float64))
    return Samples(points, distances.astype(np.float32))


def near_points(
    vertices: FloatArray, faces: IntArray, count: int, *, rng: np.random.Generator
) -> FloatArray:
    """``count`` points around the surface ``(count, 3)``, in the cube, by ``NEAR_MIXTURE``."""
    ends = np.rint(np.cumsum([share for share, _ in NEAR_MIXTURE]) * count).astype(np.int64)
    counts = np.diff(ends, prepend=0)
    deviations = np.repeat([deviation for _, deviation in NEAR_MIXTURE], counts)[:, None]
    on_surface = surface_points(vertices, faces, count, rng=rng)
    return np.asarray((on_surface + deviations * rng.standard_normal((count, 3))).clip(-1, 1))


def surface_points(
    vertices: FloatArray, faces: IntArray, count: int, *, rng: np.random.Generator
) -> FloatArray:
    """``count`` points on the surface, uniform by area: ``(count, 3)``."""
    return points_and_faces(vertices, faces, count, rng=rng)[0]


def points_and_faces(
    vertices: FloatArray, faces: IntArray, count: int, *, rng: np.random.Generator
) -> tuple[FloatArray, IntArray]:
    """As :func:`surface_points`, with the face ``(count,)`` on which each point lies."""
    areas = face_areas(vertices, faces)
    on = rng.choice(len(faces), size=count, p=areas / areas.sum())
    chosen = vertices[faces[on]]
    # The square root makes the points uniform in the triangle (Osada et al., 2002).
    root, along = np.sqrt(rng.random((count, 1))), rng.random((count, 1))
    corners = (1 - root, root * (1 - along), root * along)
    return np.asarray(sum(w * chosen[:, i] for i, w in enumerate(corners))), on
