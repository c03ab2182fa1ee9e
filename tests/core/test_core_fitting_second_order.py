"""Second-order steps: their derivatives against finite differences, and what they can do."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby, pairwise
from time import perf_counter, sleep

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from core.errors import FitError
from core.extraction import extract
from core.fitting import FitOptions, fit, residuals
from core.fitting.goal import goals_of
from core.fitting.levenberg import SecondOrder
from core.fitting.looking import Looker
from core.fitting.meshes import coarser_than
from core.fitting.motion import Motion
from core.fitting.outlines import _through_cube, _View, along, sampled
from core.fitting.residuals import Depth, Function, Landmarks, Surface, Symmetry, Volume
from core.fitting.state import Freedom, State
from core.pose import transformed
from core.space import Frame
from tools.around import camera

from .fields import ring, space_of
from .test_core_fit import BALLS, FAST, front_view, picture, run, side_view

EVERYTHING = replace(FAST, move=True, turn=True, scale=True, lens=True)
PLACED = torch.tensor(
    [[0, -1.2, 0, 0.3], [1.2, 0, 0, 0.1], [0, 0, 1.2, -0.2], [0, 0, 0, 1.0]]
).double()


def looked_at(space, code, options=EVERYTHING, target=(0.5, 0.1, 0.0, 0.1), views=None):
    """A looker, its first look and the motion of it, from a placed shape."""
    views = views or [front_view(), side_view()]
    targets = [picture(space, list(target), view) for view in views]
    goals = goals_of(views, targets, reach=options.reach)
    looker = Looker(space, goals, options, torch.tensor(code), PLACED)
    start = looker.look(looker.start)
    freedom = Freedom.of(options, len(code))
    state = freedom.moved(looker.start, torch.linspace(-0.1, 0.1, freedom.size).double())
    look = looker.look(state)
    assert start is not None
    assert look is not None
    return looker, look, freedom


def changes(freedom: Freedom, size: float) -> list[torch.Tensor]:
    return list(size * torch.eye(freedom.size, dtype=torch.float64))


def world_field(looker: Looker, state: State, points: torch.Tensor) -> torch.Tensor:
    """F at world points, with the shape as a state has it."""
    placed = state.similarity(looker.pivot) @ looker.frame
    cube = transformed(torch.linalg.inv(placed), points)
    statistics = looker.statistics
    whitening = (statistics.deviations[:, None] * statistics.axes).double()
    code = statistics.mean.double() + state.whitened @ whitening
    size = torch.linalg.det(placed[:3, :3]) ** (1 / 3)
    return size * looker.space.decoder(code.expand(len(cube), -1), cube)


def doubled(state: State) -> State:
    return replace(state, whitened=state.whitened.double())


def test_the_field_moves_as_finite_differences_say():
    looker, look, freedom = looked_at(BALLS, [0.45, 0.1, -0.1, 0.05])
    points = torch.rand(20, 3, generator=torch.Generator().manual_seed(1)) - 0.5
    value, slope, by = Motion(looker, look, freedom).field(points)
    world = transformed(look.to_world, points.double())
    state = doubled(look.state)
    assert torch.allclose(value, world_field(looker, state, world), atol=1e-5)
    for column, change in zip(by.t(), changes(freedom, 1e-5), strict=True):
        ahead = world_field(looker, freedom.moved(state, change), world)
        behind = world_field(looker, freedom.moved(state, -change), world)
        assert torch.allclose(column, (ahead - behind) / 2e-5, atol=1e-3)
    ahead, behind = (
        world_field(looker, state, world + torch.tensor([s, 0, 0])) for s in (1e-5, -1e-5)
    )
    assert torch.allclose(slope[:, 0], (ahead - behind) / 2e-5, atol=1e-3)


def test_surface_points_stay_on_the_surface_as_they_move():
    looker, look, freedom = looked_at(BALLS, [0.45, 0.1, -0.1, 0.05])
    points = look.mesh.vertices[::40]
    motion = Motion(looker, look, freedom)
    moved, world = motion.of(points), motion.placed(points)
    state = doubled(look.state)
    was = world_field(looker, state, world)
    for axis, change in enumerate(changes(freedom, 1e-4)):
        now = world_field(looker, freedom.moved(state, change), world + 1e-4 * moved[:, :, axis])
        assert float((now - was).abs().max()) < 2e-6  # second order


def test_rays_feel_the_lens_as_finite_differences_say():
    """The least F on the rays of fixed pixels, where the outline has no contour near."""
    options = replace(EVERYTHING, code=False, move=False, turn=False, scale=False)
    looker, look, freedom = looked_at(
        BALLS, [0.3, 0.1, -0.1, 0.05], options, (0.3, -0.45, 0.0, 0.3), [front_view()]
    )
    goal = looker.goals[0]

    def least(at):
        motion = Motion(looker, at, freedom)
        rays = _through_cube(at.views[0], goal.outline[::7], at.to_world)
        return motion.field(motion.least(rays))[0]

    view = _View(look, goal, 0, Motion(looker, look, freedom), share=1.0, tolerance=1e9)
    rows = next(view._rays(goal.outline[::7], len(goal.outline)))
    unit = rows.values / least(look)  # pixels for a distance, which the derivative takes as given
    step = torch.tensor([1e-3], dtype=torch.float64)
    ahead, behind = (looker.look(freedom.moved(look.state, way)) for way in (step, -step))
    measured = unit * (least(ahead) - least(behind)) / 2e-3
    assert float(measured.abs().max()) > 5.0
    # Samples along a ray are not where F is least to the last digit.
    assert float((rows.by()[:, -1] - measured).abs().max()) < 0.05 * float(measured.abs().max())


def test_a_contour_moves_in_the_image_as_its_derivative_says():
    """Each sample against the contour of the moved shape, along the sample's normal."""
    options = replace(EVERYTHING, resolution=48, newton=2)
    views = [front_view(256), side_view(256)]
    looker, look, freedom = looked_at(BALLS, [0.45, 0.1, -0.1, 0.05], options, views=views)
    motion = Motion(looker, look, freedom)
    for axis, change in enumerate(changes(freedom, 0.04)):
        moved = looker.look(freedom.moved(look.state, change))
        for view, before, after in zip(look.views, look.seen, moved.seen, strict=True):
            old, new = sampled(look, before), sampled(moved, after)
            told = (along(view, motion, old) @ change).numpy()
            nearest = cKDTree(new.pixels).query(old.pixels)[1]
            off = ((new.pixels[nearest] - old.pixels) * old.outward).sum(axis=1)
            error = np.sqrt(np.mean((off - told) ** 2))
            assert error < 0.1 * np.sqrt(np.mean(told**2)) + 0.25, axis


