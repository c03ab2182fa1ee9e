"""Meshes from decoders: the dense grid of DeepSDF and MeshSDF, FlexiCubes, and ours.

All use this project's decoder, folded and in chunks, on as many threads: what differs is which
points are evaluated and what makes a mesh of them. FlexiCubes is that of DeepSDFStruct, on the
dense grid that it asks for, without weights to optimise.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from dataclasses import dataclass

import torch
from skimage.measure import marching_cubes
from torch import Tensor

from core.extraction import extract
from core.space import Space

from .installed import installed


@dataclass(frozen=True)
class Program:
    """``mesh(space, code, cells)`` makes a mesh and says how many evaluations it took.

    ``growth`` is the power of the number of cells by which its time is expected to grow.
    """

    name: str
    mesh: Callable[[Space, Tensor, int], int]
    growth: float


def nodes_of(cells: int) -> Tensor:
    """The grid's nodes ``((cells + 1)^3, 3)``, x first."""
    axis = torch.linspace(-1.0, 1.0, cells + 1)
    return torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1).reshape(-1, 3)


def dense_grid(space: Space, code: Tensor, cells: int) -> int:
    """All nodes, then scikit-image's marching cubes."""
    points = nodes_of(cells)
    values = space.fold(code).evaluate(points).view((cells + 1,) * 3)
    marching_cubes(values.numpy(), 0.0)
    return len(points)


def flexicubes(space: Space, code: Tensor, cells: int) -> int:
    """Grid, values and mesh, as DeepSDFStruct's ``create_3D_mesh`` asks for them."""
    maker = _flexicubes_class()(device="cpu")
    bounds = torch.tensor([[-1.0] * 3, [1.0] * 3])
    points, cubes = maker.construct_voxel_grid(resolution=(cells,) * 3, bounds=bounds)
    values = space.fold(code).evaluate(points)
    maker(voxelgrid_vertices=points, scalar_field=values, cube_idx=cubes, resolution=(cells,) * 3)
    return len(points)


def ours(space: Space, code: Tensor, cells: int) -> int:
    """Coarse to fine."""
    return extract(space, code, cells).evaluations


DENSE = Program("dense grid + scikit-image", dense_grid, 3.0)
FLEXICUBES = Program("FlexiCubes (DeepSDFStruct)", flexicubes, 3.0)
OURS = Program("ours", ours, 2.0)


def _flexicubes_class() -> type:
    """The class alone: its package's own start imports what this needs nothing of."""
    if "DeepSDFStruct.flexicubes.flexicubes" not in sys.modules:
        packages = installed("deepsdfstruct")
        assert packages is not None
        folder = packages / "DeepSDFStruct"
        for name, path in (
            ("DeepSDFStruct", folder),
            ("DeepSDFStruct.flexicubes", folder / "flexicubes"),
        ):
            package = types.ModuleType(name)
            package.__path__ = [str(path)]
            sys.modules[name] = package
    from DeepSDFStruct.flexicubes.flexicubes import FlexiCubes

    return FlexiCubes
