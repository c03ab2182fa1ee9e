"""What signing and sampling share: checks of a triangle mesh, its areas and edges, and libigl."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SampleError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def check_mesh(vertices: FloatArray, faces: IntArray) -> None:
    """Raise SampleError unless the mesh has finite vertices, valid faces and some area."""
    if not len(vertices) or not len(faces):
        raise SampleError("The mesh has no faces", "Export a triangle mesh")
    if not np.isfinite(vertices).all():
        bad = int((~np.isfinite(vertices)).any(axis=1).sum())
        raise SampleError(
            f"{bad} vertices of the mesh are no numbers (NaN or infinite)", "Clean the mesh first"
        )
    wrong = faces[(faces < 0) | (faces >= len(vertices))]
    if len(wrong):
        raise SampleError(
            f"A face names vertex {int(wrong[0])} of {len(vertices)}", "Export the mesh again"
        )
    if not face_areas(vertices, faces).sum() > 0:
        raise SampleError("The mesh has no area", "Export a mesh whose faces are no lines")


def area_vectors(vertices: FloatArray, faces: IntArray) -> FloatArray:
    """Outward normal times area of each face ``(F, 3)``."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    return np.asarray(np.cross(b - a, c - a)) / 2


def face_areas(vertices: FloatArray, faces: IntArray) -> FloatArray:
    """Area of each face ``(F,)``."""
    return np.asarray(np.linalg.norm(area_vectors(vertices, faces), axis=1))


def face_normals(vertices: FloatArray, faces: IntArray) -> FloatArray:
    """Unit normal of each face ``(F, 3)``; zero where a face has no area."""
    vectors = area_vectors(vertices, faces)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.finfo(np.float64).tiny))


def signed_volumes(vertices: FloatArray, faces: IntArray) -> FloatArray:
    """What each face adds to the enclosed volume ``(F,)``, about the mesh's middle.

    The sum over a closed outward mesh is its volume.
    """
    centred = vertices - (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    a, b, c = (centred[faces[:, corner]] for corner in range(3))
    return np.asarray(np.einsum("ij,ij->i", a, np.cross(b, c))) / 6


def open_edges(faces: IntArray) -> IntArray:
    """The directed edges ``(E, 2)`` that no face runs back along, repeated by how many are missing.

    None for a surface without boundary: then the winding number is a whole number everywhere,
    however many parts the surface has and whether or not they meet edge to edge.
    """
    ends = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    low, high = ends.min(axis=1), ends.max(axis=1)
    direction = np.where(ends[:, 0] == low, 1, -1)
    edges, index = np.unique(low * (high.max(initial=0) + 1) + high, return_inverse=True)
    excess = np.bincount(index, weights=direction, minlength=len(edges)).astype(np.int64)
    first = np.zeros(len(edges), np.int64)
    first[index] = np.arange(len(ends))
    found = np.flatnonzero(excess)
    rising = np.stack([low[first[found]], high[first[found]]], axis=1)
    directed = np.where(excess[found, None] > 0, rising, rising[:, ::-1])
    return np.repeat(directed, np.abs(excess[found]), axis=0)


def winding_numbers(vertices: FloatArray, faces: IntArray, points: FloatArray) -> FloatArray:
    """Generalised winding number ``(N,)`` at ``points`` ``(N, 3)``, to about 1e-2.

    Barill et al., Fast Winding Numbers for Soups and Clouds, SIGGRAPH 2018, from libigl.
    """
    return np.asarray(
        libigl().fast_winding_number(
            np.ascontiguousarray(vertices, np.float64),
            np.ascontiguousarray(faces, np.int64),
            np.ascontiguousarray(points, np.float64),
        ),
        np.float64,
    )


def libigl() -> Any:
    """libigl's bindings, or a SampleError that says how to get them."""
    try:
        import igl
    except ImportError as error:
        raise SampleError(
            "Meshes need libigl, which is not installed",
            "Install it into this Python: python -m pip install libigl",
        ) from error
    return igl
