"""Where things are in an experiment's folder, and which of its snapshots is meant."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import SpaceError, some
from ..files import json_object, read_whole

SPECS, MODELS, CODES = "specs.json", "ModelParameters", "LatentCodes"
LICENCES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "COPYING")
MAX_JSON_BYTES = 16 * 1024**2


def locate(path: Path) -> tuple[Path, str | None]:
    """The experiment's folder and the snapshot that ``path`` names, if it does."""
    folder, snapshot = path, None
    if path.is_file():
        folder = path.parent
        if path.suffix.lower() == ".pth":
            snapshot = path.stem
        elif path.name.lower() != SPECS:
            raise SpaceError(
                f"'{path}' is no shape space",
                "Choose a .safetensors file, or the folder of a DeepSDF experiment",
            )
    if not (folder / SPECS).is_file() and (folder.parent / SPECS).is_file():
        folder = folder.parent
    if not (folder / SPECS).is_file():
        raise SpaceError(
            f"'{folder}' is no DeepSDF experiment: it has no {SPECS}",
            f"Choose the folder that holds {SPECS}, {MODELS} and {CODES}",
        )
    return folder, snapshot


def json_file(path: Path) -> dict[str, Any]:
    """The JSON object in a file of the experiment's. Raises SpaceError."""
    return json_object(read_whole(path, MAX_JSON_BYTES, SpaceError), f"'{path}'", SpaceError)


def snapshots(folder: Path) -> list[Path]:
    """``.pth`` files, best first: latest, then numbers from the highest, then other names."""

    def rank(file: Path) -> tuple[bool, int, str]:
        return file.stem != "latest", -int(file.stem) if _is_number(file.stem) else 1, file.stem

    # An interrupted copy of a Mac leaves ._latest.pth.
    files = [file for file in folder.glob("*.pth") if not file.name.startswith(".")]
    return sorted(files, key=rank)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def model_file(folder: Path, snapshot: str | None) -> Path:
    """The decoder's weights. Raises SpaceError that says what there is instead."""
    found = snapshots(folder / MODELS)
    named = [file for file in found if file.stem == snapshot]
    if named or (found and snapshot is None):
        return (named or found)[0]
    wanted = f"{MODELS}/{snapshot or 'latest'}.pth"
    codes = snapshots(folder / CODES)
    if found:
        problem = f"'{folder}' has no {wanted}; it has {some(file.name for file in found)}"
    elif codes:
        problem = (
            f"'{folder}' has latent codes ({CODES}/{codes[0].name}) but no decoder: {wanted} is "
            "missing"
        )
    else:
        problem = f"'{folder}' has no decoder: {wanted} is missing"
    raise SpaceError(problem, f"Copy the trained weights to {wanted}; codes alone make no shapes")


def licence(folder: Path) -> str:
    """What the experiment says of its licence."""
    files = [name for name in LICENCES if (folder / name).is_file()]
    if files:
        return f"see {files[0]} in the experiment's folder"
    return "unknown: ask where the experiment comes from"


def shape_names(folder: Path, split: str, count: int) -> tuple[str, ...]:
    """Names of the training shapes from the split file, where it came along; else none."""
    relative = PurePosixPath(split.replace("\\", "/"))
    if not split or relative.is_absolute() or ".." in relative.parts or ":" in split:
        return ()
    # Splits are named from the folder that training was started in.
    folder = folder.resolve()
    for base in (folder, *folder.parents[:2]):
        path = base / relative
        if os.path.lexists(path) and path.is_file():
            try:
                names = list(_instances(json_file(path)))
            except SpaceError:
                return ()
            return tuple(names) if len(names) == count else ()
    return ()


def _instances(split: Mapping[str, Any]) -> Iterable[str]:
    for classes in split.values():
        if not isinstance(classes, dict):
            continue
        for instances in classes.values():
            if isinstance(instances, Sequence) and not isinstance(instances, str):
                yield from (str(name) for name in instances)
