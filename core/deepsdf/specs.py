"""``specs.json``: what an experiment says of its network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..decoder import MOST_LAYERS, MOST_WIDTH, Architecture
from ..errors import SpaceError, some
from ..folded import POINT_SIZE
from .folder import SPECS, json_file

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
        specs = json_file(path)
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
                f"{some(unknown)}"
            )
        if inner.integer("geom_dimension", POINT_SIZE, 100) != POINT_SIZE:
            raise inner.wrong("geom_dimension", f"{POINT_SIZE}: only solid shapes can be loaded")
        encoded = inner.flag("positional_encoding", False)
        return Specs(
            path=path,
            description=reader.text("Description"),
            code_length=reader.code_length(),
            dims=inner.integers("dims", MOST_WIDTH) if "dims" in network else None,
            skips=tuple(sorted(set(inner.integers("latent_in", MOST_LAYERS)))),
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
        return replace(form, widths=widths) if self.dims else form

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
        if not isinstance(value, list) or len(value) > 10 * MOST_LAYERS:
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
        if type(value) is not int or not 0 <= value <= MOST_WIDTH:
            raise self.wrong("CodeLength", f"a whole number from 0 to {MOST_WIDTH}")
        return value

    def check_arch(self) -> None:
        """MeshSDF writes no NetworkArch; some name the module with its package."""
        value = self._values.get("NetworkArch")
        known = isinstance(value, str) and value.rsplit(".", 1)[-1] == "deep_sdf_decoder"
        if value is not None and not known:
            raise self.wrong("NetworkArch", "'deep_sdf_decoder', or no such entry")
