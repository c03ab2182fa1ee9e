"""The encoder: a square picture of an object in, its code and several guesses of its view out.

A small residual network (He et al., CVPR 2016) over the picture, masked, and its mask. What one
picture cannot tell (which side of a chair is seen in a silhouette) makes the guesses of the view
differ: each has a likelihood of its own, and in training only the best of them is held to the truth
(Guzman-Rivera et al., NIPS 2012). Views have no mean that means anything; codes have, and it is
what comes nearest to the shape on average, so all guesses share one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from ..errors import EncoderError
from .cropview import SIZE, CropView, crop_view

CHANNELS = 4  # red, green and blue times the mask, and the mask
KERNEL, FIRST_KERNEL, NARROW = 3, 5, 48
STRIDES = 16  # of the picture's pixels a feature's


@dataclass(frozen=True)
class EncoderForm:
    """The form of an encoder.

    code_length, guesses
        L, and how many guesses are made.
    side
        Pixels of the square picture, a multiple of 16.
    widths
        Channels after each of four halvings.
    features
        What is left of the picture before the guesses.
    """

    code_length: int
    guesses: int = 4
    side: int = 64
    widths: tuple[int, int, int, int] = (24, 48, 96, 160)
    features: int = 224

    @property
    def outputs(self) -> int:
        """The code's numbers, and of each guess the view's and the logarithm of its likelihood."""
        return self.code_length + self.guesses * (SIZE + 1)

    @property
    def numbers(self) -> int:
        """How many numbers its matrices and kernels have."""
        convolutions = CHANNELS * FIRST_KERNEL**2 * self.widths[0] + self.widths[-1] * NARROW
        for before, width in pairwise(self.widths):
            convolutions += KERNEL**2 * width * (before + 2 * width)
        cells = (self.side // STRIDES) ** 2
        return convolutions + self.features * (NARROW * cells + self.outputs)


@dataclass(frozen=True)
class Guess:
    """One guess: a whitened code ``(L,)``, the view, and how likely it is among all."""

    whitened: Tensor
    view: CropView
    likelihood: float


class Encoder(nn.Module):
    """Weights of an :class:`EncoderForm`; freshly made ones are torch's own start."""

    def __init__(self, form: EncoderForm) -> None:
        super().__init__()
        self.form = form
        layers: list[nn.Module] = []
        before = CHANNELS
        for width in form.widths:
            first = not layers
            layers.append(Halving(before, width, kernel=FIRST_KERNEL if first else KERNEL))
            if not first:  # at half of the picture's resolution these would cost most
                layers.append(Residual(width))
            before = width
        self.picture = nn.Sequential(*layers)
        self.narrow = nn.Sequential(
            nn.Conv2d(before, NARROW, 1, bias=False), nn.BatchNorm2d(NARROW)
        )
        cells = (form.side // STRIDES) ** 2
        # The trap: without the norm two thirds of the features die in the first steps, and stay so.
        self.whole = nn.Sequential(
            nn.Flatten(),
            nn.ReLU(),
            nn.Linear(NARROW * cells, form.features, bias=False),
            nn.BatchNorm1d(form.features),
            nn.ReLU(),
        )
        self.guesses = nn.Linear(form.features, form.outputs)
        with torch.no_grad():  # guesses start apart, near the mean shape seen from anywhere
            self.guesses.weight.mul_(0.3)
            views = torch.randn(form.guesses, SIZE + 1) * 0.5
            views[:, 6:] = 0.0
            views[:, 9] = -1.5  # the tangent's logarithm, about 0.2
            code = torch.zeros(form.code_length)
            self.guesses.bias.copy_(torch.cat([code, views.flatten()]))

    def forward(self, pictures: Tensor) -> Tensor:
        """Guesses ``(B, K, L + 11)`` from ``pictures`` ``(B, 4, S, S)`` in [0, 1].

        Of each the whitened code, the ten numbers of :mod:`core.reconstruction.cropview`, and the
        unnormalised logarithm of the likelihood. The code is the same one. Differentiable.
        """
        outputs: Tensor = self.guesses(self.whole(self.narrow(self.picture(pictures))))
        code, views = outputs.tensor_split([self.form.code_length], dim=1)
        views = views.unflatten(1, (self.form.guesses, SIZE + 1))
        return torch.cat([code[:, None].expand(-1, self.form.guesses, -1), views], dim=2)

    @torch.no_grad()
    def guess(self, picture: Tensor) -> list[Guess]:
        """The guesses for one ``picture`` ``(4, S, S)``, the likeliest first.

        Raises EncoderError where the weights make none.
        """
        outputs = self(picture[None])[0].double()
        if not bool(torch.isfinite(outputs).all()):
            raise EncoderError("The encoder's guesses are no numbers", "Teach it anew")
        length = self.form.code_length
        likelihoods = outputs[:, -1].softmax(0)
        order = likelihoods.argsort(descending=True).tolist()
        return [
            Guess(
                outputs[i, :length].float(),
                crop_view(outputs[i, length:-1].numpy()),
                float(likelihoods[i]),
            )
            for i in order
        ]


class Halving(nn.Module):
    """From ``before`` channels to ``width`` at half of the resolution."""

    def __init__(self, before: int, width: int, *, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, width, kernel, stride=2, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.norm(self.conv(x)))


class Residual(nn.Module):
    """What it gets, and what two convolutions find to add, at the same resolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, KERNEL, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, width, KERNEL, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        inner = torch.relu(self.first_norm(self.first(x)))
        return torch.relu(x + self.second_norm(self.second(inner)))
