"""How an object stands before a square, a picture and a camera."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.camera import View, lens_view
from core.errors import ViewError
from core.extraction import extract
from core.pose import rotation_of, transformed
from core.reconstruction.cropview import (
    CropView,
    Square,
    angles,
    around,
    crop_view,
    facing,
    rotations,
    towards,
)
from core.reconstruction.drawing import Shape, projected
from core.reconstruction.examples import Chance, random_view, shape_of, squared
from core.reconstruction.placing import Lens, before_camera, camera_of, cut_view, picture_view
from core.silhouette import see
from core.space import Frame, Space
from core.zbuffer import look

Mask = NDArray[np.bool_]
SIDE = 128
degrees = st.floats(-179, 179)
small = st.floats(-0.8, 0.8)


def overlap(a: Mask, b: Mask) -> float:
    return float((a & b).sum() / (a | b).sum())


def drawn(shape: Shape, view: CropView, side: int = SIDE) -> Mask:
    """The silhouette in the square, as lessons draw it."""
    seen, away = projected(shape, view)
    pixels = np.stack([(seen[:, 0] + 1) * side / 2, (1 - seen[:, 1]) * side / 2], axis=1)
    return look(pixels, -1 / away, shape.faces, side, side).mask


@given(degrees, st.floats(-80, 80), st.floats(-90, 90))
def test_angles_are_the_inverse_of_around(azimuth: float, elevation: float, roll: float) -> None:
    given_ = [math.radians(angle) for angle in (azimuth, elevation, roll)]
    rotation = around(*given_)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    np.testing.assert_allclose(angles(rotation), given_, atol=1e-7)


def test_the_front_is_seen_at_azimuth_0() -> None:
    front = around(0, 0, 0)
    np.testing.assert_allclose(front @ [0, -1, 0], [0, 0, 1], atol=1e-12)  # to the camera
    np.testing.assert_allclose(front @ [0, 0, 1], [0, 1, 0], atol=1e-12)  # up
    np.testing.assert_allclose(around(math.pi / 2, 0, 0) @ [1, 0, 0], [0, 0, 1], atol=1e-12)


@given(
    degrees, st.floats(-80, 80), st.tuples(small, small), st.floats(0.1, 5), st.floats(0.03, 1.4)
)
def test_numbers_stand_for_a_view_and_back(
    azimuth: float, elevation: float, centre: tuple[float, float], size: float, tangent: float
) -> None:
    rotation = around(math.radians(azimuth), math.radians(elevation), 0.2)
    view = CropView(rotation, centre, size, tangent)
    found = crop_view(view.numbers())
    np.testing.assert_allclose(found.rotation, view.rotation, atol=1e-9)
    np.testing.assert_allclose(found.numbers(), view.numbers(), atol=1e-9)
    both = rotations(torch.from_numpy(view.numbers()[:6]))
    np.testing.assert_allclose(both.numpy(), view.rotation, atol=1e-9)


@given(st.lists(st.floats(-1e6, 1e6), min_size=10, max_size=10))
def test_any_numbers_stand_for_a_view(numbers: list[float]) -> None:
    view = crop_view(np.array(numbers))
    np.testing.assert_allclose(view.rotation @ view.rotation.T, np.eye(3), atol=1e-6)
    assert np.linalg.det(view.rotation) == pytest.approx(1, abs=1e-6)
    assert 0 < view.distance < math.inf
    assert np.isfinite(view.place).all()


@given(small, small)
def test_towards_is_the_least_turn(right: float, up: float) -> None:
    ray = np.array([right, up, -1.0])
    turn = towards(ray)
    np.testing.assert_allclose(turn @ [0, 0, -1], ray / np.linalg.norm(ray), atol=1e-12)
    angle = math.acos(np.clip((np.trace(turn) - 1) / 2, -1, 1))
    assert angle == pytest.approx(math.atan(math.hypot(right, up)), abs=1e-6)


def test_a_square_on_the_axis_needs_no_turn() -> None:
    turn, tangent = facing(0.0, 0.0, (0.3, 0.3))
    np.testing.assert_allclose(turn, np.eye(3), atol=1e-12)
    assert tangent == pytest.approx(0.3)


def test_off_the_axis_the_same_square_is_less_of_an_angle() -> None:
    """A small one: along the ray by the square of the ray's length, across by its length."""
    for right in (0.2, 0.5, 1.0):
        turn, tangent = facing(right, 0.0, (1e-4, 1e-4))
        assert tangent == pytest.approx(1e-4 / (1 + right**2) ** 0.75, rel=1e-5)
        np.testing.assert_allclose(turn, towards(np.array([right, 0, -1])), atol=1e-6)


