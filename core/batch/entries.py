"""Which fits a batch has: a folder of pictures or a JSON list, and one machine's part of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ..errors import MeshSDFError
from ..files import json_object, read_whole

IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
MOST_LIST_BYTES = 64 * 1024**2
KEYS = {"name", "targets", "cameras", "start"}
# Windows writes to these, whatever follows the dot.
DEVICES = {
    "CON",
    "PRN",
    "AUX",
    "NUL",
    *(f"{port}{n}" for port in ("COM", "LPT") for n in range(10)),
}


class BatchError(MeshSDFError):
    """A batch cannot be read, or not be run."""


@dataclass(frozen=True)
class Entry:
    """One fit of a batch: its name, and for each view a picture and a camera file."""

    name: str
    targets: tuple[Path, ...]
    cameras: tuple[Path, ...]
    start: str = "mean"


def entries_of(source: Path, camera: Path | None) -> list[Entry]:
    """The fits of a folder of pictures, or of a JSON list. Raises BatchError.

    A picture ``chair.png`` in a folder is seen by the camera ``chair.json`` beside it, or by
    ``camera``. A list holds objects with ``name``, ``targets`` and ``cameras`` (one or several
    paths, from the list's own folder) and ``start`` (a code, as the command line takes it).
    """
    if not source.exists():
        raise BatchError(f"There is no '{source}'", "Give a folder of pictures, or a JSON list")
    found = _of_folder(source, camera) if source.is_dir() else _of_list(source, camera)
    if not found:
        raise BatchError(f"'{source}' holds no fits", f"Pictures end in {', '.join(IMAGES)}")
    names = Counter(entry.name.casefold() for entry in found)
    for entry in found:
        if names[entry.name.casefold()] > 1:
            raise BatchError(f"Two fits are called '{entry.name}'", "Give each its own name")
    return found


def _of_folder(folder: Path, camera: Path | None) -> list[Entry]:
    found = []
    for picture in sorted(folder.iterdir()):
        if picture.suffix.lower() not in IMAGES or picture.name.startswith("."):
            continue
        own = picture.with_suffix(".json")
        seen_by = own if own.exists() else camera
        if seen_by is None:
            raise BatchError(
                f"'{picture}' has no camera", f"Write '{own.name}' beside it, or give --camera"
            )
        found.append(Entry(picture.stem, (picture,), (seen_by,)))
    return found


def _of_list(path: Path, camera: Path | None) -> list[Entry]:
    data = read_whole(path, MOST_LIST_BYTES, BatchError).decode("utf-8-sig", errors="replace")
    # A bare list is what people write; an object is what can be read with one function.
    text = f'{{"fits": {data}}}' if data.lstrip().startswith("[") else data
    fits = json_object(text, f"'{path}'", BatchError).get("fits")
    if not isinstance(fits, list):
        raise BatchError(f"'{path}' holds no list of fits", 'Write [{"name": ..., ...}, ...]')
    return [_entry(path, number, values, camera) for number, values in enumerate(fits, start=1)]


def _entry(path: Path, number: int, values: object, camera: Path | None) -> Entry:
    def wrong(what: str) -> BatchError:
        return BatchError(
            f"Fit {number} of '{path}' {what}", f"Its keys: {', '.join(sorted(KEYS))}"
        )

    if not isinstance(values, dict) or values.keys() - KEYS:
        raise wrong("is no object, or has unknown keys")

    def paths(key: str) -> tuple[Path, ...]:
        given = values.get(key, [])
        given = [given] if isinstance(given, str) else given
        if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
            raise wrong(f"has '{key}' that are no paths")
        return tuple(path.parent / each for each in given)

    targets = paths("targets")
    cameras = paths("cameras") or ((camera,) * len(targets) if camera else ())
    if not targets or len(targets) != len(cameras):
        raise wrong(f"has {len(targets)} targets and {len(cameras)} cameras")
    name, start = values.get("name", targets[0].stem), values.get("start", "mean")
    # It names files: one of another folder, or of a device, would be written there.
    if not isinstance(name, str) or not is_file_name(name):
        raise wrong(f"has the name {name!r:.60}, which no file can have")
    if not isinstance(start, str):
        raise wrong("has a 'start' that is no text")
    return Entry(name, targets, cameras, start)


def is_file_name(name: str) -> bool:
    """Whether files can be called so on every system of a farm."""
    odd = set('\\/:*?"<>|') | {chr(number) for number in range(32)}
    device = name.partition(".")[0].upper() in DEVICES
    surrogate = any("\ud800" <= letter <= "\udfff" for letter in name)
    bare = name.strip(". ") == name and name
    return bool(bare) and not (device or surrogate or odd & set(name))


def part_of(entries: Sequence[Entry], number: int, count: int) -> list[Entry]:
    """Part ``number``, from 1 on, of ``count`` parts of about the same size.

    The name alone says which part a fit is in, so that it stays there when others come or go.
    """
    return [entry for entry in entries if _draw(entry.name) % count == number - 1]


def _draw(name: str) -> int:
    """A large number that a name always has, on every machine, in capitals too."""
    return int.from_bytes(sha256(name.casefold().encode()).digest()[:8], "big")
