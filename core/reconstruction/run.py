"""One reconstruction: guesses in their places, trials, and the refinement of the best."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from time import perf_counter

import torch
from torch import Tensor

from ..camera import View
from ..errors import FitError, MeshSDFError, PictureError, ViewError
from ..fitting import Belief, FitOptions, FitStep, fit
from ..space import Space
from . import masking, placing
from .cropview import Square
from .encoder import Guess
from .encoderfile import SpaceEncoder
from .result import Reconstruction, ReconstructOptions

# Guesses less likely than this share of the likeliest are not tried.
LEAST_LIKELY = 0.03
# What the logarithm of a likelihood weighs beside an IoU, and what a code's squared distance from
# what is believed of it does.
LIKELIHOOD_WEIGHT, DISTANCE_WEIGHT = 0.01, 3e-3
# An outline that was predicted is off here and there: the code is held so many times as firmly.
PREDICTED_TRUST = 20.0
# The likeliest guess is tried with these times its focal length too, where that is not known.
ZOOMS = (1.6, 0.625)
# Trials and refinement look at the square, with room for the outline to move, at so many pixels.
ROOM, TRIAL_PIXELS, PIXELS = 1.25, 96, 192
TRIAL_CELLS, TRIAL_STEPS = 32, 3
# Where shape and mask overlap by less in the end, they are not of one thing.
ALIKE = 0.8
# Cameras are taught with tilts of a few degrees; one that is rolled by more sees something else,
# unless it looks down, where of the upright axis less is seen than this.
MOST_TILT, LEAST_UPRIGHT = 30.0, 0.4
# An orthographic camera does not say how far away things are, in units of the shape.
ORTHOGRAPHIC_DEPTH = 5.0


@dataclass(frozen=True)
class Asked:
    """What is to be reconstructed: see :func:`core.reconstruction.reconstruct`."""

    space: Space
    encoder: SpaceEncoder
    picture: Tensor
    mask: Tensor | None
    view: View | None
    scale: float
    lens: float | None
    options: ReconstructOptions


@dataclass
class _Try:
    """A guess in its place: the fit's matrix and views."""

    number: int
    guess: Guess
    code: Tensor
    matrix: Tensor
    view: View
    iou: float = 0.0


