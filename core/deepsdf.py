"""DeepSDF experiment folders, in every dialect that was met.

An experiment is a folder with ``specs.json``, ``ModelParameters/NAME.pth`` and, mostly,
``LatentCodes/NAME.pth``, as DeepSDF (Park et al. 2019) writes it and MeshSDF, DeepSDFStruct and
many others after it. What differs between them is told apart here by what is in the files: key
prefixes, three ways to store weight norm (mixed from layer to layer), LayerNorm, skips, Fourier
features, the shape of the codes, with or without a last tanh.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from torch import Tensor

from .checkpoint import read_checkpoint
from .decoder import POINT_SIZE, Architecture, Decoder
from .errors import SpaceError
from .space import Frame, Space

SPECS, MODELS, CODES = "specs.json", "ModelParameters", "LatentCodes"
LICENCES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "COPYING")
MAX_SPECS_BYTES = 16 * 1024**2
MAX_LAYERS = 64
MAX_WIDTH = 16_384
# Entries of NetworkSpecs that are understood. Dropout acts in training only.
KNOWN_SPECS = {
    "dims",
    "dropout",
    "dropout_prob",
    "norm_layers",
    "latent_in",
    "xyz_in_all",
    "use_tanh",
    "latent_dropout",
    "weight_norm",
    "geom_dimension",
    "positional_encoding",
    "fourier_degree",
}
PARAMETER = re.compile(r"((?:[^.]+\.)*)(lin|bn)(\d{1,3})\.(.+)")
WEIGHT_FORMS = (
    ("weight",),
    ("weight_g", "weight_v"),
    ("parametrizations.weight.original0", "parametrizations.weight.original1"),
)
NAMES_SHOWN = 6


def read_experiment(path: Path, *, device: str | torch.device = "cpu") -> Space:
    """The space of a DeepSDF experiment: its folder, its ``specs.json`` or a ``.pth`` in it.

    Without a named snapshot it is ``latest.pth``, or the highest number. Such spaces are taken as
    Y-up. Raises SpaceError that names the file, the key, what was expected and what to do.
    """
    folder, snapshot = _locate(path)
    specs = Specs.read(folder / SPECS)
    notes = list(specs.notes)
    model = _model_file(folder, snapshot)
    saved = read_checkpoint(model)
    state = _state(saved, model)
    layers, norms, unused = _sorted_parameters(state, model)
    if unused:
        notes.append(f"'{model.name}' has parameters that are not used: {_some(unused)}")
    weights, biases = _linear_layers(layers, model)
    form = specs.architecture(len(weights))
    _check_shapes(form, weights, biases, specs, model)
    form, norm_notes = _with_norms(form, norms, specs, model)
    decoder = _decoder(form, weights, biases, norms)
    codes, code_notes = _codes(folder, model.stem, specs, _epoch(saved))
    return Space(
        name=folder.resolve().name,
        decoder=decoder.to(device),
        codes=codes,
        shape_names=_shape_names(folder, specs.train_split, len(codes)),
        frame=Frame(up="Y"),
        card={
            "description": specs.description,
            "origin": f"DeepSDF experiment '{folder.resolve().name}', snapshot {model.stem}",
            "licence": _licence(folder),
        },
        warnings=(*notes, *norm_notes, *code_notes),
    )


def _locate(path: Path) -> tuple[Path, str | None]:
    """The experiment's folder and the snapshot that ``path`` names, if it does."""
    folder, snapshot = path, None
    if path.is_file():
        folder = path.parent
        if path.suffix.lower() == ".pth":
            snapshot = path.stem
        elif path.name.lower() != SPECS:
            raise SpaceError(
                f"'{path}' is no shape space",
                "Choose a .safetensors file, or the folder of a DeepSDF experiment",
            )
    if not (folder / SPECS).is_file() and (folder.parent / SPECS).is_file():
        folder = folder.parent
    if not (folder / SPECS).is_file():
        raise SpaceError(
            f"'{folder}' is no DeepSDF experiment: it has no {SPECS}",
            f"Choose the folder that holds {SPECS}, {MODELS} and {CODES}",
        )
    return folder, snapshot


