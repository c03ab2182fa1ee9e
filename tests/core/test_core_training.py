"""The auto-decoder loop on shapes with closed forms: it learns, repeats, and resumes."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from core import files
from core.decoder import Architecture
from core.errors import TrainingError
from core.extraction import extract
from core.shapes.sampling import Samples
from core.space import Space
from core.training.autodecoder import Training, TrainingOptions, clamped_error, cosine_share
from core.training.runoptions import RunOptions
from core.training.startcodes import principal_codes

RADII = (0.4, 0.7)
OPTIONS = TrainingOptions(
    architecture=Architecture(code_length=2, widths=(32, 32, 32), fourier_degree=1),
    steps=300,
    shapes_per_step=2,
    points_per_shape=512,
    clamp=0.3,
    code_deviation=0.1,
    matrix_rate=1.5e-2,
    decoder_rate=5e-3,
    code_rate=5e-3,
)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def ball(radius: float, count: int = 20_000) -> Samples:
    rng = np.random.default_rng(round(radius * 1000))
    points = rng.uniform(-1, 1, (count, 3)).astype(np.float32)
    distances = np.linalg.norm(points, axis=1) - radius
    return Samples(points, distances.astype(np.float32))


def start(options: TrainingOptions = OPTIONS, seed: int = 1) -> Training:
    return Training(options, len(RADII), generator=torch.Generator().manual_seed(seed))


SHAPES = [ball(radius) for radius in RADII]


@pytest.fixture(scope="module")
def trained() -> Training:
    torch.set_num_threads(1)
    training = start()
    for _ in training.run(SHAPES):
        pass
    return training


def test_two_balls_are_learnt(trained: Training) -> None:
    """Radii to 0.5 % of the cube's side, from a space that the extraction accepts."""
    space = Space("balls", trained.decoder.requires_grad_(False), trained.codes.detach())
    for code, radius in zip(space.codes, RADII, strict=True):
        distances = extract(space, code, 32, newton=1).vertices.norm(dim=1)
        assert float((distances - radius).abs().mean()) < 0.01


def test_steps_report_themselves_and_end() -> None:
    options = replace(OPTIONS, steps=5)
    steps = list(start(options).run(SHAPES))
    assert [step.step for step in steps] == [1, 2, 3, 4, 5]
    assert all(step.steps == 5 and step.error > 0 and step.code_norm > 0 for step in steps)


