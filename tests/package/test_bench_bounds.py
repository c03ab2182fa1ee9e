"""The parts of the benchmarks beside other programs: what they run, and what they do not."""

from __future__ import annotations

import time

import pytest
import torch

from core.decoder import Architecture, Decoder
from core.loading import load_space
from core.space import Space
from tools.peers.extraction import power, time_of
from tools.peers.ladder import Bounds, Rung, climb
from tools.peers.programs import DENSE, Program
from tools.peers.published import exact, one_division
from tools.peers.runtimes import Network
from tools.peers.sphere_decoder import sphere_decoder, trained


class Small:
    """A decoder with random weights, as a subject."""

    def load(self) -> tuple[Space, torch.Tensor]:
        form = Architecture(3, (8, 8, 8), skips=(2,), fourier_degree=2, tanh_last=True)
        decoder = Decoder(form, generator=torch.Generator().manual_seed(1)).requires_grad_(False)
        return Space("small", decoder, torch.ones(1, 3)), torch.ones(3)


def test_an_estimate_grows_as_the_program_does() -> None:
    rung = Rung(64, seconds=1.0, peak=300.0, loaded=200.0, evaluations=65**3)
    larger = rung.at(128, DENSE)
    assert (larger.seconds, larger.peak, larger.was_run) == (8.0, 1000.0, False)
    assert time_of(larger, Bounds(5.0, 1e4)) == "not run: about 8 s"
    assert time_of(larger.at(512, DENSE), Bounds(1e4, 1e4)) == "not run: about 50 GiB"
    assert time_of(None, Bounds(5.0, 1e4)) == "its process died"


def test_sizes_beyond_the_bounds_are_not_run() -> None:
    asked: list[int] = []

    def mesh(space: Space, code: torch.Tensor, cells: int) -> int:
        asked.append(cells)
        time.sleep(cells / 1000)
        return cells**3

    slow = Program("slow", mesh, growth=1.0)
    rungs = climb(slow, Small(), [16, 32, 64, 128], Bounds(0.1, 1e6), 1)
    assert [rung.was_run for rung in rungs] == [True, True, True, False]
    assert set(asked) == {8, 16, 32, 64}
    assert rungs[0].evaluations == 16**3
    assert rungs[3].seconds == pytest.approx(0.128, rel=0.5)
    nothing = climb(slow, Small(), [16, 32], Bounds(100.0, 1.0), 1)
    assert not any(rung.was_run for rung in nothing)


def test_the_power_of_growth() -> None:
    ladder = [Rung(cells, (cells / 128) ** 2.5, 1.0, 1.0, 1) for cells in (64, 128, 512)]
    assert [power(ladder, cells) for cells in (64, 128, 256, 512)] == ["-", "-", "-", "2.50"]


def test_a_network_in_pieces_is_the_decoder() -> None:
    space, code = Small().load()
    points = 2 * torch.rand(100, 3, generator=torch.Generator().manual_seed(0)) - 1
    assert torch.allclose(Network.of(space, code)(points), space.fold(code)(points), atol=1e-6)


def test_the_published_gradient_lacks_one_division() -> None:
    space, code = Small().load()
    points = 2 * torch.rand(1, 3, generator=torch.Generator().manual_seed(0)) - 1
    at = points.clone().requires_grad_()
    (slope,) = torch.autograd.grad(space.decoder(code, at).sum(), at)
    gradients = []
    for pull in (one_division, exact):
        free = code.clone().requires_grad_()
        pull(space, free, points, torch.tensor([[1.0, 2.0, 3.0]])).backward()
        gradients.append(free.grad)
    assert torch.allclose(gradients[0], gradients[1] * slope.norm(), rtol=1e-4)


def test_the_sphere_decoder_is_its_seeds(tmp_path) -> None:
    path = sphere_decoder(seed=3, steps=1, folder=tmp_path)
    assert path == sphere_decoder(seed=3, steps=1, folder=tmp_path)
    again, other = trained(3, 1), trained(4, 1)
    kept = load_space(path).decoder.weights[5]
    assert torch.equal(kept, again.decoder.weights[5])
    assert not torch.equal(kept, other.decoder.weights[5])
    assert again.decoder.architecture.inputs(4) == 512


@pytest.mark.parametrize("tanh", [False, True])
def test_a_network_in_pieces_counts_its_tanhs(tanh: bool) -> None:
    form = Architecture(2, (4,), tanh_out=tanh)
    decoder = Decoder(form, generator=torch.Generator().manual_seed(0)).requires_grad_(False)
    space, points = Space("tiny", decoder, torch.zeros(1, 2)), torch.ones(1, 3)
    found = Network.of(space, torch.zeros(2))(points)
    assert torch.allclose(found, decoder(torch.zeros(2), points))
