"""Marching cubes: closed on any values whatever, and where scikit-image's has its vertices."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import marching_cubes

from core.extraction import polygons
from core.extraction.block import Block
from core.extraction.bricks import Bricks
from core.extraction.capping import capped, reaches_wall
from core.extraction.cases import CASES, DECISIONS, MIDDLE, table
from core.extraction.grid import integers
from core.extraction.polygons import _faces, polygonise
from core.topology import topology

from .fields import ball, ring, space_of


def block_of(values: torch.Tensor) -> Block:
    """A grid of values ``(n, n, n)``, all known."""
    size = len(values)
    missing = -size % 8
    filled = torch.nn.functional.pad(values, (0, missing))
    return Block(size - 1, 2.0 / (size - 1), filled, torch.ones_like(filled, dtype=torch.bool))


def noise(size: int, seed: int, *, border: bool) -> torch.Tensor:
    """Values without any order, so that all cases come; ``border`` puts the wall outside."""
    values = torch.randn((size,) * 3, generator=torch.Generator().manual_seed(seed))
    if border:
        whole = torch.ones_like(values)
        whole[1:-1, 1:-1, 1:-1] = values[1:-1, 1:-1, 1:-1]
        return whole
    return values


def rows(vertices: torch.Tensor) -> np.ndarray:
    """Vertices in an order of their own, in the grid's unit of 1e-4."""
    keys = (vertices.double() * 1e4).round().long().numpy()
    return keys[np.lexsort(keys.T)]


@settings(max_examples=25, deadline=None)
@given(size=st.integers(5, 20), seed=st.integers(0, 10_000))
def test_noise_gives_closed_surfaces_that_look_outwards(size, seed):
    grid = block_of(noise(size, seed, border=True))
    vertices, faces = polygonise(grid)
    report = topology(vertices, faces)
    assert report.watertight
    assert report.volume > 0
    assert int(faces.max()) == len(vertices) - 1


def test_noise_goes_through_every_case():
    """Else the test above would show little."""
    values = noise(60, 1, border=False)
    case = torch.zeros_like(values[1:, 1:, 1:], dtype=torch.int64)
    for corner in range(8):
        i, j, k = corner & 1, corner >> 1 & 1, corner >> 2
        case |= (values[i : i + 59, j : j + 59, k : k + 59] < 0).long() << corner
    assert len(case.unique()) == CASES