@settings(deadline=None)
@given(small, small, st.floats(0.05, 0.5), st.floats(-0.3, 0.3))
def test_a_ball_lies_in_the_square(right: float, up: float, half: float, aside: float) -> None:
    """The outline of a ball that fills its square touches the picture's, off the axis too."""
    focal, width, height = 500.0, 1000, 800
    square = Square(500 + right * focal, 400 - up * focal, half * focal)
    tangent = square.half / focal
    # A ball's outline is that of a cone: its sine is its radius over the distance.
    view = CropView(
        around(1.0, 0.3, 0.0), (0.0, 0.0), math.sin(math.atan(tangent)) / tangent, tangent
    )
    matrix, found = view.in_picture(square, width, height)
    assert found == pytest.approx(focal)
    centre = matrix[:3, 3]
    about = np.cross(centre, [0.3, 1, 0.2])
    about /= np.linalg.norm(about)
    other = np.cross(centre, about) / np.linalg.norm(centre)
    # Rays that touch the ball of radius 1.
    distance = np.linalg.norm(centre)
    reach = 1 / math.sqrt(1 - 1 / distance**2)
    turns = np.linspace(0, 2 * math.pi, 200)[:, None]
    rays = centre + reach * (np.cos(turns) * about + np.sin(turns) * other)
    column = width / 2 - focal * rays[:, 0] / rays[:, 2]
    row = height / 2 + focal * rays[:, 1] / rays[:, 2]
    middle = (column.min() + column.max()) / 2, (row.min() + row.max()) / 2
    steep = 1 + right**2 + up**2
    keystone = 0.6 * math.hypot(right, up) * half
    assert math.dist(middle, (square.column, square.row)) < (keystone + 1e-3) * square.half
    extent = max(np.ptp(column), np.ptp(row)) / 2 / square.half
    assert 0.99 < extent < steep**0.5 + 0.01
    # And the object's centre, where it is said to be aside of the middle.
    shifted = CropView(view.rotation, (aside, aside), view.size, tangent)
    place = shifted.in_picture(square, width, height)[0][:3, 3]
    at = np.array([-place[0] / place[2] * focal, -place[1] / place[2] * focal])
    said = np.array([right, up]) * focal + aside * square.half
    assert np.abs(at - said).max() < square.half * (0.1 + 0.5 * (steep - 1))


CAMERAS = {
    "plain": {},
    "shifted": {"shift": (0.2, -0.1)},
    "oblong pixels": {"pixel_aspect": (1.0, 1.5)},
    "orthographic": {"ortho_scale": 3.0},
    "orthographic, shifted": {"ortho_scale": 3.0, "shift": (0.1, 0.3), "pixel_aspect": (2.0, 1.0)},
}


def pose() -> torch.Tensor:
    matrix = torch.eye(4, dtype=torch.float64)
    matrix[:3, :3] = rotation_of(torch.tensor([0.7, -0.4, 1.1], dtype=torch.float64))
    matrix[:3, 3] = torch.tensor([1.0, -5.0, 2.0])
    return matrix


