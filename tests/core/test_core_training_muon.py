"""Muon: orthogonal steps, and no numbers that slow a processor down."""

from __future__ import annotations

import pytest
import torch

from core.training.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", [(3, 40, 40), (2, 24, 60), (2, 60, 24)])
def test_singular_values_go_to_one_and_vectors_stay(shape: tuple[int, int, int]) -> None:
    matrices = torch.randn(*shape, generator=torch.Generator().manual_seed(0))
    found = orthogonal(matrices)
    left, values, right = torch.linalg.svd(matrices, full_matrices=False)
    inner = left.mT @ found @ right.mT
    diagonal = inner.diagonal(dim1=1, dim2=2)
    well = values > 0.05 * values[:, :1]
    assert float((diagonal[well] - 0.95).abs().max()) < 0.35
    assert float((inner - torch.diag_embed(diagonal)).abs().max()) < 1e-3


def test_a_matrix_without_gradient_directions_stays() -> None:
    assert not orthogonal(torch.zeros(1, 5, 7)).any()


def test_it_finds_a_matrix() -> None:
    generator = torch.Generator().manual_seed(1)
    target = torch.randn(20, 30, generator=generator)
    matrix = torch.nn.Parameter(torch.zeros(20, 30))
    optimiser = Muon([matrix], 0.1)
    for step in range(300):
        optimiser.param_groups[0]["lr"] = 0.1 * (1 - step / 300)
        optimiser.zero_grad()
        (matrix - target).square().sum().backward()
        optimiser.step()
    assert float((matrix - target).detach().norm() / target.norm()) < 0.05


def test_momentum_that_fades_is_gone_before_it_is_denormal() -> None:
    matrix = torch.nn.Parameter(torch.ones(4, 4))
    optimiser = Muon([matrix], 1e-3)
    for step in range(2000):
        matrix.grad = torch.ones(4, 4) if step == 0 else torch.zeros(4, 4)
        optimiser.step()
    assert not optimiser.state[matrix]["momentum"].any()
    assert bool(torch.isfinite(matrix).all())
