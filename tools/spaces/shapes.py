"""A family's shapes on disk: their meshes and their samples."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from zlib import crc32

import numpy as np
import torch

from core.files import write_whole
from core.shapes.geometry import FloatArray, IntArray
from core.shapes.sampling import Samples, sample_mesh
from core.spacefile import read_space
from core.topology import topology

from .recipe import RADIUS, Recipe, maker

SUFFIX = ".ply"


@dataclass(frozen=True)
class Shape:
    """A mesh of unit radius, Z up."""

    name: str
    vertices: FloatArray
    faces: IntArray


def paths(recipe: Recipe, folder: Path | None = None) -> dict[str, Path]:
    """The mesh files of a family by name, sorted: the first ``count``, made where some are missing.

    A ``folder`` takes the place of the recipe's own, with all that is in it. Raises SystemExit
    where there are none.
    """
    where = folder or recipe.meshes
    if folder is None:
        maker(recipe.name).meshes(where)
    found = sorted(where.glob(f"*{SUFFIX}"))
    if folder is None:
        found = found[: recipe.count]
    if not found:
        raise SystemExit(f"There are no meshes in {where}")
    return {path.stem: path for path in found}


@cache
def held_out(name: str) -> tuple[Path, ...]:
    """The mesh files of a built-in space's family that it was not trained on, by their names.

    None of a family that cannot spare one. Meshes are made where some are missing.
    """
    recipe = maker(name).RECIPE
    if not recipe.held_out:
        return ()
    files, known = paths(recipe), set(read_space(recipe.file).shape_names)
    return tuple(files[each] for each in recipe.apart(list(files)) if each not in known)


def read(path: Path) -> Shape:
    """A mesh file as a Shape."""
    import trimesh

    # As it is: merging near vertices would open thin triangles.
    mesh = trimesh.load_mesh(path, process=False)
    vertices = np.asarray(mesh.vertices, np.float64)
    return Shape(path.stem, vertices, np.asarray(mesh.faces, np.int64))


def genus(shape: Shape) -> int | None:
    """The genus of a closed mesh; None for an open one."""
    return topology(torch.from_numpy(shape.vertices), torch.from_numpy(shape.faces)).genus


def key(recipe: Recipe, path: Path) -> str:
    """A digest of all that the samples of a mesh file depend on."""
    options = json.dumps([recipe.seed, recipe.near, recipe.volume, RADIUS])
    return sha256(path.read_bytes() + options.encode()).hexdigest()


def samples(recipe: Recipe, path: Path) -> Samples:
    """The samples of a mesh file in the cube, from the disk if they were taken before."""
    cache = recipe.data / "samples" / f"{path.stem}.npz"
    current = key(recipe, path)
    if cache.exists():
        with np.load(cache) as data:
            if str(data["key"]) == current:
                return Samples(data["points"], data["distances"])
    shape = read(path)
    taken = sample_mesh(
        shape.vertices * RADIUS,
        shape.faces,
        near=recipe.near,
        volume=recipe.volume,
        rng=np.random.default_rng((recipe.seed, crc32(path.stem.encode()))),
    )
    cache.parent.mkdir(parents=True, exist_ok=True)
    data = BytesIO()
    np.savez(data, points=taken.points, distances=taken.distances, key=current)
    write_whole(cache, data.getvalue())
    return taken
