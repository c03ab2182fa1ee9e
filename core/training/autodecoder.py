"""The auto-decoder loop: a decoder and one code per shape, learnt together (DeepSDF, section 4).

The loss is the mean clamped error of f(z, x) against the distance plus a weight times |z|^2,
minimised by Adam with rates that fall along a cosine. A run is a generator of steps over a state
that can be saved at any step; resumed, it goes on exactly as it would have.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..decoder import Architecture, Decoder
from ..errors import MeshSDFError
from .sampling import Samples

CHECKPOINT_KIND = "meshsdf training 1"


class TrainingError(MeshSDFError):
    """A training cannot start or resume: no shapes, or a checkpoint of something else."""


@dataclass(frozen=True)
class TrainingOptions:
    """How to train.

    steps
        Length of the run in optimiser steps; the rates fall to ``final_rate`` over it.
    shapes_per_step, points_per_shape
        A step draws this many shapes (at most all), without repeats, and points of each.
    clamp
        Distances beyond it all count as this far. DeepSDF uses 0.1; a larger one keeps the values
        away from the surface true to the distance, which coarse-to-fine extraction relies on.
    code_weight, code_deviation
        Weight of |z|^2 in the loss, and the deviation of each value that codes start from.
    decoder_rate, code_rate, final_rate
        Adam's rates at the start, and the share of them left at the end.
    """

    architecture: Architecture
    steps: int = 10_000
    shapes_per_step: int = 8
    points_per_shape: int = 1024
    clamp: float = 0.1
    code_weight: float = 1e-4
    code_deviation: float = 0.01
    decoder_rate: float = 1e-3
    code_rate: float = 1e-3
    final_rate: float = 0.01


@dataclass(frozen=True)
class TrainingStep:
    """What a step did: the mean clamped error of its points, in units of the cube.

    ``code_norm`` is the mean |z| over all shapes.
    """

    step: int
    steps: int
    error: float
    code_norm: float


class Training:
    """The state of a run: decoder, codes ``(S, L)``, Adam's moments, generator, step."""

    def __init__(
        self, options: TrainingOptions, shape_count: int, *, generator: torch.Generator
    ) -> None:
        if shape_count < 1:
            raise TrainingError("There is no shape to train on", "Give at least one mesh")
        self.options = options
        self.generator = generator
        self.step = 0
        self.decoder = Decoder(options.architecture, generator=generator)
        start = torch.randn(shape_count, options.architecture.code_length, generator=generator)
        self.codes = nn.Parameter(start * options.code_deviation)
        self.optimiser = torch.optim.Adam(
            [
                {"params": list(self.decoder.parameters()), "lr": options.decoder_rate},
                {"params": [self.codes], "lr": options.code_rate},
            ]
        )

    def run(self, shapes: Sequence[Samples]) -> Iterator[TrainingStep]:
        """Train on ``shapes``, in the order of the codes, until the last step. One yield a step.

        Raises TrainingError when their number is not that of the codes.
        """
        if len(shapes) != len(self.codes):
            raise TrainingError(
                f"The run has {len(self.codes)} codes and was given {len(shapes)} shapes",
                "Resume with the shapes that the run was started with",
            )
        samples = [tensors(shape) for shape in shapes]
        while self.step < self.options.steps:
            error = self._advance(samples)
            self.step += 1
            norm = float(self.codes.detach().norm(dim=1).mean())
            yield TrainingStep(self.step, self.options.steps, error, norm)

    def _advance(self, samples: Sequence[tuple[Tensor, Tensor]]) -> float:
        """One optimiser step; the mean clamped error.

        Shape by shape: a code that is the same for all its points stays folded in the biases.
        """
        options = self.options
        share = cosine_share(self.step, options.steps, options.final_rate)
        rates = (options.decoder_rate, options.code_rate)
        for group, rate in zip(self.optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * share
        self.optimiser.zero_grad(set_to_none=True)
        order = torch.randperm(len(samples), generator=self.generator)
        drawn = order[: options.shapes_per_step].tolist()
        total = 0.0
        for index in drawn:
            points, distances = draw(samples[index], options.points_per_shape, self.generator)
            code = self.codes[index]
            error = clamped_error(self.decoder(code, points), distances, options.clamp)
            loss = error + options.code_weight * code.square().sum()
            (loss / len(drawn)).backward()
            total += float(error.detach())
        self.optimiser.step()
        return total / len(drawn)

    def save(self, path: Path) -> None:
        """Write a checkpoint; a run that dies while writing leaves the former one whole."""
        state = {
            "kind": CHECKPOINT_KIND,
            "options": asdict(self.options),
            "step": self.step,
            "decoder": self.decoder.state_dict(),
            "codes": self.codes.detach(),
            "optimiser": self.optimiser.state_dict(),
            "generator": self.generator.get_state(),
        }
        path = Path(path)
        partial = path.with_name(path.name + ".part")
        torch.save(state, partial)
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> Training:
        """A run as it was saved. Raises TrainingError for a file that is no checkpoint of a run."""
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            options = _options(state)
        except Exception as error:  # torch.load raises many types on a damaged file
            raise TrainingError(
                f"'{path}' is no training checkpoint ({type(error).__name__}: {error})",
                "Name a checkpoint that this training wrote, or start anew",
            ) from error
        training = cls(options, len(state["codes"]), generator=torch.Generator())
        training.decoder.load_state_dict(state["decoder"])
        with torch.no_grad():
            training.codes.copy_(state["codes"])
        training.optimiser.load_state_dict(state["optimiser"])
        training.generator.set_state(state["generator"])
        training.step = int(state["step"])
        return training


def clamped_error(values: Tensor, distances: Tensor, clamp: float) -> Tensor:
    """Mean error of ``values`` against ``distances``, both ``(N,)``, blind beyond ``clamp``.

    |value - distance| where the distance is within the clamp; beyond, how much the value lacks to
    be as far out. DeepSDF (equation 4) clamps the value as well: its error is the same, less what
    exceeds the clamp, but without a gradient there, and a run whose values all start beyond the
    clamp, or drift there because most samples are far outside, never comes back.
    """
    lowest = distances.clamp(max=clamp).where(distances > -clamp, -torch.inf)
    highest = distances.clamp(min=-clamp).where(distances < clamp, torch.inf)
    return (torch.relu(lowest - values) + torch.relu(values - highest)).mean()


def cosine_share(step: int, steps: int, final: float) -> float:
    """The share of the first rate that is in force at ``step``: from 1 down to ``final``."""
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * step / max(steps, 1)))


def tensors(shape: Samples) -> tuple[Tensor, Tensor]:
    """Points and distances as tensors that share the arrays' memory."""
    return torch.from_numpy(shape.points), torch.from_numpy(shape.distances)


def draw(
    samples: tuple[Tensor, Tensor], count: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """``count`` random points of a shape, with their distances."""
    points, distances = samples
    chosen = torch.randint(len(points), (count,), generator=generator)
    return points[chosen], distances[chosen]


def _options(state: dict[str, Any]) -> TrainingOptions:
    """The options a checkpoint was written with."""
    if state.get("kind") != CHECKPOINT_KIND:
        raise ValueError(f"kind is {state.get('kind')!r}, expected {CHECKPOINT_KIND!r}")
    options = dict(state["options"])
    return TrainingOptions(architecture=Architecture(**options.pop("architecture")), **options)
