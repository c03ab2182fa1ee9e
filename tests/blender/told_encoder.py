"""Write an encoder beside a space, which always has the same one guess, and is right about it.

    python -m tests.blender.told_encoder SPACE KNOWN.npz

KNOWN.npz has the ``code`` of an object that stands at ``matrix`` ``(4, 4)`` before the ``view``
``(4, 4)`` of an RGBA picture ``rgba`` ``(H, W, 4)``, bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from core.camera import View
from core.loading import load_space
from core.reconstruction import encoderfile, masking, placing
from core.reconstruction.cropview import CropView, facing
from core.reconstruction.encoder import Encoder, EncoderForm
from core.reconstruction.masker import Masker


def main(path: Path, known: dict[str, np.ndarray]) -> None:
    space = load_space(path)
    rgba, matrix = known["rgba"], known["matrix"]
    height, width = rgba.shape[:2]
    picture = torch.from_numpy(rgba).permute(2, 0, 1) / 255
    square = masking.find(picture, None).square
    lens = placing.Lens.of(View(torch.from_numpy(known["view"]), width, height))
    right = (square.column - lens.centre[0]) / lens.focal[0]
    up = (lens.centre[1] - square.row) / lens.focal[1]
    to_square, tangent = facing(right, up, tuple(square.half / focal for focal in lens.focal))
    turn = to_square.T @ lens.rotation
    middle = matrix[:3, :3] @ space.frame.offset + matrix[:3, 3] - lens.place
    place = turn @ middle / space.frame.scale
    reach = -place[2] * tangent
    guess = CropView(
        turn @ matrix[:3, :3], (place[0] / reach, place[1] / reach), 1 / reach, tangent
    )
    form = EncoderForm(space.code_length, guesses=1, widths=(4, 4, 4, 4), features=8)
    encoder = Encoder(form)
    whitened = space.statistics.whiten(torch.from_numpy(known["code"])).numpy()
    with torch.no_grad():
        encoder.guesses.weight.zero_()
        told = np.concatenate([whitened, guess.numbers(), [0.0]])
        encoder.guesses.bias.copy_(torch.from_numpy(told))
    made = encoderfile.SpaceEncoder(
        space.name,
        encoderfile.fingerprint(space),
        encoder,
        Masker(),
        torch.eye(space.code_length),
    )
    encoderfile.write_encoder(encoderfile.encoder_path(path), made)


if __name__ == "__main__":
    with np.load(sys.argv[2]) as data:
        main(Path(sys.argv[1]), dict(data))
