"""One training on several devices, as ``torchrun`` starts it: each process takes a share of a step.

All processes hold the same state and draw the same numbers; a step's gradients are added up over
them, so that any one of them may write the checkpoint, and another number of processes may go on
with it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor
from torch import distributed as torch_distributed

# The others wait while the first process samples a large family.
PATIENCE = timedelta(hours=24)


@dataclass(frozen=True)
class Team:
    """The processes of one training: this is number ``rank`` of ``size``."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process reads meshes, writes files and tells of progress."""
        return self.rank == 0

    def share(self, count: int) -> range:
        """Which of ``count`` shapes of a step are this process's."""
        return range(self.rank, count, self.size)

    def add(self, parameters: Iterable[Tensor], total: Tensor) -> None:
        """Add up gradients and ``total`` over all processes, in place."""
        if self.size == 1:
            return
        parameters = list(parameters)
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        # One message for all of them: there are many, and they are small.
        parts = [total.reshape(1), *(p.grad.flatten() for p in parameters if p.grad is not None)]
        joined = torch.cat(parts)
        torch_distributed.all_reduce(joined)
        sums = joined.split([len(part) for part in parts])
        total.copy_(sums[0][0])
        for parameter, gradient in zip(parameters, sums[1:], strict=True):
            assert parameter.grad is not None
            parameter.grad.copy_(gradient.view_as(parameter.grad))

    def wait(self) -> None:
        """Until every process has come as far."""
        if self.size > 1:
            torch_distributed.barrier()


ALONE = Team()


def launched() -> bool:
    """Whether ``torchrun`` started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def join(device: str) -> tuple[Team, str]:
    """The team that ``torchrun`` started, and this process's device; alone without it."""
    if not launched():
        return ALONE, device
    cuda = device.startswith("cuda")
    if cuda:
        device = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(device)
    torch_distributed.init_process_group("nccl" if cuda else "gloo", timeout=PATIENCE)
    return Team(torch_distributed.get_rank(), torch_distributed.get_world_size()), device


def leave() -> None:
    """Part from the team; nothing without one."""
    if torch_distributed.is_available() and torch_distributed.is_initialized():
        torch_distributed.destroy_process_group()
