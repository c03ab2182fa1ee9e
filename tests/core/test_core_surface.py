"""The surface's derivative against closed forms and finite differences through the extraction."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.decoder import Architecture, Decoder
from core.extraction import extract
from core.loading import load_space
from core.surface import follow, normals, project

from .fields import ball, ring, space_of


def corners(vertices, faces):
    return vertices[faces[:, 0]], vertices[faces[:, 1]], vertices[faces[:, 2]]


def volume(vertices, faces):
    a, b, c = corners(vertices, faces)
    return (a * torch.linalg.cross(b, c)).sum() / 6


def centroid(vertices, faces):
    """First moments over the enclosed volume, divided by it."""
    a, b, c = corners(vertices, faces)
    weight = (a * torch.linalg.cross(b, c)).sum(dim=1, keepdim=True) / 24
    return (weight * (a + b + c)).sum(dim=0) / volume(vertices, faces)


def smooth_integral(vertices, faces):
    """Integral over the enclosed volume of g = cos x + x y^2 + exp z, as a flux of G, div G = g.

    G = (sin x, x y^3 / 3, exp z), with the three-point rule on each face (exact to degree 2).
    """
    a, b, c = corners(vertices, faces)
    area = torch.linalg.cross(b - a, c - a) / 2
    total = vertices.new_zeros(())
    for p in ((a + b) / 2, (b + c) / 2, (c + a) / 2):
        x, y, z = p.unbind(dim=1)
        flux = torch.stack([x.sin(), x * y**3 / 3, z.exp()], dim=1)
        total = total + (flux * area).sum() / 3
    return total


# Central differences step by this share of the codes' spread: float32 noise and curvature balance.
DIFFERENCE_SHARE = 1e-2

FUNCTIONALS = {"volume": volume, "centroid": centroid, "smooth field": smooth_integral}


def analytic(space, code, functional, resolution, newton):
    """d functional / d code ``(outputs, L)`` by the surface's derivative."""
    mesh = extract(space, code, resolution, newton=newton)
    at = code.clone().requires_grad_()
    value = functional(follow(space.decoder, at, mesh.vertices).double(), mesh.faces)
    rows = [torch.autograd.grad(v, at, retain_graph=True)[0] for v in value.reshape(-1)]
    return torch.stack(rows).double()


def differences(space, code, functional, resolution, step, newton):  # noqa: PLR0917
    """The same by central differences through the extraction."""

    def value(at):
        mesh = extract(space, at, resolution, newton=newton)
        return functional(mesh.vertices.double(), mesh.faces).reshape(-1)

    columns = []
    for index in range(len(code)):
        moved = torch.zeros_like(code)
        moved[index] = step
        columns.append((value(code + moved) - value(code - moved)) / (2 * step))
    return torch.stack(columns, dim=1)


