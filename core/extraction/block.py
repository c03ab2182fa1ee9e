"""A whole block of nodes: the layout of coarse grids, and of those evaluated everywhere."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..folded import FoldedDecoder
from .grid import LOWEST, SIDE, TOP, Grid, places, words

# Blocks are evaluated in slabs of about this many nodes.
SLAB_NODES = 1 << 20


@dataclass
class Block(Grid):
    """A grid with ``values`` and ``known`` ``(n, n, m)``, n nodes a side; m is filled up to whole
    words, with nodes that are no part of the grid.
    """

    @staticmethod
    def evaluated(decoder: FoldedDecoder, cells: int, step: float) -> Block:
        """All nodes of a grid of ``cells`` cells a side, evaluated."""
        values = torch.zeros(_shape(cells), device=decoder.device)
        grid = Block(cells, step, values, torch.zeros_like(values, dtype=torch.bool))
        whole = grid.nodes
        thickness = max(1, SLAB_NODES // (cells + 1) ** 2)
        for start in range(0, cells + 1, thickness):
            slab = slice(start, start + thickness)
            flat = places(whole[slab]) + start * values[0].numel()
            values.view(-1)[flat] = grid.sample(decoder, grid.coordinates(flat))
            grid.known.view(-1)[flat] = True
        return grid

    def finer(self, cells: int) -> Block:
        """The grid of twice the resolution, up to ``cells`` a side: values between these, and known
        where they are.
        """
        values, known = self.values[..., : self.last + 1], self.known[..., : self.last + 1]
        between = values
        for axis in range(3):
            between = _doubled(between, axis)
        grid = Block(
            cells,
            self.step / 2,
            self.values.new_zeros(_shape(cells)),
            self.known.new_zeros(_shape(cells)),
            level=self.level,
        )
        size = cells + 1
        grid.values[..., :size] = between[:size, :size, :size]
        half = cells // 2 + 1
        grid.known[::2, ::2, : 2 * half : 2] = known[:half, :half, :half]
        return grid

    def nodes_up_to(self, *last: int) -> Tensor:
        nodes = (torch.arange(size, device=self.values.device) for size in self.values.shape)
        x, y, z = (axis <= end for axis, end in zip(nodes, last, strict=True))
        return torch.where(x[:, None, None] & y[:, None], words(z), 0)

    def padded_signs(self) -> tuple[Tensor, Tensor]:
        own = torch.nn.functional.pad(words(self.values < 0), (0, 1, 0, 1, 0, 1))
        return own[..., :-1], own[..., :-1] >> SIDE | own[..., 1:] << TOP

    def before(self, bits: Tensor) -> tuple[Tensor, Tensor]:
        own = torch.nn.functional.pad(bits, (1, 0, 1, 0, 1, 0))
        return own[..., 1:], own[..., 1:] << SIDE | own[..., :-1] >> TOP & LOWEST

    def grow(self, crossed: Tensor) -> bool:
        return False

    def coordinates(self, flat: Tensor) -> Tensor:
        _, rows, columns = self.values.shape
        row = flat.div(columns, rounding_mode="floor")
        x = row.div(rows, rounding_mode="floor")
        return torch.stack([x, row - x * rows, flat - row * columns], dim=1)

    def find(self, nodes: Tensor) -> tuple[Tensor, Tensor]:
        flat = self._flat(nodes)
        return flat, torch.zeros_like(flat, dtype=torch.bool)

    def beside(self, flat: Tensor, steps: Tensor) -> Tensor:
        return flat[:, None] + self._flat(steps)

    def _flat(self, nodes: Tensor) -> Tensor:
        _, rows, columns = self.values.shape
        x, y, z = nodes.unbind(dim=1)
        return (x * rows + y) * columns + z


def _doubled(values: Tensor, axis: int) -> Tensor:
    """Values and those halfway between them along an axis.

    Signs are right wherever no crossed cell is near: means of one sign keep it.
    """
    size = values.shape[axis]
    shape = [2 * size - 1 if a == axis else n for a, n in enumerate(values.shape)]
    finer = values.new_empty(shape)
    before = (slice(None),) * axis
    finer[(*before, slice(0, None, 2))] = values
    odd = finer[(*before, slice(1, None, 2))]
    torch.add(values.narrow(axis, 0, size - 1), values.narrow(axis, 1, size - 1), out=odd)
    odd *= 0.5
    return finer


def _shape(cells: int) -> tuple[int, int, int]:
    size = cells + 1
    return size, size, -(-size // SIDE) * SIDE
