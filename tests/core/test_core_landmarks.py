"""Landmarks: the nearest points of a surface, how they move, and fits that are drawn to them."""

from __future__ import annotations

from dataclasses import replace
from time import process_time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import FitError
from core.extraction import extract
from core.fitting import fit
from core.fitting.arrays import FARTHEST
from core.fitting.motion import Motion
from core.fitting.nearest import nearest
from core.fitting.residuals import Landmarks, Surface
from core.pose import transformed

from .test_core_fit import BALLS, FAST, front_view, picture
from .test_core_fitting_second_order import EVERYTHING, changes, looked_at

RADIUS = 0.5
BOX = np.array([0.7, 0.4, 0.2])


def sphere(cells):
    mesh = extract(BALLS, torch.tensor([RADIUS, 0, 0, 0]), cells)
    return mesh.vertices.double().numpy(), mesh.faces.numpy()


def box():
    """A box of half sizes BOX about the origin, of two triangles a side."""
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * BOX
    sides = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = [face for a, b, c, d in sides for face in ((a, b, c), (a, c, d))]
    return corners, np.array(faces)


def to_box(points):
    """The distance from points to the box's surface, as it is known."""
    beyond = np.abs(points) - BOX
    outside = np.linalg.norm(beyond.clip(min=0), axis=1)
    return np.where((beyond < 0).all(axis=1), -beyond.max(axis=1), outside)


# Nearest points


@given(st.lists(st.tuples(*[st.floats(-2, 2)] * 3), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_the_nearest_points_of_a_box_are_exact(places):
    """Faces, edges, corners, the inside, and points on the surface itself."""
    points = np.array(places)
    found = nearest(points, *box())
    np.testing.assert_allclose(found.distances, to_box(points), atol=1e-12)
    np.testing.assert_allclose(to_box(found.positions), 0, atol=1e-12)
    np.testing.assert_allclose(found.shares.sum(axis=1), 1, atol=1e-12)
    assert (found.shares >= 0).all()


def test_a_sphere_is_met_by_its_faces_and_not_by_its_vertices():
    """The distance to the true sphere, which a mesh misses by the square of its cells."""
    points = np.random.default_rng(1).normal(size=(40, 3))
    points *= (np.linspace(0.1, 1.5, 40) / np.linalg.norm(points, axis=1))[:, None]
    truth = np.abs(np.linalg.norm(points, axis=1) - RADIUS)
    errors = []
    for cells in (12, 24, 48):
        vertices, faces = sphere(cells)
        found = nearest(points, vertices, faces)
        errors.append(np.abs(found.distances - truth).max())
        corners = vertices[faces[found.faces]]
        held = np.einsum("kc,kcx->kx", found.shares, corners)
        np.testing.assert_allclose(held, found.positions, atol=1e-12)
    assert errors[1] < errors[0] / 3
    assert errors[2] < errors[1] / 3
    assert errors[2] < 2e-3


def test_no_candidate_is_missed():
    """Every triangle of a soup with needles, specks and sheets of very different sizes is tried."""
    random = np.random.default_rng(2)
    middles, sizes = random.normal(size=(300, 1, 3)), 10.0 ** random.uniform(-4, 0.5, (300, 1, 1))
    vertices = (middles + sizes * random.normal(size=(300, 3, 3))).reshape(-1, 3)
    faces = np.arange(900).reshape(300, 3)
    points = random.normal(size=(30, 3))
    found = nearest(points, vertices, faces)
    alone = [
        [nearest(point[None], vertices, face[None]).distances[0] for face in faces]
        for point in points
    ]
    np.testing.assert_allclose(found.distances, np.min(alone, axis=1), rtol=1e-12)
    assert found.faces.tolist() == np.argmin(alone, axis=1).tolist()


def capsule(cells):
    """A ball whose halves are drawn apart: every point of its axis is equally far from a ring."""
    vertices, faces = sphere(cells)
    vertices[:, 2] += 0.5 * np.sign(vertices[:, 2])
    return vertices, faces


@pytest.mark.parametrize("shift", [0.0, 1e3], ids=["about zero", "far from zero"])
@pytest.mark.parametrize("spread", [0.0, 1e-9, 1e-3])
def test_points_equally_far_from_many_faces_meet_the_nearest(spread, shift):
    random = np.random.default_rng(3)
    for placed, faces in (sphere(9), capsule(9), box()):
        points = spread * random.normal(size=(12, 3))
        points[:, 2] += np.linspace(-0.4, 0.4, 12)
        points, vertices = points + shift, placed + shift
        found = nearest(points, vertices, faces)
        alone = [nearest(points, vertices, face[None]).distances for face in faces]
        np.testing.assert_allclose(found.distances, np.min(alone, axis=0), rtol=1e-11)
        corners = vertices[faces[found.faces]]
        held = np.einsum("kc,kcx->kx", found.shares, corners)
        np.testing.assert_allclose(held, found.positions, atol=1e-12)


def test_points_equally_far_from_all_faces_are_met_in_little_time():
    """Trying every face takes five seconds; the bound is for a busy machine."""
    (vertices, faces), random = sphere(150), np.random.default_rng(4)
    assert len(faces) > 50_000
    for spread in (0.0, 1e-7, 1e-3):
        points = spread * random.normal(size=(100, 3))
        began = process_time()
        found = nearest(points, vertices, faces)
        assert process_time() - began < 1
        assert found.distances == pytest.approx(RADIUS - np.linalg.norm(points, axis=1), abs=1e-3)


def test_numbers_of_32_bits_meet_the_same():
    vertices, faces = (array.astype(kind) for array, kind in zip(sphere(24), "fi", strict=True))
    points = np.random.default_rng(4).normal(size=(60, 3)).astype("f") * 3
    found = nearest(points, vertices, faces)
    truth = nearest(points.astype("d"), vertices.astype("d"), faces)
    assert found.distances.dtype == found.positions.dtype == np.float64
    np.testing.assert_array_equal(found.distances, truth.distances)
    # Far from the origin, where 32 bits round what bounds are made from.
    assert np.isfinite(nearest(points + 1000, vertices + np.float32(1e3), faces).distances).all()


def test_as_far_off_as_may_be_is_still_met():
    found = nearest(np.array([[FARTHEST, 0, 0], [0, -FARTHEST, FARTHEST]]), *box())
    np.testing.assert_allclose(found.distances / FARTHEST, [1, 2**0.5], rtol=1e-12)


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (float("nan"), "not finite"),
        (float("inf"), "not finite"),
        (1e160, "units away"),
        (-1e20, "units away"),
    ],
)
def test_the_nearest_to_what_is_nowhere_is_refused(place, told):
    looker, look, freedom = looked_at(BALLS, [0.45, 0.1, -0.1, 0.05])
    surface = Surface(look, Motion(looker, look, freedom), float(looker.pivot[1]))
    with pytest.raises(FitError, match=told):
        surface.nearest(torch.tensor([[0, 0, place]], dtype=torch.float64))


