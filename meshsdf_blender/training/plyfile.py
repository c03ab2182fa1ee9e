"""Meshes as binary PLY files, which training reads: a whole folder of them, or none."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..errors import Refusal

FACE = np.dtype([("count", "u1"), ("corners", "<i4", 3)])
HEADER = """ply
format binary_little_endian 1.0
element vertex {vertices}
property double x
property double y
property double z
element face {faces}
property list uchar int vertex_indices
end_header
"""
PARTIAL = ".partial"


def write_folder(folder: Path, meshes: Iterable[tuple[str, np.ndarray, np.ndarray]]) -> None:
    """Write ``(stem, vertices (V, 3), faces (F, 3))`` each to ``folder/stem.ply``.

    The folder appears when all are written. Raises Refusal where the disk is full or the folder
    cannot be written; then nothing is left of it.
    """
    partial = folder.with_name(folder.name + PARTIAL)
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        for stem, vertices, faces in meshes:
            write_ply(partial / f"{stem}.ply", vertices, faces)
        partial.rename(folder)
    except OSError as error:
        raise unwritable(folder, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_ply(path: Path, vertices: np.ndarray, faces: np.ndarray) -> None:
    """One mesh, with positions in double precision. Raises OSError."""
    listed = np.empty(len(faces), dtype=FACE)
    listed["count"], listed["corners"] = 3, faces
    with path.open("wb") as file:
        file.write(HEADER.format(vertices=len(vertices), faces=len(faces)).encode("ascii"))
        file.write(np.ascontiguousarray(vertices, dtype="<f8").tobytes())
        file.write(listed.tobytes())


def unwritable(folder: Path, error: OSError) -> Refusal:
    """Why nothing can be written into a folder, in words."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Refusal(
            f"The disk of '{folder}' is full",
            "Free some space, or choose another Output Folder; nothing was left behind",
        )
    return Refusal(
        f"Nothing can be written to '{folder}': {error.strerror or error}",
        "Choose another Output Folder",
    )
