"""A family's shapes on disk: their meshes, what counts as their surface, their samples."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from zlib import crc32

import numpy as np
import torch

from core.shapes.geometry import FloatArray, IntArray
from core.shapes.sampling import Samples, sample_mesh
from core.shapes.voids import outer_faces
from core.topology import topology

from .recipe import RADIUS, Recipe, maker

SUFFIX = ".ply"


@dataclass(frozen=True)
class Shape:
    """A mesh of unit radius, Z up; ``faces`` are those that count as its surface."""

    name: str
    vertices: FloatArray
    faces: IntArray


def paths(recipe: Recipe, folder: Path | None = None) -> dict[str, Path]:
    """The mesh files of a family by name, sorted; made where there are none.

    ``folder`` takes the place of the recipe's own. Raises SystemExit where there are none still.
    """
    where = folder or recipe.meshes
    found = sorted(where.glob(f"*{SUFFIX}"))
    if not found and folder is None:
        maker(recipe.name).meshes(recipe.meshes)
        found = sorted(where.glob(f"*{SUFFIX}"))
    if not found:
        raise SystemExit(f"There are no meshes in {where}")
    return {path.stem: path for path in found}


def read(recipe: Recipe, path: Path) -> Shape:
    """A mesh file as a Shape; with ``fill_voids`` the linings of pockets do not count."""
    import trimesh

    # As it is: merging near vertices would open thin triangles.
    mesh = trimesh.load_mesh(path, process=False)
    vertices = np.asarray(mesh.vertices, np.float64)
    faces = np.asarray(mesh.faces, np.int64)
    if recipe.fill_voids:  # searched in the cube, on a grid of the cube's size
        faces = outer_faces(vertices * RADIUS, faces)
    return Shape(path.stem, vertices, faces)


def genus(recipe: Recipe, shape: Shape) -> int | None:
    """The genus of a closed mesh; None for an open one, and where pockets are filled.

    There the mesh has tunnels through the pocket that are no part of the shape.
    """
    if recipe.fill_voids:
        return None
    return topology(torch.from_numpy(shape.vertices), torch.from_numpy(shape.faces)).genus


def samples(recipe: Recipe, path: Path) -> Samples:
    """The samples of a mesh file in the cube, from the disk if they were taken before."""
    cache = recipe.data / "samples" / f"{path.stem}.npz"
    options = json.dumps([recipe.seed, recipe.near, recipe.volume, recipe.fill_voids, RADIUS])
    key = sha256(path.read_bytes() + options.encode()).hexdigest()
    if cache.exists():
        with np.load(cache) as data:
            if str(data["key"]) == key:
                return Samples(data["points"], data["distances"])
    shape = read(recipe, path)
    taken = sample_mesh(
        shape.vertices * RADIUS,
        shape.faces,
        near=recipe.near,
        volume=recipe.volume,
        rng=np.random.default_rng((recipe.seed, crc32(path.stem.encode()))),
    )
    cache.parent.mkdir(parents=True, exist_ok=True)
    partial = cache.with_suffix(".part.npz")
    np.savez(partial, points=taken.points, distances=taken.distances, key=key)
    partial.replace(cache)
    return taken
