"""What a space makes of shapes that it never saw: their codes found, their meshes compared."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from ..errors import SampleError, TrainingError
from ..extraction import extract
from ..loading import load_space
from ..quality import Quality, QualityError, compare
from ..shapes.family import upright
from ..shapes.meshes import mesh_files, read_mesh
from ..space import Space
from .newshape import NewShape
from .placing import EncodeOptions, trained_up
from .runfolder import RunFolder
from .runrecord import Record
from .sources import changed, digest

CELLS = 128
MEANS = (
    "chamfer_squared",
    "chamfer",
    "normal_consistency",
    "volume_iou",
    "watertight",
    "components",
)
NO_SURFACE = Quality(math.inf, math.inf, 0.0, 0.0, False, 0, None)


@dataclass(frozen=True)
class Unseen:
    """A space and mesh files of shapes that it was not trained on.

    ``up`` is the axis that points up in them, ``thickness`` that of open surfaces, in their units,
    ``fill_voids`` whether voids are filled; None: as the space's card says. ``digests`` are those
    of the meshes' geometry, in the order of ``files``, where they are known.
    """

    space: Space
    files: tuple[Path, ...]
    digests: tuple[str, ...] = ()
    up: str = "Z"
    thickness: float | None = None
    fill_voids: bool | None = None


@dataclass(frozen=True)
class Judged:
    """Figures of a shape of radius 1, or, where it could not be used, ``refusal``."""

    name: str
    quality: Quality | None
    refusal: str = ""


def held_out_of_run(path: Path, *, device: str = "cpu", meshes: Path | None = None) -> Unseen:
    """The space of the run in ``path``, and the meshes that it kept apart. Raises TrainingError.

    ``meshes`` is where their files lie now, if no longer where the run found them.
    """
    folder = RunFolder(path)
    record = Record.from_json(folder.read(), path)
    file = folder.space(record.options.name)
    if not file.is_file():
        raise TrainingError(f"The run in '{path}' has no space yet", "Resume it")
    apart = [mesh for mesh in record.meshes if mesh.name in record.held_out]
    files = [Path(mesh.file) for mesh in apart]
    if not files:
        raise TrainingError(
            f"The run in '{path}' held nothing out", "Train with --held-out, or name other meshes"
        )
    if meshes is not None:
        files = [meshes / file.name for file in files]
    options = record.options
    return Unseen(
        load_space(file, device=device),
        tuple(files),
        tuple(mesh.digest for mesh in apart),
        options.alignment.up,
        options.thickness,
        options.fill_voids,
    )


def unseen_by(space: Space, meshes: Path) -> Unseen:
    """Those of the folder ``meshes`` that ``space`` held out, or, if it says nothing of that, that
    it was not trained on. Raises TrainingError where there are none."""
    held_out = set(map(str, _listed(space.card.get("held_out_shapes"))))
    files = [
        file
        for file in mesh_files(meshes)
        if (file.stem in held_out if held_out else file.stem not in space.shape_names)
    ]
    if not files:
        raise TrainingError(
            f"'{meshes}' has no mesh that space '{space.name}' "
            f"{'held out' if held_out else 'was not trained on'}",
            "Name a folder of other shapes; a file's name is its shape's",
        )
    return Unseen(space, tuple(files), up=trained_up(space))


def judge(unseen: Unseen, *, cells: int = CELLS, seed: int = 0) -> Iterator[Judged]:
    """Find each shape's code and compare its mesh with the shape: a yield a shape."""
    options = EncodeOptions(seed=seed, thickness=unseen.thickness, fill_voids=unseen.fill_voids)
    known = unseen.digests or [""] * len(unseen.files)
    for file, expected in zip(unseen.files, known, strict=True):
        try:
            mesh = read_mesh(file)
            if expected and digest(mesh) != expected:
                raise changed(file)
            points = upright(mesh, unseen.up)
            shape = NewShape(unseen.space, points, mesh.faces, options)
        except (SampleError, TrainingError) as error:
            yield Judged(file.stem, None, str(error))
            continue
        yield Judged(file.stem, _figures(shape, cells, seed))


def means(judged: Iterable[Judged]) -> dict[str, float]:
    """The mean of each figure over the shapes that could be used; ``watertight`` is a share."""
    found = [each.quality for each in judged if each.quality is not None]
    return {name: fmean(float(getattr(q, name)) for q in found) for name in MEANS if found}


def _figures(shape: NewShape, cells: int, seed: int) -> Quality:
    *_, last = shape.encode()
    found = extract(shape.space, last.code, cells, newton=1)
    assert shape.solid is not None
    corners = shape.solid.vertices[np.unique(shape.solid.faces)]
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    radius = float(np.linalg.norm(corners - middle, axis=1).max())
    vertices = found.vertices.cpu().double().numpy()
    try:
        return compare(
            (vertices - middle) / radius,
            found.faces.cpu().numpy(),
            (shape.solid.vertices - middle) / radius,
            shape.solid.faces,
            rng=np.random.default_rng(seed),
        )
    except QualityError:  # a code without a surface: as bad as can be, not a reason to stop
        return NO_SURFACE


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()