def test_a_run_repeats_with_its_seed_and_not_with_another() -> None:
    first, again, other = (
        [step.error for step in islice(start(seed=seed).run(SHAPES), 5)] for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_a_resumed_run_ends_as_the_whole_one(tmp_path: Path) -> None:
    options = replace(OPTIONS, steps=20)
    whole = start(options)
    errors = [step.error for step in whole.run(SHAPES)]

    broken = start(options)
    before = [step.error for step in islice(broken.run(SHAPES), 8)]
    broken.save(tmp_path / "run.pt")
    resumed = Training.load(tmp_path / "run.pt")
    after = [step.error for step in resumed.run(SHAPES)]

    assert resumed.options == options
    assert before + after == errors
    assert torch.equal(resumed.codes, whole.codes)
    for mine, theirs in zip(resumed.decoder.parameters(), whole.decoder.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    assert [path.name for path in tmp_path.iterdir()] == ["run.pt"]


def test_codes_are_held_near_zero_by_their_weight() -> None:
    free, held = (
        replace(OPTIONS, steps=60, code_weight=weight, code_rate=3e-2) for weight in (0.0, 1.0)
    )
    lengths = []
    for options in (free, held):
        *_, last = start(options).run(SHAPES)
        lengths.append(last.code_norm)
    assert lengths[1] < 0.1 * lengths[0]


def test_each_step_draws_that_many_shapes() -> None:
    """One of two shapes a step: the other's code gets no gradient, and Adam leaves it alone."""
    training = start(replace(OPTIONS, shapes_per_step=1, code_spread=0.0))
    before = training.codes.detach().clone()
    next(training.run(SHAPES))
    moved = (training.codes.detach() != before).any(dim=1)
    assert int(moved.sum()) == 1


def test_codes_start_in_the_order_of_the_shapes() -> None:
    """Radii along a line, given in disorder: the first component runs along them."""
    radii = (0.5, 0.3, 0.6, 0.2, 0.4)
    codes = principal_codes([ball(radius) for radius in radii], 8, 0.2)
    assert codes.shape == (5, 8)
    assert float(codes[:, 0].std(correction=0)) == pytest.approx(0.2, rel=1e-4)
    along = codes[:, 0] * (1 if codes[2, 0] > codes[3, 0] else -1)
    assert along.argsort().tolist() == [3, 1, 4, 0, 2]
    assert float(codes[:, 1].std()) < 0.1  # one number tells these shapes apart, nearly
    assert not codes[:, 5:].any()  # five shapes span no more


def test_shapes_that_are_all_the_same_start_at_random_codes() -> None:
    assert not principal_codes([ball(0.4)] * 3, 4, 0.2).any()


def test_a_run_starts_from_that_order_once() -> None:
    options = replace(OPTIONS, code_deviation=0.0, code_rate=0.0)
    training = start(options)
    for _ in islice(training.run(SHAPES), 2):
        pass
    expected = principal_codes(SHAPES, training.codes.shape[1], options.code_spread)
    assert torch.equal(training.codes, expected)
    for _ in islice(training.run(SHAPES), 2):
        pass
    assert torch.equal(training.codes, expected)
    at_random = start(replace(options, code_spread=0.0))
    next(at_random.run(SHAPES))
    assert not at_random.codes.any()


@pytest.mark.parametrize("missing", ["decoder", "codes", "generator", "optimisers", "step"])
def test_a_checkpoint_that_lacks_a_part_is_refused(tmp_path: Path, missing: str) -> None:
    path = tmp_path / "run.pt"
    start().save(path)
    state = torch.load(path, weights_only=True)
    del state[missing]
    torch.save(state, path)
    with pytest.raises(TrainingError, match="no training checkpoint"):
        Training.load(path)


def test_a_checkpoint_of_former_days_is_taken_up(tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    start().save(path)
    state = torch.load(path, weights_only=True)
    state["options"] |= {"bfloat16": False, "code_noise": 0.0}
    torch.save(state, path)
    assert Training.load(path).options == OPTIONS
    former = RunOptions(training=OPTIONS).to_json()
    former["training"] |= {"bfloat16": False, "code_noise": 0.0}
    assert RunOptions.from_json(former).training == OPTIONS
    state["options"]["code_noise"] = 0.5
    torch.save(state, path)
    with pytest.raises(TrainingError, match="'code_noise', which is no more"):
        Training.load(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_checkpoint_without_numbers_is_refused(tmp_path: Path, value: float) -> None:
    path = tmp_path / "run.pt"
    training = start()
    training.save(path)
    state = torch.load(path, weights_only=True)
    for spoilt in (state["codes"], state["decoder"]["weights.0"]):
        kept = spoilt[0].clone()
        spoilt[0] = value
        torch.save(state, tmp_path / "spoilt.pt")
        with pytest.raises(TrainingError, match="no numbers") as caught:
            Training.load(tmp_path / "spoilt.pt")
        assert "Start anew" in caught.value.remedy
        spoilt[0] = kept
    with torch.no_grad():
        training.codes[0, 0] = value
    before = path.read_bytes()
    with pytest.raises(TrainingError, match="came apart"):
        training.save(path)
    assert path.read_bytes() == before


def test_a_checkpoint_reaches_the_disk_before_it_replaces_the_former(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, seen = tmp_path / "run.pt", []
    training = start()
    training.save(path)
    before = path.read_bytes()
    training.step = 1
    monkeypatch.setattr(files.os, "fsync", lambda _: seen.append(path.read_bytes()))
    training.save(path)
    assert seen == [before]
    assert path.read_bytes() != before


@pytest.mark.parametrize("count", [1, 3])
def test_another_number_of_shapes_is_refused(count: int) -> None:
    with pytest.raises(TrainingError, match=f"2 codes and was given {count} shapes"):
        next(start().run((SHAPES * 2)[:count]))


def test_no_shapes_are_refused() -> None:
    with pytest.raises(TrainingError, match="no shape"):
        Training(OPTIONS, 0, generator=torch.Generator())


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", None])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "run.pt"
    if content is None:
        torch.save({"kind": "something else"}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(TrainingError, match=r"run\.pt' is no training checkpoint"):
        Training.load(path)


def test_the_clamped_error_is_blind_beyond_the_clamp_and_only_there() -> None:
    """Column by column: both out, both in, value out only, distance out only."""
    values = torch.tensor([0.5, 0.05, 0.7, 0.02], requires_grad=True)
    distances = torch.tensor([0.2, 0.01, 0.05, 0.3])
    for sign in (1, -1):
        error = clamped_error(sign * values, sign * distances, 0.1)
        assert float(error.detach()) == pytest.approx((0 + 0.04 + 0.65 + 0.08) / 4)
        (slope,) = torch.autograd.grad(error, values)
        assert (slope * 4).tolist() == [0, 1, 1, -1]


def test_a_run_that_starts_all_outside_comes_back() -> None:
    """DeepSDF's own clamp has no gradient there, and stays where it is."""
    training = start(replace(OPTIONS, steps=100))
    with torch.no_grad():
        training.decoder.biases[-1] += 1.0
    errors = [step.error for step in training.run(SHAPES)]
    assert errors[-1] < 0.1 * errors[0]


def test_the_rate_falls_from_one_to_its_final_share() -> None:
    shares = [cosine_share(step, 10, 0.1) for step in range(11)]
    assert shares[0] == pytest.approx(1)
    assert shares[5] == pytest.approx(0.55)
    assert shares[10] == pytest.approx(0.1)
    assert shares == sorted(shares, reverse=True)


def test_adam_alone_moves_the_weights_too() -> None:
    training = start(replace(OPTIONS, steps=60, matrix_rate=0.0))
    assert len(training.optimisers) == 1
    errors = [step.error for step in training.run(SHAPES)]
    assert errors[-1] < 0.5 * errors[0]


def test_points_of_several_shapes_at_once_are_those_of_each(trained: Training) -> None:
    points = torch.rand(2, 50, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    codes = trained.codes.detach()
    together = trained.decoder(codes[:, None], points)
    for code, at, values in zip(codes, points, together, strict=True):
        assert torch.allclose(trained.decoder(code, at), values, atol=1e-6)
