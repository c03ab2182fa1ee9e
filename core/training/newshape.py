"""A new shape and its code: a mesh, an open scan or a point cloud, brought into a space's cube.

A mesh is signed and sampled as those of a training are. Of a scan or a cloud only the surface is
known: its points must be on the surface of the code's shape, and a scan's also say which side is
out (DeepSDF, section 6.4: shape completion).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import SampleError, TrainingError
from ..extraction import extract
from ..shapes.distances import signed_distances
from ..shapes.geometry import FloatArray, IntArray, check_mesh, face_normals
from ..shapes.meshes import MOST_FACES, ShapeMesh, too_many_faces
from ..shapes.packages import check_packages
from ..shapes.sampling import Samples, points_and_faces, sample_solid, surface_points
from ..shapes.signing import Solid, solid
from ..space import Space
from ..surface import project
from .encoding import encode
from .placing import EncodeOptions, fills_voids, moved, placed, plate_thickness

NEAR_POINTS, VOLUME_POINTS, CLOUD_POINTS = 60_000, 40_000, 60_000
MEASURED_POINTS, MEASURED_CELLS, LOSS_POINTS = 5_000, 64, 1_000
STEPS = 40
# How far beside an open scan its two sides are known, in units of the cube.
SIDE = 0.02
NEWTON_STEPS = 5
# Codes of known shapes are about 1 deviation from the mean, of the built-in spaces 1.7 at the most.
FARTHEST = 3.0
FEWEST_POINTS = 10


@dataclass(frozen=True)
class EncodeStep:
    """The code after a step; ``loss`` is the mean of the field's size on the given surface.

    ``error``, with the last step, is the mean distance between the given shape's surface, as a
    solid, and the code's, in the given coordinates (of a scan or cloud: one way, from it).
    ``warnings`` come with the last step.
    """

    step: int
    steps: int
    code: Tensor
    loss: float
    object_matrix: Tensor
    error: float | None = None
    done: bool = False
    reason: str = ""
    warnings: tuple[str, ...] = ()


class NewShape:
    """A shape in the cube of ``space``, as far as it is known.

    ``vertices`` ``(V, 3)`` in the space's local coordinates; ``faces`` ``(F, 3)``, none for a point
    cloud. ``matrix`` ``(4, 4)`` takes local coordinates of the space to where the shape was given.
    Raises SampleError, or TrainingError where it does not fit the cube or a package is missing.
    """

    def __init__(
        self, space: Space, vertices: FloatArray, faces: IntArray, options: EncodeOptions
    ) -> None:
        self.space = space
        self._options = options
        self._rng = np.random.default_rng(options.seed)
        used = vertices if not len(faces) else vertices[np.unique(faces.clip(0, len(vertices) - 1))]
        if len(used) < FEWEST_POINTS and not len(faces):
            raise SampleError(
                f"{len(used)} points say too little of a shape", f"Give {FEWEST_POINTS} or more"
            )
        if len(faces) > MOST_FACES:
            raise too_many_faces("The mesh", len(faces))
        if not np.isfinite(vertices).all():
            raise SampleError(
                "The shape has points that are no numbers (NaN or infinite)", "Clean it first"
            )
        to_cube, self.matrix = placed(space, used, options)
        self.scale = float(torch.linalg.det(to_cube[:3, :3]).abs() ** (-1 / 3))
        points = moved(to_cube, vertices)
        beyond = float(np.abs(moved(to_cube, used)).max())
        if beyond > 1:
            raise TrainingError(
                f"The shape reaches {beyond:.3g} times as far as the cube of space '{space.name}'",
                "Scale it to the size of the space's shapes, or let it be centred and normalised",
            )
        self.solid: Solid | None = None
        if not len(faces):
            self.surface = self._some(points, CLOUD_POINTS)
            self.samples = Samples(_single(self.surface), np.zeros(len(self.surface), np.float32))
            return
        check_packages()
        check_mesh(points, faces)
        if options.partial:
            self.surface = surface_points(points, faces, MEASURED_POINTS, rng=self._rng)
            self.samples = self._sides(points, faces)
        else:
            mesh = ShapeMesh("the mesh", points, faces, upright=True)
            self.solid = solid(
                mesh,
                thickness=plate_thickness(space, options) / self.scale,
                fill_voids=fills_voids(space, options),
            )
            # The linings of filled voids are no part of the shape.
            given = self.solid
            self.surface = surface_points(
                given.vertices, given.faces, MEASURED_POINTS, rng=self._rng
            )
            self.samples = sample_solid(
                self.solid, near=NEAR_POINTS, volume=VOLUME_POINTS, rng=self._rng
            )

    def encode(self) -> Iterator[EncodeStep]:
        """Find the code, a yield a step; the last has the error."""
        steps = self._options.steps or STEPS
        generator = torch.Generator().manual_seed(self._options.seed)
        codes = encode(self.space, self.samples, generator=generator, steps=steps)
        step = None
        for number, code in enumerate(codes, 1):
            step = EncodeStep(number, steps, code.cpu(), self.loss(code), self.matrix)
            if number < steps:
                yield step
        assert step is not None
        yield self.finished(step, "steps" if step.step == steps else "converged")

    def finished(self, step: EncodeStep, reason: str) -> EncodeStep:
        """``step`` as the last one, measured."""
        return replace(
            step,
            error=self.error(step.code),
            done=True,
            reason=reason,
            warnings=self._warnings(step.code),
        )

    def _warnings(self, code: Tensor) -> tuple[str, ...]:
        away = self.space.statistics.distance(code.cpu())
        if away <= FARTHEST:
            return ()
        return (
            f"The code lies {away:.1f} deviations from the mean of space '{self.space.name}', the "
            f"known shapes' at about 1: beyond {FARTHEST:g} it says little. Check that the shape "
            "is of the space's kind, and stands where its shapes stand",
        )

    def loss(self, code: Tensor) -> float:
        """Mean |f(z, x)| over points of the given surface: cheap, and falls as the code nears."""
        every = max(1, len(self.surface) // LOSS_POINTS)
        points = torch.from_numpy(_single(self.surface[::every])).to(self.space.device)
        return float(self.space.fold(code).evaluate(points).abs().mean())

    def error(self, code: Tensor) -> float:
        """Mean distance between the given surface and that of ``code``: see EncodeStep.

        Infinite where the code has no surface.
        """
        mesh = extract(self.space, code, MEASURED_CELLS)
        if not len(mesh.vertices):
            return float("inf")
        at = torch.from_numpy(_single(self._some(self.surface, MEASURED_POINTS)))
        at = at.to(self.space.device)
        foot = project(self.space.fold(code), at, steps=NEWTON_STEPS)
        there = float((foot - at).norm(dim=1).mean())
        if self.solid is None:
            return there * self.scale
        vertices, faces = mesh.vertices.cpu().double().numpy(), mesh.faces.cpu().numpy()
        found = surface_points(vertices, faces, MEASURED_POINTS, rng=self._rng)
        back = np.abs(signed_distances(self.solid.vertices, self.solid.faces, found)).mean()
        return (there + float(back)) / 2 * self.scale

    def _some(self, points: FloatArray, most: int) -> FloatArray:
        if len(points) <= most:
            return points
        return np.asarray(points[self._rng.choice(len(points), most, replace=False)])

    def _sides(self, points: FloatArray, faces: IntArray) -> Samples:
        """Points on an open surface, and at a small distance on either side of it."""
        on, chosen = points_and_faces(points, faces, CLOUD_POINTS, rng=self._rng)
        beside = np.resize((0.0, SIDE, -SIDE), CLOUD_POINTS)
        normals = face_normals(points, faces)[chosen]
        return Samples(_single(on + beside[:, None] * normals), beside.astype(np.float32))


def _single(points: FloatArray) -> NDArray[np.float32]:
    return np.ascontiguousarray(points, np.float32)