def test_loops_that_need_a_point_in_their_middle_are_rare_and_closed():
    lookup = table()
    middles = (lookup.edges == MIDDLE).any(axis=(1, 2))
    assert 0 < middles.sum() < 0.2 * (lookup.count > 0).sum()
    used = lookup.edges[middles]
    place = np.flatnonzero(middles)
    assert set(place // DECISIONS) <= set(range(CASES))
    for edges, count in zip(used, lookup.count[middles], strict=True):
        fan = edges[:count][(edges[:count] == MIDDLE).any(axis=1)]
        # Each edge of the loop begins one triangle and ends one.
        assert sorted(fan[:, 0]) == sorted(fan[:, 1])


@pytest.mark.parametrize(("outside", "joined"), [(0.1, True), (0.9, True), (1.1, False)])
def test_a_face_with_turns_is_joined_as_its_saddle_says(outside, joined):
    """Inside at two corners across a face, by 1; the saddle between them has the sign of
    ``outside`` squared less 1."""
    values = torch.full((2, 2, 2), outside)
    values[0, 0, 0] = values[0, 1, 1] = -1.0
    _, faces = polygonise(block_of(values))
    # One loop of six edges, or a triangle around each corner.
    assert len(faces) == (4 if joined else 2)
    # The same surface, when what is inside now was outside.
    _, opposite = polygonise(block_of(-values))
    assert len(opposite) == len(faces)


@pytest.mark.parametrize("seed", range(3))
def test_vertices_lie_where_those_of_scikit_image_do(seed):
    values = torch.nn.functional.avg_pool3d(noise(41, seed, border=False)[None, None], 3)[0, 0]
    vertices, _ = polygonise(block_of(values))
    size = len(values) - 1
    found, _, _, _ = marching_cubes(values.numpy(), 0.0, spacing=(2.0 / size,) * 3)
    theirs = torch.from_numpy(found.astype(np.float64) - 1.0)
    ours, theirs = (rows(on_edges(each.double(), size)) for each in (vertices, theirs))
    assert len(ours) == len(theirs) > 2000
    near = np.abs(ours[:, None, :] - theirs[None]).max(axis=2)
    assert near.min(axis=0).max() <= 1
    assert near.min(axis=1).max() <= 1


def on_edges(vertices: torch.Tensor, cells: int) -> torch.Tensor:
    """Those on edges of the grid: both add some in the middle of cells, by tables of their own."""
    nodes = (vertices + 1.0) * (cells / 2)
    return vertices[((nodes - nodes.round()).abs() < 1e-4).sum(dim=1) >= 2]


@pytest.mark.parametrize("size", [9, 17, 20])
def test_bricks_give_the_blocks_mesh(size):
    block = block_of(noise(size, 3, border=False))
    for everywhere in (True, False):
        vertices, faces = polygonise(Bricks.of(block, everywhere=everywhere))
        expected, triangles = polygonise(block)
        assert np.array_equal(rows(vertices), rows(expected))
        assert len(faces) == len(triangles)
        corners = vertices[faces].sum(dim=1), expected[triangles].sum(dim=1)
        assert np.array_equal(*(rows(each) for each in corners))


@pytest.mark.parametrize("size", [9, 17, 20])
@pytest.mark.parametrize("in_bricks", [False, True])
def test_a_cap_closes_whatever_reaches_the_wall(size, in_bricks):
    block = block_of(noise(size, 4, border=False))
    assert reaches_wall(block)
    grid = capped(Bricks.of(block, everywhere=False) if in_bricks else block)
    vertices, faces = polygonise(grid)
    assert topology(vertices, faces).watertight
    assert float(vertices.abs().max()) > 1.0


def test_a_full_block_has_six_caps():
    block = block_of(-torch.ones(20, 20, 20))
    assert reaches_wall(block)
    for grid in (block, Bricks.of(block, everywhere=False)):
        vertices, faces = polygonise(capped(grid))
        report = topology(vertices.clamp(-1, 1), faces)
        assert (report.watertight, report.components, report.genus) == (True, 1, 0)
        assert report.volume == pytest.approx(8.0, rel=1e-3)


def test_a_large_grid_takes_memory_and_evaluations_by_its_surface():
    from core.extraction.refining import coarse_to_fine

    space = space_of(ring, [[0.5, 0.2]])
    kept = {}
    for cells in (128, 256):
        field = space.fold(space.codes[0])
        grid = coarse_to_fine(field, cells)
        kept[cells] = grid.values.numel(), field.evaluations
        assert not grid.dense
        assert grid.values.numel() < 0.2 * cells**3
    assert kept[256][0] < 5.0 * kept[128][0]
    assert kept[256][1] < 4.2 * kept[128][1]


def test_bricks_grow_where_a_coarse_grid_was_wrong():
    """A needle that coarse grids see only at its root."""

    def needle(code, points):
        across = points[:, 1:].norm(dim=1) - 0.02
        along = torch.maximum(points[:, 0] - 0.9, -points[:, 0])
        return torch.minimum(ball(code, points), torch.maximum(across, along))

    from core.extraction import extract

    space = space_of(needle, [[0.4, 0.0, 0.0, 0.0]])
    sparse = extract(space, space.codes[0], 160)
    whole = extract(space, space.codes[0], 160, dense=True)
    assert not sparse.dense
    assert len(sparse.faces) == len(whole.faces)
    assert float(sparse.vertices[:, 0].max()) == pytest.approx(0.9, abs=0.01)


# Grids so large that 32 bits do not number their values. Their tensors only say that they are.


def test_bricks_beyond_32_bits_are_found():
    last = 5_000_000
    large = SimpleNamespace(
        places=range(last + 1), onward=torch.full((1, 8), last, dtype=torch.int32)
    )
    flat, steps = torch.tensor([511]), torch.tensor([[0, 0, 1], [1, 1, 1]])
    assert Bricks.beside(large, flat, steps).tolist() == [[last * 512 + 7 * 72, last * 512]]


def test_edges_beyond_32_bits_are_found():
    values = torch.ones(1).expand(2**30)
    numbers = torch.full((1, 1), 7, dtype=torch.int32).expand(3, len(values))
    case, corners = torch.tensor([1]), torch.arange(8, dtype=torch.int32)[None]
    _, faces = _faces(case, corners, values, numbers, torch.zeros(8, 3))
    assert faces.tolist() == [[7, 7, 7]]


def test_the_surface_is_the_same_in_64_bits(monkeypatch):
    bricks = Bricks.of(block_of(noise(20, 5, border=True)), everywhere=True)
    narrow = polygonise(bricks)
    asked = []
    monkeypatch.setattr("core.extraction.grid.END_OF_32_BITS", 0)
    monkeypatch.setattr(polygons, "integers", lambda end: asked.append(end) or integers(end))
    wide = polygonise(bricks)
    assert asked[0] >= 3 * bricks.values.numel()
    assert all(torch.equal(*pair) for pair in zip(narrow, wide, strict=True))


def test_integers_are_as_wide_as_they_have_to_be():
    assert integers(2**31) == torch.int32
    assert integers(2**31 + 1) == torch.int64
