"""Run folders: where they are made, what a run is called, what its report says.

docs/protocol.md names the files in one. Nothing here is drawn from: reading touches the disk.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import bpy

from .blend_path import absolute
from .errors import Refusal
from .identity import ROOT_PACKAGE
from .plyfile import unwritable
from .training_source import file_stem

HOME = "meshsdf_training"
RUN_FILE = "run.json"
REPORT_FILE = "report.json"
REFUSED, NOTE = ": refused: ", "Note: "
LARGEST_FILE = 64 * 1024 * 1024  # bytes


def fresh(output: str, name: str) -> Path:
    """A new, empty folder for a run: in ``output``, else beside the .blend, else the user's own.

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
    """Where run folders are made. Raises Refusal."""
    if output:
        return Path(absolute(output))
    if bpy.data.filepath:
        return Path(bpy.data.filepath).parent / HOME
    return own_home()


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
    return path


def own_home() -> Path:
    """The extension's folder for runs of files that were never saved."""
    try:
        return Path(bpy.utils.extension_path_user(ROOT_PACKAGE, path="training", create=True))
    except ValueError as error:  # registered without being installed, as a script may do
        raise Refusal("There is no folder for the run", "Choose an Output Folder") from error


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


def run_name(folder: Path) -> str:
    """What the run in a folder is called; the folder's own name where the file does not say."""
    described = _read(folder / RUN_FILE)
    options = described.get("options") if isinstance(described, dict) else None
    name = options.get("name") if isinstance(options, dict) else None
    return name if isinstance(name, str) and name else folder.name


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