def test_faces_without_an_area_are_the_lines_that_they_are():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [3, 0, 0], [5, 5, 5.0]])
    faces = np.array([[0, 1, 2], [3, 3, 3]])
    found = nearest(np.array([[2, 1, 0], [-1, 0, 0], [5, 5, 6.0]]), vertices, faces)
    np.testing.assert_allclose(found.distances, 1)
    np.testing.assert_allclose(found.positions, [[2, 0, 0], [0, 0, 0], [5, 5, 5]])


# How they move


def rows(residual, looker, look, freedom):
    return residual.rows(Surface(look, Motion(looker, look, freedom), float(looker.pivot[1])))


def test_the_derivative_of_a_distance_is_the_spheres():
    """|p - c| - r by the radius is -1 and by the centre -(p - c) / |p - c|: of a code's numbers."""
    options = replace(FAST, resolution=48)
    looker, look, freedom = looked_at(BALLS, [0.45, 0.1, -0.1, 0.05], options)
    outside = torch.tensor([[1.3, -0.5, 0.4], [0.2, 1.1, 0.9], [-0.6, -0.8, -1.2]]).double()
    found = rows(Landmarks(outside), looker, look, freedom)
    size = float(torch.linalg.det(look.to_world[:3, :3])) ** (1 / 3)
    centre = transformed(look.to_world, look.code[None, 1:4].double())
    away = (outside - centre).norm(dim=1)
    towards = (outside - centre) / away[:, None]
    radius = float(looker.pivot[1])
    assert torch.allclose(found.values, (away - size * look.code[0]) / radius, atol=2e-3)
    linear = look.to_world[:3, :3]
    by_code = -torch.cat([torch.full((3, 1), size), towards @ linear], dim=1) / radius
    whitening = looker.statistics.axes * looker.statistics.deviations[:, None]
    truth = by_code @ whitening.double().t()
    assert torch.allclose(found.by(), truth, atol=0.02 * float(truth.abs().max()))


def test_distances_change_with_code_and_transform_as_finite_differences_say():
    options = replace(EVERYTHING, resolution=64, newton=2, lens=False)
    looker, look, freedom = looked_at(BALLS, [0.45, 0.1, -0.1, 0.05], options)
    residual = Landmarks(torch.tensor([[0.9, -0.6, 0.1], [0.3, 0.1, 0.9], [0.6, 0.5, 0.0]]))
    by = rows(residual, looker, look, freedom).by()
    for axis, change in enumerate(changes(freedom, 0.02)):
        ends = [
            rows(residual, looker, looker.look(freedom.moved(look.state, way)), freedom).values
            for way in (change, -change)
        ]
        slope = (ends[0] - ends[1]) / 0.04
        assert torch.allclose(by[:, axis], slope, atol=0.02 * float(by.abs().max())), axis


