"""On real models the sparse grid gives the dense grid's mesh, and folding changes nothing."""

from __future__ import annotations

import pytest
import torch

from core.extraction import extract
from core.extraction.refining import coarse_to_fine, dense
from core.folded import fourier_features
from core.loading import load_space
from core.topology import topology

CHECKPOINTS = (
    "meshsdf_official_bob_and_spot",
    "deepsdfstruct_round_cross",
    "deepsdfstruct_test_experiment_homogenization",
    "deepsdfstruct_primitives_cl08",
)
RESOLUTIONS = (
    pytest.param(64),
    pytest.param(128, marks=pytest.mark.heavy),
    pytest.param(256, marks=pytest.mark.heavy),
)


def some_code(space) -> torch.Tensor:
    """The first code; for a file that holds zeros only, a random one that has a surface."""
    if bool(space.codes[0].any()):
        return space.codes[0]
    return 0.3 * torch.randn(2, space.code_length, generator=torch.Generator().manual_seed(0))[1]


def unfolded(space, code, points):
    """The decoder as its authors write it: the code beside every point, wherever it is seen."""
    decoder, form = space.decoder, space.decoder.architecture
    features = fourier_features(points, form.fourier_degree) if form.fourier_degree else points
    given = torch.cat([code.expand(len(points), -1), features], dim=1)
    values = given
    for layer in range(form.layer_count):
        if layer in form.skips:
            values = torch.cat([values, given], dim=1)
        values = values @ decoder.weights[layer].t() + decoder.biases[layer]
        if layer < form.layer_count - 1:
            values = values.relu()
    return values.tanh().squeeze(1) if form.tanh_out else values.squeeze(1)


def check(space, resolution: int) -> None:
    code = some_code(space)
    sparse = extract(space, code, resolution)
    dense = extract(space, code, resolution, dense=True)
    assert len(dense.faces) > 0
    assert sparse.faces.equal(dense.faces)
    assert sparse.vertices.shape == dense.vertices.shape
    assert float((sparse.vertices - dense.vertices).abs().max()) < 1e-5
    assert not sparse.dense, "the fallback is right but not sparse"


@pytest.mark.parametrize("resolution", RESOLUTIONS)
@pytest.mark.parametrize("name", CHECKPOINTS)
def test_checkpoints(checkpoint, name, resolution):
    check(load_space(checkpoint(name)), resolution)


@pytest.mark.parametrize("resolution", RESOLUTIONS)
@pytest.mark.parametrize("name", ["bob_and_spot", "heads"])
def test_built_in_spaces(built_in, name, resolution):
    check(built_in(name), resolution)


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_folding_the_code_keeps_every_value_and_sign(checkpoint, name):
    space = load_space(checkpoint(name))
    code = some_code(space)
    grid = dense(space.fold(code), 64)
    axis = torch.arange(65) * grid.step - 1.0
    points = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1).reshape(-1, 3)
    with torch.inference_mode():
        plain = torch.cat([unfolded(space, code, part) for part in points.split(16_384)])
    folded = grid.values[..., :65].reshape(-1)
    assert float((plain - folded).abs().max()) < 1e-4
    flipped = (plain < 0) != (folded < 0)
    assert bool((plain[flipped].abs() < 1e-6).all())
    assert int(flipped.sum()) <= 2


@pytest.mark.parametrize(("name", "least"), [("bob_and_spot", 25), ("heads", 25)])
def test_256_cells_take_a_small_share_of_the_dense_grids_evaluations(built_in, name, least):
    space = built_in(name)
    field = space.fold(space.codes[0])
    grid = coarse_to_fine(field, 256)
    assert not grid.dense
    assert 257**3 / field.evaluations >= least


def test_the_published_shapes_have_their_published_numbers(checkpoint):
    space = load_space(checkpoint("meshsdf_official_bob_and_spot"))
    for share, genus in ((0.0, 1), (0.25, 1), (0.5, 5), (0.75, 0), (1.0, 0)):
        mesh = extract(space, torch.lerp(space.codes[0], space.codes[1], share), 63)
        report = topology(mesh.vertices, mesh.faces)
        assert (report.components, report.genus) == (1, genus)
        if share in (0.0, 1.0):
            assert report.volume == pytest.approx(0.5073 if share else 0.7082, abs=1e-4)
