"""Signed distance samples against closed forms; pockets are filled, open hollows are not."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.measure import marching_cubes

from core.errors import SampleError
from core.shapes.distances import signed_distances
from core.shapes.geometry import check_mesh, face_areas
from core.shapes.sampling import NEAR_MIXTURE, sample_mesh, surface_points
from core.shapes.voids import outer_faces

Floats = NDArray[np.float64]
CELLS = 96
BALL_AREA = 4 * np.pi


def ball(points: Floats, radius: float) -> Floats:
    return np.asarray(np.linalg.norm(points, axis=-1) - radius)


def torus(points: Floats) -> Floats:
    around = np.linalg.norm(points[..., :2], axis=-1) - 0.5
    return np.asarray(np.hypot(around, points[..., 2]) - 0.2)


def box(points: Floats) -> Floats:
    beyond = np.abs(points) - np.array([0.6, 0.4, 0.3])
    outside = np.linalg.norm(np.maximum(beyond, 0), axis=-1)
    return np.asarray(outside + np.minimum(beyond.max(axis=-1), 0))


def hollow(points: Floats, channel: float) -> Floats:
    """A ball with a hollow that a channel of the given radius joins to the outside."""
    around = np.linalg.norm(points[..., :2], axis=-1)
    bore = np.maximum(around - channel, -points[..., 2])
    return np.asarray(np.maximum(ball(points, 0.8), -np.minimum(ball(points, 0.4), bore)))


def mesh_of(field: Any, *arguments: float) -> tuple[Floats, NDArray[np.int64]]:
    axis = np.linspace(-1, 1, CELLS + 1)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    vertices, faces, _, _ = marching_cubes(field(grid, *arguments), 0.0)
    # scikit-image's faces look towards rising values the wrong way round for f < 0 inside.
    vertices = vertices.astype(np.float64) * (2 / CELLS) - 1
    faces = faces.astype(np.int64)
    corners = vertices[faces]
    volume = np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2]))
    return vertices, faces if volume > 0 else faces[:, ::-1]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.mark.parametrize(("field", "arguments"), [(ball, (0.7,)), (torus, ()), (box, ())])
def test_distances_are_those_of_the_closed_form(
    field: Any, arguments: tuple[float, ...], rng: np.random.Generator
) -> None:
    vertices, faces = mesh_of(field, *arguments)
    points = rng.uniform(-1, 1, (2000, 3))
    expected = field(points, *arguments)
    # Marching cubes cuts edges and chords by less than a tenth of a cell off round surfaces,
    # and up to half a cell off a box's edges.
    allowed = 0.6 * 2 / CELLS
    assert np.abs(signed_distances(vertices, faces, points) - expected).max() < allowed


def test_surface_points_are_uniform_by_area(rng: np.random.Generator) -> None:
    """Two triangles, one nine times as large: it gets nine tenths of the points, evenly."""
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [3, 0, 1], [0, 3, 1]])
    faces = np.array([[0, 1, 2], [3, 4, 5]])
    points = surface_points(vertices, faces, 20_000, rng=rng)
    large = points[points[:, 2] > 0.5]
    assert len(large) / len(points) == pytest.approx(0.9, abs=0.01)
    assert large.mean(axis=0) == pytest.approx([1, 1, 1], abs=0.03)
    assert (points.min(axis=0) >= 0).all()


def test_area_of_a_ball_converges() -> None:
    vertices, faces = mesh_of(ball, 0.7)
    assert face_areas(vertices, faces).sum() == pytest.approx(BALL_AREA * 0.7**2, rel=2e-3)


def test_samples_lie_near_the_surface_and_in_the_cube(rng: np.random.Generator) -> None:
    vertices, faces = mesh_of(ball, 0.7)
    samples = sample_mesh(vertices, faces, near=4000, volume=1000, rng=rng)
    assert len(samples) == 5000
    assert samples.points.dtype == samples.distances.dtype == np.float32
    assert np.abs(samples.points).max() <= 1
    near = samples.distances[:4000]
    # Moved along all axes by a deviate of each size: along the normal it has that deviation.
    start = 0
    for share, deviation in NEAR_MIXTURE:
        end = start + round(share * 4000)
        assert near[start:end].std() == pytest.approx(deviation, rel=0.1)
        start = end
    assert start == 4000
    inside = (samples.distances[4000:] < 0).mean()
    assert inside == pytest.approx(BALL_AREA / 3 * 0.7**3 / 8, abs=0.05)


def test_samples_repeat_with_the_seed() -> None:
    vertices, faces = mesh_of(torus)
    first, second = (
        sample_mesh(vertices, faces, near=500, volume=100, rng=np.random.default_rng(9))
        for _ in range(2)
    )
    np.testing.assert_array_equal(first.points, second.points)
    np.testing.assert_array_equal(first.distances, second.distances)


@pytest.mark.parametrize("channel", [0.0, 0.02])
def test_a_pocket_behind_a_slit_is_filled(channel: float, rng: np.random.Generator) -> None:
    vertices, faces = mesh_of(hollow, channel)
    centre = np.zeros((1, 3))
    assert signed_distances(vertices, faces, centre)[0] > 0.3
    outer = outer_faces(vertices, faces)
    assert len(outer) < len(faces)
    assert signed_distances(vertices, outer, centre)[0] < -0.5
    points = rng.uniform(-1, 1, (2000, 3))
    away = np.linalg.norm(points[:, :2], axis=1) > 0.15
    found = signed_distances(vertices, outer, points[away])
    outside = ball(points[away], 0.8) > 0.02
    assert (found[outside] > 0).all()
    assert (found[ball(points[away], 0.8) < -0.02] < 0).all()


def test_an_open_hollow_stays_open() -> None:
    vertices, faces = mesh_of(hollow, 0.12)
    assert len(outer_faces(vertices, faces)) == len(faces)


def test_a_solid_keeps_all_its_faces() -> None:
    vertices, faces = mesh_of(torus)
    assert outer_faces(vertices, faces) is faces


@pytest.mark.parametrize(
    ("vertices", "faces", "says"),
    [
        (np.zeros((0, 3)), np.zeros((0, 3), np.int64), "no faces"),
        (np.full((3, 3), np.nan), np.array([[0, 1, 2]]), "3 vertices of the mesh are no numbers"),
        (np.zeros((3, 3)), np.array([[0, 1, 2]]), "no area"),
        (np.eye(3), np.array([[0, 1, 3]]), "vertex 3 of 3"),
        (np.eye(3), np.array([[0, 1, -1]]), "vertex -1"),
    ],
)
def test_bad_meshes_are_refused_by_name(
    vertices: Floats, faces: NDArray[np.int64], says: str
) -> None:
    with pytest.raises(SampleError, match=says):
        check_mesh(vertices, faces)


def test_without_libigl_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "igl":
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SampleError, match="pip install libigl"):
        signed_distances(np.eye(3), np.array([[0, 1, 2]]), np.zeros((1, 3)))
