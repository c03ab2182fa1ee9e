"""How to fit: numbers and switches, checked once."""

from __future__ import annotations

from dataclasses import dataclass, fields
from numbers import Integral, Real

from ..errors import FitError
from ..extraction import LARGEST_RESOLUTION, SMALLEST_RESOLUTION

SECOND_ORDER, ADAM = "second_order", "adam"
SOLVERS = (SECOND_ORDER, ADAM)
MOST_STEPS, MOST_NEWTON_STEPS, MOST_RESTARTS = 100_000, 3, 64
# What each whole option may be; every other number is from 0 to the largest.
RANGES = {
    "steps": (0, MOST_STEPS),
    "patience": (1, MOST_STEPS),
    "resolution": (SMALLEST_RESOLUTION, LARGEST_RESOLUTION),
    "newton": (0, MOST_NEWTON_STEPS),
    "restarts": (0, MOST_RESTARTS),
}
LARGEST_NUMBER = 1e6


@dataclass(frozen=True)
class FitOptions:
    """How to fit.

    ``solver`` is "second_order" (:mod:`core.fitting.levenberg`: few steps, each of which solves for
    everything at once) or "adam" (:mod:`core.fitting.adam`: many small ones along the gradient).
    ``prior`` weighs how far the code lies from the mean code against the outlines; ``limit`` is
    how many deviations a code may lie beyond the length that codes of the space usually have (the
    square root of L), so that the shape stays one of its family. ``keep_thin`` keeps parts whole
    that are thinner than a cell (:mod:`core.thin`): a wall that is torn has no outline to follow.
    ``reach`` is over which share of the image the target pulls. ``move``, ``turn``, ``scale`` and
    ``code`` choose what is fitted, and ``lens`` whether the focal length of the views is too
    (:mod:`core.fitting.zoom`), all by the same factor; points of a depth picture stay where they
    were given. The fit ends at ``stop_iou``, after
    ``steps``, or when nothing is gained any more.

    For the second order alone: ``restarts`` is from how many known shapes it may start anew where
    it is stuck. For Adam alone: ``rate`` is its step for the code in standard deviations,
    ``pose_rate`` for the transform in radians, object radii and log scale; ``patience`` is after
    how many steps without a gain it ends.

    Raises FitError for a value out of range.
    """

    solver: str = SECOND_ORDER
    steps: int = 60
    rate: float = 0.1
    pose_rate: float = 0.05
    prior: float = 1e-3
    limit: float = 2.0
    resolution: int = 64
    cap: bool = False
    newton: int = 0
    keep_thin: bool = True
    code: bool = True
    move: bool = False
    turn: bool = False
    scale: bool = False
    lens: bool = False
    reach: float = 0.05
    stop_iou: float = 0.995
    patience: int = 15
    restarts: int = 2

    def __post_init__(self) -> None:
        for option in fields(self):
            value = getattr(self, option.name)
            if isinstance(option.default, str):
                fits, expected = value in SOLVERS, f"one of {', '.join(SOLVERS)}"
            elif isinstance(option.default, bool):
                fits, expected = isinstance(value, bool), "true or false"
            else:
                low, high = RANGES.get(option.name, (0.0, LARGEST_NUMBER))
                whole = isinstance(option.default, int)
                # To Python, True is a number.
                is_number = isinstance(value, Integral if whole else Real)
                # Not a number lies in no range.
                fits = is_number and not isinstance(value, bool) and low <= value <= high
                expected = f"a {'whole ' if whole else ''}number from {low:.0f} to {high:.0f}"
            if not fits:
                raise FitError(
                    f"The fit option '{option.name}' is {value!r:.40}", f"Use {expected}"
                )

    @property
    def pose(self) -> bool:
        """Whether any part of the transform is fitted."""
        return self.move or self.turn or self.scale
