"""Steps of a fit, as whoever runs it gets them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..camera import View
from ..errors import FitError
from ..space import CodeStatistics
from ..topology import Topology, topology
from .clock import TOPOLOGY, Clock
from .looking import Look
from .options import FitOptions

# A code this near to the longest one allowed was held back.
ALMOST = 0.99
EDGE = "The shape is at the edge of what its space holds"


@dataclass(frozen=True)
class FitStep:
    """One step: the state it looked at, and how good that was.

    code ``(L,)``; object_matrix ``(4, 4)``; vertices ``(V, 3)`` in the cube, faces ``(F, 3)``.
    ``iou`` and ``loss`` (mean squared difference to the targets) are means over the views, and
    ``masks`` the shape's silhouette ``(H, W)`` in each. ``views`` are those that were given,
    through the lens as it is where that is fitted. ``residuals`` are the root mean squares of those
    that were given, by name ("Landmarks", a second one "Landmarks 2"; one of your own by its
    class), in the units of their values: radii of the start's shape for landmarks, depth and
    symmetry, radii cubed for the volume, a function's own.

    ``evaluations`` of the decoder and ``ms``, by part, are what the step took, with what it tried
    in vain; of the last step, what the whole fit took. The parts add up to the time that passed:
    "decoder", and without it "extraction", "silhouette", "derivative" (Adam's "gradient" is with
    it), "solving", "residuals" and "topology". The last step has ``done`` and a ``reason``, and is
    the best one again. With ``keep_thin`` the meshes are the fit's own:
    :func:`core.extraction.extract` gives the one to keep.
    """

    step: int
    steps: int
    loss: float
    iou: float
    best_iou: float
    best_step: int
    code: Tensor
    object_matrix: Tensor
    vertices: Tensor
    faces: Tensor
    topology: Topology
    open_at_wall: bool
    message: str
    evaluations: int
    ms: dict[str, float]
    masks: tuple[NDArray[np.bool_], ...] = ()
    views: tuple[View, ...] = ()
    residuals: dict[str, float] = field(default_factory=dict)
    done: bool = False
    reason: str = ""


def step_of(look: Look, number: int, steps: int, spent: Spent) -> FitStep:
    """A look as step ``number`` of at most ``steps``, as if it were the best."""
    clock = Clock()
    shape = topology(look.mesh.vertices, look.mesh.faces, edges=look.edges)
    clock.lap(TOPOLOGY)
    spent.add(0, clock.laps)
    evaluations, ms = spent.told()
    return FitStep(
        step=number,
        steps=steps,
        loss=look.loss,
        iou=look.iou,
        best_iou=look.iou,
        best_step=number,
        code=look.code,
        object_matrix=look.object_matrix,
        # Their own: whoever gets a step may change them, and the fit goes on from its mesh.
        vertices=look.mesh.vertices.clone(),
        faces=look.mesh.faces.clone(),
        topology=shape,
        open_at_wall=look.mesh.open_at_wall,
        message=look.mesh.message,
        evaluations=evaluations,
        ms=ms,
        masks=tuple(silhouette.mask for silhouette in look.seen),
        views=look.views,
    )


class Spent:
    """Evaluations and milliseconds by part: of the step under way, and of the whole fit."""

    def __init__(self) -> None:
        self.evaluations = self.all_evaluations = 0
        self.ms: dict[str, float] = {}
        self.all_ms: dict[str, float] = {}

    def add(self, evaluations: int, ms: dict[str, float]) -> None:
        """Something that was done."""
        self.evaluations += evaluations
        self.all_evaluations += evaluations
        for total in (self.ms, self.all_ms):
            for part, took in ms.items():
                total[part] = total.get(part, 0.0) + took

    def told(self) -> tuple[int, dict[str, float]]:
        """What was spent since the last time that this was asked."""
        told = self.evaluations, self.ms
        self.evaluations, self.ms = 0, {}
        return told


def last(
    best: FitStep | None,
    reason: str,
    spent: Spent,
    options: FitOptions,
    *,
    statistics: CodeStatistics,
    longest: float,
) -> FitStep:
    """The last step: the ``best`` again, with what a user should know of it and what was spent.

    Raises FitError where there is none, as no state had a surface.
    """
    if best is None:
        raise FitError("The fit has no surface to start from", "Reset the code to the mean")
    message = best.message
    length = float(statistics.whiten(best.code.cpu()).norm())
    if options.code and len(best.code) and length > longest * ALMOST:
        message = f"{EDGE}: check the camera, or let the fit move, turn and scale it"
    return replace(
        best,
        done=True,
        reason=reason,
        message=message,
        evaluations=spent.all_evaluations,
        ms=spent.all_ms,
    )
