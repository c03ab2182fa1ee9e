"""Fitting a shape to silhouettes, as a generator of steps: one yield is one step.

Each step extracts the mesh of the current code, looks at it from every view, moves the contour by
the exact derivative of the image loss, and hands that motion to the code through the derivative of
the surface (:func:`core.surface.follow`) and to the object's transform. Adam (Kingma and Ba, 2015)
takes the step, in the space's own coordinates: standard deviations along the principal axes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from numbers import Integral, Real
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .camera import View
from .errors import FitError
from .extraction import LARGEST_RESOLUTION, SMALLEST_RESOLUTION, Extraction, extract
from .goal import Goal, goals_of, score
from .pose import check_transform, similarity, transformed
from .silhouette import Silhouette, contour, see, surrogate
from .space import Space
from .surface import follow
from .topology import Edges, Topology, topology

# Below this IoU the views hold too little of the shape to shape it: only the transform moves.
LOST_IOU = 0.05
# After this many steps without a gain the fit goes back to its best state, slower by the factor.
REWIND_AFTER, RATE_DECAY = 4, 0.5
# Steps that raise the best IoU by less than this count as no gain.
SMALLEST_GAIN = 1e-4

MOST_STEPS, MOST_NEWTON_STEPS = 100_000, 3
# What each whole option may be; every other number is from 0 to the largest.
RANGES = {
    "steps": (0, MOST_STEPS),
    "patience": (1, MOST_STEPS),
    "resolution": (SMALLEST_RESOLUTION, LARGEST_RESOLUTION),
    "newton": (0, MOST_NEWTON_STEPS),
}
LARGEST_NUMBER = 1e6


# A code this near to the longest one allowed was held back.
ALMOST = 0.99


@dataclass(frozen=True)
class FitOptions:
    """How to fit.

    ``rate`` is Adam's step for the code in standard deviations, ``pose_rate`` for the transform in
    radians, object radii and log scale. ``prior`` weighs the mean squared whitened code against the
    mean pixel loss; ``limit`` is how many deviations a code may lie beyond the length that codes of
    the space usually have (the square root of L), so that the shape stays one of its family.
    ``keep_thin`` keeps parts whole that are thinner than a cell (:mod:`core.thin`): a wall that is
    torn has no outline to follow. ``reach`` is over which share of the image the target's pull
    grows. ``move``, ``turn``, ``scale`` and ``code`` choose what is fitted. The fit ends at
    ``stop_iou``, after ``steps``, or when ``patience`` steps brought nothing. Raises FitError for a
    value out of range.
    """

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
    reach: float = 0.05
    stop_iou: float = 0.995
    patience: int = 15

    def __post_init__(self) -> None:
        for option in fields(self):
            value = getattr(self, option.name)
            if isinstance(option.default, bool):
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


@dataclass(frozen=True)
class FitStep:
    """One step: the state it looked at, and how good that was.

    code ``(L,)``; object_matrix ``(4, 4)``; vertices ``(V, 3)`` in the cube, faces ``(F, 3)``.
    ``iou`` and ``loss`` (mean squared difference to the targets) are means over the views, and
    ``masks`` the shape's silhouette ``(H, W)`` in each. The last step of a fit has ``done`` and a
    ``reason``, and is the best one again. With ``keep_thin`` the meshes are the fit's own:
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
    done: bool = False
    reason: str = ""


def fit(
    space: Space,
    code: Tensor,
    views: Sequence[View],
    targets: Sequence[Tensor],
    *,
    options: FitOptions | None = None,
    object_matrix: Tensor | None = None,
) -> Iterator[FitStep]:
    """Fit ``code`` ``(L,)`` to ``targets`` ``(H, W)`` in [0, 1], one per view.

    ``object_matrix`` ``(4, 4)`` takes the shape's own Z-up coordinates to the world (identity by
    default); to fit move, turn or scale it must be a similarity. Step 0 is the start; the last step
    is the best of all, so that a fit never returns worse than it was given. Deterministic.

    Raises CodeError, ViewError for a target that cannot be matched, FitError where nothing can be
    fitted. All of this is checked before the first step.
    """
    options = options or FitOptions()
    start = space.check_code(code).cpu()
    goals = goals_of(views, targets, reach=options.reach)
    matrix = torch.eye(4, dtype=torch.float64)
    if object_matrix is not None:
        matrix = torch.as_tensor(object_matrix, dtype=torch.float64)
    check_transform(matrix, similarity=options.pose)
    return _Fit(space, start, goals, options, matrix).run()


