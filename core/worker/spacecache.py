"""The spaces that a worker has loaded, kept while their files are as they were."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import torch

from ..builtin import find_space
from ..loading import load_space
from ..space import Space

MOST_SPACES = 4


def stamps(path: Path) -> tuple[object, ...]:
    """Times and sizes of what a space at ``path`` is read from; changes when a file does."""
    folder = path if path.is_dir() else path.parent
    files = [path]
    if path.suffix.lower() != ".safetensors":
        if folder.name in ("ModelParameters", "LatentCodes"):
            folder = folder.parent
        files += [folder / "specs.json", *sorted(folder.glob("*/*.pth"))]
    return tuple(
        (str(file), stat.st_mtime_ns, stat.st_size)
        for file in files
        if file.is_file() and (stat := file.stat())
    )


class SpaceCache:
    """The last few spaces, on one device."""

    def __init__(self, device: torch.device | str) -> None:
        self._device = device
        self._spaces: OrderedDict[tuple[object, ...], Space] = OrderedDict()

    def load(self, path: str, up: str | None) -> Space:
        """The space that ``path`` stands for, as in ``load_space``. Raises SpaceError."""
        found = find_space(Path(path))  # of a training's run its space, which is what may change
        key = (found, up, *stamps(found))
        space = self._spaces.pop(key, None) or load_space(found, up=up, device=self._device)
        self._spaces[key] = space
        while len(self._spaces) > MOST_SPACES:
            self._spaces.popitem(last=False)
        return space
