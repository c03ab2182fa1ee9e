"""A car's surface: the field on a grid of its right half, marching cubes, the mirror image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.measure import marching_cubes

from tools.spaces.cars.body import lines, lower_body, outline
from tools.spaces.cars.details import with_bed, with_cockpit, with_lamps, with_mirrors
from tools.spaces.cars.fields import Field, Grid, either
from tools.spaces.cars.glasshouse import glasshouse
from tools.spaces.cars.styles import Car
from tools.spaces.cars.wheels import with_wheels

# About as many vertices as a mesh gets.
VERTICES = 16_000
MARGIN_CELLS = 3
SIDE_ROOM = 0.25
END_ROOM = 0.4


@dataclass(frozen=True)
class Surface:
    """A closed triangle mesh: vertices (V, 3) float64 and faces (F, 3), outward."""

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]


def field(car: Car, grid: Grid) -> Field:
    """The whole car on a grid of its right half; negative inside (U, X, Z)."""
    curves = lines(car, grid)
    plan = outline(car, grid, curves)
    shell = lower_body(car, grid, curves, plan)
    shell = either(shell, glasshouse(car, grid, curves), 0.05)
    shell = with_cockpit(car, grid, curves, shell)
    shell = with_bed(car, grid, plan, shell)
    shell = with_lamps(car, grid, shell)
    shell = with_mirrors(car, grid, shell)
    return with_wheels(car, grid, shell)


def cell_of(car: Car, vertices: int) -> float:
    """The cell's side in metres that gives about so many vertices."""
    box = car.length * car.width + car.length * car.height + car.width * car.height
    return float(np.sqrt(2 * box / vertices))


def grid_of(car: Car, step: float) -> Grid:
    """A grid of cubes with the side ``step`` around the right half; x starts at 0."""
    along = np.arange(-MARGIN_CELLS * step, car.length + END_ROOM, step).astype(np.float32)
    out = np.arange(0, car.width / 2 + SIDE_ROOM, step).astype(np.float32)
    up = np.arange(-MARGIN_CELLS * step, car.height + 0.15, step).astype(np.float32)
    return Grid(along[:, None, None], out[None, :, None], up[None, None, :])


def surface(car: Car, *, vertices: int = VERTICES) -> Surface:
    """The car's surface in the unit sphere: box centred, Z up, front towards -Y."""
    step = cell_of(car, vertices)
    grid = grid_of(car, step)
    values = field(car, grid)
    # A zero at a grid point would make faces without area.
    values[np.abs(values) < 1e-5] = 1e-5
    points, triangles, _, _ = marching_cubes(values, 0.0)
    right = np.empty(points.shape, np.float64)
    right[:, 0] = points[:, 1] * step
    right[:, 1] = points[:, 0] * step
    right[:, 2] = points[:, 2] * step
    return normalised(mirrored(Surface(right, triangles.astype(np.int64))))


def mirrored(half: Surface) -> Surface:
    """Both halves: the right one and its mirror image, one where they meet in x = 0."""
    seam = half.vertices[:, 0] == 0
    count = len(half.vertices)
    image = np.arange(count)
    image[~seam] = count + np.arange(int((~seam).sum()))
    vertices = np.concatenate([half.vertices, half.vertices[~seam] * (-1.0, 1.0, 1.0)])
    faces = np.concatenate([half.faces, image[half.faces][:, ::-1]])
    return Surface(vertices, faces)


def normalised(mesh: Surface) -> Surface:
    """Centred by its box, the largest radius 1, faces outward."""
    vertices = mesh.vertices - (mesh.vertices.min(axis=0) + mesh.vertices.max(axis=0)) / 2
    vertices = vertices / np.linalg.norm(vertices, axis=1).max()
    corners = vertices[mesh.faces]
    volume = np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2]))
    return Surface(vertices, mesh.faces if volume > 0 else mesh.faces[:, ::-1])
