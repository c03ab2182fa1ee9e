"""A space as a DeepSDF experiment folder, as ``deep_sdf.workspace`` loads one.

``specs.json``, ``ModelParameters/latest.pth`` and ``LatentCodes/latest.pth`` are DeepSDF's own
(Park et al. 2019); ``meshsdf.json`` holds what it has no place for. Weights are written as they
are, so reading them back gives the same bits. The names of the parameters begin with ``module.``,
because DeepSDF's programs wrap the decoder in ``torch.nn.DataParallel`` before they load it.
"""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..decoder import MOST_WIDTH, Architecture
from ..errors import SpaceError
from ..files import write_whole
from ..folded import POINT_SIZE
from ..space import Space
from .companion import COMPANION, companion_bytes
from .folder import CODES, MODELS, SPECS

SNAPSHOT = "latest.pth"
PREFIX = "module."


def export_experiment(space: Space, folder: Path) -> tuple[list[Path], list[str]]:
    """Write ``space`` into ``folder``, which must be new or empty; all of it or nothing.

    Returns the files, and notes on what plain DeepSDF code does not know of this decoder.
    Raises SpaceError.
    """
    folder = Path(folder)
    _check_target(folder)
    contents = {
        SPECS: json.dumps(specs_of(space), indent=2, ensure_ascii=False).encode(),
        f"{MODELS}/{SNAPSHOT}": _saved({"epoch": 0, "model_state_dict": state_of(space)}),
        f"{CODES}/{SNAPSHOT}": _saved({"epoch": 0, "latent_codes": {"weight": plain(space.codes)}}),
        COMPANION: companion_bytes(space),
    }
    try:
        _write_all(folder, contents)
    except OSError as error:
        raise SpaceError(
            f"The space could not be exported to '{folder}': {error.strerror or error}",
            "Free some space or choose a folder that you may write to",
        ) from error
    return [folder / name for name in contents], notes_of(space.decoder.architecture)


def _check_target(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise SpaceError(f"'{folder}' is a file", "Name a new folder")
    if folder.is_dir() and any(folder.iterdir()):
        raise SpaceError(
            f"The folder '{folder}' is not empty", "Name a new folder: nothing is overwritten"
        )
    if not folder.absolute().parent.is_dir():
        raise SpaceError(f"There is no folder '{folder.absolute().parent}'", "Make it first")


def _write_all(folder: Path, contents: dict[str, bytes]) -> None:
    """The files beside the place where they belong, then moved there at once. Raises OSError."""
    target = folder.absolute()
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
    try:
        for name, data in contents.items():
            (beside / name).parent.mkdir(exist_ok=True)
            write_whole(beside / name, data)
        # mkdtemp's folders are for their owner's eyes only.
        beside.chmod(0o755)
        if target.is_dir():
            target.rmdir()
        beside.rename(target)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def specs_of(space: Space) -> dict[str, Any]:
    """``specs.json``: the network in DeepSDF's terms.

    DeepSDF counts in ``dims`` what the next layer reads: the output before a skip is wider there
    by the code and the point that the skip adds, and by three coordinates with ``xyz_in_all``.
    """
    form = space.decoder.architecture
    dims = [width + _added(form, layer + 1) for layer, width in enumerate(form.widths)]
    if max(dims) > MOST_WIDTH:
        raise SpaceError(
            f"Space '{space.name}' cannot be exported: a layer of {max(dims)} inputs",
            f"A DeepSDF experiment has at most {MOST_WIDTH}",
        )
    network: dict[str, Any] = {
        "dims": dims,
        "dropout": [],
        "dropout_prob": 0.0,
        "norm_layers": list(form.norms),
        "latent_in": list(form.skips),
        "xyz_in_all": form.xyz_in_all,
        "use_tanh": form.tanh_last,
        "latent_dropout": False,
        "weight_norm": False,
    }
    if form.fourier_degree:
        network |= {"positional_encoding": True, "fourier_degree": form.fourier_degree}
    if not form.tanh_out:
        network["geom_dimension"] = POINT_SIZE
    origin = space.card.get("origin")
    return {
        "Description": [f"Space '{space.name}'", origin if isinstance(origin, str) else ""],
        "NetworkArch": "deep_sdf_decoder",
        "NetworkSpecs": network,
        "CodeLength": form.code_length,
        "TrainSplit": "",
        "TestSplit": "",
    }


def _added(form: Architecture, layer: int) -> int:
    """How many inputs a layer has beside the output of the one before, as ``dims`` counts."""
    if layer in form.skips:
        return form.code_length + form.feature_size
    return POINT_SIZE if form.xyz_in_all else 0


def state_of(space: Space) -> dict[str, Tensor]:
    """The decoder's parameters under DeepSDF's names."""
    decoder = space.decoder
    state = {}
    for layer, (weight, bias) in enumerate(zip(decoder.weights, decoder.biases, strict=True)):
        state[f"{PREFIX}lin{layer}.weight"] = plain(weight)
        state[f"{PREFIX}lin{layer}.bias"] = plain(bias)
        if str(layer) in decoder.norm_weights:
            state[f"{PREFIX}bn{layer}.weight"] = plain(decoder.norm_weights[str(layer)])
            state[f"{PREFIX}bn{layer}.bias"] = plain(decoder.norm_biases[str(layer)])
    return state


def notes_of(form: Architecture) -> list[str]:
    """What DeepSDF's published decoder does not know of this one."""
    notes = []
    if form.fourier_degree:
        notes.append(
            "DeepSDF's own programs cannot load this experiment: its decoder sees Fourier features "
            f"of degree {form.fourier_degree}, as MeshSDF's does (positional_encoding, "
            "fourier_degree). MeshSDF's programs can, and this one"
        )
    if not form.tanh_out:
        notes.append(
            "The decoder's output passes through no last tanh, as DeepSDFStruct's does "
            "(geom_dimension); DeepSDF's own code applies one: its surface is the same, its other "
            "values are not"
        )
    return notes


def plain(tensor: Tensor) -> Tensor:
    """A float32 copy on the CPU, in memory of its own."""
    return tensor.detach().to("cpu", torch.float32).clone().contiguous()


def _saved(value: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()
