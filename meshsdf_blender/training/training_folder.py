"""Run folders: where they are made, what a run is called, what its report says.

docs/protocol.md names the files in one. Nothing here is drawn from: reading touches the disk.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

import bpy

from ..blend_path import absolute
from ..errors import Refusal
from ..identity import ROOT_PACKAGE
from .plyfile import unwritable
from .training_source import FEWEST, file_stem, too_few

BESIDE = "meshsdf_training"  # beside a saved .blend
OWN = "MeshSDF"  # in the user's home, for files that were never saved
FORMER = "training"  # in the extension's folder, which Blender removes with the extension
RUN_FILE = "run.json"
MESHES = "meshes"  # copies of the objects in the scene
REPORT_FILE = "report.json"
REFUSED, NOTE = ": refused: ", "Note: "
MESH_SUFFIXES = {".obj", ".ply", ".stl", ".glb"}
LARGEST_FILE = 64 * 1024 * 1024  # bytes


def fresh(output: str, name: str) -> Path:
    """A new, empty folder for a run, in :func:`home`.

    Raises Refusal where it cannot be made. A folder that is there is never used again.
    """
    where = home(output)
    stem = file_stem(name)
    folder, number = where / stem, 2
    while folder.exists():
        folder, number = where / f"{stem}_{number}", number + 1
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    return folder


def home(output: str) -> Path:
    """Where run folders are made; no disk is touched. Raises Refusal.

    Never in a folder of the extension's: a trained space must outlive it.
    """
    if output:
        return Path(absolute(output))
    if bpy.data.filepath:
        return Path(bpy.data.filepath).parent / BESIDE
    return own_home()


def browsed(output: str) -> Path:
    """Where to look for a run to go on with: where they are made, else where they once were."""
    try:
        where = home(output)
    except Refusal:
        where = own_home()
    former = former_home()
    return former if former is not None and not _has_runs(where) else where


def drop(folder: Path) -> None:
    """Remove a run's folder that has come to nothing."""
    shutil.rmtree(folder, ignore_errors=True)


def mesh_folder(folder: str) -> Path:
    """A folder of meshes to train on; the worker reads what is in it. Raises Refusal."""
    if not folder:
        raise Refusal("No folder of meshes is chosen", "Choose one under Train On > Folder")
    path = Path(absolute(folder)).resolve()
    if not path.is_dir():
        raise Refusal(f"'{path}' is no folder", "Choose a folder of OBJ, PLY, STL or GLB files")
    try:
        count = sum(file.suffix.lower() in MESH_SUFFIXES for file in path.iterdir())
    except OSError as error:
        raise Refusal(f"'{path}' cannot be read: {error.strerror or error}") from error
    if count < FEWEST:
        raise too_few(count, f"'{path}' holds {count or 'no'} OBJ, PLY, STL or GLB file")
    return path


def own_home() -> Path:
    """The user's folder for runs of files that were never saved. Raises Refusal."""
    try:
        return Path.home() / OWN
    except RuntimeError as error:
        raise Refusal("There is no home folder for the run", "Choose an Output Folder") from error


def former_home() -> Path | None:
    """The extension's own folder, where it still holds such runs of an earlier version."""
    try:
        former = Path(bpy.utils.extension_path_user(ROOT_PACKAGE, path=FORMER))
    except ValueError:  # registered without being installed, as a script may do
        return None
    return former if _has_runs(former) else None


def _has_runs(folder: Path) -> bool:
    return any(folder.glob(f"*/{RUN_FILE}"))


def brief(path: Path, most: int) -> str:
    """A path in ``most`` letters: ~ for the home folder, and its end where it is too long."""
    told = str(path)
    with contextlib.suppress(RuntimeError, ValueError):
        told = str(Path("~") / path.relative_to(Path.home()))
    return told if len(told) <= most else f"...{told[3 - most :]}"


def existing(folder: str) -> Path:
    """The folder of a run that can go on. Raises Refusal where it is none."""
    if not folder:
        raise Refusal("No run folder is chosen", f"Choose the folder that holds {RUN_FILE}")
    path = Path(absolute(folder))
    if not begun(path):
        raise Refusal(
            f"'{path}' is no folder of a training", f"Choose the folder that holds {RUN_FILE}"
        )
    return path


def begun(folder: Path) -> bool:
    """Whether a training has begun there, so that it can go on."""
    return (folder / RUN_FILE).is_file()


def hopeless(folder: Path) -> bool:
    """Whether a run could only fail again: its meshes are copies that it made itself, and all but
    one at the most were refused."""
    if not (folder / MESHES).is_dir():
        return False
    refused = sum(REFUSED in line for line in report_lines(folder))
    return len(list((folder / MESHES).iterdir())) - refused < FEWEST


def run_name(folder: Path) -> str:
    """What the run in a folder is called; the folder's own name where the file does not say."""
    name = _options(folder).get("name")
    return name if isinstance(name, str) and name else folder.name


def run_moves_each(folder: Path) -> bool:
    """Whether the run in a folder centres or scales each shape alone."""
    alignment = _options(folder).get("alignment")
    wanted = alignment if isinstance(alignment, dict) else {}
    return bool(wanted.get("centre") or wanted.get("normalise"))


def _options(folder: Path) -> dict[str, Any]:
    described = _read(folder / RUN_FILE)
    options = described.get("options") if isinstance(described, dict) else None
    return options if isinstance(options, dict) else {}


def report_lines(folder: Path) -> list[str]:
    """A line for each mesh: how it was signed and what was repaired, or why it was refused.

    The refused come first, then what else is worth a note.
    """
    described = _read(folder / REPORT_FILE)
    if not isinstance(described, dict):
        return []
    refused, used = [], []
    for entry in _entries(described, "meshes"):
        name = str(entry.get("name", "?"))
        if entry.get("problem"):
            reason = Refusal(str(entry["problem"]), str(entry.get("remedy") or ""))
            refused.append(f"{name}{REFUSED}{reason}")
            continue
        repairs = entry.get("repairs")
        told = ", ".join(map(str, repairs)) if isinstance(repairs, list) else ""
        used.append(f"{name}: {entry.get('kind', '?')}" + (f" ({told})" if told else ""))
    warnings = described.get("warnings")
    notes = [f"{NOTE}{text}" for text in warnings] if isinstance(warnings, list) else []
    return [*refused, *notes, *used]


def is_remark(line: str) -> bool:
    """Whether a line of the report tells of a mesh left out, or is a note, and not of one used."""
    return REFUSED in line or line.startswith(NOTE)


def _entries(described: dict[str, Any], key: str) -> list[dict[str, Any]]:
    entries = described.get(key)
    return [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []


def _read(path: Path) -> Any:
    """The JSON in a file, or None where it is missing, too large or no JSON."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            return None
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
