"""The z-buffer: what it covers, what it sees first, and what it says of the places."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.camera import View, lens_view
from core.extraction import extract
from core.silhouette import see
from core.space import Space
from core.zbuffer import Sight, look, ragged, vertex_normals

SIDE = 48
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def camera(distance: float = 3.0) -> View:
    pose = torch.eye(4, dtype=torch.float64)
    pose[2, 3] = distance
    return lens_view(pose, SIDE, SIDE, lens=50.0)


def sight_of(view: View, vertices: Floats, faces: Ints) -> Sight:
    pixels, w = view.project(torch.from_numpy(vertices))
    return look(pixels.numpy(), -1 / w.numpy(), faces, view.width, view.height)


@pytest.fixture(scope="module")
def cow(bob_and_spot: Space) -> tuple[Floats, Ints]:
    mesh = extract(bob_and_spot, bob_and_spot.codes[1], 32)
    return mesh.vertices.double().numpy(), mesh.faces.numpy()


def test_what_is_covered_is_the_silhouette(cow: tuple[Floats, Ints]) -> None:
    vertices, faces = cow
    for distance in (2.5, 4.0):
        view = camera(distance)
        exact = see(view, torch.from_numpy(vertices), faces).mask
        assert exact.sum() > 100
        np.testing.assert_array_equal(sight_of(view, vertices, faces).mask, exact)


def test_the_nearest_face_is_that_of_a_ray(cow: tuple[Floats, Ints]) -> None:
    """Moeller and Trumbore's intersection, for every face and a few pixels."""
    vertices, faces = cow
    sight = sight_of(camera(), vertices, faces)
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    eye = np.array([0, 0, 3.0])
    focal = 50.0 / 36.0 * SIDE
    for at in range(0, len(sight.pixel), 17):
        row, column = divmod(int(sight.pixel[at]), SIDE)
        ray = np.array([column + 0.5 - SIDE / 2, SIDE / 2 - row - 0.5, -focal])
        across = np.cross(ray, c - a)
        scale = ((b - a) * across).sum(1)
        with np.errstate(divide="ignore", invalid="ignore"):
            u = ((eye - a) * across).sum(1) / scale
            over = np.cross(eye - a, b - a)
            v, along = (over @ ray) / scale, (over * (c - a)).sum(1) / scale
        hit = (u > -1e-9) & (v > -1e-9) & (u + v < 1 + 1e-9) & (scale > 0)
        nearest = along[hit].min()
        w = 1 / (sight.weights[at] @ (1 / (eye[2] - vertices[faces[sight.face[at]], 2])))
        assert w == pytest.approx(nearest * focal, rel=1e-9)


def test_the_nearer_of_two_squares_is_seen() -> None:
    corners = np.array([[0, 0], [8, 0], [8, 8], [0, 8]], float)
    quad = np.array([[0, 2, 1], [0, 3, 2]])
    pixels = np.concatenate([corners, corners / 2 + 2])
    faces = np.concatenate([quad, quad + 4])
    for nearer, behind in ((4, 0), (0, 4)):
        depth = np.zeros(8)
        depth[nearer : nearer + 4], depth[behind : behind + 4] = 1.0, 2.0
        sight = look(pixels, depth, faces, 8, 8)
        seen = sight.at(faces, depth[:, None])[:, 0].reshape(8, 8)
        assert sight.mask.all()
        inner = np.zeros((8, 8), bool)
        inner[2:6, 2:6] = True
        np.testing.assert_allclose(seen, np.where(inner & (nearer == 4), 1.0, seen[0, 0]))
        assert seen[0, 0] == depth[0]


def test_back_faces_flat_faces_and_nothing_are_not_seen() -> None:
    pixels = np.array([[0, 0], [8, 0], [8, 8], [4, 4]], float)
    for faces in ([[0, 1, 2]], [[0, 2, 3]], np.zeros((0, 3), int)):
        sight = look(pixels, np.zeros(4), np.asarray(faces, np.int64), 8, 8)
        assert not sight.mask.any()
        assert sight.at(np.asarray(faces, np.int64), pixels).shape == (0, 2)
    assert (
        look(pixels, np.zeros(4), np.array([[0, 2, 1]]), 8, 8).mask.sum() == 36
    )  # half of 8 x 8, and the diagonal


def test_values_are_linear_in_the_picture() -> None:
    pixels = np.array([[1, 2], [30, 5], [9, 28]], float)
    faces = np.array([[0, 2, 1]])
    sight = look(pixels, np.zeros(3), faces, 32, 32)
    rows, columns = np.divmod(sight.pixel, 32)
    found = sight.at(faces, pixels)
    np.testing.assert_allclose(found, np.stack([columns, rows], axis=1) + 0.5, atol=1e-12)


def test_normals_of_a_sphere_point_outwards() -> None:
    trimesh = pytest.importorskip("trimesh")
    ball = trimesh.creation.icosphere(subdivisions=3)
    vertices, faces = np.asarray(ball.vertices), np.asarray(ball.faces)
    normals = vertex_normals(vertices, faces)
    assert (normals * vertices).sum(1).min() > 0.999
    lone = np.concatenate([vertices, [[5.0, 0, 0]]])
    np.testing.assert_array_equal(vertex_normals(lone, faces)[-1], 0)


def test_ragged() -> None:
    owners, places = ragged(np.array([2, 0, 3]))
    assert owners.tolist() == [0, 0, 2, 2, 2]
    assert places.tolist() == [0, 1, 0, 1, 2]