@dataclass(frozen=True)
class Specs:
    """``specs.json``, as far as it matters here. Layers are counted from 0."""

    path: Path
    description: str
    code_length: int
    dims: tuple[int, ...] | None
    skips: tuple[int, ...]
    norm_layers: tuple[int, ...]
    weight_norm: bool
    xyz_in_all: bool
    use_tanh: bool
    tanh_out: bool
    fourier_degree: int
    train_split: str
    notes: tuple[str, ...] = field(default=())

    @staticmethod
    def read(path: Path) -> Specs:
        """Read and check. Raises SpaceError."""
        specs = _json_object(path)
        reader = _Reader(path, specs)
        network = specs.get("NetworkSpecs")
        if not isinstance(network, dict):
            raise reader.wrong("NetworkSpecs", "an object that describes the network")
        reader.check_arch()
        inner = _Reader(path, network, "NetworkSpecs.")
        unknown = sorted(network.keys() - KNOWN_SPECS)
        notes = []
        if unknown:
            notes.append(
                f"{SPECS} has NetworkSpecs that are not known here and were passed over: "
                f"{_some(unknown)}"
            )
        if inner.integer("geom_dimension", POINT_SIZE, 100) != POINT_SIZE:
            raise inner.wrong("geom_dimension", f"{POINT_SIZE}: only solid shapes can be loaded")
        encoded = inner.flag("positional_encoding", False)
        return Specs(
            path=path,
            description=reader.text("Description"),
            code_length=reader.code_length(),
            dims=inner.integers("dims", MAX_WIDTH) if "dims" in network else None,
            skips=tuple(sorted(set(inner.integers("latent_in", MAX_LAYERS)))),
            norm_layers=inner.integers("norm_layers", 10_000),
            weight_norm=inner.flag("weight_norm", False),
            xyz_in_all=inner.flag("xyz_in_all", False),
            use_tanh=inner.flag("use_tanh", False),
            # DeepSDFStruct dropped the last tanh when it brought geom_dimension.
            tanh_out="geom_dimension" not in network,
            fourier_degree=inner.integer("fourier_degree", 1, 16) if encoded else 0,
            train_split=reader.text("TrainSplit"),
            notes=tuple(notes),
        )

    def architecture(self, layer_count: int) -> Architecture:
        """The form for as many linear layers as the weights have. Raises SpaceError."""
        if self.dims is not None and len(self.dims) + 1 != layer_count:
            raise SpaceError(
                f"The weights have {layer_count} layers, '{self.path}' describes "
                f"{len(self.dims) + 1} ({len(self.dims)} NetworkSpecs.dims and the output)",
                f"Put the {SPECS} of these weights beside them",
            )
        if any(not 0 < layer < layer_count for layer in self.skips):
            raise SpaceError(
                f"'{self.path}' has NetworkSpecs.latent_in {list(self.skips)}; expected layers "
                f"from 1 to {layer_count - 1}",
                f"Put the {SPECS} of these weights beside them",
            )
        form = Architecture(
            code_length=self.code_length,
            widths=self.dims or (1,) * (layer_count - 1),
            skips=self.skips,
            xyz_in_all=self.xyz_in_all,
            fourier_degree=self.fourier_degree,
            tanh_last=self.use_tanh,
            tanh_out=self.tanh_out,
        )
        widths = tuple(
            width - self._lost_width(form, layer) for layer, width in enumerate(self.dims or ())
        )
        return _replaced(form, widths=widths) if self.dims else form

    def _lost_width(self, form: Architecture, layer: int) -> int:
        """A layer is narrower by what the next one gets beside its output."""
        if layer + 1 in self.skips:
            return self.code_length + form.feature_size
        return POINT_SIZE if self.xyz_in_all else 0


class _Reader:
    """Fields of a JSON object, checked; raises SpaceError that names them."""

    def __init__(self, path: Path, values: Mapping[str, Any], prefix: str = "") -> None:
        self._path, self._values, self._prefix = path, values, prefix

    def wrong(self, key: str, expected: str) -> SpaceError:
        found = repr(self._values[key])[:60] if key in self._values else "nothing"
        return SpaceError(
            f"'{self._path}' has {found} for '{self._prefix}{key}'; expected {expected}",
            "Correct it, or use another experiment",
        )

    def text(self, key: str) -> str:
        """A text or a list of texts, joined; anything else counts as none."""
        value = self._values.get(key)
        lines = value if isinstance(value, list) else [value]
        return " ".join(line.strip() for line in lines if isinstance(line, str))

    def flag(self, key: str, default: bool) -> bool:
        value = self._values.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def integer(self, key: str, default: int, largest: int) -> int:
        value = self._values.get(key, default)
        if type(value) is not int or not 0 <= value <= largest:
            raise self.wrong(key, f"a whole number from 0 to {largest}")
        return value

    def integers(self, key: str, largest: int) -> tuple[int, ...]:
        value = self._values.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) > 10 * MAX_LAYERS:
            raise self.wrong(key, "a list of whole numbers")
        if any(type(n) is not int or not 0 <= n <= largest for n in value):
            raise self.wrong(key, f"whole numbers from 0 to {largest}")
        return tuple(value)

    def code_length(self) -> int:
        value = self._values.get("CodeLength")
        if isinstance(value, list):
            raise SpaceError(
                f"'{self._path}' has the list {str(value)[:60]} as 'CodeLength': a hierarchy of "
                "codes, where this reads decoders of one code",
                "Use an experiment whose NetworkArch is deep_sdf_decoder",
            )
        if type(value) is not int or not 0 <= value <= MAX_WIDTH:
            raise self.wrong("CodeLength", f"a whole number from 0 to {MAX_WIDTH}")
        return value

    def check_arch(self) -> None:
        """MeshSDF writes no NetworkArch; some name the module with its package."""
        value = self._values.get("NetworkArch")
        known = isinstance(value, str) and value.rsplit(".", 1)[-1] == "deep_sdf_decoder"
        if value is not None and not known:
            raise self.wrong("NetworkArch", "'deep_sdf_decoder', or no such entry")


