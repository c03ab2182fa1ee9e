"""The spaces that a worker has loaded, kept while their files are as they were."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import torch

from ..builtin import find_space
from ..loading import load_space
from ..space import Space

MOST_SPACES = 4
Value = TypeVar("Value")


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


class Recent(Generic[Value]):
    """The last few things that were used, by their keys."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[object, ...], Value] = OrderedDict()

    def get(self, key: tuple[object, ...], make: Callable[[], Value]) -> Value:
        """What is kept under the key, or else made now."""
        value = self._kept.pop(key) if key in self._kept else make()
        self._kept[key] = value
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return value


class SpaceCache:
    """The last few spaces, on one device."""

    def __init__(self, device: torch.device | str) -> None:
        self._device = device
        self._spaces: Recent[Space] = Recent(MOST_SPACES)

    def load(self, path: str, up: str | None) -> Space:
        """The space that ``path`` stands for, as in ``load_space``. Raises SpaceError."""
        found = find_space(Path(path))  # of a training's run its space, which is what may change
        key = (found, up, *stamps(found))
        return self._spaces.get(key, lambda: load_space(found, up=up, device=self._device))
