"""Meshes from decoders: the dense grid of DeepSDF and MeshSDF, FlexiCubes, and ours.

All use this project's decoder, folded and in chunks, on as many threads: what differs is which
points are evaluated and what makes a mesh of them. FlexiCubes is that of DeepSDFStruct, on the
dense grid that it asks for, without weights to optimise. The limit is the time of our evaluations'
products at the rate that this machine multiplies matrices of the decoder's width.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import TypeVar

import torch
from skimage.measure import marching_cubes
from torch import Tensor

from core.decoder import Architecture, Decoder
from core.extraction import extract
from core.folded import CHUNK_POINTS
from core.loading import load_space
from core.space import Space

ROOT = Path(__file__).resolve().parents[2]
T = TypeVar("T")
PUBLISHED = "8x512 sphere"
# Larger dense grids are not run: minutes each. FlexiCubes took 13 s at 64 cells.
MOST_DENSE, MOST_FLEXICUBES = 129**3, 65**3
HEAD = (
    *("decoder", "cells", "dense grid + scikit-image, s", "FlexiCubes, s", "ours, s"),
    *("evaluations: dense", "ours", "limit, s", "ours / limit"),
)


def table(cells: list[int], checkpoints: list[Path], packages: Path) -> Iterator[tuple[str, ...]]:
    """Rows for every decoder and number of cells."""
    for name, space in spaces(checkpoints):
        code = space.mean_code if len(space.codes) != 2 else space.codes[0]
        width = max(space.decoder.architecture.widths)
        rate = product_rate(width)
        for count in cells:
            yield row(name, space, code, count, rate=rate, packages=packages)


def spaces(checkpoints: list[Path]) -> Iterator[tuple[str, Space]]:
    """The built-in ones, what was asked for, and a decoder of the published models' size."""
    for path in sorted((ROOT / "spaces").glob("*.safetensors")):
        yield path.stem, load_space(path)
    for path in checkpoints:
        yield path.name, load_space(path, up="Z")
    yield PUBLISHED, published_size()


def published_size() -> Space:
    """DeepSDF's network (8 layers of 512, codes of 256, a skip) as a sphere of radius 0.5.

    Random weights, fitted to it by a few steps: what is measured is the arithmetic of that size, on
    a surface of known size.
    """
    form = Architecture(256, (512, 512, 512, 253, 512, 512, 512, 512), skips=(4,), tanh_out=False)
    decoder = Decoder(form, generator=torch.Generator().manual_seed(0)).requires_grad_(True)
    optimiser = torch.optim.Adam(decoder.parameters(), lr=3e-4)
    generator = torch.Generator().manual_seed(1)
    code = torch.zeros(256)
    for _ in range(80):
        points = 2 * torch.rand(2048, 3, generator=generator) - 1
        near = torch.nn.functional.normalize(points[::2], dim=1)
        points[::2] = near * (0.5 + 0.1 * torch.randn(len(near), 1, generator=generator))
        loss = (decoder(code, points) - (points.norm(dim=1) - 0.5)).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return Space(PUBLISHED, decoder.requires_grad_(False).eval(), code[None])


def product_rate(width: int) -> float:
    """Floating-point operations a second of products of a chunk's activations and a layer."""
    left, right = torch.randn(CHUNK_POINTS, width), torch.randn(width, width)
    bias, best = torch.randn(width), 0.0
    for _ in range(7):
        start, rounds = perf_counter(), 40
        for _ in range(rounds):
            torch.addmm(bias, left, right)
        best = max(best, rounds * 2 * CHUNK_POINTS * width**2 / (perf_counter() - start))
    return best


def row(
    name: str, space: Space, code: Tensor, cells: int, *, rate: float, packages: Path
) -> tuple[str, ...]:
    """Seconds of one decoder at one number of cells."""
    nodes = (cells + 1) ** 3
    mesh, ours = timed(lambda: extract(space, code, cells))
    dense = timed(lambda: dense_grid(space, code, cells))[1] if nodes <= MOST_DENSE else None
    cubes = None
    if nodes <= MOST_FLEXICUBES:
        cubes = timed(lambda: flexicubes(space, code, cells, packages))[1]
    limit = mesh.evaluations * space.decoder.architecture.flops / rate
    return (
        *(name, str(cells), seconds(dense), seconds(cubes), seconds(ours)),
        *(f"{nodes:,}", f"{mesh.evaluations:,}", seconds(limit), f"{ours / limit:.1f}"),
    )


def seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def timed(work: Callable[[], T], *, enough: float = 1.0) -> tuple[T, float]:
    """The result, and the least seconds of as many runs as fit into ``enough``; one at least."""
    least, spent = float("inf"), 0.0
    while True:
        start = perf_counter()
        result = work()
        took = perf_counter() - start
        least, spent = min(least, took), spent + took
        if spent >= enough:
            return result, least


def nodes_of(cells: int) -> Tensor:
    axis = torch.linspace(-1.0, 1.0, cells + 1)
    return torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1).reshape(-1, 3)


def dense_grid(space: Space, code: Tensor, cells: int) -> None:
    values = space.fold(code).evaluate(nodes_of(cells)).view((cells + 1,) * 3)
    marching_cubes(values.numpy(), 0.0)


def flexicubes(space: Space, code: Tensor, cells: int, packages: Path) -> None:
    """Grid, values and mesh, as DeepSDFStruct's ``create_3D_mesh`` asks for them."""
    maker = _flexicubes_class(packages)(device="cpu")
    bounds = torch.tensor([[-1.0] * 3, [1.0] * 3])
    points, cubes = maker.construct_voxel_grid(resolution=(cells,) * 3, bounds=bounds)
    values = space.fold(code).evaluate(points)
    maker(voxelgrid_vertices=points, scalar_field=values, cube_idx=cubes, resolution=(cells,) * 3)


def _flexicubes_class(packages: Path) -> type:
    """The class alone: its package's own start imports what this needs nothing of."""
    if "DeepSDFStruct.flexicubes.flexicubes" not in sys.modules:
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
