"""Values at the nodes of a grid: what is known of them, and what they say of the cells between.

What is asked of every node or cell is one byte, and eight along z make a word of 64 bits, the first
in its lowest byte: so eight are looked at in one step. Two layouts share this: a whole block of
nodes (:mod:`core.extraction.block`), and bricks where the surface is
(:mod:`core.extraction.bricks`). Nodes are ``(N, 3)`` int64, x first; ``flat`` places ``(N,)`` are
theirs among all values.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..errors import SpaceError
from ..folded import FoldedDecoder
from .cases import CORNERS

# Bytes of a word, and how many bits count them: shifts and masks stand for division by it.
SIDE, BITS = 8, 3
# Words whose bytes are all 1, and whose lowest is full; where the highest byte begins.
ONES, LOWEST, TOP = 0x0101010101010101, 0xFF, 8 * (SIDE - 1)
END_OF_32_BITS = 2**31
# Where a cell's corners are, seen from its first: corner c has the bits of its steps.
CORNER_STEPS = [(corner & 1, corner >> 1 & 1, corner >> 2) for corner in range(CORNERS)]


def integers(end: int) -> torch.dtype:
    """The type of numbers below ``end``: 32 bits, which take half the memory, where they will do.

    The trap: torch does not say so where numbers grow beyond their type.
    """
    return torch.int32 if end <= END_OF_32_BITS else torch.int64


def words(mask: Tensor) -> Tensor:
    """A bool or byte for each node ``(..., 8 n)`` as words ``(..., n)``."""
    return mask.view(torch.int64)


def places(word: Tensor) -> Tensor:
    """Where the bytes of words are not 0: ``flat`` places, in order."""
    some = word.reshape(-1)
    which = some.nonzero().squeeze(1)
    # Most words are 0.
    place = some.index_select(0, which).view(torch.bool).nonzero().squeeze(1)
    return (which * SIDE).index_select(0, place >> BITS).add_(place & SIDE - 1)


@dataclass
class Grid(ABC):
    """Nodes ``first`` to ``last`` along each axis, ``step`` apart; ``origin`` lies at -1.

    ``values`` and ``known`` belong to the nodes. What is not known was filled in: a value of the
    right sign. ``level`` was taken off all values.
    """

    last: int
    step: float
    values: Tensor
    known: Tensor
    first: int = field(default=0, kw_only=True)
    origin: int = field(default=0, kw_only=True)
    level: float = field(default=0.0, kw_only=True)
    dense: bool = field(default=False, kw_only=True)
    _cases: Tensor | None = field(default=None, init=False)
    _crossed: Tensor | None = field(default=None, init=False)
    _among: dict[tuple[int, ...], Tensor] = field(default_factory=dict, init=False)

    @abstractmethod
    def nodes_up_to(self, *last: int) -> Tensor:
        """:meth:`among`, found out."""

    @abstractmethod
    def padded_signs(self) -> tuple[Tensor, Tensor]:
        """Which nodes lie inside, and which of those one further along z: words of 0 and 1, with
        one node more along x and along y.
        """

    @abstractmethod
    def before(self, bits: Tensor) -> tuple[Tensor, Tensor]:
        """What words say of cells, and of those one before along z, with one cell more in front
        along x and along y.
        """

    @abstractmethod
    def grow(self, crossed: Tensor) -> bool:
        """Keep all corners of ``crossed`` cells, words of 0 and 1; whether any was not kept."""

    @abstractmethod
    def coordinates(self, flat: Tensor) -> Tensor:
        """The nodes at ``flat`` places."""

    @abstractmethod
    def find(self, nodes: Tensor) -> tuple[Tensor, Tensor]:
        """The places of nodes, -1 where none is kept; and on which side that is, if so."""

    @abstractmethod
    def beside(self, flat: Tensor, steps: Tensor) -> Tensor:
        """The places ``(N, S)`` of the nodes at ``steps`` ``(S, 3)``, of 0 and 1, from those
        at ``flat``; beyond all of them where one is not kept.
        """

    def cases(self) -> Tensor:
        """Which corners of each node's cell lie inside: bytes in words, a bit for each corner.

        Whether the grid has that cell is not asked.
        """
        if self._cases is None:
            here, above = self.padded_signs()
            along_z = here | above << 4
            along_y = along_z[..., :-1, :] | along_z[..., 1:, :] << 2
            self._cases = along_y[..., :-1, :, :] | along_y[..., 1:, :, :] << 1
        return self._cases

    def among(self, *last: int) -> Tensor:
        """The nodes of the grid that are at most at ``last`` x, y, z: words of 0 and 1."""
        if last not in self._among:
            self._among[last] = self.nodes_up_to(*last)
        return self._among[last]

    def changed(self) -> None:
        """Forget what was found out from the values."""
        self._cases = self._crossed = None

    @property
    def nodes(self) -> Tensor:
        """All nodes of the grid, words of 0 and 1."""
        return self.among(*[self.last] * 3)

    @property
    def cells(self) -> Tensor:
        """The first nodes of the grid's cells, words of 0 and 1."""
        return self.among(*[self.last - 1] * 3)

    def crossed(self) -> Tensor:
        """The cells that have corners on both sides, words of 0 and 1."""
        if self._crossed is None:
            # Bytes 0 and 255 become 1 and 0, all others are more. To compare them takes longer.
            more = (self.cases().view(torch.uint8) + 1).clamp_max_(2)
            self._crossed = words(more) >> 1 & self.cells
        return self._crossed

    def crossed_edges(self) -> list[Tensor]:
        """The first nodes of the edges along each axis whose ends are on both sides, as words."""
        return [
            ends & self.among(*(self.last - (other == axis) for other in range(3)))
            for axis, ends in enumerate(self._unlike())
        ]

    def _unlike(self) -> list[Tensor]:
        """For each axis, a bit for corners of cells that differ from the next along it."""
        case = self.cases()
        return [case ^ case >> step for step in (1, 2, 4)]

    def read(self) -> Tensor:
        """The nodes whose values marching cubes reads, words of 0 and 1.

        Both ends of each crossed edge, and all corners of cells that have a face with its corners
        inside and outside in turns: the sides of such a face can be joined in two ways.
        """
        x, y, z = self.crossed_edges()
        return self.at_corners(x * 0b11 | y * 0b101 | z * 0b10001 | self._with_turns() * LOWEST)

    def _with_turns(self) -> Tensor:
        """The cells with such a face, words of 0 and 1."""
        x, y, z = self._unlike()
        # Both sides of the face along one axis, and one along the other: bits of its first corner.
        found = x & x >> 2 & y & 0x11 * ONES
        found |= x & x >> 4 & z & 0x05 * ONES
        found |= y & y >> 4 & z & 0x03 * ONES
        return words(found.view(torch.uint8).clamp_max_(1)) & self.cells

    def at_corners(self, bits: Tensor) -> Tensor:
        """The nodes that are corners of cells, words of 0 and 1: those of each cell's ``bits``.

        Corners that are not kept are left out.
        """
        here, behind = self.before(bits)
        along_z = here | behind >> 4
        along_y = along_z[..., 1:, :] | along_z[..., :-1, :] >> 2
        return (along_y[..., 1:, :, :] | along_y[..., :-1, :, :] >> 1) & ONES

    def evaluate(self, decoder: FoldedDecoder, mask: Tensor) -> bool:
        """Evaluate the field at the nodes of ``mask``, words of 0 and 1, and remember it; whether
        one of them lies on the other side than was thought.
        """
        flat, values = places(mask), self.values.view(-1)
        found, thought = self.sample(decoder, self.coordinates(flat)), values.index_select(0, flat)
        values[flat] = found
        self.known.view(-1)[flat] = True
        if moved := bool(((found < 0) != (thought < 0)).any()):
            self.changed()
        return moved

    def sample(self, decoder: FoldedDecoder, nodes: Tensor) -> Tensor:
        """The field, less the level, at nodes. Raises SpaceError where it is no number."""
        values = decoder.evaluate_nodes(nodes - self.origin, self.step)
        if not bool(torch.isfinite(values).all()):
            raise SpaceError(
                "The decoder gives values that are no numbers",
                "Choose a code nearer to the known ones; if those give the same, the space's file "
                "is damaged",
            )
        return values - self.level
