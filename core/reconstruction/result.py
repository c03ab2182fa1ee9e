"""How to reconstruct, and what comes of it step by step."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..camera import View
from ..errors import FitError
from ..extraction import LARGEST_RESOLUTION, SMALLEST_RESOLUTION

MOST_GUESSES, MOST_STEPS, MOST_TRUST = 64, 1000, 1000.0


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
        Whether the refinement moves and turns the shape as well, and, before an orthographic
        camera, scales it.
    trust
        How firmly the refinement holds to the encoder's code: 1 as its usual error says, 0 not at
        all (the space's own prior alone). Where the mask is predicted, twenty times as firmly.
    """

    guesses: int = 3
    steps: int = 12
    resolution: int = 64
    pose: bool = True
    trust: float = 2.0

    def __post_init__(self) -> None:
        ranges = {
            "guesses": (1, MOST_GUESSES),
            "steps": (0, MOST_STEPS),
            "resolution": (SMALLEST_RESOLUTION, LARGEST_RESOLUTION),
            "trust": (0, MOST_TRUST),
        }
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            # What is no number lies in no range.
            if not low <= value <= high:
                raise FitError(f"'{name}' is {value}", f"Use a number from {low} to {high:.0f}")


@dataclass(frozen=True)
class Reconstruction:
    """A shape that a picture shows, as far as it is known.

    code ``(L,)``
        Of the space.
    object_matrix ``(4, 4)``
        From the shape's own coordinates to the world: the identity where the camera was guessed.
    camera ``(4, 4)`` or None, ``focal``
        Where the camera was guessed: camera to world, and the focal length in pixels of ``view``.
    lens
        In millimetres, where the focal length was told and only the rest was guessed.
    view
        The picture's camera, given or guessed.
    iou
        Of the shape's silhouette and the mask, in the square about it.
    stage
        "guess" (what the encoder says), "trial", "refine", and "done".
    step, reason
        Steps of the refinement so far; why it ended, in the word of a fit, with the last.
    start_iou
        Of what the encoder said.
    mask ``(H, W)``, remarks
        The object in the picture, and what a user should know of it.
    likelihood, guess
        The encoder's, of the guess that this came from; which it is, by likelihood, from 0.
    """

    code: Tensor
    object_matrix: Tensor
    camera: Tensor | None
    focal: float
    lens: float | None
    view: View
    iou: float
    stage: str
    step: int
    mask: Tensor
    predicted: bool
    remarks: tuple[str, ...]
    likelihood: float
    ms: dict[str, float]
    guess: int = 0
    start_iou: float = 0.0
    reason: str = ""

    @property
    def done(self) -> bool:
        """Whether this is the last."""
        return self.stage == "done"
