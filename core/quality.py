"""How well a mesh gives a shape: the field's figures, by exact distances.

Figures of two meshes depend on their scale; published ones are for shapes of radius 1. Distances
and winding numbers come from libigl, imported only when used (extra ``training``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from .errors import MeshSDFError
from .shapes.geometry import (
    BoolArray,
    FloatArray,
    IntArray,
    face_areas,
    face_normals,
    libigl,
    winding_numbers,
)
from .shapes.sampling import points_and_faces
from .topology import topology

# Points on each surface, as many as DeepSDF (section 6.1) and those after it use.
SURFACE_POINTS = 30_000
# Points in the box around both volumes, at the least: a wall of 1/50 of the box holds thousands.
VOLUME_POINTS = 200_000
# Published Chamfer distances of unit shapes are in thousandths.
CHAMFER_UNIT = 1e-3


class QualityError(MeshSDFError):
    """Two meshes cannot be compared: one is empty, or holds what is no number."""


@dataclass(frozen=True)
class Quality:
    """How close a mesh comes to its reference, and what the mesh is made of.

    chamfer_squared
        Mean of squared distances from points of the mesh to the reference, plus the same back,
        x 1000 (DeepSDF, section 6.1).
    chamfer
        Mean distance, the mean of both ways, in the meshes' unit.
    normal_consistency
        Mean of |n . n'|, n of a point's face, n' of the nearest face of the other surface; the
        mean of both ways (Occupancy Networks, section 4). Blind to a face that is turned over.
    volume_iou
        Intersection over union of what the two meshes enclose (winding number above 1/2).
    watertight, components, genus
        Of the mesh; see :class:`core.topology.Topology`.
    """

    chamfer_squared: float
    chamfer: float
    normal_consistency: float
    volume_iou: float
    watertight: bool
    components: int
    genus: int | None

    @property
    def whole(self) -> bool:
        """Whether the mesh is one watertight piece."""
        return self.watertight and self.components == 1


def compare(
    vertices: FloatArray,
    faces: IntArray,
    reference_vertices: FloatArray,
    reference_faces: IntArray,
    *,
    rng: np.random.Generator,
    surface_points: int = SURFACE_POINTS,
    volume_points: int = VOLUME_POINTS,
) -> Quality:
    """The figures of a mesh against a reference in the same coordinates.

    The reference must face outwards; it may have small holes. ``surface_points`` are drawn on each
    surface, uniform by area; at least ``volume_points`` in the box around both, one at a random
    place in each cell of a grid. Raises QualityError, or SampleError where libigl is missing.
    """
    for name, corners, index in (
        ("mesh", vertices, faces),
        ("reference", reference_vertices, reference_faces),
    ):
        if not len(index) or not np.isfinite(corners).all():
            raise QualityError(
                f"The {name} is empty, or holds what is no number (NaN or infinite): there is "
                "nothing to compare",
                "Take a code that has a surface and a mesh with faces",
            )
    mesh, reference = Surface(vertices, faces), Surface(reference_vertices, reference_faces)
    there = mesh.towards(reference, surface_points, rng=rng)
    back = reference.towards(mesh, surface_points, rng=rng)
    report = topology(torch.from_numpy(mesh.vertices), torch.from_numpy(mesh.faces))
    return Quality(
        chamfer_squared=(there.squared + back.squared) / CHAMFER_UNIT,
        chamfer=(there.distance + back.distance) / 2,
        normal_consistency=(there.agreement + back.agreement) / 2,
        volume_iou=volume_iou(mesh, reference, volume_points, rng=rng),
        watertight=report.watertight,
        components=report.components,
        genus=report.genus,
    )


@dataclass(frozen=True)
class OneWay:
    """Means over points of one surface of what is found at the nearest point of another."""

    squared: float
    distance: float
    agreement: float


class Surface:
    """A triangle mesh that can be asked for random points, nearest points and its inside."""

    def __init__(self, vertices: FloatArray, faces: IntArray) -> None:
        self.vertices = np.ascontiguousarray(vertices, np.float64)
        self.faces = np.ascontiguousarray(faces, np.int64)
        if not face_areas(self.vertices, self.faces).sum() > 0:
            raise QualityError("A mesh has no area: there is nothing to compare", "Take another")
        self.normals = face_normals(self.vertices, self.faces)

    def points(self, count: int, *, rng: np.random.Generator) -> tuple[FloatArray, IntArray]:
        """``count`` points ``(count, 3)``, uniform by area, and the face of each."""
        return points_and_faces(self.vertices, self.faces, count, rng=rng)

    def towards(self, other: Surface, count: int, *, rng: np.random.Generator) -> OneWay:
        """From ``count`` points of this surface to the exact nearest points of ``other``."""
        at, own = self.points(count, rng=rng)
        squared, nearest, _ = libigl().point_mesh_squared_distance(at, other.vertices, other.faces)
        squared = np.maximum(squared, 0)
        cosines = (self.normals[own] * other.normals[nearest]).sum(axis=1)
        return OneWay(
            squared=float(squared.mean()),
            distance=float(np.sqrt(squared).mean()),
            agreement=float(np.abs(cosines).mean()),
        )

    def contains(self, points: FloatArray) -> BoolArray:
        """Whether each of ``points`` ``(N, 3)`` is inside: winding number above 1/2."""
        return np.asarray(winding_numbers(self.vertices, self.faces, points) > 0.5)


def volume_iou(
    mesh: Surface, reference: Surface, points: int = VOLUME_POINTS, *, rng: np.random.Generator
) -> float:
    """Intersection over union of the enclosed volumes; 1 where neither encloses anything."""
    both = np.concatenate([mesh.vertices, reference.vertices])
    spots = jittered(both.min(axis=0), both.max(axis=0), points, rng=rng)
    found, wanted = mesh.contains(spots), reference.contains(spots)
    union = int((found | wanted).sum())
    return float((found & wanted).sum() / union) if union else 1.0


def jittered(
    low: FloatArray, high: FloatArray, count: int, *, rng: np.random.Generator
) -> FloatArray:
    """At least ``count`` points in a box ``(N, 3)``: one at random in each cell of a grid.

    Uniform, as independent points are, but their counts scatter far less.
    """
    extent = np.maximum(high - low, 1e-9 * max(float((high - low).max()), 1e-9))
    cells = np.ceil(extent * (count / extent.prod()) ** (1 / 3)).astype(np.int64)
    corners = np.stack(np.meshgrid(*map(np.arange, cells), indexing="ij"), axis=-1).reshape(-1, 3)
    return np.asarray(low + (corners + rng.random(corners.shape)) / cells * extent)
