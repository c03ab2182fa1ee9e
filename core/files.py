"""Reading a file of bounded size and the JSON in it; writing a file whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from .errors import MeshSDFError


def read_whole(path: Path, most: int, error: type[MeshSDFError]) -> bytes:
    """The bytes of ``path``, ``most`` of them at the most. Raises ``error``."""
    try:
        # A pipe or a folder has no size, and reading one may never end.
        if path.exists() and not path.is_file():
            raise error(f"'{path}' cannot be read: it is no file", "Choose a file")
        size = path.stat().st_size
        if size <= most:
            with path.open("rb") as file:
                # One more than allowed shows a file that grew.
                data = file.read(most + 1)
            size = max(size, len(data))
    except OSError as problem:
        raise error(
            f"'{path}' cannot be read: {problem.strerror or problem}",
            "Check the path and its rights",
        ) from problem
    if size > most:
        raise error(
            f"'{path}' is refused: it has {size:,} bytes, and at most {most:,} are allowed",
            "Choose another file; one like this may be a data set, or meant to do harm",
        )
    return data


def json_object(data: bytes | str, what: str, error: type[MeshSDFError]) -> dict[str, Any]:
    """The JSON object in ``data`` (UTF-8); ``what`` names it in messages. Raises ``error``."""
    try:
        value = json.loads(data.decode("utf-8-sig") if isinstance(data, bytes) else data)
    # RecursionError: deep nesting; UnicodeDecodeError and JSONDecodeError are ValueErrors.
    except (ValueError, RecursionError) as problem:
        raise error(
            f"{what} is not JSON ({str(problem)[:100]})", "Correct the file, or copy it again"
        ) from problem
    if not isinstance(value, dict):
        raise error(f"{what} holds no JSON object", "Correct the file, or copy it again")
    return value


def check_folder(path: Path, error: type[MeshSDFError]) -> None:
    """Raises ``error`` where the folder of ``path`` is not there and could not be made."""
    there = next(folder for folder in path.absolute().parents if folder.exists())
    if not there.is_dir():
        raise error(f"'{path}' cannot be written: '{there}' is no folder", "Choose another folder")


def write_whole(path: Path, data: bytes) -> None:
    """Put ``data`` into a temporary file beside ``path``, then in its place.

    A full disk or a crash leaves the file that was there as it was. Raises OSError.
    """
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp's files are for their owner's eyes only; ours are documents like any other.
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise
