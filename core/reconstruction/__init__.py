"""One picture to a shape (MeshSDF, section 4.2): an encoder's guesses, refined by their outline.

The encoder guesses several codes and views at once. Each likely one is drawn after the picture's
mask for a few second-order steps, code and pose together, held to its guess as firmly as the
encoder is usually right; the one that then matches best, its likelihood counted, goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from time import perf_counter

import torch
from torch import Tensor

from ..camera import View
from ..errors import FitError, MeshSDFError, PictureError
from ..fitting import Belief, FitOptions, FitStep, fit
from ..space import Space
from . import masking, placing
from .cropview import CropView, Square
from .encoder import Guess
from .encoderfile import SpaceEncoder, find_encoder, read_encoder
from .picture import checked, read_picture

__all__ = [
    "PictureError",
    "Reconstruction",
    "ReconstructOptions",
    "find_encoder",
    "read_encoder",
    "read_picture",
    "reconstruct",
]

# Guesses less likely than this share of the likeliest are not tried.
LEAST_LIKELY = 0.03
# What the logarithm of a likelihood weighs beside an IoU.
LIKELIHOOD_WEIGHT = 0.01
# Trials and refinement look at the square, with room for the outline to move, at so many pixels.
ROOM, TRIAL_PIXELS, PIXELS = 1.25, 96, 192
TRIAL_CELLS, TRIAL_STEPS = 32, 3
# An orthographic camera does not say how far away things are, in units of the shape.
ORTHOGRAPHIC_DEPTH = 5.0


@dataclass(frozen=True)
class ReconstructOptions:
    """How to reconstruct.

    guesses
        How many guesses are tried at the most; 1 takes the likeliest at its word.
    steps
        Of the refinement; 0 gives what the encoder says.
    resolution
        Cells of the refinement's meshes.
    pose
        Whether the refinement moves and turns the shape as well.
    trust
        How firmly the refinement holds to the encoder's code: 1 as its usual error says, 0 not at
        all (the space's own prior alone).
    """

    guesses: int = 3
    steps: int = 12
    resolution: int = 64
    pose: bool = True
    trust: float = 1.0

    def __post_init__(self) -> None:
        if not 1 <= self.guesses <= 64 or not 0 <= self.steps <= 1000:
            raise FitError("'guesses' or 'steps' is out of range", "Use 1 to 64, and 0 to 1000")
        if not 0 <= self.trust <= 1000:
            raise FitError(f"'trust' is {self.trust}", "Use a number from 0 to 1000")


@dataclass(frozen=True)
class Reconstruction:
    """A shape that a picture shows, as far as it is known.

    code ``(L,)``
        Of the space.
    object_matrix ``(4, 4)``
        From the shape's own coordinates to the world: the identity where the camera was guessed.
    camera ``(4, 4)`` or None, ``focal``
        Where the camera was guessed: camera to world, and the focal length in pixels of ``view``.
    view
        The picture's camera, given or guessed.
    iou
        Of the shape's silhouette and the mask, in the square about it.
    stage
        "guess" (what the encoder says), "trial", "refine", and "done".
    mask ``(H, W)``, remarks
        The object in the picture, and what a user should know of it.
    likelihood
        The encoder's, of the guess that this came from.
    """

    code: Tensor
    object_matrix: Tensor
    camera: Tensor | None
    focal: float
    view: View
    iou: float
    stage: str
    step: int
    mask: Tensor
    predicted: bool
    remarks: tuple[str, ...]
    likelihood: float
    ms: dict[str, float]

    @property
    def done(self) -> bool:
        """Whether this is the last."""
        return self.stage == "done"


def reconstruct(
    space: Space,
    encoder: SpaceEncoder,
    picture: Tensor,
    *,
    mask: Tensor | None = None,
    view: View | None = None,
    scale: float = 1.0,
    options: ReconstructOptions | None = None,
) -> Iterator[Reconstruction]:
    """Reconstruct what a ``picture`` ``(4, H, W)`` shows, RGBA in [0, 1]; one yield a step.

    ``mask`` ``(H, W)`` says where the object is; without it the picture's transparency, or, where
    there is none, the encoder. A ``view`` of the picture, of any size, is a camera that stays where
    it is: the shape, of that ``scale``, is put before it. Without one the shape stays and the
    camera is guessed. The first yield is the encoder's word, the last the best that was found.
    Deterministic on one thread. Raises EncoderError, PictureError, ViewError, FitError.
    """
    options = options or ReconstructOptions()
    encoder.check(space)
    return _Run(space, encoder, checked(picture), mask, view, scale, options).run()


@dataclass
class _Try:
    """A guess in its place: the fit's matrix and views."""

    guess: Guess
    code: Tensor
    matrix: Tensor
    camera: Tensor | None
    focal: float
    view: View
    iou: float = 0.0


class _Run:
    """A reconstruction under way."""

    def __init__(
        self,
        space: Space,
        encoder: SpaceEncoder,
        picture: Tensor,
        mask: Tensor | None,
        view: View | None,
        scale: float,
        options: ReconstructOptions,
    ) -> None:
        self._space, self._encoder, self._options, self._scale = space, encoder, options, scale
        self._ms: dict[str, float] = {}
        started = perf_counter()
        if mask is not None and mask.shape != picture.shape[1:] and mask.ndim == 2:
            size = list(picture.shape[1:])
            mask = torch.nn.functional.interpolate(mask[None, None].float(), size, mode="area")[0, 0]
        self._found = masking.find(picture, encoder.masker, mask)
        self._lap("mask", started)
        started = perf_counter()
        height, width = picture.shape[1:]
        self._width, self._height = width, height
        self._view = _of_size(view, width, height) if view is not None else None
        side = encoder.encoder.form.side
        both = torch.cat([picture[:3] * self._found.mask, self._found.mask[None]])
        guesses = encoder.encoder.guess(masking.cut(both, self._found.square, side))
        self._lap("encoder", started)
        self._tries = [self._placed(each) for each in guesses]

    def _lap(self, name: str, since: float) -> None:
        self._ms[name] = self._ms.get(name, 0.0) + (perf_counter() - since) * 1e3

    def run(self) -> Iterator[Reconstruction]:
        first = self._tries[0]
        first.iou = self._seen(first)
        yield self._told(first, first.code, first.matrix, first.iou, "guess", 0)
        best = first
        if self._options.steps:
            best = self._best_try()
            yield self._told(best, best.code, best.matrix, best.iou, "trial", 0)
            found = None
            for found in self._fit(best, self._options.steps, self._options.resolution, PIXELS):
                if not found.done:
                    yield self._told_fit(best, found, "refine")
            assert found is not None
            yield self._told_fit(best, found, "done")
            return
        yield self._told(best, best.code, best.matrix, best.iou, "done", 0)

    def _placed(self, guess: Guess) -> _Try:
        code = self._space.statistics.unwhiten(guess.whitened)
        frame, square = self._space.frame, self._found.square
        if self._view is not None:
            matrix = placing.before_camera(
                guess.view, square, self._view, frame, scale=self._scale, depth=ORTHOGRAPHIC_DEPTH
            )
            return _Try(guess, code, matrix, None, 0.0, self._view)
        camera, focal = placing.camera_of(guess.view, square, self._width, self._height, frame)
        view = placing.picture_view(camera, focal, self._width, self._height)
        return _Try(guess, code, torch.eye(4, dtype=torch.float64), camera, focal, view)

    def _best_try(self) -> _Try:
        """The likely guess that matches best after a few steps."""
        started = perf_counter()
        likeliest = self._tries[0].guess.likelihood
        best, merit = self._tries[0], -1e9
        for each in self._tries[: self._options.guesses]:
            if each.guess.likelihood < LEAST_LIKELY * likeliest:
                continue
            try:
                *_, found = self._fit(each, TRIAL_STEPS, TRIAL_CELLS, TRIAL_PIXELS)
            except FitError:  # a guess that stands in the camera, or beside what it sees
                continue
            each.code, each.matrix = found.code, found.object_matrix
            each.iou = found.best_iou
            likelihood = torch.tensor(each.guess.likelihood).log()
            told = found.best_iou + LIKELIHOOD_WEIGHT * float(likelihood)
            if told > merit:
                best, merit = each, told
        self._lap("trials", started)
        return best

    def _fit(self, at: _Try, steps: int, cells: int, pixels: int) -> Iterator[FitStep]:
        pose = self._options.pose
        options = FitOptions(
            steps=steps, resolution=cells, move=pose, turn=pose, restarts=0, keep_thin=True
        )
        view, mask = self._square_of(at, pixels)
        belief = None
        if self._options.trust:
            usual = self._encoder.usual_error
            belief = Belief(at.guess.whitened, usual / self._options.trust**0.5)
        return fit(
            self._space, at.code, [view], [mask], options=options, object_matrix=at.matrix,
            belief=belief,
        )

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
        square = self._found.square
        square = Square(square.column, square.row, square.half * ROOM)
        view = placing.cut_view(at.view, square, pixels)
        return view, masking.cut(self._found.mask[None], square, pixels)[0].clamp(0, 1)

    def _told_fit(self, at: _Try, found: FitStep, stage: str) -> Reconstruction:
        started = sum(found.ms.values())
        self._ms["refine"] = started if stage == "done" else self._ms.get("refine", 0.0)
        iou = found.best_iou if stage == "done" else found.iou
        return self._told(at, found.code, found.object_matrix, iou, stage, found.step)

    def _told(
        self, at: _Try, code: Tensor, matrix: Tensor, iou: float, stage: str, step: int
    ) -> Reconstruction:
        camera, view = at.camera, at.view
        if camera is not None:  # the shape stays where it is, and the camera moves
            back = torch.linalg.inv(matrix)
            camera = back @ camera
            view = replace(view, matrix=view.matrix @ matrix)
            matrix = torch.eye(4, dtype=torch.float64)
        return Reconstruction(
            code=code,
            object_matrix=matrix,
            camera=camera,
            focal=at.focal,
            view=view,
            iou=iou,
            stage=stage,
            step=step,
            mask=self._found.mask,
            predicted=self._found.predicted,
            remarks=self._found.remarks,
            likelihood=at.guess.likelihood,
            ms=dict(self._ms),
        )


def _of_size(view: View, width: int, height: int) -> View:
    """The same camera with a picture of another size."""
    change = torch.eye(4, dtype=torch.float64)
    change[0, 0], change[1, 1] = width / view.width, height / view.height
    return View(change @ view.matrix, width, height, view.weight)
