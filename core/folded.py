"""A decoder with one code multiplied into its biases, evaluated at many points.

The code only ever adds W_z z, the same at every point. What is left is a network of the point
alone, half as wide in the first and the skip layers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from .decoder import Decoder

POINT_SIZE = 3
# MeshSDF's published models were trained with this value in place of pi.
FOURIER_PI = 3.1415
# Activations of this many points at width 128 (1 MB) stay in one core's own cache; chunks of 16 k
# took 1.2 to 1.7 times as long beside other work.
CHUNK_POINTS = 2_048


def fourier_features(points: Tensor, degree: int) -> Tensor:
    """MeshSDF's positional encoding of ``points`` ``(N, 3)``: ``(N, 6 degree)``, no raw x."""
    angles = torch.cat([points * (FOURIER_PI * 2.0**octave) for octave in range(degree)], dim=1)
    return torch.cat([angles.cos(), angles.sin()], dim=1)


@dataclass(frozen=True)
class _Layer:
    """One folded layer: hidden and point parts of the weight, transposed, and the full bias."""

    hidden: Tensor | None
    point: Tensor | None
    bias: Tensor
    norm: tuple[Tensor, Tensor] | None = field(default=None)

    def apply(self, values: Tensor, seen: Tensor) -> Tensor:
        """The layer's sums ``(N, out)``: of the values before it, and of what it sees anew."""
        terms = [
            (inputs, weight)
            for inputs, weight in ((values, self.hidden), (seen, self.point))
            if weight is not None
        ]
        several = self.bias.dim() == 3
        # One bias for all points of a shape: added last, without being copied for each of them.
        out = torch.mm(*terms.pop(0)) if several else self.bias
        for inputs, weight in terms:
            out = torch.addmm(out, inputs, weight)
        if several:
            out = out.view(len(self.bias), -1, out.shape[1]).add_(self.bias).flatten(0, 1)
        return out


class FoldedDecoder:
    """f(z, .) for a fixed code: the code only ever adds W_z z, so it belongs to the biases.

    This halves the width of the first and the skip layers and is exact up to rounding. ``check`` is
    called before each evaluation, of a chunk where there are many points; what it raises ends them.
    ``evaluations`` counts points, ``seconds`` the time in :meth:`evaluate`.
    """

    def __init__(self, decoder: Decoder, code: Tensor) -> None:
        self.check: Callable[[], object] | None = None
        self.evaluations, self.seconds = 0, 0.0
        self.architecture = decoder.architecture
        self.device = decoder.device
        self._layers = [self._fold(decoder, layer, code) for layer in range(len(decoder.weights))]
        self._weights: list[Tensor] | None = None  # of each layer whole, made when first needed

    @staticmethod
    def _fold(decoder: Decoder, layer: int, code: Tensor) -> _Layer:
        form, weight, bias = decoder.architecture, decoder.weights[layer], decoder.biases[layer]
        hidden_size = 0 if layer == 0 else form.widths[layer - 1]
        hidden = weight[:, :hidden_size].t() if hidden_size else None
        point = None
        if form.sees_code(layer):
            point_start = hidden_size + form.code_length
            bias = code @ weight[:, hidden_size:point_start].t() + bias
            point = weight[:, point_start:].t()
        elif form.xyz_in_all:
            point = weight[:, hidden_size:].t()
        key = str(layer)
        norm = None
        if key in decoder.norm_weights:
            norm = (decoder.norm_weights[key], decoder.norm_biases[key])
        return _Layer(hidden, point, bias, norm)

    def __call__(self, points: Tensor) -> Tensor:
        """Signed distance ``(N,)`` at ``points`` ``(N, 3)``, with a gradient where asked for.

        Of several shapes ``(S, P)`` at ``(S, P, 3)``, see :meth:`Decoder.fold`.
        """
        if self.check is not None:
            self.check()
        self.evaluations += points.shape[:-1].numel()
        form = self.architecture
        shape = points.shape[:-1]
        points = points.reshape(-1, POINT_SIZE)
        features = fourier_features(points, form.fourier_degree) if form.fourier_degree else points
        last = form.layer_count - 1
        values = features
        for index, layer in enumerate(self._layers):
            seen = features if form.sees_code(index) else points
            values = layer.apply(values, seen)
            if index == last:
                break
            if layer.norm is not None:
                values = nn.functional.layer_norm(values, values.shape[1:], *layer.norm)
            # In place is safe: neither products nor layer_norm need their own output backward.
            values = values.relu_()
        if form.tanh_last:
            values = values.tanh()
        if form.tanh_out:
            values = values.tanh()
        return values.view(shape)

    @torch.inference_mode()
    def evaluate(self, points: Tensor, *, chunk: int = CHUNK_POINTS) -> Tensor:
        """Signed distance ``(N,)`` without a gradient, in chunks that fit the cache.

        The chunk a point falls in changes at most the last bits of its value.
        """
        if not len(points):
            return points.new_empty(0)
        began = perf_counter()
        run = self._fused(min(chunk, len(points))) if self._can_be_fused else self
        parts = torch.split(points, chunk)
        values = run(points) if len(parts) == 1 else torch.cat([run(part) for part in parts])
        self.seconds += perf_counter() - began
        return values

    def evaluate_nodes(self, nodes: Tensor, step: float) -> Tensor:
        """Signed distance ``(N,)`` at nodes ``(N, 3)`` of a grid: node 0 at -1, ``step`` apart."""
        return self.evaluate(nodes * step - 1.0)

    @property
    def _can_be_fused(self) -> bool:
        """Whether each layer is one product and a ReLU, for one code, on a CPU."""
        form = self.architecture
        plain = not form.norms and not form.xyz_in_all and self._layers[0].bias.dim() == 1
        return plain and self.device.type == "cpu" and self._layers[0].bias.dtype == torch.float32

    def _fused(self, chunk: int) -> Callable[[Tensor], Tensor]:
        """The network for chunks, in two buffers: what a layer sees anew stands beside the values
        of the one before, so that each layer is one product (a third faster than two).
        """
        form = self.architecture
        if self._weights is None:
            self._weights = [
                torch.cat([part for part in (layer.hidden, layer.point) if part is not None])
                for layer in self._layers
            ]
        weights, last = self._weights, form.layer_count - 1
        most = max(len(weight) for weight in weights)
        # Rows are as wide as the layer that reads them: products into wider ones take longer.
        buffers = [torch.empty(chunk * most) for _ in range(2)]

        def run(points: Tensor) -> Tensor:
            if self.check is not None:
                self.check()
            count, width, degree = len(points), 0, form.fourier_degree
            self.evaluations += count
            features = fourier_features(points, degree) if degree else points
            for index, layer in enumerate(self._layers):
                seen = buffers[index % 2][: count * len(weights[index])].view(count, -1)
                if form.sees_code(index):
                    seen[:, width:] = features
                if index == last:
                    values = torch.addmm(layer.bias, seen, weights[index])[:, 0]
                    break
                width = form.widths[index]
                onward = len(weights[index + 1])
                target = buffers[1 - index % 2][: count * onward].view(count, -1)[:, :width]
                torch.addmm(layer.bias, seen, weights[index], out=target).relu_()
            for _ in range(form.tanh_last + form.tanh_out):
                values = values.tanh()
            return values

        return run
