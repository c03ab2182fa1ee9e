"""The code that a text of the command line stands for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .errors import CodeError
from .files import read_whole
from .naming import named, plain, slider_text
from .space import Space

MAX_CODE_FILE_BYTES = 16 * 1024**2


def read_code(space: Space, text: str) -> Tensor:
    """The code ``(L,)`` that ``text`` stands for: see the command line's help. Raises CodeError."""
    if text.lower().endswith(".json"):
        return space.check_code(_saved_code(Path(text))).cpu()
    # A whole number is a shape's; 2.0 or "2," is the code of a space whose codes have one number.
    if named(text, _known_names(space)) or text.isdigit():
        return known_code(space, text)
    try:
        values = [float(number) for number in text.split(",") if number.strip()]
    except ValueError:
        return known_code(space, text)
    return space.check_code(torch.tensor(values)).cpu()


def known_code(space: Space, name: str) -> Tensor:
    """The code of a shape by name or number, or the mean. Raises CodeError.

    Names are those of the shapes and of the card's examples, as people write them.
    """
    found = named(name, _known_names(space))
    if len(found) > 1:
        raise CodeError(
            f"Several shapes of space '{space.name}' are called '{name[:60]}'",
            f"Use {' or '.join(found[:10])}",
        )
    if found:
        return space.codes[space.shape_names.index(found[0])]
    if plain(name) == "mean":
        return space.mean_code
    if name.isascii() and name.isdigit() and int(name) < len(space.codes):
        return space.codes[int(name)]
    names = ", ".join(space.shape_names[:10])
    raise CodeError(
        f"Space '{space.name}' has no shape '{name[:60]}'",
        f"Use 0 to {len(space.codes) - 1}{f' or a name: {names}' if names else ''}"
        if len(space.codes)
        else "It has no known shapes: use mean, or the code's numbers",
    )


def with_sliders(space: Space, code: Tensor, texts: Sequence[str]) -> tuple[Tensor, list[str]]:
    """``code`` ``(L,)`` moved by sliders, each "NAME=VALUE" in deviations, and warnings.

    Raises CodeError.
    """
    warnings = []
    for name, value in map(slider_text, texts):
        found = named(name, [slider.name for slider in space.sliders])
        if len(found) != 1:
            names = ", ".join(slider.name for slider in space.sliders)
            raise CodeError(
                f"Space '{space.name}' has no slider '{name[:60]}'",
                f"Use {names}" if names else "It has none: use a code or a shape",
            )
        slider = next(slider for slider in space.sliders if slider.name == found[0])
        if not slider.low <= value <= slider.high:
            warnings.append(
                f"{slider.name} {value:g} is beyond the known shapes, which reach from "
                f"{slider.low:.3g} to {slider.high:.3g}"
            )
        code = slider.moved(code, value)
    return space.check_code(code).cpu(), warnings


def _known_names(space: Space) -> dict[str, str]:
    """Shapes by their names, and by those that the card's examples give them."""
    names = {name: name for name in space.shape_names}
    examples = space.card.get("examples")
    for example in examples if isinstance(examples, list | tuple) else ():
        if isinstance(example, Mapping) and example.get("shape") in names:
            names.setdefault(str(example.get("name")), str(example["shape"]))
    return names


def read_transform(text: str) -> Tensor | None:
    """The transform ``(4, 4)`` that is kept beside a code that was saved; None where none is.

    Raises CodeError for a file that cannot be read, or whose transform is none.
    """
    if not text.lower().endswith(".json"):
        return None
    saved = _saved(Path(text))
    rows = saved.get("object_matrix") if isinstance(saved, dict) else None
    if rows is None:
        return None
    try:
        return torch.tensor(rows, dtype=torch.float64).reshape(4, 4)
    except (ValueError, TypeError, RuntimeError) as error:
        raise CodeError(
            f"The object_matrix in '{text}' is no 4x4 matrix", "Save it again"
        ) from error


def _saved_code(path: Path) -> Tensor:
    saved = _saved(path)
    try:
        return torch.tensor(saved["code"] if isinstance(saved, dict) else saved).float()
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        raise _no_code(path) from error


def _saved(path: Path) -> Any:
    """What a file of JSON holds. Raises CodeError."""
    try:
        return json.loads(read_whole(path, MAX_CODE_FILE_BYTES, CodeError))
    except (ValueError, RecursionError) as error:
        raise _no_code(path) from error


def _no_code(path: Path) -> CodeError:
    return CodeError(f"'{path}' holds no code", 'Write {"code": [numbers]}')