@pytest.mark.parametrize(
    "residual",
    [
        Landmarks(torch.tensor([[0.5, -0.5, 0.1], [0.2, 0.4, 0.5]])),
        Depth(torch.tensor([[0.5, -0.2, 0.1], [0.2, 0.4, 0.3]])),
        Volume(0.7),
        Symmetry(torch.tensor([0.1, 0.0, 0.0]), torch.tensor([1.0, 0.2, 0.0])),
        Function(lambda vertices: vertices.square().sum(dim=1).mean()[None]),
    ],
    ids=lambda residual: type(residual).__name__,
)
def test_residuals_change_as_their_derivatives_say(residual):
    """Along a move of the whole shape, where vertices stay the same and only stand elsewhere."""
    options = replace(EVERYTHING, resolution=32)
    looker, look, freedom = looked_at(BALLS, [0.45, 0.1, -0.1, 0.05], options)
    radius = float(looker.pivot[1])
    found = residual.rows(Surface(look, Motion(looker, look, freedom), radius))
    by = found.by()
    assert by.shape == (len(found.values), freedom.size)
    for axis in range(freedom.code, freedom.size):
        change = changes(freedom, 1e-4)[axis]
        ends = []
        for way in (change, -change):
            seen = looker.look(freedom.moved(look.state, way))
            ends.append(residual.rows(Surface(seen, Motion(looker, seen, freedom), radius)).values)
        slope = (ends[0] - ends[1]) / 2e-4
        assert torch.allclose(by[:, axis], slope, atol=2e-2 * float(slope.abs().max()) + 2e-3)


