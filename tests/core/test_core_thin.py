"""Coarse meshes that keep thin parts whole, and the remark on those that do not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from core import thin
from core.extraction import extract, torn_remark
from core.loading import load_space
from core.topology import topology

from .fields import ball, space_of

SPACES = Path(__file__).resolve().parents[2] / "spaces"


def shell(code, points):
    """Code: radius, half of the wall's thickness, slope of the field."""
    return code[2] * ((points.norm(dim=1) - code[0]).abs() - code[1])


SHELL = space_of(shell, [[0.6, 0.02, 1.0]])
HOWS = ({}, {"keep_thin": True}, {"draft": True})
WHOLE = (2, 0)  # both sides of the wall of a hollow ball


def kind(mesh):
    shape = topology(mesh.vertices, mesh.faces)
    return shape.components, shape.genus


@pytest.mark.parametrize("how", ["keep_thin", "draft"])
@pytest.mark.parametrize("slope", [1.0, 0.03, 2.0])
@pytest.mark.parametrize("resolution", [32, 33, 48])
def test_a_wall_thinner_than_a_cell_stays_whole_and_where_it_is(resolution, slope, how):
    half = 0.35 * 2 / resolution  # of a wall of 0.7 cells
    code = torch.tensor([0.6, half, slope])
    assert kind(extract(SHELL, code, resolution)) != WHOLE
    kept = extract(SHELL, code, resolution, **{how: True})
    assert kind(kept) == WHOLE
    off = ((kept.vertices.norm(dim=1) - 0.6).abs() - half).abs()
    assert float(off.mean()) < 0.1 * 2 / resolution


def test_the_sparse_mesh_is_the_dense_one_here_too():
    code = torch.tensor([0.6, 0.02, 1.0])
    sparse, dense = (extract(SHELL, code, 32, keep_thin=True, dense=d) for d in (False, True))
    assert kind(sparse) == kind(dense) == WHOLE


def test_what_is_thick_stays_where_it_was():
    space = space_of(ball, [[0.6, 0.0, 0.0, 0.0]])
    code = space.codes[0]
    plain, kept = (extract(space, code, 32, keep_thin=k) for k in (False, True))
    radii = [float(mesh.vertices.norm(dim=1).mean()) for mesh in (plain, kept)]
    assert radii[1] == pytest.approx(radii[0], abs=2e-3)


def test_a_cap_stays_on_the_wall():
    space = space_of(ball, [[0.6, 0.7, 0.0, 0.0]])
    mesh = extract(space, space.codes[0], 32, cap=True, keep_thin=True)
    assert float(mesh.vertices.abs().max()) == 1.0
    assert topology(mesh.vertices, mesh.faces).watertight


def test_the_mean_vase_is_whole_at_32_cells():
    space = load_space(SPACES / "vases.safetensors")
    code = space.statistics.mean
    plain, kept, draft = (extract(space, code, 32, **how) for how in HOWS)
    assert kind(plain)[0] > 10
    assert kind(kept) == kind(draft) == (1, 0)
    assert draft.evaluations < 1.2 * plain.evaluations
    off = [float(space.fold(code).evaluate(m.vertices).abs().mean()) for m in (plain, kept, draft)]
    assert off[1] <= off[2] < off[0]


def test_a_torn_mesh_is_remarked_on_and_a_whole_one_is_not():
    code = torch.tensor([0.6, 0.02, 1.0])
    torn, whole = (extract(SHELL, code, resolution) for resolution in (24, 80))
    assert torn_remark(SHELL, code, torn, topology(torn.vertices, torn.faces)) == thin.REMARK
    assert not torn_remark(SHELL, code, whole, topology(whole.vertices, whole.faces))


@pytest.mark.parametrize("name", ["heads", "cups"])
def test_hardly_a_sliver_is_turned_over(name):
    space = load_space(SPACES / f"{name}.safetensors")
    field = space.fold(space.codes[0])
    mesh = extract(space, space.codes[0], 48, keep_thin=True)
    a, b, c = mesh.vertices[mesh.faces].unbind(1)
    normals = torch.linalg.cross(b - a, c - a)
    middles = ((a + b + c) / 3).requires_grad_()
    (outwards,) = torch.autograd.grad(field(middles).sum(), middles)
    assert int(((normals * outwards).sum(1) < 0).sum()) < len(mesh.faces) / 500
