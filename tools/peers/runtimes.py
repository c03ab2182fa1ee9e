"""Ways to evaluate one folded decoder at many points: ours, and other runtimes for the same.

A network is taken apart into plain matrices once, so that every runtime gets the same products.
Each of :data:`RUNTIMES` prepares a function from points ``(N, 3)`` to values ``(N,)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.folded import CHUNK_POINTS, FOURIER_PI
from core.space import Space

from .installed import installed, missing

Evaluate = Callable[[Tensor], Tensor]


class NotHadError(Exception):
    """A runtime that cannot be had here, and why."""


@dataclass(frozen=True)
class Layer:
    """One product: ``weight`` ``(in, out)`` and ``bias``; whether it sees the features anew."""

    weight: Tensor
    bias: Tensor
    sees: bool


@dataclass(frozen=True)
class Network:
    """A folded decoder: features cos and sin of ``points @ waves``, or the points where None."""

    waves: Tensor | None
    layers: tuple[Layer, ...]
    tanhs: int

    @staticmethod
    def of(space: Space, code: Tensor) -> Network:
        """That of a ``code`` ``(L,)``. For decoders of plain layers, as all that are measured."""
        form, decoder, layers = space.decoder.architecture, space.decoder, []
        for index in range(form.layer_count):
            weight, bias = decoder.weights[index].detach(), decoder.biases[index].detach()
            if form.sees_code(index):
                before = form.widths[index - 1] if index else 0
                hidden, by_code, rest = weight.split(
                    [before, form.code_length, form.feature_size], dim=1
                )
                weight, bias = torch.cat([hidden, rest], dim=1), bias + by_code @ code
            layers.append(Layer(weight.t().contiguous(), bias, form.sees_code(index)))
        waves = None
        if form.fourier_degree:
            octaves = [FOURIER_PI * 2.0**octave for octave in range(form.fourier_degree)]
            waves = torch.cat([octave * torch.eye(3) for octave in octaves], dim=1)
        return Network(waves, tuple(layers), form.tanh_last + form.tanh_out)

    def features(self, points: Tensor) -> Tensor:
        """What the layers see of points."""
        if self.waves is None:
            return points
        angles = points @ self.waves
        return torch.cat([angles.cos(), angles.sin()], dim=1)

    def __call__(self, points: Tensor) -> Tensor:
        """Values ``(N,)``, by plain torch; products in the weights' type."""
        features = self.features(points).to(self.layers[0].weight)
        values = features
        for index, layer in enumerate(self.layers):
            if layer.sees and index:
                values = torch.cat([values, features], dim=1)
            values = torch.addmm(layer.bias, values, layer.weight)
            if index < len(self.layers) - 1:
                values = values.relu()
        values = values[:, 0].float()
        for _ in range(self.tanhs):
            values = values.tanh()
        return values

    def to(self, kind: torch.dtype) -> Network:
        """The same with matrices of another type."""
        layers = (
            Layer(each.weight.to(kind), each.bias.to(kind), each.sees) for each in self.layers
        )
        return Network(self.waves, tuple(layers), self.tanhs)


def in_chunks(evaluate: Evaluate) -> Evaluate:
    """The same in chunks that fit the cache, the last filled up: all are of one size."""

    def run(points: Tensor) -> Tensor:
        count = math.ceil(len(points) / CHUNK_POINTS)
        filled = points.new_zeros(count * CHUNK_POINTS, 3)
        filled[: len(points)] = points
        return torch.cat([evaluate(part) for part in filled.split(CHUNK_POINTS)])[: len(points)]

    return run


def ours(space: Space, code: Tensor) -> Evaluate:
    return space.fold(code).evaluate


def bfloat16(space: Space, code: Tensor) -> Evaluate:
    return in_chunks(Network.of(space, code).to(torch.bfloat16))


def compiled(space: Space, code: Tensor) -> Evaluate:
    return in_chunks(torch.compile(Network.of(space, code), dynamic=False))


def compiled_autotuned(space: Space, code: Tensor) -> Evaluate:
    network = Network.of(space, code)
    return in_chunks(torch.compile(network, dynamic=False, mode="max-autotune-no-cudagraphs"))


def onnx_in_chunks(space: Space, code: Tensor) -> Evaluate:
    return in_chunks(onnx_at_once(space, code))


def onnx_at_once(space: Space, code: Tensor) -> Evaluate:
    """ONNX Runtime on the CPU."""
    if installed("onnxruntime") is None:
        raise NotHadError(missing("onnxruntime"))
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(
        onnx_model(Network.of(space, code)), options, providers=["CPUExecutionProvider"]
    )

    def run(points: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {"points": points.numpy()})[0][:, 0])

    return run


def onnx_model(network: Network) -> bytes:
    """The network in ONNX's format."""
    from onnx import TensorProto, checker, helper, numpy_helper

    nodes, constants = [], []

    def constant(name: str, value: Tensor) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(value.numpy()), name))
        return name

    def node(kind: str, *inputs: str, **attributes: object) -> str:
        nodes.append(helper.make_node(kind, inputs, [f"v{len(nodes)}"], **attributes))
        return str(nodes[-1].output[0])

    features = "points"
    if network.waves is not None:
        angles = node("MatMul", "points", constant("waves", network.waves))
        features = node("Concat", node("Cos", angles), node("Sin", angles), axis=1)
    values = features
    for index, layer in enumerate(network.layers):
        if layer.sees and index:
            values = node("Concat", values, features, axis=1)
        weight, bias = constant(f"w{index}", layer.weight), constant(f"b{index}", layer.bias)
        values = node("Gemm", values, weight, bias)
        if index < len(network.layers) - 1:
            values = node("Relu", values)
    for _ in range(network.tanhs):
        values = node("Tanh", values)
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, size])
        for name, size in (("points", 3), (values, 1))
    ]
    graph = helper.make_graph(nodes, "decoder", ends[:1], ends[1:], constants)
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=9)
    checker.check_model(model)
    return bytes(model.SerializeToString())


RUNTIMES: dict[str, Callable[[Space, Tensor], Evaluate]] = {
    "ours": ours,
    "torch.compile": compiled,
    "torch.compile, max-autotune": compiled_autotuned,
    "ONNX Runtime": onnx_in_chunks,
    "ONNX Runtime, all points at once": onnx_at_once,
    "bfloat16": bfloat16,
}
