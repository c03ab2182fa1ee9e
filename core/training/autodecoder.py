"""The auto-decoder loop: a decoder and one code per shape, learnt together (DeepSDF, section 4).

The loss is the mean clamped error of f(z, x) against the distance plus a weight times |z|^2. Weight
matrices are moved by Muon, all else by Adam, with rates that fall along a cosine. A run is a
generator of steps over a state that can be saved at any step; resumed, it goes on exactly as it
would have. Several processes may share the steps of one run, see ``distributed``.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..decoder import Architecture, Decoder
from ..errors import TrainingError, reason
from ..files import write_whole
from ..memory import short_of_memory
from ..shapes.sampling import Samples
from .distributed import ALONE, Team
from .muon import Muon
from .startcodes import principal_codes

CHECKPOINT_KIND = "meshsdf training 2"
# Runs of old have these in their options: the first was never used, the second gained nothing.
FORMER_OPTIONS = ("bfloat16", "code_noise")
# Of Adam's second moment: the gradients of codes that a step does not see are zero, and with the
# usual 0.999 the memory of the first steps, which are large, would slow the run.
ADAM_BETAS = (0.9, 0.99)


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
    code_weight
        Weight of |z|^2 in the loss.
    code_deviation, code_spread
        Where codes start: random values of the first deviation, and added to them the shapes' own
        order (see startcodes), whose first component has the second one; 0 leaves it out.
    matrix_rate
        Muon's rate for the weight matrices at the start, in Adam's measure; 0 leaves them to Adam.
    decoder_rate, code_rate, final_rate
        Adam's rates at the start, for what else the decoder has and for the codes, and the share of
        all rates that is left at the end.
    """

    architecture: Architecture
    steps: int = 4_000
    shapes_per_step: int = 32
    points_per_shape: int = 64
    clamp: float = 0.1
    code_weight: float = 1e-4
    code_deviation: float = 0.01
    code_spread: float = 0.2
    matrix_rate: float = 6e-3
    decoder_rate: float = 2e-3
    code_rate: float = 6e-3
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
    """The state of a run: decoder, codes ``(S, L)``, the optimisers' moments, generator, step."""

    def __init__(
        self,
        options: TrainingOptions,
        shape_count: int,
        *,
        generator: torch.Generator,
        device: torch.device | str = "cpu",
        team: Team = ALONE,
    ) -> None:
        if shape_count < 1:
            raise TrainingError("There is no shape to train on", "Give at least one mesh")
        self.options = options
        self.generator = generator
        self.step = 0
        self.decoder = Decoder(options.architecture, generator=generator)
        start = torch.randn(shape_count, options.architecture.code_length, generator=generator)
        self.codes = nn.Parameter((start * options.code_deviation).to(device))
        self.team = team
        self.decoder.to(device)
        matrices = list(self.decoder.weights[:-1]) if options.matrix_rate else []
        rest = [p for p in self.decoder.parameters() if not any(p is m for m in matrices)]
        self.optimisers: list[torch.optim.Optimizer] = [
            torch.optim.Adam([{"params": rest}, {"params": [self.codes]}], betas=ADAM_BETAS)
        ]
        if matrices:
            self.optimisers.append(Muon(matrices, options.matrix_rate))

    def run(self, shapes: Sequence[Samples]) -> Iterator[TrainingStep]:
        """Train on ``shapes``, in the order of the codes, until the last step. One yield a step.

        Raises TrainingError when their number is not that of the codes.
        """
        if len(shapes) != len(self.codes):
            raise TrainingError(
                f"The run has {len(self.codes)} codes and was given {len(shapes)} shapes",
                "Resume with the shapes that the run was started with",
            )
        if self.step == 0 and self.options.code_spread:
            self._put_in_order(shapes)
        samples = [tensors(shape, self.codes.device) for shape in shapes]
        while self.step < self.options.steps:
            error = self._advance(samples)
            self.step += 1
            norm = float(self.codes.detach().norm(dim=1).mean())
            yield TrainingStep(self.step, self.options.steps, error, norm)

    def _put_in_order(self, shapes: Sequence[Samples]) -> None:
        """Let the codes start in the order of the shapes, a little off it."""
        length, spread = self.codes.shape[1], self.options.code_spread
        with torch.no_grad():
            self.codes.add_(principal_codes(shapes, length, spread).to(self.codes.device))

    def _advance(self, samples: Sequence[tuple[Tensor, Tensor]]) -> float:
        """One optimiser step; the mean clamped error."""
        options, device = self.options, self.codes.device
        self._set_rates()
        # Every process of a team draws the same shapes and points, and takes its own of them, so
        # that the generators stay together.
        order = torch.randperm(len(samples), generator=self.generator)
        drawn = order[: options.shapes_per_step].tolist()
        batches = [draw(samples[i], options.points_per_shape, self.generator) for i in drawn]
        mine = self.team.share(len(drawn))
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        total = torch.zeros((), device=device)
        if mine:
            points = torch.stack([batches[i][0] for i in mine])
            distances = torch.stack([batches[i][1] for i in mine])
            codes = self.codes[[drawn[i] for i in mine]]
            values = self.decoder(codes[:, None], points)
            error = clamped_error(values, distances, options.clamp)
            loss = error + options.code_weight * codes.square().sum(dim=1).mean()
            (loss * (len(mine) / len(drawn))).backward()
            total = error.detach() * (len(mine) / len(drawn))
        self.team.add([*self.decoder.parameters(), self.codes], total)
        for optimiser in self.optimisers:
            optimiser.step()
        return float(total)

    def _set_rates(self) -> None:
        options = self.options
        share = cosine_share(self.step, options.steps, options.final_rate)
        groups = [group for optimiser in self.optimisers for group in optimiser.param_groups]
        rates = (options.decoder_rate, options.code_rate, options.matrix_rate)
        for group, rate in zip(groups, rates, strict=False):
            group["lr"] = rate * share

    def save(self, path: Path) -> None:
        """Write a checkpoint; a run that dies while writing leaves the former one whole.

        Raises TrainingError, and writes nothing, where the training holds what is no number.
        """
        self.check_finite()
        buffer = io.BytesIO()
        torch.save(self._state(), buffer)
        write_whole(Path(path), buffer.getvalue())

    def check_finite(self) -> None:
        """Raises TrainingError where a weight, a code or a moment is no number any more."""
        if not all(bool(torch.isfinite(each).all()) for each in _tensors_in(self._state())):
            raise came_apart(self.step)

    def _state(self) -> dict[str, Any]:
        return {
            "kind": CHECKPOINT_KIND,
            "options": asdict(self.options),
            "step": self.step,
            "decoder": self.decoder.state_dict(),
            "codes": self.codes.detach(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "generator": self.generator.get_state(),
        }

    @classmethod
    def load(
        cls, path: Path, *, device: torch.device | str = "cpu", team: Team = ALONE
    ) -> Training:
        """A run as it was saved, to go on with on any ``device``.

        Raises TrainingError for a file that is no checkpoint of a run, or one with values that are
        no numbers.
        """
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            options = _options(state)
            training = cls(
                options, len(state["codes"]), generator=torch.Generator(), device=device, team=team
            )
            training._restore(state)
            whole = all(bool(torch.isfinite(each).all()) for each in _tensors_in(state))
        except Exception as error:  # of many types on a damaged or shortened file
            if short_of_memory(error):
                raise
            raise TrainingError(
                f"'{path}' is no training checkpoint ({reason(error)})",
                "Name a checkpoint that this training wrote, or start anew",
            ) from error
        if not whole:
            raise TrainingError(
                f"The checkpoint '{path}' holds values that are no numbers: nothing can be learnt "
                "from there",
                "Start anew, with another seed or preset",
            )
        return training

    def _restore(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`save` wrote."""
        self.decoder.load_state_dict(state["decoder"])
        with torch.no_grad():
            self.codes.copy_(state["codes"])
        for optimiser, moments in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(moments)
        self.generator.set_state(state["generator"])
        self.step = int(state["step"])


def came_apart(step: int) -> TrainingError:
    """The error where what is learnt is no number any more."""
    return TrainingError(
        f"The training came apart at step {step}: its values are no numbers any more",
        "Start anew with another preset or seed; the last checkpoint is kept",
    )


def _tensors_in(value: Any) -> Iterator[Tensor]:
    """Every tensor in nested mappings and lists."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _tensors_in(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _tensors_in(part)


def clamped_error(values: Tensor, distances: Tensor, clamp: float) -> Tensor:
    """Mean error of ``values`` against ``distances``, both ``(N,)``, blind beyond ``clamp``.

    |value - distance| where the distance is within the clamp; beyond, how much the value lacks to
    be as far out. DeepSDF (equation 4) clamps the value as well: its error is the same, less what
    exceeds the clamp, but without a gradient there, and a run whose values all start beyond the
    clamp, or drift there because most samples are far outside, never comes back.
    """
    return signed_excess(values, distances, clamp).abs().mean()


def signed_excess(values: Tensor, distances: Tensor, clamp: float) -> Tensor:
    """The errors of :func:`clamped_error` one by one ``(N,)``, above 0 where a value is too large.

    Differentiable in ``values``.
    """
    lowest = distances.clamp(max=clamp).where(distances > -clamp, -torch.inf)
    highest = distances.clamp(min=-clamp).where(distances < clamp, torch.inf)
    return torch.relu(values - highest) - torch.relu(lowest - values)


def cosine_share(step: int, steps: int, final: float) -> float:
    """The share of the first rate that is in force at ``step``: from 1 down to ``final``."""
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * step / max(steps, 1)))


def tensors(shape: Samples, device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
    """Points and distances as tensors; on the CPU they share the arrays' memory."""
    return torch.from_numpy(shape.points).to(device), torch.from_numpy(shape.distances).to(device)


def draw(
    samples: tuple[Tensor, Tensor], count: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """``count`` random points of a shape, with their distances."""
    points, distances = samples
    chosen = torch.randint(len(points), (count,), generator=generator).to(points.device)
    return points[chosen], distances[chosen]


def without_former(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a run without those that are no more. Raises ValueError for noise on codes."""
    if options.get("code_noise"):
        raise ValueError("it was trained with 'code_noise', which is no more")
    return {name: value for name, value in options.items() if name not in FORMER_OPTIONS}


def _options(state: dict[str, Any]) -> TrainingOptions:
    """The options a checkpoint was written with."""
    if state.get("kind") != CHECKPOINT_KIND:
        raise ValueError(f"kind is {state.get('kind')!r}, expected {CHECKPOINT_KIND!r}")
    options = without_former(state["options"])
    return TrainingOptions(architecture=Architecture(**options.pop("architecture")), **options)
