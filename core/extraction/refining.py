"""Grids from coarse to fine, evaluated only at the nodes that marching cubes will read.

The field is evaluated on a coarse grid, then on grids of twice the resolution, each only where the
grid before leaves a sign open. The rest is filled with values of the right sign.

Why the mesh is the dense grid's, and what could differ. After every level the evaluated set is
*closed*: the ends of every edge that the surface crosses are evaluated, and all corners of cells
whose sides can be joined in several ways (:func:`close`). Marching cubes reads nothing else, so
every piece of surface that is found at all comes out exactly as from a dense grid. What can be
missed is a part that shows at no evaluated node: one smaller than two cells, beside the surface or
on its own. Three things guard against it: the band of nodes near to zero, the search for hidden
minima of |f| (:func:`hidden_minima`), and at the end a sample of the nodes that were filled, near
the surface and everywhere (:func:`_is_right`). One wrong sign there and all nodes near the surface
are evaluated; another one, and the whole grid is.
"""

from __future__ import annotations

from itertools import product
from math import ceil, gcd

import torch
from torch import Tensor

from .. import thin
from ..folded import FoldedDecoder
from .block import Block
from .bricks import Bricks
from .grid import CORNER_STEPS, LOWEST, Grid, places, words
from .halving import finer

# The first grid has at least this many cells a side, and fewer than twice as many.
COARSEST = 16
# Half width of the band of nodes whose sign is open, in cells of the grid that is being made, for
# a field of slope 1. Coarse grids see little and cost little: there the band is wider.
BAND_CELLS = 0.75
WIDE_BAND_CELLS, WIDE_BAND_UP_TO = 1.5, 32
# Mean of |n_x| + |n_y| + |n_z| over all directions: what a unit slope rises across a unit cell.
MEAN_CELL_RISE = 1.5
# The slope is a median: so many cells tell it.
SLOPE_CELLS = 4_096
# One evaluation in about this many is spent again, on checking nodes that were filled.
AUDIT_SHARE = 20
# Where the audit fails, nodes whose filled value says that they lie within so many cells of the
# surface are evaluated; and grids of up to so many cells a side are evaluated whole.
CLOSE_CELLS, WHOLE_UP_TO = 2.0, 256
# Grids of up to so many cells a side are kept whole: bricks are more to keep account of.
BLOCK_UP_TO = 64


def dense(decoder: FoldedDecoder, resolution: int, *, way: float = 0.0) -> Grid:
    """Every node evaluated: the reference. ``way`` as in :func:`_raise`."""
    block = Block.evaluated(decoder, resolution, 2.0 / resolution)
    _raise(block, way)
    grid = Bricks.of(block, everywhere=False) if resolution > BLOCK_UP_TO else block
    grid.dense = True
    return grid


def coarse_to_fine(decoder: FoldedDecoder, resolution: int, *, way: float = 0.0) -> Grid:
    """Nested grids down to ``resolution``, audited; the dense grid where the audit fails."""
    halvings = 0
    while ceil(resolution / 2 ** (halvings + 1)) >= COARSEST:
        halvings += 1
    if not halvings:
        return dense(decoder, resolution, way=way)
    # Resolutions that do not halve evenly get coarse grids that reach a little beyond the cube.
    grid = _from_base(decoder, resolution, halvings, way=way)
    if _is_right(decoder, grid):
        return grid
    _look_closer(decoder, grid)
    if _is_right(decoder, grid):
        return grid
    # Whole grids as large as this fit into memory; a larger one begins with one of them.
    halvings = 0
    while ceil(resolution / 2**halvings) > WHOLE_UP_TO:
        halvings += 1
    if halvings:
        return _from_base(decoder, resolution, halvings, way=way)
    return dense(decoder, resolution, way=way)


def _from_base(decoder: FoldedDecoder, resolution: int, halvings: int, *, way: float) -> Grid:
    """The grid, from one that is coarser by so many halvings and evaluated everywhere."""
    cells = ceil(resolution / 2**halvings)
    grid: Grid = Block.evaluated(decoder, cells, 2.0 / resolution * 2**halvings)
    _raise(grid, way)
    for halving in reversed(range(halvings)):
        grid = _refined(decoder, grid, ceil(resolution / 2**halving))
        if not grid.level:  # a grid before saw no surface to raise
            _raise(grid, way)
            close(decoder, grid)
    return grid


def _raise(grid: Grid, way: float) -> None:
    """Take off what the field rises within ``way`` of the surface, if one is seen."""
    if way and bool((crossed := grid.crossed()).any()):
        grid.level = way * _slope(grid, crossed, share=thin.STEEP_SHARE)
        grid.values -= grid.level
        grid.changed()


