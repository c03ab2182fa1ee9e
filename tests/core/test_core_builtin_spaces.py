"""The spaces that ship: small, described, and with the shapes that their cards promise."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from core.extraction import extract
from core.spacefile import read_space
from core.surface import project
from core.topology import topology

SPACES = Path(__file__).parents[2] / "spaces"
FILES = sorted(SPACES.glob("*.safetensors"))
LARGEST_BYTES = 3_000_000
CELLS = 64
# How far known codes lie from the mean at the most, in deviations: core/training/newshape.py calls
# a code found for a mesh far only well beyond that.
FARTHEST_KNOWN = 1.7


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_space_is_small_and_says_where_it_comes_from(path: Path) -> None:
    space = read_space(path)
    assert path.stat().st_size <= LARGEST_BYTES
    assert space.name == path.stem
    assert len(space.codes) == len(space.shape_names) == space.card["training_shapes"]
    assert {"licence", "origin", "quality", "recipe", "seed"} <= set(space.card)
    assert (SPACES.parent / space.card["recipe"]).is_file()
    assert path.with_suffix(".md").is_file()
    assert not space.warnings


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_field_of_a_space_behaves_like_a_distance(path: Path) -> None:
    """On the surface |grad f| is near 1, so that Newton steps and the sparse extraction work."""
    space = read_space(path)
    field = space.fold(space.codes[0])
    mesh = extract(space, space.codes[0], CELLS)
    points = project(field, mesh.vertices, steps=2, cell=2 / CELLS).requires_grad_(True)
    (slope,) = torch.autograd.grad(field(points).sum(), points)
    assert float(slope.norm(dim=1).median()) == pytest.approx(1, abs=0.05)
    assert points.detach().norm(dim=1).max() < 0.92


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_known_codes_lie_near_the_mean(path: Path) -> None:
    space = read_space(path)
    farthest = max(space.statistics.distance(code) for code in space.codes)
    assert 0 < farthest <= FARTHEST_KNOWN


def test_bob_has_a_hole_and_spot_has_none() -> None:
    space = read_space(SPACES / "bob_and_spot.safetensors")
    assert space.shape_names == ("bob", "spot")
    volumes, genera = [], []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        mesh = extract(space, torch.lerp(space.codes[0], space.codes[1], share), CELLS)
        report = topology(mesh.vertices, mesh.faces)
        assert report.watertight
        assert report.components == 1
        genera.append(report.genus)
        volumes.append(report.volume)
    assert volumes == sorted(volumes, reverse=True)
    # The hole closes once, somewhere in the middle.
    assert (genera[:2], genera[3:]) == ([1, 1], [0, 0])
    assert genera[2] in (0, 1)


def test_heads_are_one_piece_at_the_mean_and_two_deviations_from_it() -> None:
    space = read_space(SPACES / "heads.safetensors")
    statistics = space.statistics
    for axis in range(3):
        for deviations in (-2.0, 0.0, 2.0):
            whitened = torch.zeros(space.code_length)
            whitened[axis] = deviations
            mesh = extract(space, statistics.unwhiten(whitened), CELLS)
            report = topology(mesh.vertices, mesh.faces)
            # The genus is left free: thin ears may be pierced.
            assert report.components == 1
            assert report.watertight
