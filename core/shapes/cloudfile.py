"""Point clouds from files: PLY without faces, numbers as text, numpy arrays."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import SampleError, reason
from ..files import read_whole
from .facecount import face_count
from .geometry import FloatArray

TEXTS = (".xyz", ".txt", ".csv", ".pts")
MOST_BYTES = 1 << 30
MOST_POINTS = 20_000_000


def is_cloud(path: Path) -> bool:
    """Whether the file holds points rather than a mesh. Raises SampleError where it is no file."""
    suffix = path.suffix.lower()
    if suffix in (*TEXTS, ".npy"):
        return True
    if suffix != ".ply":
        return False
    head = read_whole(path, MOST_BYTES, SampleError)[:65_536].partition(b"end_header")[0]
    counts = [line.split()[-1] for line in head.splitlines() if line.startswith(b"element face")]
    strips = b"element tristrips" in head
    return not strips and all(count == b"0" for count in counts)


def read_cloud(path: Path) -> FloatArray:
    """The points ``(N, 3)`` in a file; further columns (colours, normals) are passed over.

    Raises SampleError.
    """
    data = read_whole(path, MOST_BYTES, SampleError)
    try:
        points = np.asarray(_parse(data, path.suffix.lower()), np.float64)
        if points.ndim != 2 or points.shape[1] < 3 or not len(points):
            raise ValueError(f"an array of shape {points.shape}")
    except MemoryError:
        raise
    except Exception as error:  # the parsers raise many types on a damaged file
        raise SampleError(
            f"'{path.name}' cannot be read as a point cloud ({reason(error)})",
            "Write one point a line, x y z, or a PLY without faces",
        ) from error
    return np.ascontiguousarray(points[:, :3])


def _parse(data: bytes, suffix: str) -> Any:
    if suffix == ".npy":
        return np.load(io.BytesIO(data), allow_pickle=False)
    if suffix in TEXTS:
        text = data.decode("utf-8-sig").replace(",", " ").replace(";", " ")
        return np.loadtxt(io.StringIO(text), ndmin=2)
    if face_count(data, ".ply") * 3 > MOST_POINTS:
        raise ValueError(f"more than {MOST_POINTS:,} points")
    import trimesh

    loaded: Any = trimesh.load(io.BytesIO(data), file_type="ply", process=False)
    return loaded.vertices
