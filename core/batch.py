"""Many fits: which there are, each in a process of its own, and what is left of them on disk.

A fit that is done leaves ``NAME.json`` with its code, and its mesh. It is done again only where its
pictures, cameras or options are others by then, so that a batch goes on where it was stopped. Parts
of one batch may run at once on several machines that share the folder.
"""

from __future__ import annotations

import json
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import MeshSDFError
from .files import json_object, read_whole, write_whole

if TYPE_CHECKING:
    from .fitting import FitOptions
    from .space import Space

IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
MOST_LIST_BYTES, MOST_PICTURE_BYTES = 64 * 1024**2, 1024**3
# To be raised when the same fit would give another result.
VERSION = 1
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


def digest_of(space: Space) -> str:
    """A text that changes with whatever of a space a fit depends on."""
    digest = sha256(repr((space.decoder.architecture, space.frame)).encode())
    for tensor in (space.codes, *space.decoder.parameters()):
        digest.update(tensor.detach().cpu().numpy().tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Outcome:
    """What became of a fit: figures where it was done, or why not."""

    name: str
    figures: dict[str, Any] = field(default_factory=dict)
    problem: str = ""
    was_done: bool = False


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
    """Part ``number``, from 1 on, of ``count`` parts of about the same size."""
    return list(entries[number - 1 :: count])


def run(entries: Sequence[Entry], settings: Settings, *, processes: int) -> Iterator[Outcome]:
    """Do the fits that are not done yet, ``processes`` at a time; an outcome as each one ends.

    Fits do not depend on each other: one that fails is told of, and the others go on. A process
    that dies, for want of memory say, ends the batch: what is left fails, for the next run.
    """
    _check_apart(entries, settings)
    settings.out.mkdir(parents=True, exist_ok=True)
    todo = []
    for entry in entries:
        done = _done(entry, settings)
        if done is None:
            todo.append(entry)
        else:
            yield done
    if not todo:
        return
    # Each process starts anew: torch's threads do not survive a fork.
    with ProcessPoolExecutor(
        min(processes, len(todo)),
        mp_context=get_context("spawn"),
        initializer=_prepare,
        initargs=(settings,),
    ) as pool:
        waiting = {pool.submit(_fit, entry, settings): entry for entry in todo}
        try:
            while waiting:
                ended, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in ended:
                    yield _outcome(future, waiting.pop(future))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _check_apart(entries: Sequence[Entry], settings: Settings) -> None:
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


def _outcome(future: Future[Outcome], entry: Entry) -> Outcome:
    try:
        return future.result()
    except Exception as error:  # what a process that died had not done is told of as failed
        return Outcome(entry.name, problem=str(error) or type(error).__name__)


def _done(entry: Entry, settings: Settings) -> Outcome | None:
    """What was found before, where it is of the same pictures, cameras and options."""
    path = settings.out / f"{entry.name}.json"
    mesh = settings.out / f"{entry.name}{settings.suffix}"
    try:
        told = json_object(path.read_bytes(), f"'{path}'", BatchError)
        if told.get("key") != _key(entry, settings) or not mesh.exists():
            return None
    except (OSError, MeshSDFError):
        return None
    return Outcome(entry.name, told, was_done=True)


def _key(entry: Entry, settings: Settings) -> str:
    """A digest of all that a fit depends on."""
    digest = sha256(settings.space_digest.encode())
    for path in (*entry.targets, *entry.cameras):
        digest.update(sha256(read_whole(path, MOST_PICTURE_BYTES, BatchError)).digest())
    common = [settings.up, settings.threshold, settings.invert, settings.suffix]
    digest.update(json.dumps([VERSION, entry.start, common, asdict(settings.options)]).encode())
    return digest.hexdigest()


_space: Space | None = None  # of a process that runs fits


def _prepare(settings: Settings) -> None:
    """What a process does once: one thread, and the space."""
    global _space  # noqa: PLW0603
    import torch

    from .loading import load_space

    torch.set_num_threads(1)
    _space = load_space(settings.space, up=settings.up)


def _fit(entry: Entry, settings: Settings) -> Outcome:
    """One fit, and its files."""
    assert _space is not None
    try:
        return _fitted(entry, settings, _space)
    except MeshSDFError as error:
        return Outcome(entry.name, problem=str(error))
    except OSError as error:
        return Outcome(entry.name, problem=f"It cannot be written: {error.strerror or error}")


def _fitted(entry: Entry, settings: Settings, space: Space) -> Outcome:
    from .codetext import read_code
    from .extraction import extract
    from .fitting import fit
    from .meshfile import write_mesh
    from .viewfile import read_mask, read_view

    key, began = _key(entry, settings), time.perf_counter()
    targets = [
        read_mask(path, threshold=settings.threshold, invert=settings.invert)
        for path in entry.targets
    ]
    views = [
        read_view(path, target.shape[1], target.shape[0])
        for path, target in zip(entry.cameras, targets, strict=True)
    ]
    options = settings.options
    start = read_code(space, entry.start)
    steps = fit(space, start, views, targets, options=options)
    first = next(steps)
    last = deque(steps, maxlen=1)[0]  # the meshes of all steps are not kept
    if last.iou == 0:
        return Outcome(entry.name, problem="The shape never touched the target: check its camera")
    (settings.out / f"{entry.name}.json").unlink(missing_ok=True)  # of other pictures or options
    if settings.suffix:
        mesh = extract(space, last.code, options.resolution, cap=options.cap, newton=options.newton)
        path = settings.out / f"{entry.name}{settings.suffix}"
        write_mesh(path, mesh.vertices, mesh.faces, space.frame, object_matrix=last.object_matrix)
    figures = {
        "code": last.code.tolist(),
        "object_matrix": last.object_matrix.tolist(),
        "iou": last.iou,
        "iou_at_start": first.iou,
        "steps": last.step,
        "reason": last.reason,
        "seconds": round(time.perf_counter() - began, 3),
        "message": last.message,
        "key": key,
    }
    # Last, for it says that the fit is done.
    write_whole(settings.out / f"{entry.name}.json", json.dumps(figures, indent=1).encode())
    return Outcome(entry.name, figures)
