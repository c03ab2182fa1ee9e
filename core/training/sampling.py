"""Signed distance samples of watertight meshes: what an auto-decoder is trained on.

Signs come from the generalised winding number (Barill et al., SIGGRAPH 2018), which also closes
small holes; distances are exact. Both from libigl, imported only when used (extra ``training``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..errors import MeshSDFError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# DeepSDF (section 5) perturbs surface points with variances 0.0025 and 0.00025 (unit sphere).
NEAR_DEVIATIONS = (0.05, 0.0158)
# Cells a side of the grid that finds inner voids. The solid is thickened by so many of them before
# the outside is flooded: a slit narrower than twice that is no opening.
VOID_CELLS = 64
SLIT_CELLS = 2
# Smaller voids (share of the cube's volume) are folds and nostrils, not pockets.
SMALLEST_VOID = 5e-4


class SampleError(MeshSDFError):
    """A mesh cannot be sampled: empty, not finite, without area, or libigl is missing."""


@dataclass(frozen=True)
class Samples:
    """Points ``(N, 3)`` in the cube [-1, 1]^3 and their signed distances ``(N,)``, both float32.

    Negative inside.
    """

    points: NDArray[np.float32]
    distances: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.points)


def sample_mesh(
    vertices: FloatArray,
    faces: IntArray,
    *,
    near: int,
    volume: int,
    rng: np.random.Generator,
    fill_voids: bool = False,
) -> Samples:
    """Sample a watertight mesh inside the cube: ``near`` points at its surface, ``volume`` in it.

    Near points are surface points, uniform by area, moved by a normal deviate (half of them by
    each of ``NEAR_DEVIATIONS``); the others are uniform in the cube. With ``fill_voids`` a pocket
    that no opening wider than about 1/8 joins to the outside counts as solid.
    Raises SampleError for a mesh that is empty, not finite or without area.
    """
    check_mesh(vertices, faces)
    if fill_voids:
        faces = outer_faces(vertices, faces)
    on_surface = surface_points(vertices, faces, near, rng=rng)
    deviations = np.resize(NEAR_DEVIATIONS, near)[:, None]
    moved = on_surface + deviations * rng.standard_normal((near, 3))
    points = np.concatenate([moved.clip(-1, 1), rng.uniform(-1, 1, (volume, 3))])
    distances = signed_distances(vertices, faces, points)
    return Samples(points.astype(np.float32), distances.astype(np.float32))


def check_mesh(vertices: FloatArray, faces: IntArray) -> None:
    """Raise SampleError unless the mesh has finite vertices, valid faces and some area."""
    if not len(vertices) or not len(faces):
        raise SampleError("The mesh has no faces", "Export a closed triangle mesh")
    if not np.isfinite(vertices).all():
        bad = int((~np.isfinite(vertices)).any(axis=1).sum())
        raise SampleError(f"{bad} vertices of the mesh are not finite", "Clean the mesh first")
    wrong = faces[(faces < 0) | (faces >= len(vertices))]
    if len(wrong):
        raise SampleError(
            f"A face names vertex {int(wrong[0])} of {len(vertices)}", "Export the mesh again"
        )
    if not face_areas(vertices, faces).sum() > 0:
        raise SampleError("The mesh has no area", "Export a closed triangle mesh")


def signed_distances(vertices: FloatArray, faces: IntArray, points: FloatArray) -> FloatArray:
    """Signed distance ``(N,)`` from ``points`` ``(N, 3)`` to the mesh, negative inside.

    Small holes are closed by the winding number; the distance is to the faces that exist.
    """
    igl = _igl()
    distances, *_ = igl.signed_distance(
        np.ascontiguousarray(points, np.float64),
        np.ascontiguousarray(vertices, np.float64),
        np.ascontiguousarray(faces, np.int64),
        sign_type=igl.SIGNED_DISTANCE_TYPE_FAST_WINDING_NUMBER,
    )
    return np.asarray(distances, np.float64)


def face_areas(vertices: FloatArray, faces: IntArray) -> FloatArray:
    """Area of each face ``(F,)``."""
    return np.asarray(np.linalg.norm(_area_vectors(vertices, faces), axis=1))


def surface_points(
    vertices: FloatArray, faces: IntArray, count: int, *, rng: np.random.Generator
) -> FloatArray:
    """``count`` points on the surface, uniform by area: ``(count, 3)``."""
    areas = face_areas(vertices, faces)
    chosen = vertices[faces[rng.choice(len(faces), size=count, p=areas / areas.sum())]]
    # The square root makes the points uniform in the triangle (Osada et al., 2002).
    root, along = np.sqrt(rng.random((count, 1))), rng.random((count, 1))
    corners = (1 - root, root * (1 - along), root * along)
    return np.asarray(sum(w * chosen[:, i] for i, w in enumerate(corners)))


def outer_faces(vertices: FloatArray, faces: IntArray) -> IntArray:
    """The faces that do not line an inner void, such as the pocket behind closed lips.

    What is outside is flooded from the cube's corner on a grid whose solid part has been thickened
    by two cells, so that the flood does not creep through slits. Without the lining the winding
    number takes the pocket for solid, and distances are those to the outer surface.
    """
    voids = _inner_voids(vertices, faces)
    if not voids.any():
        return faces
    cell = 2.0 / VOID_CELLS
    vectors = _area_vectors(vertices, faces)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    normals = vectors / np.maximum(lengths, np.finfo(np.float64).tiny)
    probes = vertices[faces].mean(axis=1) + cell * normals
    nodes = np.rint((probes + 1) / cell).astype(np.int64).clip(0, VOID_CELLS)
    near_void = ndimage.binary_dilation(voids)
    return np.asarray(faces[~near_void[tuple(nodes.T)]])


def _inner_voids(vertices: FloatArray, faces: IntArray) -> NDArray[np.bool_]:
    """The nodes of a grid over the cube that lie in pockets closed to the outside."""
    axis = np.linspace(-1, 1, VOID_CELLS + 1)
    nodes = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    winding = _igl().fast_winding_number(
        np.ascontiguousarray(vertices, np.float64), np.ascontiguousarray(faces, np.int64), nodes
    )
    # A border of empty nodes: the flood starts there even where the shape touches the cube.
    solid = np.pad((np.asarray(winding) > 0.5).reshape((VOID_CELLS + 1,) * 3), SLIT_CELLS + 1)
    regions, _ = ndimage.label(~ndimage.binary_dilation(solid, iterations=SLIT_CELLS))
    outside = ndimage.binary_dilation(regions == regions[0, 0, 0], iterations=SLIT_CELLS + 1)
    labels, count = ndimage.label(~solid & ~outside)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    large = sizes >= SMALLEST_VOID * VOID_CELLS**3
    large[0] = False
    inner = slice(SLIT_CELLS + 1, -SLIT_CELLS - 1)
    return np.asarray(large[labels][inner, inner, inner])


def _area_vectors(vertices: FloatArray, faces: IntArray) -> FloatArray:
    """Outward normal times area of each face ``(F, 3)``."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    return np.asarray(np.cross(b - a, c - a)) / 2


def _igl() -> Any:
    """libigl's bindings, or a SampleError that says how to get them."""
    try:
        import igl
    except ImportError as error:
        raise SampleError(
            "Sampling meshes needs libigl, which is not installed",
            "Install it into this Python: python -m pip install libigl",
        ) from error
    return igl