def relative_error(found, expected):
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize("name", FUNCTIONALS)
def test_a_ball_moves_as_its_formula_says(name):
    space = space_of(ball, [[0.6, 0.0, 0.0, 0.0]])
    code = torch.tensor([0.6, 0.05, 0.1, -0.02])
    found = analytic(space, code, FUNCTIONALS[name], 48, newton=2)
    if name == "volume":
        expected = torch.tensor([[4 * np.pi * 0.36, 0, 0, 0]], dtype=torch.float64)
    elif name == "centroid":
        expected = torch.tensor([[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], dtype=torch.float64)
    else:
        expected = differences(space, code, smooth_integral, 48, 1e-2, 2)
    assert relative_error(found, expected) < 0.01


@pytest.mark.parametrize("scale", [0.03, 0.7, 5.0])
def test_it_does_not_depend_on_the_fields_scale(scale):
    """Dividing by |grad f| once, as the published code does, is wrong by this very factor."""
    scaled = space_of(lambda code, points: scale * ball(code, points), [[0.6, 0, 0, 0]])
    found = analytic(scaled, torch.tensor([0.6, 0, 0, 0]), volume, 48, newton=1)
    assert float(found[0, 0]) == pytest.approx(4 * np.pi * 0.36, rel=0.01)


def test_it_converges_with_the_resolution():
    space = space_of(ring, [[0.5, 0.2]])
    code = torch.tensor([0.5, 0.2])
    exact = torch.tensor([[2 * np.pi**2 * 0.04, 4 * np.pi**2 * 0.5 * 0.2]], dtype=torch.float64)
    errors = [relative_error(analytic(space, code, volume, n, 0), exact) for n in (16, 32, 64)]
    assert errors[2] < 0.005
    assert errors[0] > 2.5 * errors[1] > 6 * errors[2]


@pytest.fixture(scope="module")
def random_decoder():
    """A small network whose zero level is near a ball, with a code that bends it."""
    generator = torch.Generator().manual_seed(3)
    return Decoder(Architecture(3, (32, 32), skips=(1,), tanh_out=False), generator=generator)


def test_weights_get_the_same_derivative_as_finite_differences(random_decoder):
    decoder = random_decoder
    code = torch.tensor([0.3, -0.2, 0.1])
    points = torch.rand(40, 3, generator=torch.Generator().manual_seed(1)) - 0.5
    target = torch.rand(40, 3, generator=torch.Generator().manual_seed(2))
    weight, bias = decoder.weights[1], decoder.biases[2]

    field = decoder.fold(code)
    normal = normals(field, points)
    at = points.clone().requires_grad_()
    (slope,) = torch.autograd.grad(field(at).sum(), at)

    decoder.zero_grad()
    (follow(decoder, code, points, newton=0) * target).sum().backward()
    for parameter, index in ((weight, (3, 5)), (bias, (0,))):
        step = 1e-2
        with torch.no_grad():
            parameter[index] += step
            up = decoder(code, points)
            parameter[index] -= 2 * step
            down = decoder(code, points)
            parameter[index] += step
        speed = -(up - down) / (2 * step) / slope.norm(dim=1)
        expected = float(((normal * target).sum(dim=1) * speed).sum())
        assert float(parameter.grad[index]) == pytest.approx(expected, rel=2e-2, abs=1e-3)


def test_only_points_that_carry_gradient_are_evaluated():
    space = space_of(ball, [[0.6, 0.0, 0.0, 0.0]])
    asked = []
    fold = space.decoder.fold
    space.decoder.fold = lambda code: asked.append(fold(code)) or asked[-1]
    code = torch.tensor([0.6, 0, 0, 0.0], requires_grad=True)
    points = torch.nn.functional.normalize(torch.randn(100, 3), dim=1) * 0.6
    follow(space.decoder, code, points, newton=0)[:7].sum().backward()
    assert [f.evaluations for f in asked] == [7]


def test_a_flat_spot_gives_a_finite_derivative():
    def flat(code, points):
        return ball(code, points) ** 3

    space = space_of(flat, [[0.5, 0, 0, 0]])
    code = torch.tensor([0.5, 0, 0, 0.0], requires_grad=True)
    points = torch.tensor([[0.5, 0, 0], [0, 0.7, 0], [0, 0, 0.6]])
    follow(space.decoder, code, points).sum().backward()
    assert torch.isfinite(code.grad).all()


def test_projection_never_steps_further_than_half_a_cell():
    field = space_of(ball, [[0.5, 0, 0, 0]]).fold(torch.tensor([0.5, 0, 0, 0]))
    far = torch.tensor([[1.0, 0.0, 0.0]])
    assert torch.allclose(project(field, far, steps=1, cell=0.1), torch.tensor([[0.95, 0, 0]]))


@pytest.mark.parametrize("name", ["volume", "smooth field"])
@pytest.mark.parametrize("which", [0, 1])
def test_the_built_in_pair_agrees_with_finite_differences(bob_and_spot, name, which):
    assert error_at(bob_and_spot, which, name, 64, 2) < 0.03


@pytest.mark.heavy
@pytest.mark.parametrize("how", [(128, 0, 0.03), (256, 2, 0.01)], ids=["as it is", "projected"])
@pytest.mark.parametrize("name", FUNCTIONALS)
@pytest.mark.parametrize("which", [0, 1])
def test_the_published_model_agrees_with_finite_differences(checkpoint, name, which, how):
    cells, newton, bound = how
    space = load_space(checkpoint("meshsdf_official_bob_and_spot"))
    assert error_at(space, which, name, cells, newton) < bound


@pytest.mark.heavy
@pytest.mark.parametrize("name", FUNCTIONALS)
@pytest.mark.parametrize("which", [0, 1])
def test_bob_and_spot_come_to_agree_with_finite_differences(bob_and_spot, name, which):
    """Spot's thin legs and tail take finer grids: what is left falls as the cells do."""
    coarse, fine = (error_at(bob_and_spot, which, name, cells, 2) for cells in (48, 128))
    assert fine < 0.03
    assert fine < 0.6 * coarse or fine < 0.01


def error_at(space, which, name, cells, newton):
    """Relative difference of the surface's derivative and differences through the extraction."""
    code, functional = space.codes[which], FUNCTIONALS[name]
    step = DIFFERENCE_SHARE * float(space.codes.std(dim=0).norm())
    expected = differences(space, code, functional, cells, step, newton)
    return relative_error(analytic(space, code, functional, cells, newton), expected)