@pytest.mark.parametrize("name", CAMERAS)
def test_a_lens_is_what_the_view_was_made_of(name: str) -> None:
    kept = CAMERAS[name]
    view = lens_view(pose(), 640, 480, lens=35.0, **kept)  # type: ignore[arg-type]
    lens = Lens.of(View(view.matrix * 3.0, 640, 480))  # homogeneous: any multiple is the same
    assert lens.perspective == ("ortho_scale" not in kept)
    np.testing.assert_allclose(lens.rotation, pose()[:3, :3].numpy().T, atol=1e-9)
    np.testing.assert_allclose(
        lens.place[:3] @ lens.rotation[2], pose()[:3, 3].numpy() @ lens.rotation[2]
    )
    if lens.perspective:
        np.testing.assert_allclose(lens.place, pose()[:3, 3].numpy(), atol=1e-9)
    points = np.random.default_rng(1).normal(size=(20, 3)) + np.array([0, 3, 0])
    local = (points - lens.place) @ lens.rotation.T
    scale = -local[:, 2] if lens.perspective else 1.0
    column = lens.centre[0] + lens.focal[0] * local[:, 0] / scale
    row = lens.centre[1] - lens.focal[1] * local[:, 1] / scale
    expected, _ = view.project(torch.from_numpy(points))
    np.testing.assert_allclose(np.stack([column, row], axis=1), expected.numpy(), rtol=1e-9)


def test_no_camera_has_shear_a_mirror_or_no_size() -> None:
    shear = [[1, 0.3, 0], [0, 1, 0], [0, 0, 1]]
    mirror = [[-1, 0, 0], [0, 1, 0], [0, 0, 1]]  # seen without perspective, it is another camera
    for change, kind in ((shear, {}), (shear, {"ortho_scale": 2.0}), (mirror, {})):
        view = lens_view(pose(), 64, 64, **kind)  # type: ignore[arg-type]
        matrix = view.matrix.clone()
        matrix[:, :3] = matrix[:, :3] @ torch.tensor(change, dtype=torch.float64)
        with pytest.raises(ViewError, match="right angles"):
            Lens.of(View(matrix, 64, 64))
    for matrix in (torch.zeros(4, 4), torch.diag(torch.tensor([1.0, 1, 1, 0]))):
        with pytest.raises(ViewError, match="right angles"):
            Lens.of(View(matrix.double(), 64, 64))


def seen_in(
    view: View, square: Square, space: Space, code: torch.Tensor, matrix: torch.Tensor
) -> Mask:
    mesh = extract(space, code, 40, draft=True)
    world = transformed(matrix @ space.frame.matrix(), mesh.vertices.double())
    return see(cut_view(view, square, SIDE), world, mesh.faces.numpy()).mask


FRAMES = [Frame(), Frame("Y", 1.7, (0.3, -0.2, 0.5))]


def guess_of(space: Space, code: torch.Tensor) -> tuple[CropView, Mask]:
    shape = shape_of(space, space.statistics.whiten(code))
    view = squared(shape, around(0.6, 0.25, 0.05), 5.0, shift=np.array([0.08, -0.05]))
    return view, drawn(shape, view)


def heads_in(built: Space, frame: Frame) -> Space:
    return Space(built.name, built.decoder, built.codes, frame=frame)


@pytest.mark.parametrize("frame", FRAMES)
def test_a_known_camera_sees_what_was_drawn(bob_and_spot: Space, frame: Frame) -> None:
    space = heads_in(bob_and_spot, frame)
    code = space.codes[1]
    guess, mask = guess_of(space, code)
    for kept in ({}, {"shift": (0.1, 0.05)}, {"ortho_scale": 9.0}):
        view = lens_view(pose(), 640, 480, lens=50.0, **kept)  # type: ignore[arg-type]
        lens = Lens.of(view)
        half = guess.tangent * lens.focal[0] if lens.perspective else 60.0
        middle = Square(lens.centre[0], lens.centre[1], half)
        for scale in (1.0, 2.5):
            matrix = before_camera(guess, middle, view, frame, scale=scale, depth=5.0)
            assert overlap(seen_in(view, middle, space, code, matrix), mask) > (
                0.97 if lens.perspective else 0.85  # drawn in perspective
            )
            if lens.perspective:
                size = float(torch.linalg.det(matrix[:3, :3])) ** (1 / 3)
                assert size == pytest.approx(scale)
        if lens.perspective:
            aside = Square(middle.column + 0.15 * lens.focal[0], middle.row - 20, half)
            matrix = before_camera(guess, aside, view, frame, scale=1.0, depth=5.0)
            assert overlap(seen_in(view, aside, space, code, matrix), mask) > 0.95


