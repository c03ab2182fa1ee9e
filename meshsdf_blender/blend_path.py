"""Paths as a .blend holds them: those that start with // are relative to where it was saved."""

from __future__ import annotations

import ntpath
import os

import bpy

from .errors import Fix, Refusal


def check(path: str, library: bpy.types.Library | None = None) -> None:
    """Raises Refusal where ``path`` is relative to a file that has no place yet.

    Blender would take it as relative to the folder that it was started in.
    """
    if path.startswith("//") and library is None and not bpy.data.filepath:
        raise Refusal(
            f"'{path}' is relative to this file, which has not been saved yet",
            "Save it first, or give the whole path",
            fixes=(Fix("wm.save_as_mainfile", "Save the File...", icon="FILE_TICK"),),
        )


def is_elsewhere(path: str) -> bool:
    """Whether a whole path names another machine, unless this file itself lies there.

    A .blend may name any: opening it must not make this machine call there. No disk is touched.
    """
    share = _share(path)
    return bool(share) and share != _share(bpy.data.filepath)


def _share(path: str) -> str:
    # As Windows reads a path, on every system: files go from one to another.
    drive = ntpath.splitdrive(path)[0].replace("/", "\\")
    return ntpath.normcase(drive) if drive.startswith("\\\\") else ""


def absolute(path: str) -> str:
    """The whole path that ``path`` means in this file. Raises Refusal, as :func:`check` does."""
    check(path)
    return os.path.abspath(bpy.path.abspath(path))  # noqa: PTH100  # links stay as they are
