"""The code that a text of the command line stands for."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor

from .errors import CodeError
from .files import read_whole
from .space import Space

MAX_CODE_FILE_BYTES = 16 * 1024**2


def read_code(space: Space, text: str) -> Tensor:
    """The code ``(L,)`` that ``text`` stands for: see the command line's help. Raises CodeError."""
    if text.lower().endswith(".json"):
        return space.check_code(_saved_code(Path(text))).cpu()
    # A whole number is a shape's; 2.0 or "2," is the code of a space whose codes have one number.
    if text in space.shape_names or text.isdigit():
        return known_code(space, text)
    try:
        values = [float(number) for number in text.split(",") if number.strip()]
    except ValueError:
        return known_code(space, text)
    return space.check_code(torch.tensor(values)).cpu()


def known_code(space: Space, name: str) -> Tensor:
    """The code of a shape by name or number, or the mean. Raises CodeError."""
    if name == "mean" and name not in space.shape_names:
        return space.mean_code
    if name in space.shape_names:
        return space.codes[space.shape_names.index(name)]
    if name.isascii() and name.isdigit() and int(name) < len(space.codes):
        return space.codes[int(name)]
    names = ", ".join(space.shape_names[:10])
    raise CodeError(
        f"Space '{space.name}' has no shape '{name[:60]}'",
        f"Use 0 to {len(space.codes) - 1}{f' or a name: {names}' if names else ''}"
        if len(space.codes)
        else "It has no known shapes: use mean, or the code's numbers",
    )


def _saved_code(path: Path) -> Tensor:
    try:
        saved = json.loads(read_whole(path, MAX_CODE_FILE_BYTES, CodeError))
        return torch.tensor(saved["code"] if isinstance(saved, dict) else saved).float()
    except (ValueError, TypeError, KeyError, RuntimeError, RecursionError) as error:
        raise CodeError(f"'{path}' holds no code", 'Write {"code": [numbers]}') from error
