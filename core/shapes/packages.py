"""The packages that only meshes need: the rest of core does without them."""

from __future__ import annotations

import importlib.util

from ..errors import TrainingError

# Import name and the name to install.
NEEDED = {"igl": "libigl", "trimesh": "trimesh"}


class MissingPackageError(TrainingError):
    """This Python lacks packages that meshes need; ``missing`` are names to install."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        self.missing = missing
        super().__init__(
            f"Reading and sampling meshes needs {' and '.join(missing)}, which this Python lacks",
            f"Install it there: python -m pip install {' '.join(missing)}",
        )


def check_packages() -> None:
    """Raises MissingPackageError where meshes could not be read or sampled."""
    missing = tuple(pip for name, pip in NEEDED.items() if importlib.util.find_spec(name) is None)
    if missing:
        raise MissingPackageError(missing)
