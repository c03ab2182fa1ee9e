"""Load a shape space, whatever kind of file or folder it is."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import torch

from .builtin import SUFFIX, find_space
from .errors import SpaceError
from .space import UPS, Space
from .spacefile import read_space


def load_space(
    path: str | os.PathLike[str], *, up: str | None = None, device: str | torch.device = "cpu"
) -> Space:
    """The space at ``path``: our own ``.safetensors`` file, or a DeepSDF experiment.

    A DeepSDF experiment is named by its folder, its ``specs.json`` or a ``.pth`` file in it; the
    folder of a training's run stands for the space in it. Where nothing lies there the name of a
    built-in space ("heads") loads that one.
    ``up`` overrides the axis that points up ("Z" or "Y"): our own files say it, foreign ones do
    not and are taken as Y-up. Nothing in a file is ever executed. Raises SpaceError.
    """
    if up is not None and up not in UPS:
        raise SpaceError(f"'{up}' is no axis that points up", "Use 'Z' or 'Y'")
    path = find_space(Path(path))
    if path.suffix.lower() == SUFFIX:
        space = read_space(path, device=device)
    else:
        from .deepsdf import read_experiment

        space = read_experiment(path, device=device)
    return space if up is None else replace(space, frame=replace(space.frame, up=up))
