"""What a fit changes: a code, a similarity about the shape's centre, and the views' lens."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..errors import FitError
from ..pose import similarity
from .options import FitOptions

POSE = {"move": 3, "turn": 3, "scale": 1}
LENS = {"lens": 1}


@dataclass(frozen=True)
class State:
    """A whitened code ``(L,)`` float32, and the transform's parts in double precision.

    ``move`` ``(3,)`` counts in object radii, ``turn`` ``(3,)`` is a rotation vector in radians,
    ``scale`` ``(1,)`` a natural logarithm, and so is ``lens`` ``(1,)``, of the factor by which the
    views' focal lengths differ from those that were given.
    """

    whitened: Tensor
    move: Tensor
    turn: Tensor
    scale: Tensor
    lens: Tensor

    @staticmethod
    def at(whitened: Tensor) -> State:
        """That code, unmoved."""
        zeros = (torch.zeros(size, dtype=torch.float64) for size in (POSE | LENS).values())
        return State(whitened.detach(), *zeros)

    def similarity(self, pivot: tuple[Tensor, Tensor]) -> Tensor:
        """World to world, ``(4, 4)``, about a ``pivot``: centre ``(3,)`` and radius."""
        centre, radius = pivot
        return similarity(self.move, self.turn, self.scale, centre=centre, radius=radius)

    def similarity_by_pose(self, pivot: tuple[Tensor, Tensor]) -> Tensor:
        """The derivative of :meth:`similarity` by move, turn and scale: ``(7, 4, 4)``."""
        centre, radius = pivot

        def placed(pose: Tensor) -> Tensor:
            move, turn, scale = pose.split(list(POSE.values()))
            return similarity(move, turn, scale, centre=centre, radius=radius)

        pose = torch.cat([self.move, self.turn, self.scale])
        jacobian: Tensor = torch.autograd.functional.jacobian(placed, pose)
        return jacobian.permute(2, 0, 1)

    def held_within(self, longest: float) -> State:
        """The whitened code shortened to length ``longest`` where it is longer."""
        length = float(self.whitened.norm())
        if length <= longest:
            return self
        return replace(self, whitened=self.whitened * (longest / length))


@dataclass(frozen=True)
class Freedom:
    """Which parts of a state may change, and where they stand in a vector of changes ``(P,)``."""

    parts: tuple[tuple[str, int], ...]

    @staticmethod
    def of(options: FitOptions, code_length: int) -> Freedom:
        """What ``options`` fit of a code of that length. Raises FitError where that is nothing."""
        sizes = {"whitened": code_length if options.code else 0}
        sizes |= {name: size * getattr(options, name) for name, size in (POSE | LENS).items()}
        parts = tuple((name, size) for name, size in sizes.items() if size)
        if not parts:
            raise FitError("Nothing to fit", "Turn on the shape, or move, turn, scale or lens")
        return Freedom(parts)

    def only(self, *names: str) -> Freedom:
        """Those of its parts."""
        return Freedom(tuple(part for part in self.parts if part[0] in names))

    @property
    def code(self) -> int:
        """How many numbers of the code: L or 0. They come first."""
        return dict(self.parts).get("whitened", 0)

    @property
    def size(self) -> int:
        """P, how many numbers there are in all."""
        return sum(size for _, size in self.parts)

    @property
    def lens(self) -> bool:
        """Whether the lens is free. It comes last."""
        return "lens" in dict(self.parts)

    @property
    def pose_places(self) -> list[int]:
        """Which of move, turn and scale's seven numbers are free."""
        names = dict(self.parts)
        free = [name in names for name, size in POSE.items() for _ in range(size)]
        return [place for place, is_free in enumerate(free) if is_free]

    def moved(self, state: State, change: Tensor) -> State:
        """``state`` with a ``change`` ``(P,)`` added to its free parts."""
        new = {}
        sizes = [size for _, size in self.parts]
        for (name, _), part in zip(self.parts, change.split(sizes), strict=True):
            old = getattr(state, name)
            new[name] = old + part.to(old)
        return replace(state, **new)
