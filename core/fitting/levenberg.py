"""Fitting by second-order steps (Levenberg, 1944; Marquardt, 1963).

One backward pass gives the derivative of every outline sample by the whole code
(:mod:`core.fitting.motion`), so each step solves for all that is free at once: outlines both ways,
the prior (the code's squared deviations: the space's own normal distribution), and whatever
residuals were given. A step counts only if the shape then matches its targets better in the true
images, mesh and all; if not, it is tried again, damped more. So topology may change, and no fit
ends worse than it began, wherever it is stopped. The first steps look at a coarse mesh, and each
time that they settle at a finer one (:func:`core.fitting.meshes.coarser_than`), up to the fit's.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace

from .belief import Belief
from .clock import DECODER, SOLVING, Clock
from .given import names_of, rows_of
from .looking import Look, Looker
from .meshes import COARSE, coarser_than
from .motion import Motion
from .options import MOST_STEPS, FitOptions
from .outlines import USUAL_PIXELS, rows
from .reached import Best, Linear, Reached
from .rows import Residual, Surface
from .solving import Equations
from .state import Freedom, State
from .steps import FitStep, Spent, last, step_of
from .stopping import FitSteps, Stop

FIRST_DAMPING, LEAST_DAMPING, CALMER, BOLDER = 1.0, 1e-3, 6.0, 0.2
# A fine look costs several coarse ones.
TRIES, FINE_TRIES, SHORTER = 4, 3, 0.5
# Residuals' tolerance falls from the options' reach by this factor a step, to this in pixels.
NARROWER, NARROWEST = 0.8, 2.0
# With the options' default one deviation of the code weighs 0.3, beside pixels as outlines.NOISE
# weighs them.
PRIOR = 300.0
# What a mean square of residuals weighs in a step, for what it weighs beside the IoU.
RESIDUAL = 1e3
# What is gained less than this, coarse and fine, is not waited for; of residuals this share.
SETTLED_COARSE, SETTLED, SETTLED_SHARE = 1e-3, 5e-4, 0.05
# Below this IoU a fit that settled starts anew from known shapes; the other one where there are
# residuals too, which may keep it from more.
WANTED_IOU, WANTED_WITH_RESIDUALS = 0.98, 0.9
# So many known shapes are looked at for each that may be begun from; those whose merit is less by
# more than this are left out.
LOOKS, TOO_FAR = 2, 0.2
# From each it has so many coarse steps to come to a merit that is higher by this.
TRIED_STEPS, WORTHWHILE = 4, 5e-3


class SecondOrder:
    """A second-order fit under way."""

    def __init__(
        self,
        looker: Looker,
        options: FitOptions,
        residuals: Sequence[Residual] = (),
        belief: Belief | None = None,
    ) -> None:
        self._looker, self._options, self._residuals = looker, options, tuple(residuals)
        self._names = names_of(self._residuals)
        self._belief = belief or Belief.of_space(len(looker.start.whitened))
        self._freedom = Freedom.of(options, len(looker.start.whitened))
        # A start that lies further out is not pulled in by force.
        usual = len(looker.start.whitened) ** 0.5 + options.limit
        self._longest = max(usual, float(looker.start.whitened.norm()))
        self._fine = options.resolution
        self._coarser = coarser_than(self._fine)
        self._coarsest = (*self._coarser, self._fine)[0]
        # The most that any start came to there, for later ones to be held against.
        self._coarse_merit = -math.inf
        self._steps_taken = 0
        self._damping, self._tolerance = FIRST_DAMPING, NARROWEST
        self._spent = Spent()

    def run(self) -> FitSteps:
        """All steps; the last is the best again, when the fit is stopped too."""
        reason, found = "patience", None
        start = self._see(self._looker.start, self._fine)
        if start is not None:
            best = self._best = Best(start, self._fine)
            try:
                yield self._told(start)
                yield from self._search(start)
                self._look_finely()
                reason = self._reason(best.sure)
            except Stop:
                self._look_finely()
                reason = "stopped"
            sure = best.sure
            found = replace(self._told(sure), best_step=sure.number, best_iou=sure.look.iou)
        yield last(
            found,
            reason,
            self._spent,
            self._options,
            statistics=self._looker.statistics,
            longest=self._longest,
        )

    def _search(self, start: Reached) -> FitSteps:
        """Steps from the start, and where they come to too little, from known shapes."""
        found = yield from self._fit_from(start)
        if self._falls_short(found):
            for known in self._known_near(found):
                yield self._told(known)
                again = yield from self._fit_anew(known)
                if again is not None and again.beats(found):
                    found = again
                if not self._falls_short(found):
                    break

    def _fit_anew(self, known: Reached) -> Generator[FitStep, None, Reached | None]:
        """Some coarse steps from a known shape, and all others where these are worth it."""
        self._begin()
        before = self._coarse_merit
        tried = yield from self._descend(known, SETTLED_COARSE, most=TRIED_STEPS)
        if tried.merit < before + WORTHWHILE:
            return None
        return (yield from self._fit_from(tried))

    def _look_finely(self) -> None:
        """Look finely at what was seen on coarse meshes alone, where it may be the best."""
        rough, self._best.rough = self._best.rough, None
        if rough is not None and rough.beats(self._best.sure):
            again = self._see(rough.look.state, self._fine)
            if again is not None:
                self._best.note(replace(again, number=rough.number))

    def _fit_from(self, start: Reached) -> Generator[FitStep, None, Reached]:
        """Coarse steps, then finer ones: what they reach, seen finely unless it never was."""
        if self._is_fine(start) and self._matches(start):
            return start
        self._begin()
        rough = start
        for cells in self._coarser:
            if self._steps_taken >= self._options.steps:
                break
            seen = rough
            if rough.look.mesh.resolution != cells:
                look = self._see(rough.look.state, cells)
                if look is None:
                    continue
                seen = replace(look, number=rough.number)
            # Looks at meshes of different cells are not compared.
            self._best.rough = None
            self._damping = FIRST_DAMPING
            rough = yield from self._descend(seen, SETTLED_COARSE)
        fine = start
        if rough.look.state is not start.look.state or not self._is_fine(start):
            again = self._see(rough.look.state, self._fine)
            self._best.rough = None
            if again is not None and (not self._is_fine(start) or again.beats(start)):
                fine = replace(again, number=rough.number)
                self._best.note(fine)
        self._damping = FIRST_DAMPING
        return (yield from self._descend(fine, SETTLED))

    def _is_fine(self, reached: Reached) -> bool:
        return reached.look.mesh.resolution == self._fine

    def _begin(self) -> None:
        """Wide steps again, and a wide reach."""
        self._damping = FIRST_DAMPING
        self._tolerance = self._options.reach * USUAL_PIXELS

    def _descend(
        self, at: Reached, settled: float, *, most: int = MOST_STEPS
    ) -> Generator[FitStep, None, Reached]:
        """Steps at one resolution until nothing is gained any more; ``most`` of them."""
        most = min(self._steps_taken + most, self._options.steps)
        while self._steps_taken < most and not self._matches(at):
            new = self._step(at)
            if new is None:
                break
            gain, eased = new.merit - at.merit, at.cost - new.cost
            at = new
            yield self._told(at)
            if not at.is_lost and gain < settled and eased <= SETTLED_SHARE * at.cost:
                break
        if at.look.mesh.resolution == self._coarsest:
            self._coarse_merit = max(self._coarse_merit, at.merit)
        return at

    def _step(self, at: Reached) -> Reached | None:
        """One step that gains something; None where none does, however small."""
        freedom = self._freedom
        if at.is_lost:  # beside the target its pull would shrink the shape, not move it
            moving = freedom.only("move", "turn")
            freedom = moving if moving.size else freedom
        equations = self._expand(at, freedom)
        self._tolerance = max(self._tolerance * NARROWER, NARROWEST)
        is_dear = at.look.mesh.resolution > COARSE
        for tried in range(FINE_TRIES if is_dear else TRIES):
            # Damping shortens what is known badly, this what is known well but overshoots.
            clock = Clock()
            change = equations.solved(self._damping, self._longest)
            change = SHORTER ** max(tried - 1, 0) * change
            state = freedom.moved(at.look.state, change).held_within(self._longest)
            clock.lap(SOLVING)
            self._spent.add(0, clock.laps)
            new = self._see(state, at.look.mesh.resolution)
            if new is not None and new.beats(at):
                self._damping = max(self._damping * BOLDER, LEAST_DAMPING)
                self._steps_taken += 1
                return replace(new, number=self._steps_taken)
            self._damping *= CALMER
        return None

    def _expand(self, at: Reached, freedom: Freedom) -> Equations:
        """The normal equations of outlines, residuals and prior."""
        clock, look, linear = Clock(), at.look, at.linear
        if linear is None or freedom is not self._freedom:
            linear = self._linear(look, freedom)
        motion = linear.motion
        # What the residuals took was counted where they were made, if they were.
        made = linear is at.linear
        evaluations, decoder_ms = (motion.evaluations, motion.decoder_ms) if made else (0, 0.0)
        found = list(rows(look, self._looker.goals, motion, tolerance=self._tolerance))
        for residual, each in zip(self._residuals, linear.rows, strict=True):
            share = RESIDUAL * residual.weight / max(len(each.values), 1)
            found.append(replace(each, weights=share * each.weights))
        prior = PRIOR * self._options.prior
        equations = Equations.of(look.state, freedom, found, self._belief, prior=prior)
        clock.lap("derivative")
        clock.move("derivative", DECODER, motion.decoder_ms - decoder_ms)
        self._spent.add(motion.evaluations - evaluations, clock.laps)
        return equations

    def _see(self, state: State, cells: int) -> Reached | None:
        """A state at a resolution; None where it has no surface."""
        before = self._looker.evaluations
        look = self._looker.look(state, cells)
        evaluations = self._looker.evaluations - before
        self._spent.add(evaluations, self._looker.ms)
        if look is None:
            return None
        aims = bool(self._looker.goals)
        if not self._residuals:
            return Reached(look, self._steps_taken, 0.0, aims)
        clock, cost = Clock(), 0.0
        linear = self._linear(look, self._freedom)
        for residual, each in zip(self._residuals, linear.rows, strict=True):
            cost += residual.weight * each.total / max(len(each.values), 1)
        typical = dict(zip(self._names, (each.typical for each in linear.rows), strict=True))
        clock.lap("residuals")
        clock.move("residuals", DECODER, linear.motion.decoder_ms)
        self._spent.add(linear.motion.evaluations, clock.laps)
        return Reached(look, self._steps_taken, cost, aims, typical, linear)

    def _linear(self, look: Look, freedom: Freedom) -> Linear:
        """The residuals that were given, on a look."""
        assert self._looker.pivot is not None
        motion = Motion(self._looker, look, freedom)
        surface = Surface(look, motion, float(self._looker.pivot[1]))
        return Linear(tuple(rows_of(each, surface) for each in self._residuals), motion)

    def _known_near(self, found: Reached) -> Iterator[Reached]:
        """Coarse looks of known shapes near to a code: those that match best, best first."""
        statistics, known = self._looker.statistics, self._looker.space.codes.cpu()
        whitened = statistics.whiten(known)
        apart = (whitened - found.look.state.whitened).norm(dim=1)
        seen = []
        for place in apart.argsort()[: LOOKS * self._options.restarts].tolist():
            state = replace(found.look.state, whitened=whitened[place])
            look = self._see(state.held_within(self._longest), self._coarsest)
            if look is not None and look.merit > found.merit - TOO_FAR:
                seen.append(look.to_keep())
        seen.sort(key=lambda each: each.merit, reverse=True)
        for each in seen[: self._options.restarts]:
            if self._steps_taken < self._options.steps:
                self._steps_taken += 1
                yield replace(each, number=self._steps_taken)

    def _falls_short(self, found: Reached) -> bool:
        """Whether it is worth starting anew from another shape."""
        wanted = WANTED_WITH_RESIDUALS if self._residuals else WANTED_IOU
        short = bool(self._looker.goals) and found.look.iou < wanted and not self._matches(found)
        steps_left = self._steps_taken < self._options.steps
        return short and steps_left and self._freedom.code > 0 and self._options.restarts > 0

    def _matches(self, at: Reached) -> bool:
        goals = bool(self._looker.goals) and not self._residuals
        return goals and at.look.iou >= self._options.stop_iou

    def _reason(self, found: Reached) -> str:
        if self._matches(found):
            return "converged"
        return "steps" if self._steps_taken >= self._options.steps else "patience"

    def _told(self, reached: Reached) -> FitStep:
        """A step for whoever runs the fit, with what was spent since the one before."""
        self._best.note(reached)
        best = self._best.to_tell()
        step = step_of(reached.look, reached.number, self._options.steps, self._spent)
        return replace(
            step,
            best_iou=best.look.iou,
            best_step=best.number,
            residuals=dict(reached.residuals),
        )