def _refined(decoder: FoldedDecoder, coarse: Grid, cells: int) -> Grid:
    """The grid of twice the resolution: interpolated, evaluated near the surface, closed."""
    if isinstance(coarse, Block) and cells > BLOCK_UP_TO:
        coarse = Bricks.of(coarse, everywhere=True)
    crossed = coarse.crossed()
    off = coarse.nodes & ~coarse.at_corners(crossed * LOWEST)
    slope = _slope(coarse, crossed)
    width = WIDE_BAND_CELLS if cells <= WIDE_BAND_UP_TO else BAND_CELLS
    reach = width * coarse.step / 2 * slope
    hidden = hidden_minima(coarse, off, reach=coarse.step * slope)
    hidden = hidden[(hidden <= cells).all(dim=1)]
    if isinstance(coarse, Block):
        grid: Grid = coarse.finer(cells)
    else:
        assert isinstance(coarse, Bricks)
        near = words(coarse.values.abs() < reach) & off
        grid = finer(coarse, cells, crossed, 2 * coarse.coordinates(places(near)), hidden)
    near_zero = grid.values.abs() < reach
    near_zero.view(-1)[grid.find(hidden)[0]] = True
    near_zero &= ~grid.known
    grid.evaluate(decoder, words(near_zero) & grid.nodes)
    close(decoder, grid)
    return grid


def _slope(grid: Grid, crossed: Tensor, *, share: float = 0.5) -> float:
    """How fast the field changes, per unit length: the median over ``crossed`` cells, words of 0
    and 1, or over all.

    ``share`` of them change more slowly.

    Models differ: |grad f| near the surface is 0.03 in one public file and 2 in another.
    """
    flat = places(crossed if bool(crossed.any()) else grid.cells)
    flat = flat[:: max(1, len(flat) // SLOPE_CELLS)]
    corners, values = grid.beside(flat, flat.new_tensor(CORNER_STEPS)), grid.values.view(-1)
    corners = corners[(corners < len(values)).all(dim=1)]
    if not len(corners):  # no brick anywhere, or none with a whole cell
        return 0.0
    corners = values[corners]
    rise = corners.amax(dim=1) - corners.amin(dim=1)
    middle = rise.median() if share == 0.5 else rise.quantile(share)
    return float(middle) / (MEAN_CELL_RISE * grid.step)


def hidden_minima(grid: Grid, off: Tensor, *, reach: float) -> Tensor:
    """Nodes ``(N, 3)`` of the grid of twice the resolution around a local minimum of |f| that lies
    off the surface. ``off`` tells which nodes no crossed cell touches, words of 0 and 1.

    The magnitude of a distance has local minima on its surface only, so one at a node that no
    crossed cell touches is the trace of a part that is smaller than a cell.
    """
    size = grid.values.abs()
    flat, size = places(words(size < reach) & off), size.view(-1)
    nodes, least = grid.coordinates(flat), size[flat]
    rises = torch.zeros_like(least, dtype=torch.bool)
    for axis, way in product(range(3), (-1, 1)):
        beside = nodes.clone()
        beside[:, axis] = (beside[:, axis] + way).clamp(0, grid.last)
        place = grid.find(beside)[0]
        there = torch.where(place >= 0, size[place.clamp_min(0)], torch.inf)
        there = torch.where(beside[:, axis] == nodes[:, axis], torch.inf, there)  # the wall
        stays = least <= there
        if not bool(stays.any()):
            return nodes[:0]
        nodes, least, rises = nodes[stays], least[stays], (rises | (least < there))[stays]
    along = torch.arange(-2, 3, device=nodes.device)
    around = torch.cartesian_prod(along, along, along)
    found = (2 * nodes[rises][:, None] + around).reshape(-1, 3)
    return found[(found >= 0).all(dim=1)]


def close(decoder: FoldedDecoder, grid: Grid) -> None:
    """Evaluate until all is known that marching cubes reads."""
    while True:
        while grid.grow(grid.crossed()):
            pass
        # What is read follows from the signs.
        if not grid.evaluate(decoder, grid.read() & ~words(grid.known)):
            return


def _filled_near(grid: Grid) -> Tensor:
    """The nodes that were filled and may lie within ``CLOSE_CELLS`` of the surface, as words."""
    near = grid.values.abs() < CLOSE_CELLS * grid.step * _slope(grid, grid.crossed())
    return words(near & ~grid.known) & grid.nodes


def _look_closer(decoder: FoldedDecoder, grid: Grid) -> None:
    """Evaluate what was filled near the surface, and what that shows."""
    grid.evaluate(decoder, _filled_near(grid))
    close(decoder, grid)


def _is_right(decoder: FoldedDecoder, grid: Grid) -> bool:
    """Whether a sample of the filled nodes has the signs that it was given.

    One half is spread evenly, the other among nodes near the surface, where errors are likely.
    """
    nodes, share = grid.last + 1, 2 * AUDIT_SHARE
    stride = max(1, nodes**3 * share // decoder.evaluations)
    while gcd(stride, nodes) != 1:  # else the sample keeps to a few planes
        stride += 1
    flat = torch.arange(0, nodes**3, stride, device=grid.values.device)
    spread = torch.stack([flat // nodes**2, flat // nodes % nodes, flat % nodes], dim=1)
    near = places(_filled_near(grid))
    near = grid.coordinates(near[:: max(1, len(near) * share // decoder.evaluations)])
    sample = torch.cat([spread, near])
    place, inside = grid.find(sample)
    kept = place >= 0
    there = place[kept]
    inside[kept] = grid.values.view(-1)[there] < 0
    filled = torch.ones_like(kept)
    filled[kept] = ~grid.known.view(-1)[there]
    truth = grid.sample(decoder, sample[filled]) < 0
    return bool((truth == inside[filled]).all())
