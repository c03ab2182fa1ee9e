"""Samples kept on disk, one file a shape: a run that is resumed need not take them again."""

from __future__ import annotations

import errno
import io
import json
import re
import zipfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ..errors import TrainingError
from ..files import write_whole
from .sampling import Samples
from .signing import Report

SUFFIX = ".npz"
KEY = re.compile(r"[A-Za-z0-9_-]{1,100}")
# Zip files and numpy's headers raise all of these when they are damaged.
DAMAGED = (OSError, ValueError, KeyError, TypeError, EOFError, MemoryError, zipfile.BadZipFile)


class SampleCache:
    """A folder of samples. Each file is there whole or not at all; a damaged one counts as absent.

    A key must name everything that the samples depend on: the mesh's bytes and all options.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: str) -> Samples | None:
        """The samples that :meth:`put` kept under ``key``, or None if there are none to be had."""
        path = self._path(key)
        if not path.is_file():
            return None
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as data:
                points, distances = data["points"], data["distances"]
        except DAMAGED:
            return None
        fits = points.ndim == 2 and points.shape == (len(distances), 3) and distances.ndim == 1
        single = points.dtype == distances.dtype == np.float32
        if not (fits and single and np.isfinite(points).all() and np.isfinite(distances).all()):
            return None
        return Samples(points, distances)

    def report(self, key: str) -> Report | None:
        """The report that was kept with the samples, or None."""
        try:
            with np.load(io.BytesIO(self._path(key).read_bytes()), allow_pickle=False) as data:
                found = json.loads(data["report"].tobytes())
            return Report(str(found["name"]), str(found["kind"]), tuple(map(str, found["repairs"])))
        except DAMAGED:
            return None

    def put(self, key: str, samples: Samples, report: Report) -> None:
        """Keep ``samples`` under ``key``. Raises TrainingError when they cannot be written.

        A disk that fills up leaves all other entries, and what was under ``key``, as they were.
        """
        told = np.frombuffer(json.dumps(asdict(report)).encode(), np.uint8)
        buffer = io.BytesIO()
        np.savez(buffer, points=samples.points, distances=samples.distances, report=told)
        path = self._path(key)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, buffer.getvalue())
        except OSError as error:
            size = len(buffer.getvalue()) / 1e6
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            why = "the disk is full" if full else error.strerror or str(error)
            raise TrainingError(
                f"The samples of '{report.name}' ({size:.1f} MB) could not be written to "
                f"'{self.folder}': {why}",
                "Free some space, or check the folder's rights, and resume the run; "
                "the samples taken so far are kept",
            ) from error

    def _path(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise ValueError(f"'{key}' is no key of a cache: use letters, digits, _ and -")
        return self.folder / (key + SUFFIX)
