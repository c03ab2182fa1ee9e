"""The codes of an experiment's shapes, out of every form that they were saved in."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ..checkpoint import read_checkpoint
from ..errors import SpaceError
from .folder import CODES, SPECS, snapshots


def read_codes(
    folder: Path, snapshot: str, length: int, model_epoch: int | None
) -> tuple[Tensor, list[str]]:
    """The codes ``(N, L)`` that belong to a snapshot, and what a user should know of them."""
    files = snapshots(folder / CODES)
    same = [file for file in files if file.stem == snapshot]
    if not files:
        return torch.zeros(0, length), [f"There are no {CODES}: codes start from zero"]
    path = (same or files)[0]
    notes = []
    saved = read_checkpoint(path)
    epoch = epoch_of(saved)
    if not same or (epoch is not None and model_epoch is not None and epoch != model_epoch):
        notes.append(
            f"The codes are from another time of the training ({path.name}, epoch {epoch}) than "
            f"the decoder ({snapshot}.pth, epoch {model_epoch})"
        )
    codes = _code_tensor(saved, path, length)
    if not len(codes):
        notes.append(f"{CODES}/{path.name} holds no codes: codes start from zero")
    elif length and not bool(codes.any()):
        notes.append(f"All {len(codes)} codes of {CODES}/{path.name} are zero")
        if isinstance(saved, dict) and "latent_fields_state_dict" in saved:
            notes[-1] += (
                ": the real codes of this experiment are spline fields over space "
                "(latent_fields_state_dict), which are not read; the decoder is complete"
            )
    return codes, notes


def _code_tensor(saved: object, path: Path, length: int) -> Tensor:
    """Codes ``(N, L)`` out of any of the forms they are saved in. Raises SpaceError."""
    value = saved.get("latent_codes", saved) if isinstance(saved, dict) else saved
    if isinstance(value, dict):
        value = value.get("weight")
    if isinstance(value, list) and all(
        isinstance(v, Tensor) and v.numel() == length for v in value
    ):
        value = torch.stack([code.flatten() for code in value]) if value else torch.zeros(0, length)
    if not isinstance(value, Tensor):
        raise SpaceError(
            f"'{path}' holds no codes; expected 'latent_codes' as a tensor or as a dictionary "
            "with 'weight'",
            f"Copy the file again, or remove it to load the decoder without {CODES}",
        )
    codes = value.detach().float()
    shape = tuple(codes.shape)
    if codes.ndim == 3 and shape[1] == 1:
        codes = codes[:, 0]
    elif codes.ndim == 1 and shape in ((length,), (0,)):
        codes = codes.reshape(-1, length) if length else torch.zeros(0, 0)
    if codes.ndim != 2 or codes.shape[1] != length:
        raise SpaceError(
            f"The codes of '{path}' have shape {shape}; expected (N, {length}) or (N, 1, "
            f"{length}) for the CodeLength of {SPECS}",
            f"Put the {SPECS} of these codes beside them",
        )
    if not bool(torch.isfinite(codes).all()):
        broken = int((~torch.isfinite(codes)).any(dim=1).nonzero()[0])
        raise SpaceError(
            f"Code {broken} of '{path}' is not finite", "Use an earlier snapshot of the training"
        )
    return codes.contiguous().clone()


def epoch_of(saved: object) -> int | None:
    """The epoch that a checkpoint says it is from."""
    epoch = saved.get("epoch") if isinstance(saved, dict) else None
    return epoch if type(epoch) is int else None