def _json_object(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SPECS_BYTES + 1)
        if len(data) > MAX_SPECS_BYTES:
            raise ValueError("it is too large")
        value = json.loads(data.decode("utf-8-sig"))
    except OSError as error:
        raise SpaceError(
            f"'{path}' cannot be read: {error.strerror or error}", "Check the path and its rights"
        ) from error
    except (ValueError, RecursionError) as error:
        raise SpaceError(
            f"'{path}' is not JSON ({str(error)[:100]})", "Correct it, or copy it again"
        ) from error
    if not isinstance(value, dict):
        raise SpaceError(f"'{path}' holds no JSON object", "Copy it again")
    return value


def _snapshots(folder: Path) -> list[Path]:
    """``.pth`` files, best first: latest, then numbers from the highest, then other names."""

    def rank(file: Path) -> tuple[bool, int, str]:
        return file.stem != "latest", -int(file.stem) if _is_number(file.stem) else 1, file.stem

    # An interrupted copy of a Mac leaves ._latest.pth.
    files = [file for file in folder.glob("*.pth") if not file.name.startswith(".")]
    return sorted(files, key=rank)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _model_file(folder: Path, snapshot: str | None) -> Path:
    """The decoder's weights. Raises SpaceError that says what there is instead."""
    found = _snapshots(folder / MODELS)
    named = [file for file in found if file.stem == snapshot]
    if named or (found and snapshot is None):
        return (named or found)[0]
    wanted = f"{MODELS}/{snapshot or 'latest'}.pth"
    codes = _snapshots(folder / CODES)
    if found:
        problem = f"'{folder}' has no {wanted}; it has {_some(file.name for file in found)}"
    elif codes:
        problem = (
            f"'{folder}' has latent codes ({CODES}/{codes[0].name}) but no decoder: {wanted} is "
            "missing"
        )
    else:
        problem = f"'{folder}' has no decoder: {wanted} is missing"
    raise SpaceError(problem, f"Copy the trained weights to {wanted}; codes alone make no shapes")


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


Parameters = dict[int, dict[str, Tensor]]


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
            f"{_some(state) if state else 'no tensors'}",
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
    if count < 2 or count > MAX_LAYERS or sorted(layers) != list(range(count)):
        raise SpaceError(
            f"'{path}' has the layers {_some(f'lin{n}' for n in sorted(layers))}; expected lin0, "
            f"lin1, ... without a gap, 2 to {MAX_LAYERS} of them",
            "The file is incomplete: copy it again",
        )
    weights, biases = [], []
    for layer in range(count):
        parameters = layers[layer]
        forms = [form for form in WEIGHT_FORMS if set(form) <= parameters.keys()]
        if len(forms) != 1 or parameters.keys() != {*forms[0], "bias"}:
            raise SpaceError(
                f"Layer lin{layer} of '{path}' has the parameters {_some(parameters)}; expected "
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
    """Every layer as the specs have it; widths come from the weights where the specs have none."""
    if specs.dims is None:
        form = _replaced(form, widths=tuple(len(weight) for weight in weights[:-1]))
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
                f"Norm bn{layer} of '{path}' has the parameters {_some(norms[layer])}; expected "
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
            f"{_some(f'bn{layer}' for layer in found if layer not in expected)}"
        )
    return _replaced(form, norms=found), notes


def _replaced(form: Architecture, **changes: Any) -> Architecture:
    return Architecture(**{**form.__dict__, **changes})


def _decoder(
    form: Architecture, weights: list[Tensor], biases: list[Tensor], norms: Parameters
) -> Decoder:
    form = _replaced(form, widths=tuple(len(weight) for weight in weights[:-1]))
    decoder = Decoder(form)
    with torch.no_grad():
        for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            decoder.weights[layer].copy_(weight)
            decoder.biases[layer].copy_(bias)
        for layer in form.norms:
            decoder.norm_weights[str(layer)].copy_(norms[layer]["weight"])
            decoder.norm_biases[str(layer)].copy_(norms[layer]["bias"])
    return decoder.requires_grad_(False).eval()


