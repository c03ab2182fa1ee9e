"""Pieces that are smaller than a cell: left out, counted, and nothing else touched."""

from __future__ import annotations

import pytest
import torch

from core.extraction import extract
from core.topology import topology

from .fields import ball, space_of

CELLS = 64
CELL = 2 / CELLS
# A node of the grid, so that even a ball smaller than a cell shows.
NODE = torch.tensor([-1 + 8 * CELL] * 3)


def with_a_second_ball(radius: float, *, hollow: bool):
    """A ball of radius 0.8 (or 0.3) and a small one: a bubble in it, or an islet beside it."""

    def field(code, points):
        away = (points - NODE).norm(dim=1) - radius
        if hollow:
            return torch.maximum(points.norm(dim=1) - 1.35 + 0.0 * code[0], -away)
        return torch.minimum(ball(code, points), away)

    return space_of(field, [[0.3, 0, 0, 0]])


def taken(space):
    mesh = extract(space, space.codes[0], CELLS, cap=True)
    return mesh, topology(mesh.vertices, mesh.faces)


@pytest.mark.parametrize("hollow", [False, True])
def test_less_than_a_cell_is_left_out_and_counted(hollow):
    mesh, report = taken(with_a_second_ball(0.6 * CELL, hollow=hollow))
    assert mesh.specks == 1
    assert (report.components, report.watertight) == (1, True)
    alone, _ = taken(with_a_second_ball(0.0, hollow=hollow))
    assert torch.equal(mesh.faces, alone.faces)
    assert float((mesh.vertices - alone.vertices).abs().max()) < 1e-6


@pytest.mark.parametrize("hollow", [False, True])
def test_more_than_a_cell_stays(hollow):
    mesh, report = taken(with_a_second_ball(1.2 * CELL, hollow=hollow))
    assert mesh.specks == 0
    assert (report.components, report.watertight) == (2, True)


def test_a_shape_that_is_smaller_than_a_cell_stays():
    space = space_of(lambda code, points: (points - NODE).norm(dim=1) - 0.5 * CELL, [[0.0]])
    mesh, report = taken(space)
    assert (mesh.specks, report.components) == (0, 1)