def test_a_landmark_that_is_met_still_holds_the_surface():
    """At distance 0 it has no direction of its own; without the normal's it would hold nothing."""
    looker, look, freedom = looked_at(BALLS, [0.45, 0.1, -0.1, 0.05])
    corners = look.vertices[torch.from_numpy(look.faces[::200])]
    found = rows(Landmarks(corners.mean(dim=1)), looker, look, freedom)
    assert float(found.values.max()) < 1e-9
    by = found.by()
    assert by.isfinite().all()
    # A move along the normal is felt in full: over all axes the length is that of the normal.
    move = by[:, freedom.code : freedom.code + 3]
    assert torch.allclose(move.norm(dim=1), torch.ones(len(by)).double(), atol=1e-6)


def test_weights_tell_landmarks_apart():
    points = torch.tensor([[0.6, 0, 0], [-0.7, 0, 0]])
    ends = []
    for weights in ([100.0, 1.0], [1.0, 100.0]):
        given_ = Landmarks(points, weight=1.0, weights=torch.tensor(weights))
        start = torch.tensor([0.5, 0, 0, 0])
        options = replace(FAST, prior=1e-1)
        ends.append(list(fit(BALLS, start, [], [], options=options, residuals=[given_]))[-1])
    off = np.array(
        [
            [abs(abs(p - x) - r) for p in (0.6, -0.7)]
            for r, x, *_ in (end.code.tolist() for end in ends)
        ]
    )
    assert off[0, 0] < off[1, 0] / 3
    assert off[1, 1] < off[0, 1] / 3


# Fits


def distances(step, points):
    return nearest(points.double().numpy(), step.vertices.double().numpy(), step.faces.numpy())


@pytest.mark.parametrize("with_views", [False, True], ids=["alone", "beside a silhouette"])
def test_a_fit_meets_its_landmarks(with_views):
    """The silhouette cannot see how deep the ball is: only the landmarks can."""
    truth = [0.5, 0.1, 0.2, -0.05]
    way = torch.tensor([[0, -1, 0], [0.6, -0.8, 0], [0, 0.6, 0.8], [-1, 0, 0], [0, 0.28, -0.96]])
    points = truth[0] * way + torch.tensor(truth[1:])
    views = [front_view()] if with_views else []
    targets = [picture(BALLS, truth, view) for view in views]
    steps = list(
        fit(
            BALLS,
            torch.tensor([0.4, 0.0, 0.0, 0.0]),
            views,
            targets,
            options=replace(FAST, resolution=32),
            residuals=[Landmarks(points, weight=10.0)],
        )
    )
    assert distances(steps[0], points).distances.max() > 0.1
    assert distances(steps[-1], points).distances.max() < 0.01
    assert steps[-1].code.tolist() == pytest.approx(truth, abs=0.02)
    assert steps[-1].iou >= 0.97 if with_views else steps[-1].iou == 0


def test_a_landmark_between_vertices_is_met_where_cells_are_large():
    """On six cells a side vertices are far apart: faces pass through the landmark all the same."""
    point = torch.tensor([[0.33, 0.29, 0.31]])
    options = replace(FAST, resolution=6)
    start = torch.tensor([0.4, 0.0, 0.0, 0.0])
    residuals = [Landmarks(point, weight=10.0)]
    step = list(fit(BALLS, start, [], [], options=options, residuals=residuals))[-1]
    to_vertices = np.linalg.norm(step.vertices.numpy() - point.numpy(), axis=1).min()
    assert distances(step, point).distances[0] < 2e-3 < to_vertices / 10


# Refusals


@pytest.mark.parametrize(
    ("points", "weights", "message"),
    [
        (torch.zeros(0, 3), None, "three numbers"),
        (torch.zeros(2, 2), None, r"three numbers, and these are of shape \(2, 2\)"),
        (torch.zeros(3), None, "three numbers"),
        (torch.tensor([[0, float("nan"), 0]]), None, "not finite"),
        (np.array([[0, 1e160, 0]]), None, "A landmark's place is more than 1e.12 units away"),
        (torch.zeros(2, 3), torch.ones(3), "2 landmarks, and weights of shape"),
        (torch.zeros(2, 3), torch.tensor([1, -1.0]), "below zero"),
        (torch.zeros(2, 3), torch.tensor([1, float("inf")]), "not finite"),
    ],
)
def test_what_is_no_landmark_is_refused(points, weights, message):
    with pytest.raises(FitError, match=message):
        Landmarks(points, weights=weights)
