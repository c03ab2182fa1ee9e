"""What a batch's fits have in common, and what is left of each on disk: when is one done?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MeshSDFError
from ..files import json_object, read_whole
from .entries import BatchError, Entry

if TYPE_CHECKING:
    from ..fitting import FitOptions
    from ..space import Space

MOST_PICTURE_BYTES = 1024**3
# To be raised when the same fit would give another result.
VERSION = 2


@dataclass(frozen=True)
class Settings:
    """What all fits of a batch have in common; ``suffix`` is that of meshes, or empty."""

    space: Path
    out: Path
    options: FitOptions
    up: str | None = None
    threshold: float | None = None
    invert: bool = False
    suffix: str = ".ply"
    space_digest: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of a fit: figures where it was done, or why not."""

    name: str
    figures: dict[str, Any] = field(default_factory=dict)
    problem: str = ""
    was_done: bool = False


def digest_of(space: Space) -> str:
    """A text that changes with whatever of a space a fit depends on."""
    digest = sha256(repr((space.decoder.architecture, space.frame)).encode())
    for tensor in (space.codes, *space.decoder.parameters()):
        digest.update(tensor.detach().cpu().numpy().tobytes())
    return digest.hexdigest()


def check_apart(entries: Sequence[Entry], settings: Settings) -> None:
    """Raise BatchError where a result would take the place of a picture or a camera."""
    given = {path.resolve() for entry in entries for path in (*entry.targets, *entry.cameras)}
    for entry in entries:
        for suffix in (".json", settings.suffix):
            result = (settings.out / f"{entry.name}{suffix}").resolve()
            if suffix and result in given:
                raise BatchError(
                    f"The result '{result.name}' would replace a picture or camera of that name",
                    "Give --out another folder",
                )


def done_before(entry: Entry, settings: Settings) -> Outcome | None:
    """What was found before, where it is of the same pictures, cameras and options."""
    path = settings.out / f"{entry.name}.json"
    mesh = settings.out / f"{entry.name}{settings.suffix}"
    try:
        told = json_object(path.read_bytes(), f"'{path}'", BatchError)
        lost = settings.suffix and not mesh.exists()
        if lost or told.get("key") != key_of(entry, settings):
            return None
    except (OSError, MeshSDFError):
        return None
    return Outcome(entry.name, told, was_done=True)


def key_of(entry: Entry, settings: Settings) -> str:
    """A digest of all that a fit depends on."""
    digest = sha256(settings.space_digest.encode())
    for path in (*entry.targets, *entry.cameras):
        digest.update(sha256(read_whole(path, MOST_PICTURE_BYTES, BatchError)).digest())
    common = [settings.up, settings.threshold, settings.invert, settings.suffix]
    if entry.start.lower().endswith(".json"):  # a code that was saved
        digest.update(read_whole(Path(entry.start), MOST_PICTURE_BYTES, BatchError))
    digest.update(json.dumps([VERSION, entry.start, common, asdict(settings.options)]).encode())
    return digest.hexdigest()
