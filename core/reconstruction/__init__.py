"""One picture to a shape (MeshSDF, section 4.2): an encoder's guesses, refined by their outline.

The encoder guesses several codes and views at once. Each likely one is drawn after the picture's
mask for a few second-order steps, code and pose together, held to its guess as firmly as the
encoder is usually right; the one that then matches best, its likelihood counted, goes on.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from ..camera import View
from ..space import Space
from .encoderfile import SpaceEncoder, find_encoder, read_encoder
from .picture import checked, noted_lens, read_picture
from .result import Reconstruction, ReconstructOptions
from .run import Asked, Run

__all__ = [
    "ReconstructOptions",
    "Reconstruction",
    "SpaceEncoder",
    "find_encoder",
    "noted_lens",
    "read_encoder",
    "read_picture",
    "reconstruct",
]


def reconstruct(
    space: Space,
    encoder: SpaceEncoder,
    picture: Tensor,
    *,
    mask: Tensor | None = None,
    view: View | None = None,
    scale: float = 1.0,
    lens: float | None = None,
    options: ReconstructOptions | None = None,
) -> Iterator[Reconstruction]:
    """Reconstruct what a ``picture`` ``(4, H, W)`` shows, RGBA in [0, 1]; one yield a step.

    ``mask`` ``(H, W)`` says where the object is; without it the picture's transparency, or, where
    there is none, the encoder. A ``view`` of the picture, of any size, is a camera that stays where
    it is: the shape, of that ``scale``, is put before it. Without one the shape stays and the
    camera is guessed; its focal length too, unless ``lens`` tells it, in millimetres for 36 along
    the picture's longer side (:func:`noted_lens`). The first yield is the encoder's word, the last
    the best that was found. Deterministic on one thread. Raises EncoderError, PictureError,
    ViewError, FitError.
    """
    encoder.check(space)
    options = options or ReconstructOptions()
    return Run(Asked(space, encoder, checked(picture), mask, view, scale, lens, options)).run()
