"""From a grid in bricks to the one of twice the resolution: an eighth of a brick makes a brick."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from .bricks import AROUND, FAR, NODES, STEPS, Bricks, Source, flat_of
from .grid import BITS, SIDE


def finer(coarse: Bricks, cells: int, crossed: Tensor, near: Tensor, others: Tensor) -> Bricks:
    """The grid of twice the resolution, up to ``cells`` a side: values between these, and known
    where they are. Bricks are where cells of ``coarse`` are ``crossed``, words of 0 and 1, around
    finer nodes ``near`` ``(N, 3)``, and at ``others`` ``(M, 3)``; :meth:`Bricks.grow` adds those
    beside that turn out to be needed.
    """
    active = coarse.inside.new_zeros((cells // SIDE + 1,) * 3)
    half = SIDE // 2
    low, high = crossed & (1 << 8 * half) - 1, crossed >> 8 * half
    halves = torch.stack([low, high], dim=3).view(-1, 2, half, 2, half, 2)
    found = (halves != 0).any(dim=4).any(dim=2).nonzero()
    marked = [nodes.clamp_min(0) >> BITS for nodes in (near - 1, near + 1, others)]
    for places in (2 * coarse.places[found[:, 0]] + found[:, 1:], *marked):
        there = (places < len(active)).all(dim=1)
        active[places[there].unbind(dim=1)] = True
    sides, source = _sides(coarse, len(active)), _between(coarse)
    grid = Bricks.at(active, sides, source, cells, coarse.step / 2)
    grid.level = coarse.level
    return grid


def _sides(coarse: Bricks, size: int) -> Tensor:
    """On which side each finer brick lies where the surface does not cross it."""
    inside = coarse.inside
    for axis in range(3):
        inside = inside.repeat_interleave(2, dim=axis)
    for octant in AROUND:
        x, y, z = (SIDE // 2 * way for way in octant)
        own = coarse.values[:, x, y, z] < 0
        inside[(2 * coarse.places + coarse.places.new_tensor(octant)).unbind(dim=1)] = own
    return inside[:size, :size, :size].contiguous()


def _between(coarse: Bricks) -> Source:
    """What finer bricks begin with: values between those of the coarse grid's, by one product."""
    # Space without a brick as two bricks more, see Bricks.onward.
    space = coarse.values.new_tensor([FAR, -FAR]).view(-1, 1, 1, 1).expand(-1, *[SIDE] * 3)
    values = torch.cat([coarse.values, space]).view(-1)
    flags = torch.cat([coarse.known, torch.zeros_like(space, dtype=torch.bool)]).view(-1)
    which, place, weights = (part.to(values.device) for part in _octants())

    def source(places: Tensor) -> tuple[Tensor, Tensor]:
        parent, octant = (places >> 1).unbind(dim=1), flat_of(places & 1, 2)
        number = coarse.table[parent][:, None]
        around = coarse.onward.index_select(0, number[:, 0].clamp_min(0))
        lonely = len(coarse.places) + coarse.inside[parent][:, None]
        around = torch.where(number < 0, lonely, around) << 3 * BITS
        index = around.gather(1, which[octant]).add_(place[octant])
        seen = values.index_select(0, index.view(-1)).view(index.shape)
        between = (seen @ weights).view(-1, SIDE, SIDE, SIDE)
        half, size = SIDE // 2, SIDE // 2 + 1
        own = index.view(-1, size, size, size)[:, :half, :half, :half]
        known = coarse.known.new_zeros((len(places), SIDE, SIDE, SIDE))
        known[:, ::2, ::2, ::2] = flags.index_select(0, own.reshape(-1)).view(own.shape)
        return between, known

    return source


@cache
def _octants() -> tuple[Tensor, Tensor, Tensor]:
    """Of the 5 x 5 x 5 nodes that bound each eighth of a brick: which of AROUND they are in, and
    where there, ``(8, 125)``; and the weights ``(125, 512)`` that make a finer brick of them.
    """
    half = SIDE // 2
    along = torch.arange(half + 1)
    nodes = torch.cartesian_prod(along, along, along) + half * STEPS[:, None]
    places = flat_of((nodes >> BITS).view(-1, 3), 2), flat_of((nodes & SIDE - 1).view(-1, 3), SIDE)
    finer_node = torch.arange(SIDE)[:, None]
    weights = (1 - (finer_node / 2 - along).abs()).clamp_min(0.0)  # a hat on each node
    product_ = torch.einsum("ai,bj,ck->ijkabc", weights, weights, weights)
    which, place = (part.view(len(AROUND), -1) for part in places)
    return which, place, product_.reshape(which.shape[1], NODES).contiguous()
