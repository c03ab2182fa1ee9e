"""The sparse grid gives the dense grid's mesh, and says so when there is none."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.errors import CodeError, MeshSDFError
from core.extraction import extract
from core.extraction.grid import places
from core.extraction.refining import coarse_to_fine
from core.folded import CHUNK_POINTS
from core.topology import topology

from .fields import ball, ring, space_of, two_balls
from .octahedron import octahedra

BALL = space_of(ball, [[0.6, 0.0, 0.0, 0.0], [0.3, 0.1, 0.0, 0.0]])


def same_mesh(space, code, resolution, **options):
    sparse = extract(space, code, resolution, **options)
    dense = extract(space, code, resolution, dense=True, **options)
    assert sparse.faces.equal(dense.faces)
    assert sparse.vertices.shape == dense.vertices.shape
    assert float((sparse.vertices - dense.vertices).abs().max()) < 1e-5
    return sparse, dense


@pytest.mark.parametrize("resolution", [16, 31, 32, 63, 64, 100, 127])
def test_the_sparse_mesh_is_the_dense_one_at_any_resolution(resolution):
    same_mesh(BALL, torch.tensor([0.6, 0.03, -0.02, 0.01]), resolution)


@pytest.mark.parametrize("radius", [0.02, 0.04, 0.06, 0.1, 0.2])
def test_a_part_smaller_than_the_coarsest_cell_is_found(radius):
    space = space_of(two_balls, [[0.1]])
    sparse, _ = same_mesh(space, torch.tensor([radius]), 128)
    assert topology(sparse.vertices, sparse.faces).components == 2


def test_a_lone_ball_smaller_than_the_coarsest_cell_is_found():
    sparse, dense = same_mesh(BALL, torch.tensor([0.03, 0.21, -0.4, 0.33]), 128)
    assert len(dense.faces) > 0
    assert sparse.evaluations < dense.evaluations / 50


def test_evaluations_grow_with_the_surface_not_the_volume():
    counts = [extract(BALL, torch.tensor([0.6, 0, 0, 0.0]), n).evaluations for n in (64, 128)]
    assert counts[0] < 65**3 / 10
    assert counts[1] < 129**3 / 20
    assert counts[1] < 5 * counts[0]


def test_a_field_that_hides_a_part_is_caught_and_evaluated_densely():
    """A block is inside, but f jumps there and shows it at no node of the coarsest grid."""

    def liar(code, points):
        honest = ball(code, points)
        hidden = ((points - points.new_tensor([0.5, 0.5, 0.5])).abs() < 0.3).all(dim=1)
        coarse = (((points + 1) * 8 - ((points + 1) * 8).round()).abs() < 1e-4).any(dim=1)
        return torch.where(hidden & ~coarse, -1.0, honest)

    space = space_of(liar, [[0.3, -0.5, -0.5, -0.5]])
    sparse, _ = same_mesh(space, torch.tensor([0.3, -0.5, -0.5, -0.5]), 64)
    assert sparse.dense, "the audit should have sent this field to the dense grid"
    assert sparse.evaluations > 65**3, "what the sparse attempt took counts as well"


@pytest.mark.parametrize(("radius", "word"), [(-1.0, "outside"), (5.0, "inside")])
def test_empty_and_full_fields_give_an_empty_mesh_and_a_message(radius, word):
    mesh = extract(BALL, torch.tensor([radius, 0, 0, 0.0]), 64)
    assert len(mesh.vertices) == 0
    assert len(mesh.faces) == 0
    assert word in mesh.message


@pytest.mark.parametrize("newton", [0, 2])
def test_a_shape_that_leaves_the_cube_is_open_unless_capped(newton):
    code = torch.tensor([0.6, 0.7, 0.0, 0.0])
    cut, _ = same_mesh(BALL, code, 48, newton=newton)
    assert cut.open_at_wall
    assert "leaves the cube" in cut.message
    assert not topology(cut.vertices, cut.faces).watertight

    whole, _ = same_mesh(BALL, code, 48, cap=True, newton=newton)
    report = topology(whole.vertices, whole.faces)
    assert report.watertight
    assert not whole.open_at_wall
    assert float(whole.vertices.max()) == 1.0
    height = 0.3  # the ball's centre is this far from the wall
    exact = np.pi * (2 * 0.6**3 / 3 + 0.6**2 * height - height**3 / 3)
    assert report.volume == pytest.approx(exact, rel=0.01)


@pytest.mark.parametrize("resolution", [16, 24, 32])
@pytest.mark.parametrize("radius", [0.25, 0.5, 0.75])
def test_nodes_exactly_on_the_surface_tear_no_hole(radius, resolution):
    mesh = extract(BALL, torch.tensor([radius, 0, 0, 0.0]), resolution)
    report = topology(mesh.vertices, mesh.faces)
    assert (report.watertight, report.genus, report.components) == (True, 0, 1)


def test_a_field_that_only_touches_zero_is_no_crash():
    space = space_of(lambda code, points: -points.square().sum(dim=1), [[0.0]])
    mesh = extract(space, torch.zeros(1), 16)
    report = topology(mesh.vertices, mesh.faces)
    assert report.watertight
    assert report.volume == pytest.approx(0.0, abs=1e-12)


def test_faces_look_outwards_and_the_volume_converges():
    exact = 4 / 3 * np.pi * 0.6**3
    errors = []
    for resolution in (16, 32, 64):
        mesh = extract(BALL, torch.tensor([0.6, 0, 0, 0.0]), resolution)
        errors.append(abs(topology(mesh.vertices, mesh.faces).volume - exact) / exact)
    assert errors[2] < 2e-3
    assert errors[0] > 3 * errors[1] > 9 * errors[2]


def test_newton_steps_put_the_vertices_on_the_surface():
    space = space_of(ring, [[0.5, 0.2]])
    code = torch.tensor([0.5, 0.2])
    rough = extract(space, code, 32)
    fine = extract(space, code, 32, newton=2)
    assert float(ring(code, rough.vertices).abs().max()) > 1e-3
    assert float(ring(code, fine.vertices).abs().max()) < 1e-6
    assert fine.faces.equal(rough.faces)


@pytest.mark.parametrize("resolution", [0, 3, 5000])
def test_a_resolution_out_of_range_is_refused(resolution):
    with pytest.raises(MeshSDFError, match="resolution"):
        extract(BALL, BALL.codes[0], resolution)


@pytest.mark.parametrize("newton", [0, 1])
def test_a_check_is_called_often_and_may_end_the_work(newton):
    space, code = octahedra(), torch.zeros(1)
    calls = []
    checked = extract(space, code, 64, newton=newton, check=lambda: calls.append(1))
    plain = extract(space, code, 64, newton=newton)
    assert checked.faces.equal(plain.faces)
    assert checked.vertices.equal(plain.vertices)
    assert len(calls) >= plain.evaluations / CHUNK_POINTS

    def end():
        calls.append(1)
        raise ZeroDivisionError

    calls.clear()
    with pytest.raises(ZeroDivisionError):
        extract(space, code, 64, newton=newton, check=end)
    assert len(calls) == 1


@pytest.mark.parametrize("code", [[0.5], [0.5, 0, 0, float("nan")]])
def test_a_code_that_does_not_fit_is_refused(code):
    with pytest.raises(CodeError, match="closed form"):
        extract(BALL, torch.tensor(code), 32)


def test_the_closure_knows_all_that_marching_cubes_reads():
    grid = coarse_to_fine(BALL.fold(torch.tensor([0.6, 0.0, 0.0, 0.0])), 64)
    for axis, edges in enumerate(grid.crossed_edges()):
        first = places(edges)
        step = torch.eye(3, dtype=torch.int64)[axis : axis + 1]
        assert len(first) > 1000
        known = grid.known.view(-1)
        assert bool(known[first].all())
        assert bool(known[grid.beside(first, step)].all())