def test_a_volume_moves_with_the_code_as_it_should():
    looker, look, freedom = looked_at(BALLS, [0.45, 0.1, -0.1, 0.05], replace(FAST, resolution=48))
    radius = float(looker.pivot[1])
    found = Volume(0.0).rows(Surface(look, Motion(looker, look, freedom), radius))
    volume = float(found.values)
    truth = 4 / 3 * np.pi * (1.2 * float(look.code[0]) / radius) ** 3
    assert volume == pytest.approx(truth, rel=0.01)
    whitening = looker.statistics.axes * looker.statistics.deviations[:, None]
    by_radius = 3 * truth / float(look.code[0])
    assert found.by()[0].tolist() == pytest.approx(
        (by_radius * whitening[:, 0]).tolist(),
        rel=0.02,
        abs=0.02 * by_radius * float(whitening.max()),
    )


def test_a_functions_derivative_takes_bounded_memory(monkeypatch):
    """The motion of a part of the vertices at a time, with what all at once would give."""
    looker, look, freedom = looked_at(BALLS, [0.45, 0.1, -0.1, 0.05], replace(FAST, resolution=48))
    whole, asked = len(look.vertices), []
    moved = Surface.moved

    def counted(surface, places):
        asked.append(len(places))
        return moved(surface, places)

    monkeypatch.setattr(Surface, "moved", counted)
    surface = Surface(look, Motion(looker, look, freedom), float(looker.pivot[1]))
    given = Function(lambda vertices: torch.stack([vertices.mean(), vertices.square().mean()]))
    found = []
    for chunk in (whole, 1000):
        monkeypatch.setattr(residuals, "CHUNK_VERTICES", chunk)
        found.append(given.rows(surface).by())
    assert asked[0] == sum(asked[1:]) == whole
    assert max(asked[1:]) == 1000
    assert len(asked) == 2 + whole // 1000
    torch.testing.assert_close(found[0], found[1], rtol=1e-9, atol=1e-12)


def test_few_steps_are_enough():
    view = front_view()
    steps = run(BALLS, [0.4, 0, 0, 0], [view], [picture(BALLS, [0.55, 0.15, 0, -0.1], view)])
    assert next(step.step for step in steps if step.iou >= 0.97) <= 4


def test_code_and_transform_are_found_together():
    views = [front_view(), side_view()]
    rings = space_of(ring, [[0.5, 0.15], [0.6, 0.25], [0.4, 0.2], [0.45, 0.12]])
    moved = torch.eye(4, dtype=torch.float64)
    moved[:3, 3] = torch.tensor([0.15, -0.1, 0.1])
    targets = [picture(rings, [0.42, 0.22], view, moved) for view in views]
    steps = run(rings, [0.5, 0.15], views, targets, move=True, turn=True, scale=True, stop_iou=0.98)
    assert steps[0].iou < 0.7
    assert steps[-1].iou >= 0.97
    linear = steps[-1].object_matrix[:3, :3]
    assert float(torch.linalg.det(linear)) > 0


def test_a_hole_is_opened_where_the_target_has_one():
    """No contour is near the hole's outline: only rays can tell that it is missing."""
    rings = space_of(ring, [[0.5, 0.3], [0.3, 0.35], [0.6, 0.2], [0.4, 0.25]])
    view = lens_from_above()
    steps = run(rings, [0.3, 0.35], [view], [picture(rings, [0.5, 0.2], view)], resolution=32)
    assert steps[0].topology.genus == 0
    assert steps[-1].topology.genus == 1
    assert steps[-1].iou >= 0.97


def lens_from_above():
    from core.camera import lens_view

    pose = torch.eye(4, dtype=torch.float64)
    pose[2, 3] = 3.0
    return lens_view(pose, 96, 96)


