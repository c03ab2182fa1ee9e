"""Residuals that are there to be used: landmarks, depth, volume, symmetry, and any function.

:mod:`core.fitting.rows` says how they count beside the outlines, and what one of your own needs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import FitError
from .arrays import Numbers, double, points, vector
from .rows import Residual, Rows, Surface

__all__ = ["Depth", "Function", "Landmarks", "Residual", "Rows", "Surface", "Symmetry", "Volume"]

# A field flatter than this counts as no flatter.
FLATTEST = 1e-3
# Vertices whose motion is held in memory at a time.
CHUNK_VERTICES = 4_096
# A landmark nearer than this, in radii, is on the surface.
MET = 1e-9


@dataclass(frozen=True)
class Landmarks:
    """Points of the world ``(N, 3)`` that the surface has to pass through, as handles to drag.

    Each draws the point of the surface that is nearest to it, along the surface's normal there.
    ``weights`` ``(N,)`` tell how much each counts beside the others, alike by default. Raises
    FitError for points that are none, and for weights below zero.
    """

    points: Numbers
    weight: float = 1.0
    weights: Numbers | None = None

    def __post_init__(self) -> None:
        count = len(self.places())
        weights = self._weights(count)
        if tuple(weights.shape) != (count,):
            told = tuple(weights.shape)
            raise FitError(f"There are {count} landmarks, and weights of shape {told}")
        if not bool((torch.isfinite(weights) & (weights >= 0)).all()):
            raise FitError("A landmark's weight is below zero or not finite", "Make it 1")

    def places(self) -> Tensor:
        """The points, ``(N, 3)`` double."""
        return points(self.points, "Landmarks", "A landmark's place")

    def _weights(self, count: int) -> Tensor:
        if self.weights is None:
            return torch.ones(count, dtype=torch.float64)
        return double(self.weights, "The landmarks' weights")

    def rows(self, surface: Surface) -> Rows:
        """The distances along the normal, in radii."""
        places = self.places()
        found = surface.nearest(places)
        off = torch.from_numpy(found.positions) - places
        away = torch.from_numpy(found.distances)
        # On the surface the way to it is none, and the face's normal is the way that it would take.
        there = away <= MET * surface.radius
        normal = torch.where(
            there[:, None], surface.normals(found), off / away.clamp_min(1e-300)[:, None]
        )

        def by() -> Tensor:
            along: Tensor = torch.einsum("nx,nxp->np", normal, surface.carried(found))
            return along / surface.radius

        return Rows(away / surface.radius, self._weights(len(places)), by)


@dataclass(frozen=True)
class Depth:
    """Points of a depth picture, in the world ``(N, 3)``: F has to be zero there.

    Raises FitError for points that are none.
    """

    points: Numbers
    weight: float = 1.0

    def __post_init__(self) -> None:
        self._points()

    def _points(self) -> Tensor:
        return points(self.points, "Points of a depth picture", "A point of a depth picture")

    def rows(self, surface: Surface) -> Rows:
        """Signed distances to first order, F / |grad F|, in radii."""
        world = self._points()
        value, slope, by = surface.field(world)
        unit = slope.norm(dim=1).clamp_min(FLATTEST) * surface.radius
        return Rows(value / unit, torch.ones(len(world)).double(), lambda: by / unit[:, None])


@dataclass(frozen=True)
class Volume:
    """A volume that a closed shape has to have, in the world's units cubed."""

    volume: float
    weight: float = 1.0

    def rows(self, surface: Surface) -> Rows:
        """How far off it is, in radii cubed."""

        def volume(vertices: Tensor) -> Tensor:
            a, b, c = (vertices[surface.faces[:, corner]] for corner in range(3))
            enclosed = (a * torch.linalg.cross(b, c)).sum() / 6
            off: Tensor = (enclosed - self.volume) / surface.radius**3
            return off[None]

        return Function(volume, self.weight).rows(surface)


@dataclass(frozen=True)
class Symmetry:
    """A plane through ``point`` ``(3,)`` across ``normal`` ``(3,)`` that mirrors the shape.

    It is looked at from about ``most`` vertices. Raises FitError for a plane that is none.
    """

    point: Numbers
    normal: Numbers
    weight: float = 1.0
    most: int = 400

    def __post_init__(self) -> None:
        vector(self.point, "A mirror's point")
        if not bool(vector(self.normal, "A mirror's normal").any()):
            raise FitError("A mirror's normal has no length", "Give the axis that it is across")

    def rows(self, surface: Surface) -> Rows:
        """F / |grad F| where the mirrored vertices are, in radii."""
        normal = torch.nn.functional.normalize(
            vector(self.normal, "A mirror's normal"), dim=0, eps=1e-300
        )
        places = torch.arange(0, len(surface.vertices), max(1, len(surface.vertices) // self.most))
        some = surface.vertices[places]
        mirror = torch.eye(3, dtype=torch.float64) - 2 * torch.outer(normal, normal)
        centre = vector(self.point, "A mirror's point")
        value, slope, by = surface.field((some - centre) @ mirror + centre)
        unit = slope.norm(dim=1).clamp_min(FLATTEST) * surface.radius

        def both() -> Tensor:  # the mirrored point moves as well
            carried = torch.einsum("nx,nxp->np", slope @ mirror, surface.moved(places))
            along: Tensor = (by + carried) / unit[:, None]
            return along

        return Rows(value / unit, torch.ones(len(some)).double(), both)


@dataclass(frozen=True)
class Function:
    """Any differentiable function of the vertices: ``(V, 3)`` in the world to values ``(K,)``.

    Its derivative takes one backward pass of the function for each value, so let there be few.
    Give integrals over the surface or the volume: vertices come and go (core/surface.py).
    ``rows`` raises FitError for values that are no tensor ``(K,)`` that follows from the vertices.
    """

    values: Callable[[Tensor], Tensor]
    weight: float = 1.0

    def rows(self, surface: Surface) -> Rows:
        """The values."""
        vertices = surface.vertices.clone().requires_grad_()
        with torch.enable_grad():
            values = self.values(vertices)
        if not isinstance(values, Tensor) or values.ndim != 1:
            shape = f"of shape {tuple(values.shape)}" if isinstance(values, Tensor) else ""
            told = f"a {type(values).__name__} {shape}".strip()
            raise FitError(
                f"Function gives {told}, and no tensor of one dimension",
                "A single value is value[None], several are torch.stack(values)",
            )
        if not values.requires_grad:
            raise FitError(
                "Function gives values that do not follow from the vertices",
                "Compute them with torch from what it is given, and do not detach them",
            )

        def by() -> Tensor:
            gradients = torch.stack(
                [torch.autograd.grad(value, vertices, retain_graph=True)[0] for value in values]
            )
            parts = torch.arange(len(vertices)).split(CHUNK_VERTICES)
            # How all vertices move, (V, 3, P), would be half a gigabyte at 256 cells.
            found = [
                torch.einsum("kvx,vxp->kp", gradients[:, part], surface.moved(part))
                for part in parts
            ]
            return torch.stack(found).sum(dim=0)

        return Rows(values.detach(), torch.ones(len(values)).double(), by)
