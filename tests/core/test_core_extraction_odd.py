"""Fields that a grid in bricks could trip over: none, full, at the wall, broken, thin."""

from __future__ import annotations

import pytest
import torch

from core.errors import FitError, SpaceError
from core.extraction import extract
from core.fitting import FitOptions, fit
from core.topology import topology

from .fields import ball, ring, space_of

BALL = space_of(ball, [[0.6, 0.0, 0.0, 0.0], [0.3, 0.1, 0.0, 0.0]])
CELLS = (64, 65, 128, 200)


@pytest.mark.parametrize("cells", CELLS)
@pytest.mark.parametrize("keep_thin", [False, True])
def test_a_field_without_a_surface_says_so(cells, keep_thin):
    mesh = extract(BALL, torch.tensor([-1.0, 0, 0, 0.0]), cells, keep_thin=keep_thin)
    assert len(mesh.faces) == 0
    assert "outside" in mesh.message


@pytest.mark.parametrize("cells", CELLS)
def test_a_full_cube_says_so_or_has_caps(cells):
    code = torch.tensor([5.0, 0, 0, 0.0])
    assert "inside" in extract(BALL, code, cells).message
    cube = extract(BALL, code, cells, cap=True)
    report = topology(cube.vertices, cube.faces)
    assert (report.watertight, report.components, report.genus) == (True, 1, 0)
    assert report.volume == pytest.approx(8.0, rel=1e-3)


def test_a_fit_from_nothing_is_refused_at_any_resolution():
    options = FitOptions(resolution=96, move=True)
    from core.fitting.residuals import Volume

    with pytest.raises(FitError, match="no surface"):
        list(
            fit(BALL, torch.tensor([-1.0, 0, 0, 0]), [], [], options=options, residuals=[Volume(1)])
        )


@pytest.mark.parametrize("cells", [47, 64, 83, 97, 107, 128])
def test_caps_lie_on_the_wall_exactly(cells):
    code = torch.tensor([0.6, 0.7, 0.7, 0.0])
    for options in ({}, {"newton": 2}, {"keep_thin": True}):
        mesh = extract(BALL, code, cells, cap=True, **options)
        assert topology(mesh.vertices, mesh.faces).watertight
        assert float(mesh.vertices.max()) == 1.0
        near = (mesh.vertices > 1.0 - 1e-5) & (mesh.vertices != 1.0)
        assert not bool(near.any())


@pytest.mark.parametrize("cells", [128, 256])
def test_a_small_part_at_the_wall_is_found(cells):
    def two(code, points):
        return torch.minimum(
            ball(code, points), (points - points.new_tensor([1.0, 0, 0])).norm(dim=1) - 0.02
        )

    space = space_of(two, [[0.4, 0.0, 0.0, 0.0]])
    mesh = extract(space, space.codes[0], cells)
    assert topology(mesh.vertices, mesh.faces).components + mesh.specks == 2


def test_values_that_are_no_numbers_are_refused():
    def broken(code, points):
        return torch.where(points[:, 0] > 0.3, torch.nan, ball(code, points))

    space = space_of(broken, [[0.5, 0.0, 0.0, 0.0]])
    for keep_thin in (False, True):
        with pytest.raises(SpaceError, match="no numbers"):
            extract(space, space.codes[0], 64, keep_thin=keep_thin)


def test_a_plate_that_the_first_grid_does_not_see_is_kept_whole():
    """Between two of its nodes."""

    def plate(code, points):
        across = (points[:, 2] - 0.06).abs() - 0.004
        return torch.maximum(across, points.abs().amax(dim=1) - 0.75)

    space = space_of(plate, [[0.0]])
    kept = extract(space, space.codes[0], 64, keep_thin=True)
    report = topology(kept.vertices, kept.faces)
    assert (report.watertight, report.components, report.genus) == (True, 1, 0)


def test_a_closed_mesh_whose_cube_is_inside_is_not_open():
    def hollow(code, points):
        return -ball(code, points)

    space = space_of(hollow, [[0.4, 0.0, 0.0, 0.0]])
    mesh = extract(space, space.codes[0], 64)
    assert topology(mesh.vertices, mesh.faces).watertight
    assert not mesh.open_at_wall
    assert mesh.message == ""


@pytest.mark.parametrize("options", [{}, {"keep_thin": True}, {"newton": 2}])
def test_all_evaluations_are_counted(options):
    space, folded = space_of(ring, [[0.5, 0.2]]), []
    fold = space.decoder.fold
    space.decoder.fold = lambda code: folded.append(fold(code)) or folded[-1]
    mesh = extract(space, space.codes[0], 64, **options)
    assert mesh.evaluations == sum(each.evaluations for each in folded) > 10_000


@pytest.mark.parametrize("code", range(8))
def test_random_codes_give_the_dense_grids_mesh(built_in, code):
    space = built_in("cups")
    random = torch.randn(space.code_length, generator=torch.Generator().manual_seed(code))
    at = space.statistics.unwhiten(1.4 * random)
    sparse, whole = extract(space, at, 96), extract(space, at, 96, dense=True)
    assert len(sparse.vertices) == len(whole.vertices)
    assert sparse.faces.equal(whole.faces)


def test_a_step_may_be_changed_by_who_gets_it():
    from core.camera import lens_view
    from core.pose import transformed
    from core.silhouette import see

    front = torch.tensor([[1.0, 0, 0, 0], [0, 0, -1, -4], [0, 1, 0, 0], [0, 0, 0, 1]])
    view = lens_view(front, 96, 96, lens=50)
    mesh = extract(BALL, BALL.codes[0], 64)
    world = transformed(BALL.frame.matrix(), mesh.vertices.double()) + torch.tensor([0.2, 0, 0.1])
    target = torch.from_numpy(see(view, world, mesh.faces.numpy()).mask).float()
    options = FitOptions(resolution=32, steps=6, code=False, move=True)
    ends = []
    for change in (1.0, 1.3):
        for step in fit(BALL, BALL.codes[0], [view], [target], options=options):
            step.vertices.mul_(change)
        ends.append(step.iou)
    assert ends[0] == ends[1]
