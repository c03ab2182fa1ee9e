"""A space written for others: as our own file, or as a DeepSDF experiment folder."""

from __future__ import annotations

from pathlib import Path

from .deepsdf.export import export_experiment
from .errors import SpaceError
from .space import Space
from .spacefile import write_space

SUFFIX = ".safetensors"


def export_space(space: Space, target: Path) -> tuple[list[Path], list[str]]:
    """Write ``space`` to a new file ``NAME.safetensors``, or into a folder, new or empty.

    Returns the files, and notes on what plain DeepSDF code does not know of this decoder. Nothing
    is overwritten. Raises SpaceError.
    """
    target = Path(target)
    if target.suffix.lower() != SUFFIX:
        return export_experiment(space, target)
    if target.exists():
        raise SpaceError(f"'{target}' is there already", "Name a new file: nothing is overwritten")
    write_space(target, space)
    return [target], []
