"""Paths through codes."""

from __future__ import annotations

import pytest
import torch

from core.errors import CodeError
from core.interpolation import METHODS, interpolate

CODES = torch.tensor([[1.0, 0, 0], [0, 2.0, 0], [0, 0, 3.0], [1.0, 1, 1]])


@pytest.mark.parametrize("method", METHODS)
def test_every_path_passes_every_code(method):
    for index, code in enumerate(CODES):
        at = interpolate(CODES, index / (len(CODES) - 1), method)
        assert torch.allclose(at, code, atol=1e-6)


def test_linear_is_linear():
    assert torch.allclose(interpolate(CODES[:2], 0.25), torch.tensor([0.75, 0.5, 0]))


def test_spherical_keeps_between_the_lengths_and_turns_evenly():
    quarter = interpolate(CODES[:2], 0.5, "spherical")
    assert float(quarter.norm()) == pytest.approx(1.5)
    assert float(quarter[0]) == pytest.approx(float(quarter[1]))


@pytest.mark.parametrize("pair", [[[0.0, 0], [1, 1]], [[1.0, 2], [2, 4]], [[1.0, 0], [-1, 0]]])
def test_spherical_survives_codes_without_a_great_circle(pair):
    assert torch.isfinite(interpolate(torch.tensor(pair), 0.3, "spherical")).all()


def test_smooth_has_no_kink_and_linear_has():
    def kink(method):
        codes, d = CODES.double(), 1e-4
        before, at, after = (interpolate(codes, 1 / 3 + s, method) for s in (-d, 0.0, d))
        return float(((after - at) - (at - before)).norm()) / d

    assert kink("linear") > 1.0
    assert kink("smooth") < 0.02


def test_it_is_differentiable_in_the_codes():
    codes = CODES.double().requires_grad_()
    for method in METHODS:
        assert torch.autograd.gradcheck(lambda c, m=method: interpolate(c, 0.4, m), codes)


@pytest.mark.parametrize(
    ("codes", "factor", "method"),
    [
        (CODES, 1.5, "linear"),
        (CODES, float("nan"), "linear"),
        (CODES, 0.5, "cubic"),
        (CODES[:0], 0.5, "linear"),
        (CODES[0], 0.5, "linear"),
    ],
)
def test_bad_input_is_refused(codes, factor, method):
    with pytest.raises(CodeError):
        interpolate(codes, factor, method)


def test_one_code_is_its_own_path():
    assert interpolate(CODES[:1], 0.7, "smooth").equal(CODES[0])
