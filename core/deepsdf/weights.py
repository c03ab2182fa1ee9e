"""A decoder's weights, out of every form that they were saved in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from ..decoder import MOST_LAYERS, Architecture, Decoder
from ..errors import SpaceError, some
from ..folded import POINT_SIZE
from .folder import SPECS
from .specs import Specs

PARAMETER = re.compile(r"((?:[^.]+\.)*)(lin|bn)(\d{1,3})\.(.+)")
WEIGHT_FORMS = (
    ("weight",),
    ("weight_g", "weight_v"),
    ("parametrizations.weight.original0", "parametrizations.weight.original1"),
)

Parameters = dict[int, dict[str, Tensor]]


def read_decoder(saved: object, specs: Specs, path: Path) -> tuple[Decoder, list[str]]:
    """The decoder in what torch ``saved`` in ``path``, and what a user should know of it.

    Raises SpaceError that names the parameter, what was expected and what to do.
    """
    layers, norms, unused = _sorted_parameters(_state(saved, path), path)
    weights, biases = _linear_layers(layers, path)
    form = specs.architecture(len(weights))
    if specs.dims is None:
        # The specs leave the widths to the weights.
        form = replace(form, widths=tuple(len(weight) for weight in weights[:-1]))
    _check_shapes(form, weights, biases, specs, path)
    form, notes = _with_norms(form, norms, specs, path)
    if unused:
        notes.insert(0, f"'{path.name}' has parameters that are not used: {some(unused)}")
    scales = {layer: (norms[layer]["weight"], norms[layer]["bias"]) for layer in form.norms}
    return Decoder.of(form, weights, biases, scales), notes


def _state(saved: object, path: Path) -> dict[str, Tensor]:
    """The dictionary of parameters, wrapped as DeepSDF does it or bare."""
    state = saved.get("model_state_dict", saved) if isinstance(saved, dict) else None
    if not isinstance(state, dict):
        raise SpaceError(
            f"'{path}' holds no dictionary of parameters ('model_state_dict')",
            "Choose the experiment's ModelParameters file",
        )
    return {
        key: value
        for key, value in state.items()
        if isinstance(key, str) and isinstance(value, Tensor)
    }


def _sorted_parameters(
    state: Mapping[str, Tensor], path: Path
) -> tuple[Parameters, Parameters, list[str]]:
    """Parameters of the linear layers and of their norms by layer, and the keys left over."""
    prefixes: dict[str, list[tuple[str, str, int, str]]] = {}
    unused = []
    for key in state:
        match = PARAMETER.fullmatch(key)
        if match is None:
            unused.append(key)
            continue
        prefix, kind, layer, rest = match.groups()
        prefixes.setdefault(prefix, []).append((key, kind, int(layer), rest))
    # DataParallel's "module." comes first; another prefix counts where it is the only one.
    plain = [prefix for prefix in prefixes if not prefix.replace("module.", "")]
    candidates = plain or list(prefixes)
    if len(candidates) != 1:
        raise SpaceError(
            f"'{path}' has no single set of layers named lin0, lin1, ...; it has "
            f"{some(state) if state else 'no tensors'}",
            "Only DeepSDF's deep_sdf_decoder can be loaded",
        )
    layers: Parameters = {}
    norms: Parameters = {}
    for prefix, entries in prefixes.items():
        for key, kind, layer, rest in entries:
            if prefix != candidates[0]:
                unused.append(key)
            else:
                target = layers if kind == "lin" else norms
                target.setdefault(layer, {})[rest] = state[key]
    return layers, norms, unused


def _linear_layers(layers: Parameters, path: Path) -> tuple[list[Tensor], list[Tensor]]:
    """Weights with their norm multiplied out, and biases, in order. Raises SpaceError."""
    count = len(layers)
    if count < 2 or count > MOST_LAYERS or sorted(layers) != list(range(count)):
        raise SpaceError(
            f"'{path}' has the layers {some(f'lin{n}' for n in sorted(layers))}; expected lin0, "
            f"lin1, ... without a gap, 2 to {MOST_LAYERS} of them",
            "The file is incomplete: copy it again",
        )
    weights, biases = [], []
    for layer in range(count):
        parameters = layers[layer]
        forms = [form for form in WEIGHT_FORMS if set(form) <= parameters.keys()]
        if len(forms) != 1 or parameters.keys() != {*forms[0], "bias"}:
            raise SpaceError(
                f"Layer lin{layer} of '{path}' has the parameters {some(parameters)}; expected "
                "bias, and one of weight, weight_g with weight_v, or "
                "parametrizations.weight.original0 with original1",
                "Only plain and weight-normed linear layers can be loaded",
            )
        stored = [parameters[name].detach().double() for name in forms[0]]
        bias = parameters["bias"].detach().double()
        where = f"lin{layer}"
        _check_rank(where, forms[0][-1], stored[-1], 2, path)
        _check_rank(where, "bias", bias, 1, path)
        if len(stored) == 2:
            _check_shape(f"{where}.{forms[0][0]}", stored[0], (len(stored[1]), 1), path)
        weight = stored[0] if len(stored) == 1 else _weight_norm(*stored)
        for name, tensor in (("weight", weight), ("bias", bias)):
            if not bool(torch.isfinite(tensor.float()).all()):
                raise SpaceError(
                    f"Layer {where} of '{path}' has a {name} that is not finite",
                    "The training diverged: use an earlier snapshot",
                )
        weights.append(weight)
        biases.append(bias)
    return weights, biases


def _weight_norm(magnitude: Tensor, direction: Tensor) -> Tensor:
    """w = g v / |v|, row by row (Salimans and Kingma 2016)."""
    weight: Tensor = (
        magnitude * direction / torch.linalg.vector_norm(direction, dim=1, keepdim=True)
    )
    return weight


def _check_rank(layer: str, name: str, tensor: Tensor, rank: int, path: Path) -> None:
    if tensor.ndim != rank:
        raise SpaceError(
            f"'{layer}.{name}' of '{path}' has shape {tuple(tensor.shape)}; expected {rank} "
            "dimensions",
            "Only linear layers can be loaded",
        )


def _check_shape(name: str, tensor: Tensor, shape: tuple[int, ...], path: Path) -> None:
    if tuple(tensor.shape) != shape:
        raise SpaceError(
            f"'{name}' of '{path}' has shape {tuple(tensor.shape)}; expected {shape}",
            f"Put the {SPECS} of these weights beside them, or copy the weights again",
        )


def _check_shapes(
    form: Architecture, weights: list[Tensor], biases: list[Tensor], specs: Specs, path: Path
) -> None:
    """Raise SpaceError where a layer is not as the specs have it."""
    for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        expected = (form.outputs(layer), form.inputs(layer))
        if tuple(weight.shape) != expected:
            raise SpaceError(
                f"Layer lin{layer} of '{path}' has a weight of shape {tuple(weight.shape)}; "
                f"expected {expected} by '{specs.path}'",
                f"Put the {SPECS} of these weights beside them"
                + _hint(form, layer, weight.shape[1], expected[1]),
            )
        _check_shape(f"lin{layer}.bias", bias, expected[:1], path)


def _hint(form: Architecture, layer: int, found: int, expected: int) -> str:
    """A first layer that is too wide often sees Fourier features that the specs do not tell."""
    features = found - form.code_length
    if layer == 0 and found != expected and features > 0 and features % (2 * POINT_SIZE) == 0:
        degree = features // (2 * POINT_SIZE)
        return f"; its width would fit positional_encoding of fourier_degree {degree}"
    return ""


def _with_norms(
    form: Architecture, norms: Parameters, specs: Specs, path: Path
) -> tuple[Architecture, list[str]]:
    """The form with the LayerNorms that are there. Raises SpaceError where one is missing."""
    hidden = range(len(form.widths))
    found = tuple(sorted(layer for layer in norms if layer in hidden))
    for layer in found:
        if norms[layer].keys() != {"weight", "bias"}:
            raise SpaceError(
                f"Norm bn{layer} of '{path}' has the parameters {some(norms[layer])}; expected "
                "weight and bias of a LayerNorm",
                "Only LayerNorm can be loaded",
            )
        for name, tensor in norms[layer].items():
            _check_shape(f"bn{layer}.{name}", tensor, (form.outputs(layer),), path)
            if not bool(torch.isfinite(tensor).all()):
                raise SpaceError(
                    f"'bn{layer}.{name}' of '{path}' is not finite",
                    "The training diverged: use an earlier snapshot",
                )
    expected = () if specs.weight_norm else tuple(n for n in hidden if n in specs.norm_layers)
    missing = [layer for layer in expected if layer not in found]
    if missing:
        raise SpaceError(
            f"'{path}' has no 'bn{missing[0]}.weight', which '{specs.path}' asks for (weight_norm "
            "false, norm_layers)",
            f"Put the {SPECS} of these weights beside them",
        )
    notes = []
    if found != expected:
        notes.append(
            f"The weights have LayerNorms that {SPECS} does not tell of; they are used: "
            f"{some(f'bn{layer}' for layer in found if layer not in expected)}"
        )
    return replace(form, norms=found), notes