@dataclass
class _State:
    """What is optimised: the whitened code and a similarity about the shape's centre."""

    whitened: Tensor
    move: Tensor = field(default_factory=lambda: torch.zeros(3, dtype=torch.float64))
    turn: Tensor = field(default_factory=lambda: torch.zeros(3, dtype=torch.float64))
    scale: Tensor = field(default_factory=lambda: torch.zeros(1, dtype=torch.float64))

    def optimiser(self, options: FitOptions, slower: float) -> torch.optim.Adam:
        """Adam over the parts that are fitted, its rates times ``slower``."""
        groups = []
        if options.code and len(self.whitened):
            groups.append({"params": [self.whitened.requires_grad_()], "lr": slower * options.rate})
        for wanted, part in (
            (options.move, self.move),
            (options.turn, self.turn),
            (options.scale, self.scale),
        ):
            if wanted:
                groups.append({"params": [part.requires_grad_()], "lr": slower * options.pose_rate})
        if not groups:
            raise FitError("Nothing to fit", "Turn on the shape, or move, turn or scale")
        return torch.optim.Adam(groups)

    def hold_within(self, longest: float) -> None:
        """Shorten the whitened code to length ``longest`` where it is longer."""
        if (length := float(self.whitened.detach().norm())) > longest:
            self.whitened.data.mul_(longest / length)

    def copy(self) -> list[Tensor]:
        """The values of all parts."""
        return [part.detach().clone() for part in self._parts]

    def restore(self, copy: list[Tensor]) -> None:
        """Put the values of a :meth:`copy` back in place."""
        for part, value in zip(self._parts, copy, strict=True):
            part.data.copy_(value)

    @property
    def _parts(self) -> tuple[Tensor, ...]:
        return self.whitened, self.move, self.turn, self.scale

    def similarity(self, centre: Tensor, radius: Tensor) -> Tensor:
        """World to world, ``(4, 4)``, about ``centre``."""
        return similarity(self.move, self.turn, self.scale, centre=centre, radius=radius)


