"""Known shapes have their known numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.extraction import extract
from core.topology import topology

from .fields import ball, ring, space_of, two_balls

TETRAHEDRON = torch.tensor([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]])
FACES = torch.tensor([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])


def test_a_tetrahedron():
    report = topology(TETRAHEDRON, FACES)
    assert (report.components, report.genus, report.watertight) == (1, 0, True)
    assert report.volume == pytest.approx(1 / 6)
    assert report.area == pytest.approx(1.5 + np.sqrt(3) / 2)


def test_an_open_mesh_has_no_genus():
    report = topology(TETRAHEDRON, FACES[:3])
    assert (report.components, report.genus, report.watertight) == (1, None, False)


def test_faces_that_disagree_in_direction_are_not_watertight():
    assert not topology(TETRAHEDRON, torch.cat([FACES[:3], FACES[3:].flip(1)])).watertight


def test_nothing():
    report = topology(torch.empty(0, 3), torch.empty(0, 3, dtype=torch.long))
    assert (report.vertices, report.components, report.genus) == (0, 0, None)


def test_a_torus_has_one_hole():
    mesh = extract(space_of(ring, [[0.5, 0.2]]), torch.tensor([0.5, 0.2]), 48)
    report = topology(mesh.vertices, mesh.faces)
    assert (report.components, report.genus, report.watertight) == (1, 1, True)
    assert report.volume == pytest.approx(2 * np.pi**2 * 0.5 * 0.2**2, rel=0.01)
    assert report.area == pytest.approx(4 * np.pi**2 * 0.5 * 0.2, rel=0.01)


def test_two_balls_are_two_components_of_genus_zero():
    mesh = extract(space_of(two_balls, [[0.3]]), torch.tensor([0.3]), 48)
    report = topology(mesh.vertices, mesh.faces)
    assert (report.components, report.genus) == (2, 0)


def test_volume_and_area_scale():
    mesh = extract(space_of(ball, [[0.5, 0, 0, 0]]), torch.tensor([0.5, 0, 0, 0]), 32)
    one, two = (topology(mesh.vertices * scale + 7.0, mesh.faces) for scale in (1.0, 2.0))
    assert two.volume == pytest.approx(8 * one.volume, rel=1e-4)
    assert two.area == pytest.approx(4 * one.area, rel=1e-4)
