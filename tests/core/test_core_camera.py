"""Views against cameras worked out by hand."""

from __future__ import annotations

import pytest
import torch

from core.camera import View, lens_view
from core.errors import ViewError


def looking_down_y(distance: float) -> torch.Tensor:
    """A camera at (0, -distance, 0) that looks along +Y, with +Z up."""
    return torch.tensor(
        [[1, 0, 0, 0], [0, 0, -1, -distance], [0, 1, 0, 0], [0, 0, 0, 1]], dtype=torch.float64
    )


def pixel(view: View, *point: float) -> list[float]:
    return view.project(torch.tensor([point], dtype=torch.float64))[0][0].tolist()


def test_the_centre_and_the_edges_of_a_perspective_view():
    view = lens_view(looking_down_y(5.0), 200, 100, lens=50, sensor_width=36)
    assert pixel(view, 0, 0, 0) == pytest.approx([100, 50])
    half = 18 / 50 * 5  # half the sensor, seen through the lens at the object's distance
    assert pixel(view, half, 0, 0) == pytest.approx([200, 50])
    assert pixel(view, 0, 0, half / 2) == pytest.approx([100, 0]), "up is row 0"


def test_depth_is_positive_in_front_only():
    view = lens_view(looking_down_y(5.0), 200, 100)
    _, w = view.project(torch.tensor([[0, 0, 0], [0, -6.0, 0]], dtype=torch.float64))
    assert w.tolist() == pytest.approx([5.0, -1.0])


def test_orthographic_scale_spans_the_larger_side():
    view = lens_view(looking_down_y(5.0), 200, 100, ortho_scale=4.0)
    assert pixel(view, 2, 0, 0) == pytest.approx([200, 50])
    assert pixel(view, 0, 3, 1) == pytest.approx([100, 0])


def test_portrait_fits_the_height_and_vertical_fit_uses_the_sensors_height():
    tall = lens_view(looking_down_y(5.0), 100, 200, lens=50, sensor_width=36)
    assert pixel(tall, 0, 0, 18 / 50 * 5) == pytest.approx([50, 0])
    fit = lens_view(looking_down_y(5.0), 200, 100, sensor_height=24, sensor_fit="VERTICAL")
    assert pixel(fit, 0, 0, 12 / 50 * 5) == pytest.approx([100, 0])


def test_shift_moves_the_picture_by_shares_of_the_fitted_side():
    view = lens_view(looking_down_y(5.0), 200, 100, shift=(0.1, -0.2))
    assert pixel(view, 0, 0, 0) == pytest.approx([100 - 20, 50 - 40])


def test_pixels_that_are_twice_as_wide():
    view = lens_view(looking_down_y(5.0), 200, 100, pixel_aspect=(2.0, 1.0), ortho_scale=4.0)
    assert pixel(view, 2, 0, 0) == pytest.approx([200, 50])
    assert pixel(view, 0, 0, 0.5) == pytest.approx([100, 0]), "half as wide on screen as tall"


def test_the_cameras_own_scale_does_not_count():
    scaled = looking_down_y(5.0)
    scaled[:3, :3] *= 7.0
    assert torch.allclose(
        lens_view(scaled, 64, 48).matrix, lens_view(looking_down_y(5.0), 64, 48).matrix
    )


def test_it_is_differentiable_in_the_points():
    view = lens_view(looking_down_y(5.0), 64, 48, shift=(0.1, 0.0))
    points = torch.rand(4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda p: view.project(p)[0], points)


def test_bad_views_are_refused():
    with pytest.raises(ViewError, match="finite"):
        View(torch.full((4, 4), float("nan")), 10, 10)
    for weight in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ViewError, match="weight"):
            View(torch.eye(4), 10, 10, weight)
    with pytest.raises(ViewError, match="empty"):
        View(torch.eye(4), 0, 10)
    with pytest.raises(ViewError, match="sensor fit"):
        lens_view(torch.eye(4), 10, 10, sensor_fit="DIAGONAL")