class _Fit:
    """A fit under way: the state, the best step so far, and what Adam remembers."""

    def __init__(
        self, space: Space, start: Tensor, goals: list[Goal], options: FitOptions, matrix: Tensor
    ) -> None:
        self.space, self.start, self.goals, self.options = space, start, goals, options
        self.matrix, self.to_world = matrix, matrix @ space.frame.matrix()
        self.statistics = space.statistics
        self.state = _State(self.statistics.whiten(start).detach())
        # A start that lies further out is not pulled in by force.
        usual = len(start) ** 0.5 + options.limit
        self.longest = max(usual, float(self.state.whitened.norm()))
        self.rate = 1.0
        self.optimiser = self.state.optimiser(options, self.rate)
        self.pivot: tuple[Tensor, Tensor] | None = None
        self.best: FitStep | None = None
        self.best_state = self.before = self.state.copy()
        self.best_pull = self.pull = float("inf")

    def run(self) -> Iterator[FitStep]:
        """All steps; the last is the best again."""
        options, reason, stale = self.options, "steps", 0
        for number in range(options.steps + 1):
            step = self._step(number)
            gained = self._keep(step)
            if step is not None:
                yield replace(step, best_iou=self._best.iou, best_step=self._best.step)
            if self._best.iou >= options.stop_iou:
                reason = "converged"
                break
            stale = 0 if gained else stale + 1
            if stale >= options.patience:
                reason = "patience"
                break
            if step is None or (stale and stale % REWIND_AFTER == 0):
                self._rewind()
        yield replace(self._best, done=True, reason=reason, message=self._remark(self._best))

    def _remark(self, step: FitStep) -> str:
        """What a user should know of the result."""
        length = float(self.statistics.whiten(step.code).norm())
        if self.options.code and len(step.code) and length > self.longest * ALMOST:
            edge = "The shape is at the edge of what its space holds"
            return f"{edge}: check the camera, or let the fit move, turn and scale it"
        return step.message

    @property
    def _best(self) -> FitStep:
        if self.best is None:
            raise FitError("The fit has no surface to start from", "Reset the code to the mean")
        return self.best

    def _keep(self, step: FitStep | None) -> bool:
        """Remember ``step`` if it is the best; whether it gained anything worth waiting for."""
        if step is None:
            return False
        before = self.best.iou if self.best else -1.0
        # Beside the target every IoU is 0, and nearer is better.
        nearer = step.iou == before and self.pull < self.best_pull
        if step.iou > before or nearer:
            self.best = replace(step, best_iou=step.iou, best_step=step.step)
            self.best_state, self.best_pull = self.before, self.pull
        return step.iou > before + SMALLEST_GAIN or nearer

    def _rewind(self) -> None:
        """Back to the best state, with a slower and forgetful optimiser."""
        self.state.restore(self.best_state)
        self.rate *= RATE_DECAY
        self.optimiser = self.state.optimiser(self.options, self.rate)

    def _step(self, number: int) -> FitStep | None:
        """Look at the state, then move it on; None where the code has no surface."""
        clock = _Clock()
        self.before = self.state.copy()
        # A code that has not moved is the given one, not its round trip through whitening.
        moved = number and self.options.code
        code = self.statistics.unwhiten(self.state.whitened).detach() if moved else self.start
        mesh = extract(
            self.space,
            code,
            self.options.resolution,
            cap=self.options.cap,
            newton=self.options.newton,
            keep_thin=self.options.keep_thin,
        )
        clock.lap("extraction")
        if not len(mesh.vertices):
            return None
        world = transformed(self.to_world, mesh.vertices.cpu().double())
        if self.pivot is None:
            low, high = world.amin(dim=0), world.amax(dim=0)
            self.pivot = (low + high) / 2, (high - low).norm() / 2
        placed = self.state.similarity(*self.pivot).detach()
        faces = mesh.faces.cpu().numpy()
        edges = Edges.of(faces)
        placed_world = transformed(placed, world)
        seen = [see(goal.view, placed_world, faces, edges=edges) for goal in self.goals]
        if self.best is None and any(silhouette.cut for silhouette in seen):
            raise FitError(
                "The shape reaches behind the camera", "Move the camera back, or the object away"
            )
        loss, iou, self.pull = score(self.goals, seen)
        clock.lap("silhouette")
        shape = topology(mesh.vertices, mesh.faces, edges=edges)
        clock.lap("topology")
        self._descend(mesh, seen, lost=iou < LOST_IOU and self.options.pose)
        clock.lap("gradient")
        return FitStep(
            step=number,
            steps=self.options.steps,
            loss=loss,
            iou=iou,
            best_iou=iou,
            best_step=number,
            code=code,
            object_matrix=placed @ self.matrix,
            vertices=mesh.vertices,
            faces=mesh.faces,
            topology=shape,
            open_at_wall=mesh.open_at_wall,
            message=mesh.message,
            evaluations=mesh.evaluations,
            ms=clock.laps,
            masks=tuple(silhouette.mask for silhouette in seen),
        )

    def _descend(self, mesh: Extraction, seen: list[Silhouette], *, lost: bool) -> None:
        """One optimiser step along the gradient of the pull of all views and the prior."""
        outlines = [contour(silhouette) for silhouette in seen]
        used = np.unique(np.concatenate([np.concatenate([o.begin, o.end]) for o in outlines]))
        self.optimiser.zero_grad()
        if not len(used):
            return
        shapes = self.options.code and len(self.state.whitened) > 0 and not lost
        world = self._contour_points(mesh.vertices[torch.from_numpy(used)], shapes=shapes)
        place = np.zeros(len(mesh.vertices), dtype=np.int64)
        place[used] = np.arange(len(used))
        total = sum(goal.view.weight for goal in self.goals)
        loss = torch.zeros((), dtype=torch.float64)
        for goal, outline, silhouette in zip(self.goals, outlines, seen, strict=True):
            local = replace(outline, begin=place[outline.begin], end=place[outline.end])
            pixels, _ = goal.view.project(world)
            pulled = surrogate(local, goal.pull, pixels, torch.from_numpy(silhouette.mask))
            loss = loss + goal.view.weight / total * pulled
        if shapes and self.options.prior:
            loss = loss + self.options.prior * self.state.whitened.square().mean()
        if loss.requires_grad:
            loss.backward()
            if lost:  # beside the target the pull would shrink the shape rather than move it
                self.state.scale.grad = None
            self.optimiser.step()
            self.state.hold_within(self.longest)

    def _contour_points(self, points: Tensor, *, shapes: bool) -> Tensor:
        """Surface ``points`` ``(N, 3)`` in the world, as a function of what is fitted."""
        if shapes:
            code = self.statistics.unwhiten(self.state.whitened).to(self.space.device)
            # Adam needs no better than the vertices themselves: no search for their feet.
            points = follow(self.space.decoder, code, points.to(self.space.device), newton=0).cpu()
        world = transformed(self.to_world, points.double())
        if self.options.pose and self.pivot is not None:
            world = transformed(self.state.similarity(*self.pivot), world)
        return world


class _Clock:
    """Milliseconds by part."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = perf_counter()

    def lap(self, part: str) -> None:
        now = perf_counter()
        self.laps[part] = (now - self._last) * 1e3
        self._last = now