def test_a_code_stays_within_its_limit_and_is_the_best_there():
    """The nearest point of the limit's ball would be worse than the best one on it."""
    view = front_view()
    target = picture(BALLS, [0.7, 0, 0, 0.3], view)
    steps = run(BALLS, [0.45, 0, 0, 0], [view], [target], stop_iou=2.0, restarts=0)
    lengths = [float(BALLS.statistics.whiten(step.code).norm()) for step in steps]
    assert max(lengths) <= 4.0 + 1e-4
    assert steps[5].iou > 0.98 * steps[-1].iou
    assert "edge" in steps[-1].message


def test_a_fit_starts_coarse_and_ends_at_its_own_resolution():
    view = front_view()
    target = picture(BALLS, [0.55, 0.1, 0, -0.1], view)
    steps = run(BALLS, [0.4, 0, 0, 0], [view], [target], resolution=64)
    sizes = [len(step.vertices) for step in steps]
    assert sizes[1] < 0.5 * sizes[0]
    assert sizes[-1] > 2 * sizes[1]
    alone = extract(BALLS, steps[-1].code, 64, keep_thin=True)
    assert steps[-1].vertices.equal(alone.vertices)


def test_it_never_ends_worse_than_it_began():
    """The best code already, and a target that is not quite the shape's."""
    view = front_view()
    for code in ([0.5, 0, 0, 0], [0.42, 0.1, 0, 0.1]):
        target = picture(BALLS, code, view, resolution=24)
        steps = run(BALLS, code, [view], [target], stop_iou=2.0, resolution=40)
        assert steps[-1].iou >= steps[0].iou


def test_a_stuck_fit_starts_anew_from_known_shapes():
    """A ball that turns to nothing between two places: no way leads from one to the other."""

    def either(code, points):
        here = 0.5 * code[..., :1].sign()
        radius = 0.4 * code[..., 0].abs() - 0.1
        off = torch.cat([here, torch.zeros(*here.shape[:-1], 2)], dim=-1)
        return (points - off).norm(dim=-1) - radius

    space = space_of(either, [[1.0, 0.1], [-1.0, -0.1], [0.9, -0.2], [-0.9, 0.2]])
    view = front_view()
    target = picture(space, [-1.0, 0.0], view)
    ends = [
        run(space, [1.0, 0.0], [view], [target], restarts=restarts)[-1].iou for restarts in (0, 2)
    ]
    assert ends[0] < 0.1
    assert ends[1] >= 0.95


@pytest.fixture
def valley(built_in):
    """A space, views, and targets beside which a fit from the mean settles."""
    space = built_in("vases")
    views, known = [camera(128, around=turn) for turn in (30, 150, 270)], space.codes[54].tolist()
    return space, views, [picture(space, known, view, resolution=64) for view in views]


@pytest.fixture
def cells(monkeypatch):
    """Those of the meshes that fits look at, in order."""
    seen, real = [], Looker.look

    def look(looker, state, resolution=None):
        seen.append(resolution)
        return real(looker, state, resolution)

    monkeypatch.setattr(Looker, "look", look)
    return seen


def test_a_fit_that_settles_in_a_false_valley_starts_anew_too(valley):
    """From the mean a vase comes to a wider one with another foot, and no step leaves it."""
    space, views, targets = valley
    ends = []
    for restarts in (0, 2):
        options = FitOptions(resolution=48, restarts=restarts, stop_iou=0.98)
        *_, end = fit(space, space.mean_code, views, targets, options=options)
        ends.append(end.iou)
    assert ends[0] < 0.975
    assert ends[1] > 0.98


def test_what_is_near_enough_for_its_user_starts_nowhere_else(valley):
    space, views, targets = valley
    options = FitOptions(resolution=48, stop_iou=0.96)
    *steps, end = fit(space, space.mean_code, views, targets, options=options)
    assert 0.96 <= end.iou < 0.98
    assert end.reason == "converged"
    ious = [step.iou for step in steps]
    assert ious == sorted(ious)  # no known shape was begun from
    assert end.best_step == steps[-1].step


@pytest.mark.parametrize(("steps", "wanted"), [(0, [128]), (1, [128, 32, 128])])
def test_no_mesh_is_made_for_steps_that_are_not_left(cells, steps, wanted):
    view = front_view()
    target = picture(BALLS, [0.4, 0.1, 0, 0.1], view)
    run(BALLS, [0.5, 0, 0, 0], [view], [target], resolution=128, steps=steps)
    assert [each for each, _ in groupby(cells)] == wanted


