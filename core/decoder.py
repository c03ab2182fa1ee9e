"""The decoder of a shape space: a code z and a point x in, the signed distance f(z, x) out.

One network form covers the DeepSDF family (Park et al., CVPR 2019, section 4) and MeshSDF's
variant with Fourier features: ReLU layers, some of which see the code and the point again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .folded import POINT_SIZE, FoldedDecoder

# A file that asks for more describes no decoder, or is meant to do harm.
MOST_LAYERS, MOST_WIDTH = 64, 16_384


@dataclass(frozen=True)
class Architecture:
    """The form of a decoder; layers are counted from 0, ``len(widths)`` is the output layer.

    widths
        Outputs of each hidden layer, as stored (a layer before a skip is narrower).
    skips
        Layers whose input is the previous output, then the code, then the point's features.
    xyz_in_all
        Every layer but the first and the skips also sees the three raw coordinates.
    fourier_degree
        0 feeds raw coordinates; d > 0 feeds cos(2^l pi' x) for l < d, then the sines, 6 d in all.
    norms
        Hidden layers followed by a LayerNorm.
    tanh_last
        The output layer has an extra tanh of its own (DeepSDF's ``use_tanh``).
    tanh_out
        The output passes through tanh (all DeepSDF and MeshSDF models; newer ones may not).
    """

    code_length: int
    widths: tuple[int, ...]
    skips: tuple[int, ...] = ()
    xyz_in_all: bool = False
    fourier_degree: int = 0
    norms: tuple[int, ...] = ()
    tanh_last: bool = False
    tanh_out: bool = True

    @property
    def feature_size(self) -> int:
        """How many numbers stand for a point at the decoder's input."""
        return 2 * POINT_SIZE * self.fourier_degree if self.fourier_degree else POINT_SIZE

    @property
    def layer_count(self) -> int:
        """Linear layers, the output layer included."""
        return len(self.widths) + 1

    def sees_code(self, layer: int) -> bool:
        """Whether the layer's input holds the code and the point's features."""
        return layer == 0 or layer in self.skips

    def sees_point(self, layer: int) -> bool:
        """Whether the layer's input holds anything of the point."""
        return self.sees_code(layer) or self.xyz_in_all

    def inputs(self, layer: int) -> int:
        """Width of the layer's input."""
        previous = 0 if layer == 0 else self.widths[layer - 1]
        if self.sees_code(layer):
            return previous + self.code_length + self.feature_size
        return previous + (POINT_SIZE if self.xyz_in_all else 0)

    def outputs(self, layer: int) -> int:
        """Width of the layer's output."""
        return 1 if layer == len(self.widths) else self.widths[layer]

    @property
    def flops(self) -> int:
        """Floating-point operations of one folded evaluation (two per weight that is used)."""
        weights = (
            (self.inputs(i) - (self.code_length if self.sees_code(i) else 0)) * self.outputs(i)
            for i in range(self.layer_count)
        )
        return 2 * sum(weights)


class Decoder(nn.Module):
    """A decoder with plain weights (weight norm is multiplied out when a file is loaded).

    Freshly made decoders are initialised as torch's ``nn.Linear`` is, from ``generator``.
    """

    def __init__(
        self, architecture: Architecture, *, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.architecture = architecture
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        self.norm_weights = nn.ParameterDict()
        self.norm_biases = nn.ParameterDict()
        for layer in range(architecture.layer_count):
            fan_in, fan_out = architecture.inputs(layer), architecture.outputs(layer)
            bound = fan_in**-0.5
            weight = torch.empty(fan_out, fan_in).uniform_(-bound, bound, generator=generator)
            bias = torch.empty(fan_out).uniform_(-bound, bound, generator=generator)
            self.weights.append(nn.Parameter(weight))
            self.biases.append(nn.Parameter(bias))
            if layer in architecture.norms:
                self.norm_weights[str(layer)] = nn.Parameter(torch.ones(fan_out))
                self.norm_biases[str(layer)] = nn.Parameter(torch.zeros(fan_out))

    @staticmethod
    def of(
        architecture: Architecture,
        weights: Sequence[Tensor],
        biases: Sequence[Tensor],
        norms: Mapping[int, tuple[Tensor, Tensor]],
    ) -> Decoder:
        """A decoder for evaluation, its weights not to be trained, from what a file holds.

        ``weights`` and ``biases`` by layer; ``norms`` are each LayerNorm's weight and bias.
        """
        decoder = Decoder(architecture)
        with torch.no_grad():
            for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
                decoder.weights[layer].copy_(weight)
                decoder.biases[layer].copy_(bias)
            for layer in architecture.norms:
                decoder.norm_weights[str(layer)].copy_(norms[layer][0])
                decoder.norm_biases[str(layer)].copy_(norms[layer][1])
        return decoder.requires_grad_(False).eval()

    def forward(self, code: Tensor, points: Tensor) -> Tensor:
        """Signed distance ``(N,)`` at ``points`` ``(N, 3)`` for a ``code`` ``(L,)`` or ``(N, L)``.

        Codes ``(S, 1, L)`` with points ``(S, P, 3)`` give ``(S, P)``: P points of each of S shapes.
        Negative inside, in units of the cube [-1, 1]^3. Differentiable in code, points, weights.
        """
        return self.fold(code)(points)

    def fold(self, code: Tensor) -> FoldedDecoder:
        """The decoder with ``code`` multiplied into its biases, ready for many points.

        With ``code`` ``(N, L)`` it takes exactly N points, one per code; with ``(S, 1, L)`` points
        ``(S, P, 3)``. Differentiable.
        """
        return FoldedDecoder(self, code)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        device: torch.device = self.biases[0].device
        return device
