"""Residuals, linearised: what has to have each that plugs into a second-order fit.

Give ``fit`` objects with a ``weight`` and a method ``rows(surface)``. Their squares count beside
the outlines': a weight of 1 takes a mean square of 0.01 for as bad as an IoU less by 0.01, so let
values be of the size of 1 where they are as far off as the shape is large.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ..pose import transformed
from .arrays import check_places
from .looking import Look
from .motion import Motion
from .nearest import Nearest, nearest


@dataclass(frozen=True)
class Rows:
    """Residuals ``values`` ``(N,)`` with ``weights`` ``(N,)``, none below 0; ``by()`` gives their
    derivative ``(N, P)`` by what is free, and is asked for only where a step is solved.
    """

    values: Tensor
    weights: Tensor
    by: Callable[[], Tensor]

    @property
    def total(self) -> float:
        """The sum of the weighted squares."""
        return float((self.weights * self.values.square()).sum())

    @property
    def typical(self) -> float:
        """The root mean square of the values, each as its weight counts; all alike where none
        does, and 0 where there are none.
        """
        counted = float(self.weights.sum())
        if counted > 0:
            return float((self.total / counted) ** 0.5)
        return float(self.values.square().mean().sqrt()) if len(self.values) else 0.0


@dataclass(frozen=True)
class Surface:
    """What a residual sees of a shape: its mesh in the world, and how its points move.

    vertices ``(V, 3)`` double, faces ``(F, 3)`` int64, ``radius`` the start's, for a unit.
    """

    look: Look
    motion: Motion
    radius: float

    @property
    def vertices(self) -> Tensor:
        """World ``(V, 3)``."""
        return self.look.vertices

    @property
    def faces(self) -> Tensor:
        """``(F, 3)``, counter-clockwise seen from outside, in a mirrored object too."""
        faces = self.look.mesh.faces.cpu()
        mirrored = bool(torch.linalg.det(self.look.to_world[:3, :3]) < 0)
        return faces.flip(1) if mirrored else faces

    def field(self, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """F ``(N,)``, its gradient ``(N, 3)`` and dF/dp ``(N, P)`` at world points ``(N, 3)``."""
        inverse = torch.linalg.inv(self.look.to_world)
        return self.motion.field(transformed(inverse, points))

    def moved(self, places: Tensor) -> Tensor:
        """The derivative ``(N, 3, P)`` of the vertices ``places`` ``(N,)``, along the normal."""
        return self.motion.of(self.look.mesh.vertices[places])

    def nearest(self, points: Tensor) -> Nearest:
        """The points of the surface nearest to world points ``(N, 3)``; in the world.

        Raises FitError for points that are not finite, or too far off.
        """
        check_places(points, "A point that the nearest of the surface is asked for")
        return nearest(points.numpy(), self.vertices.numpy(), self.look.faces)

    def carried(self, found: Nearest) -> Tensor:
        """The derivative ``(N, 3, P)`` of such points, along the normal."""
        corners = self.look.mesh.vertices.cpu()[torch.from_numpy(self.look.faces[found.faces])]
        return self.motion.of(
            torch.einsum("nc,ncx->nx", torch.from_numpy(found.shares).to(corners), corners)
        )

    def normals(self, found: Nearest) -> Tensor:
        """The unit normals ``(N, 3)`` of the faces that they are on; 0 where one has no area."""
        a, b, c = self.vertices[self.faces[torch.from_numpy(found.faces)]].unbind(1)
        return torch.nn.functional.normalize(torch.linalg.cross(b - a, c - a), dim=1, eps=1e-300)


class Residual(Protocol):
    """Something on the surface to be made small."""

    @property
    def weight(self) -> float:
        """How much its mean square counts beside the outlines."""

    def rows(self, surface: Surface) -> Rows:
        """Its residuals on a surface."""