@pytest.mark.parametrize("frame", FRAMES)
def test_a_guessed_camera_sees_what_was_drawn(bob_and_spot: Space, frame: Frame) -> None:
    space = heads_in(bob_and_spot, frame)
    code = space.codes[1]
    guess, mask = guess_of(space, code)
    for square, least in ((Square(320, 240, 90), 0.97), (Square(380, 215, 90), 0.95)):
        camera, focal = camera_of(guess, square, 640, 480, frame)
        assert focal == pytest.approx(90 / guess.tangent)
        np.testing.assert_allclose(camera[:3, :3] @ camera[:3, :3].T, np.eye(3), atol=1e-9)
        view = picture_view(camera, focal, 640, 480)
        same = lens_view(camera, 640, 480, lens=focal * 36 / 640)
        np.testing.assert_allclose(view.matrix.numpy(), same.matrix.numpy(), atol=1e-9)
        identity = torch.eye(4, dtype=torch.float64)
        assert overlap(seen_in(view, square, space, code, identity), mask) > least


def test_an_orthographic_camera_gets_the_shape_before_it() -> None:
    view = lens_view(pose(), 64, 64, ortho_scale=3.0)
    guess = CropView(np.eye(3), (0.0, 0.0), 1.0, 0.3)
    matrix = before_camera(guess, Square(32, 32, 16), view, Frame(), scale=1.0, depth=5.0)
    local = torch.linalg.inv(pose()) @ matrix
    np.testing.assert_allclose(local[:3, 3].numpy(), [0, 0, -5], atol=1e-9)
    assert float(torch.linalg.det(matrix[:3, :3])) ** (1 / 3) == pytest.approx(0.75)


def test_squares_hold_their_shape_and_repeat(bob_and_spot: Space) -> None:
    shape = shape_of(bob_and_spot, bob_and_spot.statistics.whiten(bob_and_spot.codes[1]))
    found = []
    for seed in range(25):
        chances = (Chance(torch.Generator().manual_seed(seed)) for _ in range(2))
        one, again = (random_view(shape, chance) for chance in chances)
        np.testing.assert_array_equal(one.numbers(), again.numbers())
        seen, away = projected(shape, one)
        assert np.abs(seen).max() < 1 + 1e-3
        assert away.min() > 0
        assert 2.4 <= one.distance <= 12.0
        found.append((seen.min(axis=0) + seen.max(axis=0)) / 2)
    # Squares are off their shapes' middle as they will be about guessed masks.
    assert 0.02 < np.std(found) < 0.08


def test_a_square_is_off_by_its_shift_and_wider_by_its_margin(bob_and_spot: Space) -> None:
    shape = shape_of(bob_and_spot, bob_and_spot.statistics.whiten(bob_and_spot.codes[0]))
    for shift in ((0.0, 0.0), (0.1, -0.05)):
        view = squared(shape, around(0.4, 0.2, 0.0), 3.0, margin=1.25, shift=np.array(shift))
        seen, _ = projected(shape, view)
        middle = (seen.min(axis=0) + seen.max(axis=0)) / 2
        np.testing.assert_allclose(middle, shift, atol=1e-3)
        assert np.ptp(seen, axis=0).max() / 2 == pytest.approx(1 / 1.25, rel=1e-3)
        assert view.distance == pytest.approx(3.0)
