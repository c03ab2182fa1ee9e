"""The built-in spaces by name, told from their files' headers: without torch, at once."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from .errors import SpaceError

PREFIX, SUFFIX, RUN = "builtin:", ".safetensors", "run.json"
FOLDER = Path(__file__).resolve().parents[1] / "spaces"
# The entry of the file's header that holds ours, and how the header's length is written.
METADATA, KEY, LENGTH = "__metadata__", "meshsdf", struct.Struct("<Q")
LARGEST_HEADER = 16 * 1024**2


def builtin_spaces() -> dict[str, Path]:
    """The built-in spaces' files by name, sorted."""
    return {path.stem: path for path in sorted(FOLDER.glob(f"*{SUFFIX}"))}


def find_space(given: Path) -> Path:
    """Where the space is: a file, a folder or a training's run, or a built-in space by its name.

    What lies there goes before what is built in, whose names may have capitals. Raises SpaceError
    where there is neither.
    """
    name, known = str(given), builtin_spaces()
    asked = name.removeprefix(PREFIX)
    if not name.startswith(PREFIX) and given.exists():
        return _of_run(given) if (given / RUN).is_file() else given
    if asked.lower() in known:
        return known[asked.lower()]
    names = ", ".join(known)
    if name.startswith(PREFIX):
        raise SpaceError(
            f"There is no built-in space '{asked}'", f"Use {names}" if known else "Name a file"
        )
    raise SpaceError(
        f"There is no file or folder '{given}'",
        "Check the path" + (f", or name a built-in space: {names}" if known else ""),
    )


def _of_run(folder: Path) -> Path:
    spaces = sorted(folder.glob(f"*{SUFFIX}"))
    if len(spaces) == 1:
        return spaces[0]
    raise SpaceError(
        f"The run in '{folder}' has {'several spaces' if spaces else 'no space yet'}",
        "Name one" if spaces else f"Resume it: train --out {folder} --resume",
    )


def is_a_name(given: Path) -> bool:
    """Whether ``given`` is written as a built-in space's name is, rather than as a path."""
    return len(given.parts) == 1 and not given.suffix


def one_line(path: Path) -> str:
    """What a space holds, in a line; empty where its header cannot be read."""
    try:
        with path.open("rb") as file:
            (size,) = LENGTH.unpack(file.read(LENGTH.size))
            if size > LARGEST_HEADER:
                return ""
            said = json.loads(json.loads(file.read(size))[METADATA][KEY])
        shapes, length = len(said["shape_names"]), int(said["architecture"]["code_length"])
        summary = str(said["card"].get("summary", ""))
    except (OSError, ValueError, KeyError, TypeError, struct.error, RecursionError):
        return ""
    return f"{shapes} shapes, codes of {length} numbers. {summary}".rstrip()
