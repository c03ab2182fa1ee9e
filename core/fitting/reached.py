"""States that steps reached: which of two is better, and which of all is the best so far.

Steps look at coarse meshes first. What matches there may match worse at the fit's own resolution,
so only what was seen at that one is sure, and only that is ever given back.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .looking import Look
from .motion import Motion
from .rows import Rows

# Below this IoU the views hold too little of the shape to shape it: only the transform moves.
LOST_IOU = 0.05
# What is better by less is taken for no better; and what a coarse mesh may match too well by.
LEAST_GAIN, COARSE_DOUBT = 1e-5, 5e-3


@dataclass(frozen=True)
class Linear:
    """The residuals' ``rows`` on a look, and the ``motion`` that they are derived by."""

    rows: tuple[Rows, ...]
    motion: Motion


@dataclass(frozen=True)
class Reached:
    """A state as it was seen at step ``number``; ``cost`` is that of the residuals.

    ``aims`` tells that there are targets, so that a shape can be beside them; ``residuals`` are the
    root mean squares by name. ``linear`` is kept for the step from here: rows of many points are
    large.
    """

    look: Look
    number: int
    cost: float
    aims: bool
    residuals: dict[str, float] = field(default_factory=dict)
    linear: Linear | None = None

    def to_keep(self) -> Reached:
        """The same for those who make no step from it."""
        return replace(self, linear=None)

    @property
    def merit(self) -> float:
        """What steps raise."""
        return self.look.iou - self.cost

    @property
    def is_lost(self) -> bool:
        """Whether the shape is beside its targets."""
        return self.aims and self.look.iou < LOST_IOU

    def beats(self, old: Reached) -> bool:
        """Whether targets and residuals are matched better; beside the target nearer is better."""
        if old.is_lost and self.look.iou >= old.look.iou and self.cost <= old.cost:
            return self.look.pull < old.look.pull or not self.is_lost
        return self.merit > old.merit + LEAST_GAIN


class Best:
    """The best so far: ``sure``, at the fit's own ``cells``, and ``rough``, on coarse meshes.

    ``rough`` is None where nothing coarse is left that may turn out to be better than ``sure``.
    """

    def __init__(self, start: Reached, cells: int) -> None:
        self.sure = start.to_keep()
        self.rough: Reached | None = None
        self._cells = cells

    def note(self, reached: Reached) -> None:
        """A state that was reached, at whichever resolution."""
        if reached.look.mesh.resolution == self._cells:
            self.sure = reached.to_keep() if reached.beats(self.sure) else self.sure
        elif self.rough is None or reached.beats(self.rough):
            self.rough = reached.to_keep()

    def to_tell(self) -> Reached:
        """The best as far as it is known: the coarse one where there is little doubt."""
        rough = self.rough
        if rough is not None and rough.merit > self.sure.merit + COARSE_DOUBT:
            return rough
        return self.sure