@pytest.mark.parametrize("restarts", [1, 5])
def test_as_many_known_shapes_are_looked_at_as_may_be_begun_from(monkeypatch, restarts):
    """A bar, which no ball matches."""
    begun = []
    real = SecondOrder._fit_anew
    monkeypatch.setattr(
        SecondOrder, "_fit_anew", lambda self, known: begun.append(known) or real(self, known)
    )
    view = front_view()
    bar = torch.zeros(96, 96)
    bar[40:56, 20:76] = 1.0
    run(BALLS, [0.4, 0, 0, 0], [view], [bar], resolution=48, restarts=restarts, steps=60)
    assert 1 <= len(begun) <= restarts
    assert len(begun) == restarts or len(BALLS.codes) < 2 * restarts


def test_meshes_get_finer_until_they_are_the_fits_own(cells):
    view = front_view()
    run(BALLS, [0.5, 0, 0, 0], [view], [picture(BALLS, [0.4, 0.1, 0, 0.1], view)], resolution=128)
    assert cells[0] == 128  # the start, which no fit may end below
    assert list(dict.fromkeys(cells[1:])) == [32, 64, 128]
    assert cells[1:] == sorted(cells[1:])


@pytest.mark.parametrize(
    ("own", "coarser"),
    [(16, ()), (32, ()), (39, ()), (40, (32,)), (79, (32,)), (80, (32, 64)), (256, (32, 64, 128))],
)
def test_coarser_meshes_are_those_that_save_something(own, coarser):
    assert coarser_than(own) == coarser


def test_residuals_alone_are_a_fit_too():
    points = torch.tensor([[0.6, 0, 0], [-0.6, 0, 0], [0, 0.6, 0], [0, 0, -0.6], [0, 0, 0.6]])
    steps = list(
        fit(
            BALLS,
            torch.tensor([0.4, 0.1, 0, 0]),
            [],
            [],
            options=FAST,
            residuals=[Landmarks(points)],
        )
    )
    radius, *centre = steps[-1].code.tolist()
    assert radius == pytest.approx(0.6, abs=0.02)
    assert centre == pytest.approx([0, 0, 0], abs=0.03)


def test_a_residual_counts_beside_the_outlines():
    view = front_view()
    target = picture(BALLS, [0.5, 0, 0, 0], view)
    plain = run(BALLS, [0.45, 0.05, 0.2, 0], [view], [target])[-1]
    given = list(
        fit(
            BALLS,
            torch.tensor([0.45, 0.05, 0.2, 0]),
            [view],
            [target],
            options=FAST,
            residuals=[Landmarks(torch.tensor([[0.0, -0.5, 0.0]]), weight=3.0)],
        )
    )[-1]
    off = [abs(float(step.code[0]) - float(step.code[2]) - 0.5) for step in (plain, given)]
    assert off[1] < 0.02
    assert off[1] < off[0] / 2
    assert given.iou > 0.95


def test_adam_refuses_residuals():
    with pytest.raises(FitError, match="second_order"):
        fit(
            BALLS,
            torch.tensor([0.4, 0, 0, 0]),
            [],
            [],
            options=FitOptions(solver="adam"),
            residuals=[Volume(1.0)],
        )


def test_what_a_step_took_is_told():
    view = front_view()
    steps = run(BALLS, [0.4, 0, 0, 0], [view], [picture(BALLS, [0.55, 0.1, 0, 0], view)])
    assert all(step.evaluations > 1000 for step in steps[:-1])
    assert {"extraction", "silhouette", "derivative"} <= set(steps[1].ms)


