"""Synthetic DeepSDF experiments in any dialect, and a naive forward pass to compare with.

The reference is written from the papers, unfolded and in double precision, and shares no code with
the loader.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

PLAIN, OLD_NORM, NEW_NORM = "plain", "weight_g", "parametrizations"


@dataclass
class Dialect:
    """One way in which an experiment may be written."""

    code_length: int = 3
    dims: tuple[int, ...] = (24, 20, 28, 24)
    latent_in: tuple[int, ...] = ()
    xyz_in_all: bool = False
    use_tanh: bool = False
    norm_layers: tuple[int, ...] = ()
    weight_norm: bool = True
    fourier_degree: int = 0
    struct: bool = False
    prefix: str = ""
    forms: tuple[str, ...] = (PLAIN,)
    zipped: bool = True
    half: bool = False

    @property
    def features(self) -> int:
        return 6 * self.fourier_degree or 3

    def sizes(self) -> list[tuple[int, int]]:
        """(outputs, inputs) of each layer."""
        first = self.code_length + self.features
        widths = [first, *self.dims, 1]
        sizes = []
        for layer in range(len(widths) - 1):
            out = widths[layer + 1]
            if layer + 1 in self.latent_in:
                out -= first
            elif self.xyz_in_all and layer != len(widths) - 2:
                out -= 3
            sizes.append((out, widths[layer]))
        return sizes

    def specs(self) -> dict[str, Any]:
        network: dict[str, Any] = {
            "dims": list(self.dims),
            "dropout": list(range(8)),
            "dropout_prob": 0.2,
            "norm_layers": list(self.norm_layers),
            "latent_in": list(self.latent_in),
            "xyz_in_all": self.xyz_in_all,
            "use_tanh": self.use_tanh,
            "latent_dropout": False,
            "weight_norm": self.weight_norm,
        }
        if self.fourier_degree:
            network |= {"positional_encoding": True, "fourier_degree": self.fourier_degree}
        if self.struct:
            network["geom_dimension"] = 3
        return {
            "Description": ["two", "lines"],
            "NetworkArch": "deep_sdf_decoder",
            "NetworkSpecs": network,
            "CodeLength": self.code_length,
        }

    def state(self, seed: int = 0) -> dict[str, Tensor]:
        """A random state dictionary under the dialect's names."""
        generator = torch.Generator().manual_seed(seed)

        def random(*shape: int, about: float = 0.0) -> Tensor:
            # With rows of length 1.4 the values keep their size from layer to layer.
            spread = 1.4 / self.dims[0] ** 0.5
            values = torch.randn(*shape, generator=generator) * spread + about
            return values.half() if self.half else values

        state = {}
        for layer, (out, into) in enumerate(self.sizes()):
            name, form = f"{self.prefix}lin{layer}", self.forms[layer % len(self.forms)]
            state[f"{name}.bias"] = random(out)
            if form == PLAIN:
                state[f"{name}.weight"] = random(out, into)
            else:
                g, v = (
                    ("weight_g", "weight_v")
                    if form == OLD_NORM
                    else (
                        "parametrizations.weight.original0",
                        "parametrizations.weight.original1",
                    )
                )
                state[f"{name}.{g}"], state[f"{name}.{v}"] = (
                    random(out, 1, about=1.4),
                    random(out, into),
                )
            if not self.weight_norm and layer in self.norm_layers:
                state[f"{self.prefix}bn{layer}.weight"] = random(out, about=1.0)
                state[f"{self.prefix}bn{layer}.bias"] = random(out)
        return state

    def write(self, folder: Path, *, codes: Any = None, snapshot: str = "latest") -> Path:
        """The experiment as a folder."""
        (folder / "ModelParameters").mkdir(parents=True, exist_ok=True)
        (folder / "specs.json").write_text(json.dumps(self.specs()))
        saved = {"epoch": 7, "model_state_dict": self.state()}
        self.save(saved, folder / "ModelParameters" / f"{snapshot}.pth")
        if codes is not None:
            (folder / "LatentCodes").mkdir(exist_ok=True)
            self.save(codes, folder / "LatentCodes" / f"{snapshot}.pth")
        return folder

    def save(self, value: Any, path: Path) -> None:
        torch.save(value, path, _use_new_zipfile_serialization=self.zipped)

    def forward(self, code: Tensor, points: Tensor) -> Tensor:
        """The published forward pass on [code, point], layer by layer."""
        state = {key.removeprefix(self.prefix): v.double() for key, v in self.state().items()}
        points = points.double()
        features = points
        if self.fourier_degree:
            angles = [2**octave * 3.1415 * points for octave in range(self.fourier_degree)]
            features = torch.cat([a.cos() for a in angles] + [a.sin() for a in angles], 1)
        whole = torch.cat([code.double().expand(len(points), -1), features], 1)
        x, last = whole, len(self.sizes()) - 1
        for layer in range(last + 1):
            name = f"lin{layer}."
            if f"{name}weight" in state:
                weight = state[f"{name}weight"]
            else:
                g, v = (state[k] for k in sorted(state) if k.startswith(name) and "bias" not in k)
                weight = torch.stack(
                    [g[i] * v[i] / (v[i] ** 2).sum() ** 0.5 for i in range(len(v))]
                )
            if layer in self.latent_in:
                x = torch.cat([x, whole], 1)
            elif layer and self.xyz_in_all:
                x = torch.cat([x, points], 1)
            x = x @ weight.T + state[f"{name}bias"]
            if layer < last:
                if f"bn{layer}.weight" in state:
                    mean = x.mean(1, keepdim=True)
                    variance = ((x - mean) ** 2).mean(1, keepdim=True)
                    x = (x - mean) / (variance + 1e-5) ** 0.5
                    x = x * state[f"bn{layer}.weight"] + state[f"bn{layer}.bias"]
                x = x.clamp(min=0)
            elif self.use_tanh:
                x = x.tanh()
        return x[:, 0] if self.struct else x[:, 0].tanh()
