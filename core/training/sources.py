"""The meshes of a run: found, checked, measured; read again when their turn comes.

A family is placed by the bounds of all its meshes, so each is read once before any is sampled. The
first ones stay in memory until then.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import SampleError
from ..shapes.family import Alignment, Bounds, Placement, bounds, upright
from ..shapes.meshes import ShapeMesh, mesh_files, read_mesh
from .meshreport import MeshReport, memory_for
from .progress import Pace, Progress
from .twins import Sketch, sketch, twins

# Faces of the meshes that stay in memory: about 200 MB.
KEPT_FACES = 4_000_000
FEWEST_TO_SPARE_ONE = 3


@dataclass(frozen=True)
class Source:
    """A mesh that could be read: its file, a digest of its geometry, its bounds."""

    name: str
    file: str
    digest: str
    bounds: Bounds

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Source:
        """What ``dataclasses.asdict`` made of one. Raises KeyError, TypeError or ValueError."""
        box = value["bounds"]
        low, high = ((float(x), float(y), float(z)) for x, y, z in (box["low"], box["high"]))
        found = Bounds(str(box["name"]), low, high, float(box["radius"]))
        return cls(str(value["name"]), str(value["file"]), str(value["digest"]), found)


class Sources:
    """The usable meshes, by name; grows as :meth:`find` is run."""

    def __init__(self, found: Sequence[Source] = ()) -> None:
        self.found = list(found)
        self._kept: dict[str, ShapeMesh] = {}
        self._kept_faces = 0
        self._sketches: dict[str, Sketch] = {}

    def find(self, source: Path, alignment: Alignment, report: MeshReport) -> Iterator[Progress]:
        """Read every mesh in the folder ``source``.

        Raises TrainingError where fewer than two can be used.
        """
        files = mesh_files(source)
        pace = Pace(len(files))
        for done, path in enumerate(files):
            left = pace.seconds_left(done)
            warnings = tuple(report.warnings)
            name, stem = shown(path.name), shown(path.stem)
            yield Progress("reading", done, len(files), name, seconds_left=left, warnings=warnings)
            try:
                if name != path.name:
                    raise SampleError(f"The name of '{name}' is not valid UTF-8", "Rename the file")
                with memory_for("reading", name):
                    mesh = read_mesh(path)
                    box = bounds(mesh, alignment)
                    measured = digest(mesh), box
                    points = upright(mesh, alignment.up)
                    self._sketches[mesh.name] = sketch(points, mesh.faces, box)
            except SampleError as error:
                report.refuse(stem, name, error)
                continue
            self.found.append(Source(mesh.name, str(path), *measured))
            if self._kept_faces + len(mesh.faces) <= KEPT_FACES:
                self._kept_faces += len(mesh.faces)
                self._kept[mesh.name] = mesh
        report.write()
        report.check_enough([source.name for source in self.found])

    def mesh(self, source: Source) -> ShapeMesh:
        """The mesh of a source, as it was. Raises SampleError, also where it has changed."""
        mesh = self._kept.pop(source.name, None)
        if mesh is not None:
            return mesh
        mesh = read_mesh(Path(source.file))
        if digest(mesh) != source.digest:
            raise changed(Path(source.file))
        return mesh

    @property
    def geometry(self) -> dict[str, str]:
        """A digest of each mesh, by name."""
        return {source.name: source.digest for source in self.found}

    def twins(self, placement: Placement) -> list[tuple[str, str]]:
        """Pairs of names whose meshes are the same where ``placement`` puts them, of those that
        :meth:`find` has read."""
        family = ((s.bounds, self._sketches[s.name]) for s in self.found)
        return twins(family, placement)


def changed(file: Path) -> SampleError:
    """The refusal of a mesh that is another one than the run found."""
    return SampleError(
        f"'{file.name}' has changed since the run began",
        "Put the former file back, or start the training anew",
    )


def shown(name: str) -> str:
    """A file's ``name`` as text that can be written: bytes that are no UTF-8 become ``\\xff``."""
    return os.fsencode(name).decode(errors="backslashreplace")


def held_out(names: Sequence[str], share: float) -> list[str]:
    """The ``share`` of ``names`` that is kept apart, evenly spread; always the same ones.

    Of a tenth those are numbers 5, 15, 25, ... Where a share is asked for and there are three names
    or more, at least one is kept apart.
    """
    # As it is written: the float 0.1 is a little more than a tenth.
    exact = Fraction(str(share))
    half = Fraction(1, 2)
    chosen = [
        name for n, name in enumerate(names) if int(n * exact + half) > int((n - 1) * exact + half)
    ]
    if share and not chosen and len(names) >= FEWEST_TO_SPARE_ONE:
        chosen = [names[len(names) // 2]]
    return chosen


def digest(mesh: ShapeMesh) -> str:
    """Equal for equal geometry, whatever the file."""
    hashed = sha256(f"{mesh.vertices.shape} {mesh.faces.shape} {mesh.upright}".encode())
    hashed.update(np.ascontiguousarray(mesh.vertices, np.float64).tobytes())
    hashed.update(np.ascontiguousarray(mesh.faces, np.int64).tobytes())
    return hashed.hexdigest()
