"""Where a family's shapes lie: one similarity between the cube and the world, and each shape's own.

Only bounds are needed to place a family, so its meshes are read one at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..errors import TrainingError
from ..space import UPS, Frame
from .geometry import FloatArray
from .meshes import Y_UP_TO_Z_UP, ShapeMesh

LEAST_RADIUS = 1e-12


@dataclass(frozen=True)
class Alignment:
    """How shapes are brought into the cube.

    up
        The axis that points up in files that do not say so: "Z", or "Y". Shapes are turned Z-up.
    centre
        Move the middle of each shape's bounding box to the same point.
    normalise
        Scale each shape to the same radius.
    radius
        The largest distance from the cube's middle to which shapes reach.
    """

    up: str = "Z"
    centre: bool = False
    normalise: bool = False
    radius: float = 0.85

    def __post_init__(self) -> None:
        if self.up not in UPS:
            raise TrainingError(f"Up axis '{self.up}' is unknown", f"Use one of {', '.join(UPS)}")
        if not 0 < self.radius <= 1:
            raise TrainingError(f"Radius {self.radius} does not fit the cube", "Use 0.5 to 0.95")


@dataclass(frozen=True)
class Bounds:
    """A shape's bounding box, Z-up, and its largest distance from the box's middle."""

    name: str
    low: tuple[float, float, float]
    high: tuple[float, float, float]
    radius: float

    def middle(self) -> FloatArray:
        """The middle of the box ``(3,)``."""
        return np.asarray((np.array(self.low) + np.array(self.high)) / 2, np.float64)


@dataclass(frozen=True)
class Similarity:
    """Into the cube: ``scale * (point - middle)``, for a shape's own Z-up points."""

    scale: float
    middle: tuple[float, float, float]

    def apply(self, points: FloatArray) -> FloatArray:
        """``points`` ``(N, 3)`` of the shape in the cube."""
        return np.asarray((points - np.array(self.middle)) * self.scale)


@dataclass(frozen=True)
class Placement:
    """A placed family: ``frame`` brings the cube back to the world; ``shapes`` by name."""

    alignment: Alignment
    frame: Frame
    shapes: Mapping[str, Similarity]

    def apply(self, mesh: ShapeMesh) -> ShapeMesh:
        """``mesh`` as it was read, in the cube. Raises TrainingError for one of another family."""
        if mesh.name not in self.shapes:
            raise TrainingError(
                f"'{mesh.name}' was not among the meshes when the family was placed",
                "Start the training anew with all meshes",
            )
        points = self.shapes[mesh.name].apply(upright(mesh, self.alignment.up))
        return ShapeMesh(mesh.name, points, mesh.faces, upright=True)

    def to_json(self) -> dict[str, Any]:
        """As plain values, for a run's record. The inverse of :meth:`from_json`."""
        return {
            "alignment": asdict(self.alignment),
            "frame": asdict(self.frame),
            "shapes": {name: asdict(shape) for name, shape in self.shapes.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Placement:
        """What :meth:`to_json` wrote. Raises KeyError, TypeError or ValueError for other data."""
        x, y, z = (float(value) for value in data["frame"]["offset"])
        frame = Frame(str(data["frame"]["up"]), float(data["frame"]["scale"]), (x, y, z))
        shapes = {
            str(name): Similarity(float(shape["scale"]), _three(shape["middle"]))
            for name, shape in data["shapes"].items()
        }
        return cls(Alignment(**data["alignment"]), frame, shapes)


def bounds(mesh: ShapeMesh, alignment: Alignment) -> Bounds:
    """The bounds of ``mesh`` as it was read, turned Z-up; only vertices that faces use count."""
    points = upright(mesh, alignment.up)[np.unique(mesh.faces)]
    low, high = points.min(axis=0), points.max(axis=0)
    radius = float(np.linalg.norm(points - (low + high) / 2, axis=1).max())
    return Bounds(mesh.name, _three(low), _three(high), radius)


def place(family: Iterable[Bounds], alignment: Alignment) -> Placement:
    """One placement for the whole family. Raises TrainingError when it is empty.

    Without ``centre`` and ``normalise`` all shapes keep their place and size among each other. With
    ``centre`` the world has them about its origin, with ``normalise`` at their geometric mean size:
    a space knows no single shape's.
    """
    listed = list(family)
    if not listed:
        raise TrainingError("There is no shape to train on", "Give at least one mesh")
    radii = np.array([max(shape.radius, LEAST_RADIUS) for shape in listed])
    middles = np.array([shape.middle() for shape in listed])
    if alignment.centre:
        centre = middles.mean(axis=0)
        reaches = radii
    else:
        low = np.min([shape.low for shape in listed], axis=0)
        high = np.max([shape.high for shape in listed], axis=0)
        centre = (low + high) / 2
        reaches = np.linalg.norm(middles - centre, axis=1) + radii
        middles = np.broadcast_to(centre, middles.shape)
    if not alignment.normalise:
        reaches = np.full(len(listed), reaches.max())
    shapes = {
        shape.name: Similarity(float(alignment.radius / reach), _three(middle))
        for shape, reach, middle in zip(listed, reaches, middles, strict=True)
    }
    scale = float(np.exp(np.log(reaches).mean())) / alignment.radius
    # Centred alone, shapes have no place of their own: the space's is its origin.
    place_of_all = np.zeros(3) if alignment.centre else centre
    return Placement(alignment, Frame("Z", scale, _three(place_of_all)), shapes)


def upright(mesh: ShapeMesh, up: str) -> FloatArray:
    """The vertices of ``mesh`` Z-up: turned where ``up`` is "Y", unless it is known to be so."""
    return mesh.vertices @ Y_UP_TO_Z_UP.T if up == "Y" and not mesh.upright else mesh.vertices


def _three(values: Iterable[float]) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
