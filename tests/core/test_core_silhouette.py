"""Coverage against a plain per-triangle test, the gradient against exact areas."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.camera import View, lens_view
from core.extraction import extract
from core.silhouette import (
    contour,
    image_loss_weights,
    intersection_over_union,
    pull_loss,
    see,
)

from .fields import ball, ring, space_of
from .test_core_camera import looking_down_y

SIZE = 48


@pytest.fixture(scope="module")
def torus():
    """A torus, tilted so that it hides a part of itself."""
    mesh = extract(space_of(ring, [[0.5, 0.2]]), torch.tensor([0.5, 0.2]), 24)
    angle = torch.tensor(0.9, dtype=torch.float64)
    turn = torch.tensor([[1, 0, 0], [0, angle.cos(), -angle.sin()], [0, angle.sin(), angle.cos()]])
    return mesh.vertices.double() @ turn.double().t(), mesh.faces.numpy()


@pytest.fixture(scope="module", params=["perspective", "orthographic", "off centre"])
def view(request) -> View:
    if request.param == "orthographic":
        return lens_view(looking_down_y(3.0), SIZE, SIZE, ortho_scale=2.0)
    shift = (0.31, 0.17) if request.param == "off centre" else (0.0, 0.0)
    return lens_view(looking_down_y(3.0), SIZE, SIZE, shift=shift)


def naive_mask(pixels, faces, width, height):
    """Every pixel centre against every triangle."""
    y, x = np.mgrid[:height, :width] + 0.5
    mask = np.zeros((height, width), dtype=bool)
    for face in faces:
        a, b, c = pixels[face]
        if (b[0] - a[0]) * (c[1] - a[1]) < (b[1] - a[1]) * (c[0] - a[0]):
            b, c = c, b
        inside = np.ones_like(mask)
        for p, q in ((a, b), (b, c), (c, a)):
            inside &= (q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0]) >= 0
        mask |= inside
    return mask


def test_it_covers_the_pixels_that_the_triangles_cover(torus, view):
    vertices, faces = torus
    seen = see(view, vertices, faces)
    assert 50 < seen.mask.sum() < SIZE * SIZE * 0.9
    assert (seen.mask == naive_mask(seen.pixels, faces, SIZE, SIZE)).all()


def test_an_open_mesh_is_seen_from_both_sides(torus, view):
    vertices, faces = torus
    some = faces[np.random.default_rng(0).permutation(len(faces))[: len(faces) // 3]]
    seen = see(view, vertices, some)
    assert (seen.mask == naive_mask(seen.pixels, some, SIZE, SIZE)).all()


def test_layers_count_how_often_a_torus_is_crossed():
    edge_on = extract(space_of(ring, [[0.5, 0.2]]), torch.tensor([0.5, 0.2]), 24)
    view = lens_view(looking_down_y(3.0), SIZE, SIZE)
    seen = see(view, edge_on.vertices, edge_on.faces.numpy())
    assert seen.layers.max() == 2
    assert seen.layers.min() == 0


def test_a_shape_behind_the_camera_covers_nothing(torus):
    vertices, faces = torus
    view = lens_view(looking_down_y(3.0), SIZE, SIZE)
    assert not see(view, vertices - torch.tensor([0, 50.0, 0]), faces).mask.any()


def test_a_mirrored_shape_is_seen_too(torus, view):
    vertices, faces = torus
    mirrored = vertices * torch.tensor([-1.0, 1, 1])
    seen = see(view, mirrored, faces)
    assert (seen.mask == naive_mask(seen.pixels, faces, SIZE, SIZE)).all()


def fine_view(view: View, factor: int) -> View:
    scale = torch.diag(torch.tensor([factor, factor, 1, 1], dtype=torch.float64))
    return View(scale @ view.matrix, view.width * factor, view.height * factor)


def exact_loss(view, vertices, faces, weights, factor=40):
    """The integral of the weights over the covered ground, by very fine sampling."""
    mask = see(fine_view(view, factor), vertices, faces).mask
    share = mask.reshape(view.height, factor, view.width, factor).mean(axis=(1, 3))
    return float((weights.numpy() * share).mean())


def smooth_motion(vertices):
    """A motion of the vertices that neither grows nor moves the shape as a whole."""
    x, y, z = vertices.unbind(dim=1)
    return torch.stack([0.3 * z + 0.2, torch.zeros_like(y), (2 * x).sin() - 0.4 * z], dim=1)


@pytest.mark.parametrize("mesh", ["closed", "open"])
@pytest.mark.parametrize("loss", ["area", "pixels"])
def test_the_gradient_is_the_one_of_the_exact_integral(torus, view, loss, mesh):
    vertices, faces = torus
    if mesh == "open":
        slanted = torch.tensor([1.0, 0.7, 0.3], dtype=torch.float64)
        faces = faces[(vertices[faces].mean(dim=1) @ slanted).numpy() < 0.2]
    weights = torch.ones(SIZE, SIZE)
    if loss == "pixels":
        target = torch.zeros(SIZE, SIZE)
        target[10:30, 14:40] = 1.0
        target[30] = 0.3
        weights = image_loss_weights(target)
    motion, step = smooth_motion(vertices), 2e-2  # the sampling's error shrinks with it
    up, down = (
        exact_loss(view, vertices + sign * step * motion, faces, weights) for sign in (1, -1)
    )
    at = vertices.clone().requires_grad_()
    pixels, _ = view.project(at)
    pull_loss(see(view, vertices, faces), weights, pixels).backward()
    found = float((at.grad * motion).sum())
    assert found == pytest.approx((up - down) / (2 * step), rel=0.015)


def test_the_value_is_the_pixel_loss(torus, view):
    vertices, faces = torus
    target = torch.rand(SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    seen = see(view, vertices, faces)
    pixels = torch.from_numpy(seen.pixels)
    found = float(pull_loss(seen, image_loss_weights(target), pixels) + target.square().mean())
    covered = torch.from_numpy(seen.mask).float()
    assert found == pytest.approx(float((covered - target).square().mean()), rel=1e-5)


def test_a_growing_ball_gains_its_outlines_length():
    radius = 0.6
    mesh = extract(space_of(ball, [[radius, 0, 0, 0]]), torch.tensor([radius, 0, 0, 0]), 64)
    view = lens_view(looking_down_y(3.0), 100, 100, ortho_scale=2.0)
    at = mesh.vertices.double().requires_grad_()
    pixels, _ = view.project(at)
    seen = see(view, mesh.vertices, mesh.faces.numpy())
    pull_loss(seen, torch.ones(100, 100), pixels).backward()
    outwards = at.detach() / at.detach().norm(dim=1, keepdim=True)
    share_of_image = 2 * np.pi * radius / 4.0
    assert float((at.grad * outwards).sum()) == pytest.approx(share_of_image, rel=0.01)


def test_contour_pieces_stay_in_their_pixel_and_point_outwards(torus, view):
    vertices, faces = torus
    seen = see(view, vertices, faces)
    pieces = contour(seen)
    begin, end = seen.pixels[pieces.begin], seen.pixels[pieces.end]
    middle = begin + pieces.place[:, None] * (end - begin)
    assert (np.floor(middle[:, 1]) * SIZE + np.floor(middle[:, 0]) == pieces.pixel).all()
    length = np.linalg.norm(pieces.normal, axis=1)
    assert length.max() <= np.sqrt(2) + 1e-9
    probe = np.floor(middle + 1.5 * pieces.normal / length[:, None]).astype(int)
    within = ((probe >= 0) & (probe < SIZE)).all(axis=1)
    covered = seen.mask[probe[within, 1], probe[within, 0]]
    assert covered.mean() < 0.05


def test_nothing_in_the_frame_gives_no_gradient_and_no_error(torus, view):
    vertices, faces = torus
    away = vertices + torch.tensor([100.0, 0, 0])
    at = away.clone().requires_grad_()
    pixels, _ = view.project(at)
    pull_loss(see(view, away, faces), torch.ones(SIZE, SIZE), pixels).backward()
    assert float(at.grad.abs().sum()) == 0.0


def test_intersection_over_union():
    a = np.array([[1, 1, 0, 0]], dtype=bool)
    b = np.array([[0, 1, 1, 0]], dtype=bool)
    assert intersection_over_union(a, b) == pytest.approx(1 / 3)
    assert intersection_over_union(a, a) == 1.0
    assert intersection_over_union(a & False, b & False) == 1.0
