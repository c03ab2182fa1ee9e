"""Presets: a step costs the same whatever the family, and more shapes get more time."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from core.training.autodecoder import Training
from core.training.presets import POINTS, PRESETS, options_for


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("shapes", [1, 2, 3, 5, 50, 300, 5000])
def test_a_preset_fits_any_number_of_shapes(preset: str, shapes: int) -> None:
    options = options_for(shapes, preset)
    assert POINTS / 2 < options.shapes_per_step * options.points_per_shape <= POINTS
    assert options.shapes_per_step <= shapes
    assert options.architecture.code_length <= max(2, 2 * shapes - 2)
    training = Training(options, shapes, generator=torch.Generator().manual_seed(0))
    assert training.codes.shape == (shapes, options.architecture.code_length)


def test_a_plain_decoder_has_no_fourier_features() -> None:
    usual, plain = options_for(50), options_for(50, plain=True)
    assert usual.architecture.fourier_degree > 0
    assert plain.architecture == replace(usual.architecture, fourier_degree=0)
    assert plain.steps == usual.steps


def test_few_shapes_get_codes_of_twice_their_directions() -> None:
    lengths = [options_for(shapes, "fine").architecture.code_length for shapes in (1, 2, 3, 5, 20)]
    assert lengths == [2, 2, 4, 8, 38]


def test_more_shapes_and_finer_presets_take_longer() -> None:
    steps = [options_for(shapes).steps for shapes in (2, 50, 200, 1000)]
    assert steps == sorted(set(steps))
    cost = [options_for(50, p).steps * options_for(50, p).architecture.flops for p in PRESETS]
    assert cost == sorted(set(cost))
