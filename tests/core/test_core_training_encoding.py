"""Codes of new shapes: a shape of the space is found again, from the mean, in a few steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from core.shapes.sampling import Samples
from core.space import Space
from core.spacefile import read_space
from core.training.autodecoder import clamped_error, tensors
from core.training.encoding import _Problem, encode

SPACES = Path(__file__).resolve().parents[2] / "spaces"


@pytest.fixture(scope="module")
def heads() -> Space:
    torch.set_num_threads(1)
    return read_space(SPACES / "heads.safetensors")


def shape_of(space: Space, code: Tensor, count: int = 8000) -> Samples:
    """Points about the surface of ``code``, with the decoder's own values for distances."""
    rng = np.random.default_rng(3)
    points = torch.from_numpy(rng.uniform(-0.9, 0.9, (20 * count, 3)).astype(np.float32))
    values = space.fold(code).evaluate(points)
    near = values.abs().argsort()[:count]
    return Samples(points[near].numpy(), values[near].numpy())


def error(space: Space, shape: Samples, code: Tensor) -> float:
    points, distances = tensors(shape)
    return float(clamped_error(space.fold(code).evaluate(points), distances, 0.1))


def test_a_code_is_found_again(heads: Space) -> None:
    shape = shape_of(heads, heads.codes[7])
    start = error(heads, shape, heads.mean_code)
    generator = torch.Generator().manual_seed(0)
    *steps, code = encode(heads, shape, generator=generator, points=2048, prior=0.0)
    assert len(steps) < 40
    assert error(heads, shape, code) < 0.03 * start
    apart = heads.statistics.whiten(code) - heads.statistics.whiten(heads.codes[7])
    assert float(apart.norm()) < 0.1 * float(heads.statistics.whiten(heads.codes[7]).norm())


def test_a_few_steps_do_most(heads: Space) -> None:
    """What descent needs hundreds of steps for."""
    shape = shape_of(heads, heads.codes[20])
    generator = torch.Generator().manual_seed(0)
    steps = list(encode(heads, shape, generator=generator, points=2048, steps=8))
    assert error(heads, shape, steps[-1]) < 0.2 * error(heads, shape, heads.mean_code)


def test_the_expansion_is_that_of_the_loss(heads: Space) -> None:
    """The gradient against finite differences; the curvature has no negative direction."""
    points, distances = tensors(shape_of(heads, heads.codes[3], 4000))
    problem = _Problem(heads.decoder, heads.statistics, points, distances, clamp=0.1, prior=1e-2)
    code = torch.full((heads.code_length,), 0.1)
    loss, gradient, curvature = problem.expand(code)
    assert loss == pytest.approx(problem.loss(code))
    step = 1e-2
    for axis in (0, 5, 31):
        shift = torch.zeros_like(code)
        shift[axis] = step
        slope = (problem.loss(code + shift) - problem.loss(code - shift)) / (2 * step)
        assert float(gradient[axis]) == pytest.approx(slope, rel=0.05, abs=1e-5)
    assert float(torch.linalg.eigvalsh(curvature)[0]) > 0


def test_the_prior_keeps_a_code_near(heads: Space) -> None:
    shape = shape_of(heads, heads.codes[7], 300)
    codes = []
    for prior in (0.0, 1.0):
        generator = torch.Generator().manual_seed(0)
        *_, code = encode(heads, shape, generator=generator, points=300, prior=prior)
        codes.append(float(heads.statistics.whiten(code).norm()))
    assert codes[1] < 0.5 * codes[0]


def test_encoding_repeats(heads: Space) -> None:
    shape = shape_of(heads, heads.codes[1], 500)
    first, again = (
        list(encode(heads, shape, generator=torch.Generator().manual_seed(4), points=64, steps=3))
        for _ in range(2)
    )
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
