"""The soft silhouette of the benchmarks: closed forms, finite differences, what it leaves out."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from tools.peers.soft import Softness, soft_silhouette

SIZE = 32
# Edges soft over a pixel or so of such a small image.
SOFT = Softness(sigma=4e-3)
SQUARE = torch.tensor([[0, 1, 2], [0, 2, 3]])
DEPTHS = torch.zeros(4, dtype=torch.float64)


def square(low: float, high: float) -> Tensor:
    corners = [(low, low), (high, low), (high, high), (low, high)]
    return torch.tensor(corners, dtype=torch.float64)


def covered_by(distance: float) -> float:
    """The probability of one face whose border is ``distance`` pixels away (inside: above 0)."""
    away = distance / (SIZE / 2)
    return 1 / (1 + math.exp(-math.copysign(away**2, distance) / SOFT.sigma))


@pytest.mark.parametrize("edge", [8.0, 8.3, 8.5, 9.1])
def test_along_a_squares_edge_only_the_distance_counts(edge: float) -> None:
    """Far from the corners and from the diagonal, one triangle is in reach of each pixel."""
    found = soft_silhouette(square(edge, 30.0), DEPTHS, SQUARE, SIZE, SOFT)
    reach = math.sqrt(SOFT.blur_radius) * SIZE / 2
    for column in range(2, 12):
        distance = column + 0.5 - edge
        # In row 25 the diagonal is far to the right.
        expected = covered_by(distance) if distance > -reach else 0.0
        assert float(found[25, column]) == pytest.approx(expected, abs=1e-12)


def test_faces_of_a_pixel_are_independent_coverings() -> None:
    twice = torch.cat([SQUARE, SQUARE])
    one, two = (
        soft_silhouette(square(8.0, 30.0), DEPTHS, faces, SIZE, SOFT) for faces in (SQUARE, twice)
    )
    assert torch.allclose(1 - two, (1 - one) ** 2, atol=1e-12)


def test_only_the_nearest_faces_count() -> None:
    """A square before a larger one: with one face a pixel, the larger shows where it is alone."""
    corners = torch.cat([square(10.0, 22.0), square(2.0, 30.0)])
    depths = torch.tensor([1.0] * 4 + [2.0] * 4, dtype=torch.float64)
    faces = torch.cat([SQUARE, SQUARE + 4])
    single = Softness(SOFT.sigma, faces_per_pixel=1)
    found = soft_silhouette(corners, depths, faces, SIZE, single)
    assert float(found[20, 10]) == pytest.approx(covered_by(0.5), abs=1e-12)
    behind = soft_silhouette(corners, -depths, faces, SIZE, single)
    assert float(behind[27, 9]) == pytest.approx(covered_by(2.5), abs=1e-12)
    assert float(behind[25, 10]) == pytest.approx(covered_by(4.5), abs=1e-12)


def test_the_gradient_is_that_of_differences() -> None:
    generator = torch.Generator().manual_seed(0)
    corners = square(9.2, 22.7) + torch.rand(4, 2, generator=generator, dtype=torch.float64)
    corners.requires_grad_()
    target = torch.rand(SIZE, SIZE, generator=generator, dtype=torch.float64)

    def loss(at: Tensor) -> Tensor:
        return (soft_silhouette(at, DEPTHS, SQUARE, SIZE, SOFT) - target).square().mean()

    (gradient,) = torch.autograd.grad(loss(corners), corners)
    assert float(gradient.abs().min()) > 1e-6
    for place in range(8):
        step = torch.zeros(8, dtype=torch.float64)
        step[place] = 1e-6
        ahead, behind = (loss(corners.detach() + way * step.view(4, 2)) for way in (1, -1))
        slope = float(ahead - behind) / 2e-6
        # The jump of 1e-4 at the blur's end is no slope: a pixel may cross it.
        assert float(gradient.view(-1)[place]) == pytest.approx(slope, rel=1e-4, abs=1e-8)


def test_shapes_beyond_the_image_and_faces_without_area_do_no_harm() -> None:
    corners = torch.cat([square(-40.0, 90.0), square(50.0, 60.0), square(5.0, 5.0)])
    corners = corners.requires_grad_()
    depths = torch.zeros(12, dtype=torch.float64)
    faces = torch.cat([SQUARE, SQUARE + 4, SQUARE + 8])
    found = soft_silhouette(corners, depths, faces, SIZE, SOFT)
    # On the diagonal two faces cover half each.
    assert float(found.detach().min()) == pytest.approx(0.75)
    (gradient,) = torch.autograd.grad(found.sum(), corners)
    assert bool(torch.isfinite(gradient).all())