def test_the_time_of_residuals_is_told():
    """They may take longer than all else; and their own looks at the decoder count too."""

    def slow(vertices):
        sleep(0.02)
        return vertices.square().sum(dim=1).mean()[None]

    start, options = torch.tensor([0.4, 0, 0, 0]), replace(FAST, steps=2)
    given = [Function(slow), Depth(torch.tensor([[0.5, -0.2, 0.1]]))]
    began = perf_counter()
    steps = list(fit(BALLS, start, [], [], options=options, residuals=given))
    took = (perf_counter() - began) * 1e3
    assert steps[0].ms["residuals"] >= 20
    assert sum(steps[-1].ms.values()) > 0.7 * took
    view = front_view()
    without = run(BALLS, [0.4, 0, 0, 0], [view], [picture(BALLS, [0.5, 0, 0, 0], view)], steps=2)
    assert "residuals" not in without[-1].ms
    assert steps[0].evaluations > without[0].evaluations


def test_a_larger_picture_fits_alike():
    """Weights are of a usual picture's pixels: the same picture, larger, is the same problem."""
    found = []
    for size in (96, 192):
        view = front_view(size)
        target = picture(BALLS, [0.55, 0.1, 0, -0.1], view)
        found.append(run(BALLS, [0.42, 0, 0, 0.05], [view], [target], prior=0.1)[-1].code)
    assert torch.allclose(found[0], found[1], atol=0.02)


def test_a_space_that_is_y_up_and_scaled_is_no_other_problem():
    space = replace(BALLS, frame=Frame("Y", 1.5, (0.0, 0.0, 0.2)))
    view = front_view()
    target = picture(space, [0.4, 0.1, 0.15, 0], view)
    steps = run(space, [0.35, 0, 0, 0], [view], [target])
    assert steps[-1].iou >= 0.97


def test_a_fit_ends_where_little_is_gained():
    view = front_view()
    target = picture(BALLS, [0.55, 0.15, 0, -0.1], view)
    steps = run(BALLS, [0.4, 0.0, 0.0, 0.0], [view], [target], stop_iou=2.0)
    gains = [b.iou - a.iou for a, b in pairwise(steps[:-1])]
    assert sum(gain < 5e-4 for gain in gains) <= 1
    assert steps[-1].best_iou == steps[-1].iou


def test_a_shape_beside_its_target_that_may_only_grow_is_no_crash():
    view = front_view()
    target = picture(BALLS, [0.3, 0.6, 0, 0.3], view)
    for code in (False, True):
        steps = run(BALLS, [0.3, -0.5, 0, -0.4], [view], [target], code=code, scale=True, steps=3)
        assert steps[-1].iou >= steps[0].iou


def test_residuals_count_beside_the_target_too():
    """Nearer to the target is not better where it leaves a landmark far behind."""
    view = front_view()
    target = picture(BALLS, [0.3, 0.6, 0, 0.3], view)
    here = torch.tensor([[-0.8, 0.0, -0.4], [-0.2, 0.0, -0.4]])
    options = replace(FAST, code=False, move=True, steps=2)
    given = [Landmarks(here, weight=50.0)]
    start = torch.tensor([0.3, -0.5, 0, -0.4])
    steps = list(fit(BALLS, start, [view], [target], options=options, residuals=given))
    off = steps[-1].object_matrix[:3, 3].norm()
    assert float(off) < 0.1


def test_a_mirrored_object_encloses_what_it_does():
    mirror = torch.diag(torch.tensor([-1.0, 1.0, 1.0, 1.0])).double()
    start = torch.tensor([0.4, 0.0, 0.0, 0.0])
    wanted = Volume(4 / 3 * np.pi * 0.55**3)
    steps = list(fit(BALLS, start, [], [], options=FAST, object_matrix=mirror, residuals=[wanted]))
    assert float(steps[-1].code[0]) == pytest.approx(0.55, abs=0.02)


@pytest.mark.parametrize("lens", [18.0, 50.0])
def test_a_rays_scale_is_the_focal_length(lens):
    from core.camera import lens_view
    from core.fitting.outlines import _scale

    from .test_core_camera import looking_down_y

    view = lens_view(looking_down_y(3.0), 96, 64, lens=lens, shift=(0.2, 0.1))
    focal, depth = _scale(view, torch.zeros(1, 3).double())
    assert focal == pytest.approx(lens / 36 * 96)
    assert float(depth) == pytest.approx(3.0)
