"""A network that learns step by step, and the checkpoint that it goes on from."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from ..errors import TrainingError
from ..files import write_whole
from ..training.autodecoder import cosine_share

Network = TypeVar("Network", bound=nn.Module)

WARM, CLIP = 100, 1.0  # steps until the full rate; the most that a gradient is long


@dataclass(frozen=True)
class Schedule:
    """How a network is taught: ``pictures`` of ``views`` each code, seen in ``steps`` of ``batch``,
    at a ``rate`` that falls to the share ``final_rate`` of itself."""

    pictures: int
    steps: int
    batch: int
    rate: float
    decay: float
    views: int = 8
    final_rate: float = 0.01


def fresh(make: Callable[[], Network], generator: torch.Generator) -> Network:
    """A network whose first weights ``generator`` draws, and torch's own one does not feel."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**31, (1,), generator=generator)))
        return make()


class Learner:
    """The state of a run: network, optimiser, generator, step. ``what`` it is, in a word."""

    def __init__(
        self, what: str, network: nn.Module, schedule: Schedule, generator: torch.Generator
    ) -> None:
        self.what, self.network, self.schedule = what, network, schedule
        self.generator, self.step = generator, 0
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._optimiser = torch.optim.AdamW(
            network.parameters(), lr=schedule.rate, weight_decay=schedule.decay
        )

    @property
    def done(self) -> bool:
        """Whether the last step was taken."""
        return self.step >= self.schedule.steps

    def draw(self, lessons: int) -> Tensor:
        """The numbers of the next pictures, of so many lessons."""
        return torch.randint(lessons, (self.schedule.batch,), generator=self.generator)

    def learn(self, loss: Tensor) -> None:
        """One step down ``loss``. Raises TrainingError where it is no number."""
        share = cosine_share(self.step, self.schedule.steps, self.schedule.final_rate)
        for group in self._optimiser.param_groups:
            group["lr"] = self.schedule.rate * min(1.0, (self.step + 1) / WARM) * share
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
        self._optimiser.step()
        self.step += 1
        if not math.isfinite(float(loss.detach())):
            raise TrainingError(
                f"The {self.what} came apart at step {self.step}", "Teach it with a smaller rate"
            )

    def save(self, path: Path) -> None:
        """Write a checkpoint; a run that dies while writing leaves the former one whole."""
        buffer = io.BytesIO()
        state = {
            "kind": self._kind,
            "step": self.step,
            "network": self.network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "generator": self.generator.get_state(),
        }
        torch.save(state, buffer)
        write_whole(path, buffer.getvalue())

    def resume(self, path: Path) -> None:
        """Go on where a run of the same network and schedule was. Raises TrainingError."""
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            if state["kind"] != self._kind:
                raise KeyError("kind")
            self.network.load_state_dict(state["network"])
            self._optimiser.load_state_dict(state["optimiser"])
            self.generator.set_state(state["generator"])
            self.step = int(state["step"])
        except Exception as error:
            raise TrainingError(
                f"'{path}' is no checkpoint of this {self.what}'s training", "Begin anew"
            ) from error

    @property
    def _kind(self) -> str:
        return f"meshsdf {self.what} training 3"
