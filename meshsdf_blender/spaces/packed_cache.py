"""Packed spaces on disk, where the worker reads them: each a file named by its SHA-256.

They lie in a folder of the extension's, written when they are first needed, and may be removed.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import bpy

from ..errors import Refusal
from ..identity import ROOT_PACKAGE

FOLDER = "packed"
SUFFIX = ".safetensors"

_sound: dict[str, tuple[int, int] | None] = {}  # files that held the right bytes: when, how many


def place(digest: str) -> str:
    """The path for a digest; no disk is touched.

    As a digest comes from a .blend, only its digits count: the path is always in our folder.
    """
    digits = "".join(letter for letter in digest if letter in "0123456789abcdef")
    return os.path.join(_folder(create=False), f"{digits or 'none'}{SUFFIX}")  # noqa: PTH118


def is_sound(path: str) -> bool:
    """Whether the file held the right bytes when it was last looked at, and was left alone."""
    stamp = _stamp(Path(path))
    return stamp is not None and _sound.get(path) == stamp


def keep(path: str, data: bytes) -> None:
    """Let the file hold ``data``. Raises Refusal, with no half of it left."""
    file = Path(path)
    if not _same(file, data):
        _write_whole(file, data)
    _sound[path] = _stamp(file)


def _folder(*, create: bool) -> str:
    try:
        return bpy.utils.extension_path_user(ROOT_PACKAGE, path=FOLDER, create=create)
    except ValueError:  # registered without being installed, as a script may do
        return os.path.join(tempfile.gettempdir(), f"meshsdf_{FOLDER}")  # noqa: PTH118


def _write_whole(path: Path, data: bytes) -> None:
    try:
        folder = Path(_folder(create=True))
        folder.mkdir(parents=True, exist_ok=True)
        handle, half = tempfile.mkstemp(dir=folder, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(half).replace(path)
        except BaseException:
            Path(half).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Refusal(
            f"The packed space cannot be written to '{path.parent}': {error.strerror or error}",
            "Free some space, or let the folder be written to",
        ) from error


def _same(path: Path, data: bytes) -> bool:
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size
