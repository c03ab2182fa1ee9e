"""A lens that a fit may change: the view through it, its derivative, and whether it is found."""

from __future__ import annotations

import pytest
import torch

from core.camera import View, lens_view
from core.errors import FitError
from core.extraction import extract
from core.fitting import FitOptions, fit, residuals
from core.fitting.zoom import moved_by_zoom, zoomed
from core.pose import transformed
from core.reconstruction.placing import Lens
from core.silhouette import see

from .test_core_fit import BALLS, front_view, looking_down_y, picture, side_view

MIDDLE = torch.tensor([0.1, 0.3, -0.2], dtype=torch.float64)
ASKEW = lens_view(looking_down_y(3.0), 96, 64, lens=40, shift=(0.1, -0.2))


def test_a_longer_lens_stands_farther_away_and_sees_the_middle_as_before():
    after = Lens.of(zoomed(ASKEW, 0.7, MIDDLE))
    before = Lens.of(ASKEW)
    factor = torch.tensor(0.7).exp().item()
    assert after.focal == pytest.approx([factor * each for each in before.focal])
    assert after.centre == pytest.approx(before.centre)
    ahead = torch.tensor(-before.rotation[2])
    depths = [float((MIDDLE - torch.tensor(lens.place)) @ ahead) for lens in (before, after)]
    assert depths[1] == pytest.approx(factor * depths[0])
    # The depth's row goes with the camera too.
    row = zoomed(ASKEW, 0.7, MIDDLE).matrix[2]
    change = (row - ASKEW.matrix[2])[3] / (depths[1] - depths[0])
    assert abs(float(change)) == pytest.approx(1.0)
    # In the plane of the middle nothing moves.
    aside = torch.rand(5, 2, generator=torch.Generator().manual_seed(2)).double() - 0.5
    plane = MIDDLE + aside @ torch.tensor(before.rotation[:2])
    assert torch.allclose(
        zoomed(ASKEW, 0.7, MIDDLE).project(plane)[0], ASKEW.project(plane)[0], atol=1e-9
    )


def test_changes_of_the_lens_add_up():
    twice = zoomed(zoomed(ASKEW, 0.4, MIDDLE), -0.1, MIDDLE)
    assert torch.allclose(twice.matrix, zoomed(ASKEW, 0.3, MIDDLE).matrix, atol=1e-9)
    assert zoomed(ASKEW, 0.0, MIDDLE) is ASKEW


def test_points_move_in_the_image_and_on_rays_as_finite_differences_say():
    points = torch.rand(20, 3, generator=torch.Generator().manual_seed(1)).double() - 0.5
    view, step = zoomed(ASKEW, 0.2, MIDDLE), 1e-6
    seen, moved = moved_by_zoom(view, MIDDLE, points)
    longer, shorter = (zoomed(ASKEW, 0.2 + way, MIDDLE) for way in (step, -step))
    told = (longer.project(points)[0] - shorter.project(points)[0]) / (2 * step)
    assert torch.allclose(seen, told, atol=1e-5)
    # A point that moves so stays on its pixel's ray.
    kept = longer.project(points + step * moved)[0] - view.project(points)[0]
    assert float(kept.abs().max()) < 1e-8


def test_a_fit_finds_the_lens_that_a_picture_was_taken_with(bob_and_spot):
    """Bob seen from near through a short lens; the fit is told a long one from farther away."""
    space, code = bob_and_spot, bob_and_spot.codes[0]
    mesh = extract(space, code, 64)
    world = transformed(space.frame.matrix(), mesh.vertices.double())
    near = lens_view(looking_down_y(2.2), 192, 192, lens=35)
    target = torch.from_numpy(see(near, world, mesh.faces.numpy()).mask).float()
    far = zoomed(near, 0.6, (world.amin(dim=0) + world.amax(dim=0)) / 2)
    found = {}
    for lens in (False, True):
        options = FitOptions(
            steps=30, resolution=48, move=True, turn=True, code=False, lens=lens, stop_iou=1.0
        )
        *_, end = fit(space, code, [far], [target], options=options)
        found[lens] = Lens.of(end.views[0]).focal[0] / Lens.of(near).focal[0], end.iou
    assert found[False][0] > 1.8
    assert found[True][0] == pytest.approx(1.0, abs=0.1)
    assert found[True][1] > found[False][1]


def test_what_has_no_lens_is_refused():
    flat = lens_view(looking_down_y(3.0), 64, 64, ortho_scale=3.0)
    target = picture(BALLS, [0.5, 0, 0, 0], flat)
    start = torch.tensor([0.4, 0.0, 0.0, 0.0])
    with pytest.raises(FitError, match="without perspective"):
        fit(BALLS, start, [flat], [target], options=FitOptions(lens=True))
    view: View = front_view()
    with pytest.raises(FitError, match="Adam"):
        fit(
            BALLS,
            start,
            [view],
            [picture(BALLS, [0.5, 0, 0, 0], view)],
            options=FitOptions(lens=True, solver="adam"),
        )
    alone = residuals.Volume(0.5)
    with pytest.raises(FitError, match="no view"):
        fit(BALLS, start, [], [], residuals=alone, options=FitOptions(lens=True))


def test_several_views_have_one_factor(bob_and_spot):
    space, code = bob_and_spot, bob_and_spot.codes[0]
    mesh = extract(space, code, 64)
    world = transformed(space.frame.matrix(), mesh.vertices.double())
    middle = (world.amin(dim=0) + world.amax(dim=0)) / 2
    near = [front_view(192), side_view(192)]
    targets = [torch.from_numpy(see(v, world, mesh.faces.numpy()).mask).float() for v in near]
    far = [zoomed(view, 0.4, middle) for view in near]
    options = FitOptions(resolution=48, code=False, lens=True, stop_iou=1.0)
    *_, end = fit(space, code, far, targets, options=options)
    for view, true in zip(end.views, near, strict=True):
        assert Lens.of(view).focal[0] == pytest.approx(Lens.of(true).focal[0], rel=0.05)
