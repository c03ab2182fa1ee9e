"""Grids that keep nodes only where the surface is, in bricks of 8 x 8 x 8.

Every node belongs to one brick, so nothing is kept twice. Of the space without bricks only the side
is known. A cell belongs to the brick of its first node, so its other corners may lie in the bricks
beyond. What a grid takes grows with the surface.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product

import torch
from torch import Tensor

from .block import Block
from .grid import BITS, LOWEST, ONES, SIDE, TOP, Grid, integers, words

NODES = SIDE**3
# A brick's own nodes, and one more on its far sides.
PADDED = SIDE + 1
# A brick itself and those beyond: over three faces, three edges and a corner.
AROUND = list(product((0, 1), repeat=3))
STEPS = torch.tensor(AROUND)
# The size of values in space without a brick.
FAR = 1e9

# Takes places (K, 3) to the values of new bricks there and which of them are known, (K, 8, 8, 8).
Source = Callable[[Tensor], tuple[Tensor, Tensor]]


@dataclass
class Bricks(Grid):
    """A grid of K bricks, ``values`` and ``known`` ``(K, 8, 8, 8)``.

    ``table`` ``(m, m, m)`` has each brick's number, or -1; ``inside`` ``(m, m, m)`` tells on which
    side space without a brick lies; ``places`` ``(K, 3)`` are the bricks' own coordinates, in
    order. ``source`` says what new bricks begin with.
    """

    table: Tensor
    inside: Tensor
    places: Tensor
    source: Source | None = None
    # For each of AROUND ``(K, 8)``: the brick a step on, and a step back. Space without a brick is
    # K where it lies outside, and K + 1 inside.
    onward: Tensor = field(init=False)
    back: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self._look_around()

    @staticmethod
    def at(
        active: Tensor,
        inside: Tensor,
        source: Source,
        last: int,
        step: float,
        *,
        first: int = 0,
        origin: int = 0,
    ) -> Bricks:
        """A grid with bricks where ``active`` ``(m, m, m)``, begun by ``source``."""
        places = active.nonzero()
        values, known = source(places)
        rest = _numbered(active), inside, places, source
        return Bricks(last, step, values, known, *rest, first=first, origin=origin)

    @staticmethod
    def of(block: Block, *, everywhere: bool) -> Bricks:
        """The same grid in bricks: ``everywhere``, or where a crossed cell has a corner."""
        size = block.last // SIDE + 1

        def cut(nodes: Tensor) -> Tensor:
            missing = [size * SIDE - n for n in reversed(nodes.shape)]
            nodes = torch.nn.functional.pad(nodes, [n for lack in missing for n in (0, lack)])
            return nodes.view(size, SIDE, size, SIDE, size, SIDE).permute(0, 2, 4, 1, 3, 5)

        values, known = cut(block.values), cut(block.known)
        inside = values[:, :, :, 0, 0, 0] < 0
        active = torch.ones_like(inside)
        if not everywhere:
            touched = block.at_corners(block.crossed() * LOWEST)
            parts = cut(touched.view(torch.uint8).view(block.known.shape))
            active = parts.amax(dim=(3, 4, 5)).bool()
        values, known = values[active], known[active]
        rest = _numbered(active), inside, active.nonzero(), None
        bricks = Bricks(block.last, block.step, values, known, *rest)
        bricks.level = block.level
        return bricks

    def _add(self, places: Tensor) -> None:
        """Bricks at ``places`` ``(N, 3)``, of which some may be there already."""
        assert self.source is not None
        active = self.table >= 0
        active[places.unbind(dim=1)] = True
        new = (active & (self.table < 0)).nonzero()
        if not len(new):
            return
        values, known = self.source(new)
        every = torch.cat([self.places, new])
        order = flat_of(every, len(active)).argsort()
        self.places = every[order]
        self.values = torch.cat([self.values, values])[order]
        self.known = torch.cat([self.known, known])[order]
        self.table = _numbered(active)
        self._look_around()

    def _look_around(self) -> None:
        """Space beyond the first and last bricks is no part of the grid, whatever its side."""
        size, count = len(self.table) + 2, len(self.places)
        numbers = torch.where(self.table < 0, count + self.inside, self.table).int()
        numbers = torch.nn.functional.pad(numbers, (1, 1) * 3, value=count).reshape(-1)
        own = flat_of(self.places + 1, size)[:, None]
        step = flat_of(STEPS, size).to(own.device)
        self.onward, self.back = numbers[own + step], numbers[own - step]
        self._among.clear()
        self.changed()

    def nodes_up_to(self, *last: int) -> Tensor:
        x, y, z = (
            (node >= self.first) & (node <= end)
            for node, end in zip(along_axes(self.places), last, strict=True)
        )
        row = words(z)[:, None, None]
        return torch.where((x[:, :, None] & y[:, None, :])[..., None], row, 0)

    def padded_signs(self) -> tuple[Tensor, Tensor]:
        own = words(self.values < 0).squeeze(3)
        here, beyond = self._seen(own, self.onward, inside=ONES, forwards=True)
        return here, here >> SIDE | beyond << TOP

    def before(self, bits: Tensor) -> tuple[Tensor, Tensor]:
        here, behind = self._seen(bits.squeeze(3), self.back, inside=0, forwards=False)
        return here, here << SIDE | behind >> TOP & LOWEST

    def _seen(
        self, own: Tensor, numbers: Tensor, *, inside: int, forwards: bool
    ) -> tuple[Tensor, Tensor]:
        """Words ``(K, 8, 8)`` with those of the bricks one step ahead along x and y, and the same
        of those one step ahead along z: ``(K, 9, 9, 1)``. Without a brick, ``inside`` is seen in
        space that lies there, and 0 elsewhere.
        """
        space = own.new_tensor([0, inside]).view(-1, 1, 1).expand(-1, SIDE, SIDE)
        own = torch.cat([own, space])
        seen = own.new_empty(2, len(numbers), PADDED, PADDED)
        along = slice(SIDE) if forwards else slice(1, None)
        end, begin = (SIDE, 0) if forwards else (0, SIDE - 1)
        for place, (i, j, k) in enumerate(AROUND):
            near = own[:, begin] if i else own
            near = near[..., begin] if j else near
            there = near.index_select(0, numbers[:, place])
            seen[k, :, end if i else along, end if j else along] = there
        return seen[0].unsqueeze(3), seen[1].unsqueeze(3)

    def grow(self, crossed: Tensor) -> bool:
        """A cell's own brick may be missing where its corners beyond turned out to lie elsewhere
        than space there was thought to.
        """
        inside, last = words(self.values < 0).squeeze(3), len(self.table) - 1
        count = len(self.places)
        beyond = _anywhere(crossed.squeeze(3), at=SIDE - 1) & (self.onward >= count)
        # Or backwards: space whose cells have their far corners here.
        other = _anywhere(inside ^ ONES, at=0)
        other = torch.where(self.back > count, other, _anywhere(inside, at=0))
        found = []
        for hit, sign in ((beyond, 1), (other & (self.back >= count), -1)):
            brick, way = hit.nonzero().unbind(dim=1)
            there = self.places[brick] + sign * STEPS.to(way.device)[way]
            found.append(there[((there >= 0) & (there <= last)).all(dim=1)])
        missing = torch.cat(found)
        if not len(missing):
            return False
        self._add(missing)
        return True

    def coordinates(self, flat: Tensor) -> Tensor:
        within = _INNER.to(flat.device).index_select(0, flat & NODES - 1)
        return within.add_((self.places << BITS).index_select(0, flat >> 3 * BITS))

    def find(self, nodes: Tensor) -> tuple[Tensor, Tensor]:
        place = flat_of(nodes >> BITS, len(self.table))
        brick = self.table.reshape(-1)[place]
        flat = (brick << 3 * BITS) + flat_of(nodes & SIDE - 1, SIDE)
        return torch.where(brick >= 0, flat, -1), self.inside.reshape(-1)[place]

    def beside(self, flat: Tensor, steps: Tensor) -> Tensor:
        way = flat_of(steps, 2)
        onward = _ONWARD.to(flat.device).index_select(1, way).index_select(0, flat & NODES - 1)
        own = (flat >> 3 * BITS).int()[:, None] * len(AROUND)
        brick = (onward >> 3 * BITS).add_(own)
        number = self.onward.view(-1).index_select(0, brick.view(-1)).view(brick.shape)
        number = number.to(integers((len(self.places) + 2) * NODES))
        return number.bitwise_left_shift_(3 * BITS).add_(onward.bitwise_and_(NODES - 1))


def _anywhere(nodes: Tensor, *, at: int) -> Tensor:
    """For each of AROUND, whether any of ``nodes``, words of 0 and 1, is set that lies ``at`` a
    place along the axes that it steps along: ``(K, 8)``.
    """
    x = torch.stack([_union(nodes), nodes[:, at]], dim=1)
    y = torch.stack([_union(x.transpose(1, 2)), x[:, :, at]], dim=2).flatten(1)
    return torch.stack([y != 0, y >> 8 * at & LOWEST != 0], dim=2).flatten(1)


def _union(nodes: Tensor) -> Tensor:
    """What is set in any of eight words along axis 1."""
    while nodes.shape[1] > 1:
        half = nodes.shape[1] // 2
        nodes = nodes[:, :half] | nodes[:, half:]
    return nodes[:, 0]


def along_axes(places: Tensor) -> Tensor:
    """The coordinates along each axis ``(3, K, 8)`` of the nodes of bricks at ``(K, 3)``."""
    return (places.t().unsqueeze(2) << BITS) + torch.arange(SIDE, device=places.device)


def _numbered(active: Tensor) -> Tensor:
    """Numbers in order where ``active``, -1 elsewhere."""
    number = active.reshape(-1).cumsum(0).view(active.shape) - 1
    return torch.where(active, number, -1)


def flat_of(places: Tensor, size: int) -> Tensor:
    """Where places ``(N, 3)`` stand in a cube ``size`` a side."""
    i, j, k = places.unbind(dim=1)
    return (i * size + j) * size + k


_INNER = torch.cartesian_prod(*[torch.arange(SIDE)] * 3)
_REACHED = (_INNER[:, None] + STEPS).view(-1, 3)
# For each node of a brick and each of AROUND, ``(512, 8)``: where the node lies that is such a step
# on, if AROUND were the grid's bricks. In 32 bits, like all that is looked up for every cell: fresh
# memory is most of what that takes.
_ONWARD = flat_of(_REACHED >> BITS, 2) << 3 * BITS | flat_of(_REACHED & SIDE - 1, SIDE)
_ONWARD = _ONWARD.view(NODES, len(AROUND)).int()