class Run:
    """A reconstruction under way."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._ms: dict[str, float] = {}
        self._start_iou = 0.0
        self._options, self._space, self._encoder = asked.options, asked.space, asked.encoder
        picture, mask = asked.picture, asked.mask
        started = perf_counter()
        if mask is not None and mask.ndim == 2 and mask.shape != picture.shape[1:]:
            if not _alike(mask.shape[1], mask.shape[0], picture):
                raise PictureError(
                    f"The mask has {mask.shape[1]} x {mask.shape[0]} pixels, which are not the "
                    f"proportions of the picture, {picture.shape[2]} x {picture.shape[1]}",
                    "Make the mask of this picture, and turned as it is",
                )
            size, fine = list(picture.shape[1:]), mask[None, None].float()
            mask = torch.nn.functional.interpolate(fine, size, mode="area")[0, 0]
        self._found = masking.find(picture, asked.encoder.masker, mask)
        self._lap("mask", started)
        started = perf_counter()
        height, width = picture.shape[1:]
        self._width, self._height = width, height
        view = asked.view
        if view is not None and asked.lens is not None:
            raise ViewError(
                "A lens and a camera were given, which has one of its own", "Leave one of them out"
            )
        if view is not None and not _alike(view.width, view.height, picture):
            raise ViewError(
                f"The camera takes pictures of {view.width} x {view.height} pixels, which are not "
                f"the proportions of this one, {width} x {height}",
                "Use the camera that took the picture",
            )
        self._view = of_size(view, width, height) if view is not None else None
        self._focal = None if asked.lens is None else placing.focal_of(asked.lens, width, height)
        network = asked.encoder.encoder
        both = torch.cat([picture[:3] * self._found.mask, self._found.mask[None]])
        guesses = network.guess(masking.cut(both, self._found.square, network.form.side))
        self._lap("encoder", started)
        self._statistics = asked.space.statistics  # made anew each time that it is asked for
        self._tries = [self._placed(number, each) for number, each in enumerate(guesses)]

    def _lap(self, name: str, since: float) -> None:
        self._ms[name] = self._ms.get(name, 0.0) + (perf_counter() - since) * 1e3

    def run(self) -> Iterator[Reconstruction]:
        """All steps: the encoder's word, the best trial, the refinement."""
        best = self._tries[0]
        best.iou = self._start_iou = self._seen(best)
        yield self._told(best, "guess")
        if not self._options.steps:
            yield self._told(best, "done", reason="steps")
            return
        best = self._best_try()
        yield self._told(best, "trial")
        taken = 0
        for step in self._fit(best, self._options.steps, self._options.resolution, PIXELS):
            found = self._after(best, step)
            if step.done:  # its number is that of the best one
                self._ms["refine"] = sum(step.ms.values())
                yield self._told(found, "done", taken, reason=step.reason)
            else:
                taken = step.step
                yield self._told(found, "refine", taken)

    def _placed(self, number: int, guess: Guess) -> _Try:
        code = self._statistics.unwhiten(guess.whitened)
        frame, square = self._space.frame, self._found.square
        if self._view is not None:
            matrix = placing.before_camera(
                guess.view,
                square,
                self._view,
                frame,
                scale=self._asked.scale,
                depth=ORTHOGRAPHIC_DEPTH,
            )
            return _Try(number, guess, code, matrix, self._view)
        seen = guess.view
        if self._focal is not None:
            seen = seen.with_tangent(square.half / self._focal)
        camera, focal = placing.camera_of(seen, square, self._width, self._height, frame)
        view = placing.picture_view(camera, focal, self._width, self._height)
        return _Try(number, guess, code, torch.eye(4, dtype=torch.float64), view)

    def _best_try(self) -> _Try:
        """The likely guess that matches best after a few steps."""
        started = perf_counter()
        likeliest = self._tries[0].guess.likelihood
        best, merit = self._tries[0], -1e9
        for each in self._candidates():
            if each.guess.likelihood < LEAST_LIKELY * likeliest:
                continue
            try:
                *_, found = self._fit(each, TRIAL_STEPS, TRIAL_CELLS, TRIAL_PIXELS)
            except FitError:  # a guess that stands in the camera, or beside what it sees
                continue
            likelihood = torch.tensor(each.guess.likelihood).log()
            told = found.best_iou + LIKELIHOOD_WEIGHT * float(likelihood)
            if self._options.trust:
                whitened = self._statistics.whiten(found.code)
                told -= DISTANCE_WEIGHT * self._belief(each.guess).distance(whitened)
            if told > merit:
                best, merit = self._after(each, found), told
        self._lap("trials", started)
        return best

    def _doubts(self, at: _Try, stage: str, camera: Tensor | None) -> tuple[str, ...]:
        """What there is to say of a refined shape whose outline is not the object's."""
        if stage != "done" or not self._options.steps:
            return ()
        tilted = 0.0 if camera is None else _tilt(camera)
        if tilted > MOST_TILT:
            return (
                f"The shape came to be seen lying tilted by {tilted:.0f} degrees: the object may "
                f"be no shape of '{self._space.name}'",
            )
        if at.iou >= ALIKE:
            return ()
        mask = "mask that was predicted" if self._found.predicted else "object in the picture"
        return (
            f"Shape and {mask} overlap by {at.iou:.0%} only: the mask may be wrong, or the "
            f"object no shape of '{self._space.name}'",
        )

    def _candidates(self) -> Iterator[_Try]:
        """The likely guesses, and the likeliest through other lenses."""
        yield from self._tries[: self._options.guesses]
        if self._lens_is_guessed and self._options.pose and self._options.guesses > 1:
            first = self._tries[0]
            for factor in ZOOMS:
                other = first.guess.view.with_tangent(first.guess.view.tangent / factor)
                yield self._placed(0, replace(first.guess, view=other))

    @property
    def _lens_is_guessed(self) -> bool:
        return self._view is None and self._focal is None

    def _belief(self, guess: Guess, trust: float = 1.0) -> Belief:
        return Belief(guess.whitened, self._encoder.covariance / trust)

    def _fit(self, at: _Try, steps: int, cells: int, pixels: int) -> Iterator[FitStep]:
        pose = self._options.pose
        options = FitOptions(
            steps=steps,
            resolution=cells,
            move=pose,
            turn=pose,
            # Without perspective no move makes a shape larger.
            scale=pose and not placing.Lens.of(at.view).perspective,
            lens=pose and self._lens_is_guessed,
            restarts=0,
            keep_thin=True,
        )
        view, mask = self._square_of(at, pixels)
        trust = self._options.trust * (PREDICTED_TRUST if self._found.predicted else 1.0)
        belief = self._belief(at.guess, trust) if trust else None
        return fit(
            self._space,
            at.code,
            [view],
            [mask],
            options=options,
            object_matrix=at.matrix,
            belief=belief,
        )

    def _after(self, at: _Try, step: FitStep) -> _Try:
        """A guess where a step of its fit has come to."""
        view = at.view
        if self._view is None:
            view = placing.whole_view(step.views[0], self._wide(), self._width, self._height)
        return replace(at, code=step.code, matrix=step.object_matrix, view=view, iou=step.iou)

    def _seen(self, at: _Try) -> float:
        """The IoU of a guess as it is."""
        view, mask = self._square_of(at, TRIAL_PIXELS)
        options = FitOptions(steps=0, resolution=TRIAL_CELLS)
        try:
            *_, found = fit(
                self._space, at.code, [view], [mask], options=options, object_matrix=at.matrix
            )
        except MeshSDFError:
            return 0.0
        return found.iou

    def _square_of(self, at: _Try, pixels: int) -> tuple[View, Tensor]:
        """The view and the mask of the square, with room, as a fit sees them."""
        square = self._wide()
        view = placing.cut_view(at.view, square, pixels)
        return view, masking.cut(self._found.mask[None], square, pixels)[0].clamp(0, 1)

    def _wide(self) -> Square:
        """The square with room for the outline to move."""
        square = self._found.square
        return Square(square.column, square.row, square.half * ROOM)

    def _told(self, at: _Try, stage: str, step: int = 0, *, reason: str = "") -> Reconstruction:
        camera, focal, view, matrix = None, 0.0, at.view, at.matrix
        if self._view is None:  # the shape stays where it is, and the camera moves
            view = replace(view, matrix=view.matrix @ matrix)
            matrix = torch.eye(4, dtype=torch.float64)
            camera, focal = placing.camera_that_sees(view)
        return Reconstruction(
            code=at.code,
            object_matrix=matrix,
            camera=camera,
            focal=focal,
            lens=self._asked.lens if camera is not None else None,
            view=view,
            iou=at.iou,
            stage=stage,
            step=step,
            mask=self._found.mask,
            predicted=self._found.predicted,
            remarks=(*self._found.remarks, *self._doubts(at, stage, camera)),
            likelihood=at.guess.likelihood,
            ms=dict(self._ms),
            guess=at.number,
            start_iou=self._start_iou,
            reason=reason,
        )


def _tilt(camera: Tensor) -> float:
    """How many degrees a camera ``(4, 4)`` to world is rolled; 0 where it looks down or up."""
    right, up, _ = torch.linalg.inv(camera)[:3, 2].tolist()  # the upright axis, as it is seen
    if math.hypot(right, up) < LEAST_UPRIGHT:
        return 0.0
    return abs(math.degrees(math.atan2(right, up)))


def _alike(width: int, height: int, picture: Tensor) -> bool:
    """Whether a size has a picture's proportions, but for a pixel where one of both was rounded."""
    rows, columns = picture.shape[1:]
    return abs(width * rows - height * columns) <= max(width, height, rows, columns)


def of_size(view: View, width: int, height: int) -> View:
    """The same camera with a picture of another size."""
    change = torch.eye(4, dtype=torch.float64)
    change[0, 0], change[1, 1] = width / view.width, height / view.height
    return View(change @ view.matrix, width, height, view.weight)