def _codes(
    folder: Path, snapshot: str, specs: Specs, model_epoch: int | None
) -> tuple[Tensor, list[str]]:
    """The codes ``(N, L)`` that belong to a snapshot, and what a user should know of them."""
    length = specs.code_length
    files = _snapshots(folder / CODES)
    same = [file for file in files if file.stem == snapshot]
    if not files:
        return torch.zeros(0, length), [f"There are no {CODES}: codes start from zero"]
    path = (same or files)[0]
    notes = []
    saved = read_checkpoint(path)
    epoch = _epoch(saved)
    if not same or (epoch is not None and model_epoch is not None and epoch != model_epoch):
        notes.append(
            f"The codes are from another time of the training ({path.name}, epoch {epoch}) than "
            f"the decoder ({snapshot}.pth, epoch {model_epoch})"
        )
    codes = _code_tensor(saved, path, length)
    if not len(codes):
        notes.append(f"{CODES}/{path.name} holds no codes: codes start from zero")
    elif length and not bool(codes.any()):
        notes.append(f"All {len(codes)} codes of {CODES}/{path.name} are zero")
        if isinstance(saved, dict) and "latent_fields_state_dict" in saved:
            notes[-1] += (
                ": the real codes of this experiment are spline fields over space "
                "(latent_fields_state_dict), which are not read; the decoder is complete"
            )
    return codes, notes


def _code_tensor(saved: object, path: Path, length: int) -> Tensor:
    """Codes ``(N, L)`` out of any of the forms they are saved in. Raises SpaceError."""
    value = saved.get("latent_codes", saved) if isinstance(saved, dict) else saved
    if isinstance(value, dict):
        value = value.get("weight")
    if isinstance(value, list) and all(
        isinstance(v, Tensor) and v.numel() == length for v in value
    ):
        value = torch.stack([code.flatten() for code in value]) if value else torch.zeros(0, length)
    if not isinstance(value, Tensor):
        raise SpaceError(
            f"'{path}' holds no codes; expected 'latent_codes' as a tensor or as a dictionary "
            "with 'weight'",
            f"Copy the file again, or remove it to load the decoder without {CODES}",
        )
    codes = value.detach().float()
    shape = tuple(codes.shape)
    if codes.ndim == 3 and shape[1] == 1:
        codes = codes[:, 0]
    elif codes.ndim == 1 and shape in ((length,), (0,)):
        codes = codes.reshape(-1, length) if length else torch.zeros(0, 0)
    if codes.ndim != 2 or codes.shape[1] != length:
        raise SpaceError(
            f"The codes of '{path}' have shape {shape}; expected (N, {length}) or (N, 1, "
            f"{length}) for the CodeLength of {SPECS}",
            f"Put the {SPECS} of these codes beside them",
        )
    if not bool(torch.isfinite(codes).all()):
        broken = int((~torch.isfinite(codes)).any(dim=1).nonzero()[0])
        raise SpaceError(
            f"Code {broken} of '{path}' is not finite", "Use an earlier snapshot of the training"
        )
    return codes.contiguous().clone()


def _epoch(saved: object) -> int | None:
    epoch = saved.get("epoch") if isinstance(saved, dict) else None
    return epoch if type(epoch) is int else None


def _licence(folder: Path) -> str:
    files = [name for name in LICENCES if (folder / name).is_file()]
    if files:
        return f"see {files[0]} in the experiment's folder"
    return "unknown: ask where the experiment comes from"


def _shape_names(folder: Path, split: str, count: int) -> tuple[str, ...]:
    """Names of the training shapes from the split file, where it came along; else none."""
    relative = PurePosixPath(split.replace("\\", "/"))
    if not split or relative.is_absolute() or ".." in relative.parts or ":" in split:
        return ()
    # Splits are named from the folder that training was started in.
    folder = folder.resolve()
    for base in (folder, *folder.parents[:2]):
        path = base / relative
        if os.path.lexists(path) and path.is_file():
            try:
                names = list(_instances(_json_object(path)))
            except SpaceError:
                return ()
            return tuple(names) if len(names) == count else ()
    return ()


def _instances(split: Mapping[str, Any]) -> Iterable[str]:
    for classes in split.values():
        if not isinstance(classes, dict):
            continue
        for instances in classes.values():
            if isinstance(instances, Sequence) and not isinstance(instances, str):
                yield from (str(name) for name in instances)


def _some(names: Iterable[str]) -> str:
    """The first few of ``names``, shortened."""
    listed = [str(name)[:60] for name in names]
    more = len(listed) - NAMES_SHOWN
    text = ", ".join(listed[:NAMES_SHOWN]) or "none"
    return f"{text} and {more} more" if more > 0 else text
