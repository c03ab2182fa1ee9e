"""The decoders that the benchmarks go through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from core.loading import load_space
from core.space import Space

from .sphere_decoder import NAME, sphere_decoder

SPACES = Path(__file__).resolve().parents[2] / "spaces"


@dataclass(frozen=True)
class Subject:
    """A decoder by its file or folder, and the code of it that is measured."""

    name: str
    path: Path

    def load(self) -> tuple[Space, Tensor]:
        """The space, and its first shape where there are few, else its mean."""
        space = load_space(self.path)
        few = 0 < len(space.codes) <= 2
        return space, space.codes[0] if few else space.mean_code


def subjects(chosen: list[str], checkpoints: list[Path]) -> Iterator[Subject]:
    """The built-in spaces, the checkpoints given, a decoder of the published size; or the chosen.

    Raises SystemExit for a name that is none of theirs.
    """
    named = {path.stem: path for path in sorted(SPACES.glob("*.safetensors"))}
    named |= {path.name: path for path in checkpoints}
    if unknown := set(chosen) - set(named) - {NAME}:
        known = ", ".join([*named, NAME])
        raise SystemExit(f"No decoder {', '.join(sorted(unknown))}: use {known}")
    for name, path in named.items():
        if name in chosen or not chosen:
            yield Subject(name, path)
    if NAME in chosen or not chosen:
        yield Subject(NAME, sphere_decoder())
