"""Surfaces closed where they reach the cube's wall."""

from __future__ import annotations

import torch
from torch import Tensor

from .block import Block
from .bricks import Bricks, along_axes
from .grid import SIDE, Grid, words


def reaches_wall(grid: Grid) -> bool:
    """Whether a part of the shape lies at the cube's wall."""
    if isinstance(grid, Block):
        values = grid.values[..., : grid.last + 1]
        ends = [values.select(axis, end) for axis in range(3) for end in (0, -1)]
        return any(bool((end < 0).any()) for end in ends)
    assert isinstance(grid, Bricks)
    nodes = along_axes(grid.places)
    x, y, z = (nodes == 0) | (nodes == grid.last)
    wall = x[:, :, None, None] | y[:, None, :, None] | z[:, None, None, :]
    at_wall = words(wall & (grid.values < 0)) & grid.nodes
    return bool(at_wall.any()) or bool(_full_at_wall(grid).any())


def _full_at_wall(grid: Bricks) -> Tensor:
    """Space at the wall that lies inside without a brick, ``(m, m, m)``."""
    wall = torch.ones_like(grid.inside)
    wall[1:-1, 1:-1, 1:-1] = False
    return wall & grid.inside & (grid.table < 0)


def capped(grid: Grid) -> Bricks:
    """The grid with a border of nodes outside around it: all in it is closed.

    The caps lie between the wall and the border: they have to be drawn back onto the wall.
    """
    bricks = Bricks.of(grid, everywhere=True) if isinstance(grid, Block) else grid
    assert isinstance(bricks, Bricks)
    first, last, old = SIDE, SIDE + bricks.last, len(bricks.table)
    size = (last + 1) // SIDE + 1
    inner = (slice(1, 1 + old),) * 3
    # The old bricks, one further along each axis, and space before and after them.
    number = torch.full((old + 2,) * 3, -1, device=bricks.table.device)
    number[inner] = bricks.table
    inside = bricks.inside.new_zeros((old + 2,) * 3)
    inside[inner] = bricks.inside
    active = number >= 0
    active[inner] |= _full_at_wall(bricks)
    number, inside, active = (part[:size, :size, :size] for part in (number, inside, active))

    def source(places: Tensor) -> tuple[Tensor, Tensor]:
        at = places.unbind(dim=1)
        there = number[at] >= 0
        values = torch.where(inside[at], -1.0, 1.0).view(-1, 1, 1, 1).repeat(1, SIDE, SIDE, SIDE)
        values[there] = bricks.values[number[at][there]]
        nodes = along_axes(places)
        x, y, z = (nodes >= first) & (nodes <= last)
        within = x[:, :, None, None] & y[:, None, :, None] & z[:, None, None, :]
        return torch.where(within, values, 1.0), torch.ones_like(within)

    closed = Bricks.at(
        active, inside.contiguous(), source, last + 1, bricks.step, first=first - 1, origin=first
    )
    while closed.grow(closed.crossed()):
        pass
    return closed
