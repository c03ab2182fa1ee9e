"""Fitting by small steps along the gradient (Adam, Kingma and Ba, 2015): the plain choice.

Each step extracts the mesh of the current code, looks at it from every view, moves the contour by
the exact derivative of the image loss, and hands that motion to the code through the derivative of
the surface (:func:`core.surface.follow`) and to the object's transform, in the space's own
coordinates: standard deviations along the principal axes.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..pose import similarity, transformed
from ..silhouette import contour, surrogate
from ..surface import follow
from .clock import Clock
from .looking import Look, Looker
from .options import FitOptions
from .reached import LOST_IOU
from .state import Freedom, State
from .steps import FitStep, Spent, last, step_of
from .stopping import FitSteps, Stop

# After this many steps without a gain the fit goes back to its best state, slower by the factor.
REWIND_AFTER, RATE_DECAY = 4, 0.5
# Steps that raise the best IoU by less than this count as no gain.
SMALLEST_GAIN = 1e-4


class Adam:
    """A fit under way: the state, the best step so far, and what Adam remembers."""

    def __init__(self, looker: Looker, options: FitOptions) -> None:
        self._looker, self._options = looker, options
        self._freedom = Freedom.of(options, len(looker.start.whitened))
        # A start that lies further out is not pulled in by force.
        usual = len(looker.start.whitened) ** 0.5 + options.limit
        self._longest = max(usual, float(looker.start.whitened.norm()))
        self._state = self._best_state = looker.start
        self._rate = 1.0
        self._parts, self._optimiser = self._prepared()
        self._best: FitStep | None = None
        self._best_pull = float("inf")
        self._spent = Spent()

    def run(self) -> FitSteps:
        """All steps; the last is the best again, when the fit is stopped too."""
        try:
            reason = yield from self._search()
        except Stop:
            reason = "stopped"
        yield last(
            self._best,
            reason,
            self._spent,
            self._options,
            statistics=self._looker.statistics,
            longest=self._longest,
        )

    def _search(self) -> Generator[FitStep, None, str]:
        """Steps, and why they ended."""
        options, stale = self._options, 0
        for number in range(options.steps + 1):
            looked_at = self._state
            step, pull = self._step(number)
            gained = step is not None and self._keep(step, pull, looked_at)
            if step is not None and self._best is not None:
                yield replace(step, best_iou=self._best.iou, best_step=self._best.step)
            if self._best is not None and self._best.iou >= options.stop_iou:
                return "converged"
            stale = 0 if gained else stale + 1
            if self._best is None or stale >= options.patience:
                return "patience"
            if step is None or (stale and stale % REWIND_AFTER == 0):
                self._rewind()
        return "steps"

    def _prepared(self) -> tuple[dict[str, Tensor], torch.optim.Adam]:
        """The state's parts as Adam moves them, and an Adam that remembers nothing."""
        options, free = self._options, [name for name, _ in self._freedom.parts]
        parts = {
            name: getattr(self._state, name).clone().requires_grad_(name in free)
            for name in ("whitened", "move", "turn", "scale")
        }
        rates = dict.fromkeys(free, options.pose_rate) | {"whitened": options.rate}
        groups = [{"params": [parts[name]], "lr": self._rate * rates[name]} for name in free]
        return parts, torch.optim.Adam(groups)

    def _keep(self, step: FitStep, pull: float, state: State) -> bool:
        """Remember ``step`` if it is the best; whether it gained anything worth waiting for."""
        before = self._best.iou if self._best else -1.0
        # Beside the target every IoU is 0, and nearer is better.
        nearer = step.iou == before and pull < self._best_pull
        if step.iou > before or nearer:
            self._best, self._best_state, self._best_pull = step, state, pull
        return step.iou > before + SMALLEST_GAIN or nearer

    def _rewind(self) -> None:
        """Back to the best state, with a slower and forgetful optimiser."""
        self._state = self._best_state
        self._rate *= RATE_DECAY
        self._parts, self._optimiser = self._prepared()

    def _step(self, number: int) -> tuple[FitStep | None, float]:
        """Look at the state, then move it on; None where the code has no surface. And the pull."""
        before = self._looker.evaluations
        look = self._looker.look(self._state)
        self._spent.add(self._looker.evaluations - before, self._looker.ms)
        if look is None:
            return None, float("inf")
        clock = Clock()
        self._descend(look, lost=look.iou < LOST_IOU and self._options.pose)
        clock.lap("gradient")
        self._spent.add(0, clock.laps)
        return step_of(look, number, self._options.steps, self._spent), look.pull

    def _descend(self, look: Look, *, lost: bool) -> None:
        """One optimiser step along the gradient of the pull of all views and the prior."""
        outlines = [contour(silhouette) for silhouette in look.seen]
        used = np.unique(np.concatenate([np.concatenate([o.begin, o.end]) for o in outlines]))
        self._optimiser.zero_grad()
        if not len(used):
            return
        whitened, goals = self._parts["whitened"], self._looker.goals
        shapes = self._freedom.code > 0 and not lost
        world = self._contour_points(look.mesh.vertices[torch.from_numpy(used)], shapes=shapes)
        place = np.zeros(len(look.mesh.vertices), dtype=np.int64)
        place[used] = np.arange(len(used))
        total = sum(goal.view.weight for goal in goals)
        loss = torch.zeros((), dtype=torch.float64)
        for goal, outline, silhouette in zip(goals, outlines, look.seen, strict=True):
            local = replace(outline, begin=place[outline.begin], end=place[outline.end])
            pixels, _ = goal.view.project(world)
            pulled = surrogate(local, goal.pull, pixels, torch.from_numpy(silhouette.mask))
            loss = loss + goal.view.weight / total * pulled
        if shapes and self._options.prior:
            loss = loss + self._options.prior * whitened.square().mean()
        if loss.requires_grad:
            loss.backward()
            if lost:  # beside the target the pull would shrink the shape rather than move it
                self._parts["scale"].grad = None
            self._optimiser.step()
            moved = {name: part.detach().clone() for name, part in self._parts.items()}
            if not self._freedom.code:
                moved["whitened"] = self._state.whitened
            self._state = replace(self._state, **moved).held_within(self._longest)
            with torch.no_grad():
                whitened.copy_(self._state.whitened)

    def _contour_points(self, points: Tensor, *, shapes: bool) -> Tensor:
        """Surface ``points`` ``(N, 3)`` in the world, as a function of what is fitted."""
        looker, parts = self._looker, self._parts
        if shapes:
            code = looker.statistics.unwhiten(parts["whitened"]).to(looker.space.device)
            # Adam needs no better than the vertices themselves: no search for their feet.
            points = follow(
                looker.space.decoder, code, points.to(looker.space.device), newton=0
            ).cpu()
        world = transformed(looker.frame, points.double())
        if self._options.pose and looker.pivot is not None:
            centre, radius = looker.pivot
            moved = similarity(
                parts["move"], parts["turn"], parts["scale"], centre=centre, radius=radius
            )
            world = transformed(moved, world)
        return world
