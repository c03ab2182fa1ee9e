"""Our own file of a shape space: one ``.safetensors`` file, read without running anything.

Tensors, all float32: ``weight.K`` and ``bias.K`` of linear layer K, ``norm_weight.K`` and
``norm_bias.K`` of its LayerNorm if it has one, ``codes`` ``(N, L)``, and, for readers that have no
torch, the codes' statistics ``mean`` ``(L,)``, ``axes`` ``(L, L)``, ``deviations`` ``(L,)``. Spaces
with named sliders have ``sliders`` ``(K, L)``, what one deviation of each adds to the code; the
entry of that name tells their names and ranges in deviations, in the same order.
The header's ``__metadata__`` has one entry, ``meshsdf``, a JSON object (one entry, because the
order of several is not fixed and equal spaces should make equal files)::

    {"format": "meshsdf-space", "version": 1, "name": "heads",
     "architecture": {"code_length": 16, "widths": [128, 128], "skips": [], "xyz_in_all": false,
                      "fourier_degree": 0, "norms": [], "tanh_last": false, "tanh_out": true},
     "shape_names": ["a", "b"], "frame": {"up": "Z", "scale": 1.0, "offset": [0.0, 0.0, 0.0]},
     "card": {"licence": "...", "origin": "...", "recipe": {}, "quality": {}}, "warnings": [],
     "sliders": [{"name": "Age", "low": -2.0, "high": 2.5}]}
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from .decoder import Architecture, Decoder
from .errors import SpaceError
from .files import json_object, read_whole, write_whole
from .space import Slider, Space
from .spacedescription import FORMAT, VERSION, SpaceDescription

METADATA_KEY = "meshsdf"
# A decoder of 8 x 512 has 8 MB; a file beyond this is no shape space, or one meant to do harm.
MAX_FILE_BYTES = 512 * 1024**2
MAX_HEADER_BYTES = 16 * 1024**2
HEADER_LENGTH_BYTES = 8
READ_DTYPES = ("F32", "F16")


def write_space(path: str | os.PathLike[str], space: Space) -> None:
    """Write ``space`` to ``path``, all of it or nothing.

    The bytes go to a temporary file beside ``path`` that replaces it at the end, so a full disk or
    a crash leaves the old file as it was. Raises SpaceError.
    """
    path = Path(path)
    data = space_bytes(space)
    try:
        write_whole(path, data)
    except OSError as error:
        raise SpaceError(
            f"The space could not be written to '{path}': {error.strerror or error}",
            "Free some space or choose a folder that you may write to; the file that was there "
            "is unchanged",
        ) from error


def space_bytes(space: Space) -> bytes:
    """The file's bytes. The same space always gives the same bytes. Raises SpaceError."""
    if not bool(torch.isfinite(space.codes).all()):
        # Checked first: statistics of such codes do not exist.
        raise _not_finite(space.name, "codes")
    for slider in space.sliders:
        if slider.offset.shape != (space.code_length,):
            raise SpaceError(
                f"Space '{space.name}' cannot be written: its slider '{slider.name}' has an offset "
                f"of shape {tuple(slider.offset.shape)} for codes of {space.code_length} values",
                "Give each slider one number per value of the code",
            )
    tensors = _tensors_of(space)
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise _not_finite(space.name, name)
    description: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "name": space.name,
        "architecture": asdict(space.decoder.architecture),
        "shape_names": list(space.shape_names),
        "frame": asdict(space.frame),
        "card": dict(space.card),
        "warnings": list(space.warnings),
    }
    if space.sliders:
        description["sliders"] = [
            {"name": slider.name, "low": float(slider.low), "high": float(slider.high)}
            for slider in space.sliders
        ]
    try:
        text = json.dumps(description, allow_nan=False, ensure_ascii=False, sort_keys=True)
        metadata = {METADATA_KEY: text}
        # What cannot be read again must not be written.
        SpaceDescription(f"space {space.name}", json.loads(text))
        return save_tensors(tensors, metadata)
    except (TypeError, ValueError, SafetensorError) as error:
        raise SpaceError(
            f"Space '{space.name}' cannot be written: its card, names or frame do not fit JSON "
            f"({error})",
            "Keep the card to texts, finite numbers, lists and dictionaries with text keys",
        ) from error


def read_space(path: str | os.PathLike[str], *, device: str | torch.device = "cpu") -> Space:
    """Read a space that :func:`write_space` wrote, onto ``device``.

    Sizes are checked before anything is allocated, then the architecture against the tensors'
    shapes, then the values. Raises SpaceError that names the file and the entry.
    """
    data = read_whole(Path(path), MAX_FILE_BYTES, SpaceError)
    return space_from_bytes(data, str(path), device=device)


def space_from_bytes(
    data: bytes, source: str = "the data", *, device: str | torch.device = "cpu"
) -> Space:
    """The space in a file's bytes; ``source`` names it in errors. See :func:`read_space`."""
    header = _header(data, source)
    described = SpaceDescription(source, _metadata(header, source))
    form = described.architecture
    expected = _expected_shapes(form)
    if described.sliders:
        expected["sliders"] = (len(described.sliders), form.code_length)
    for name, shape in expected.items():
        _check_entry(source, name, header.get(name), shape)
    try:
        tensors = load_tensors(data)
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise SpaceError(
            f"'{source}' is a damaged safetensors file: {error}", "Copy or download it again"
        ) from error
    tensors = {name: tensor.float() for name, tensor in tensors.items() if name in expected}
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise SpaceError(
                f"Tensor '{name}' of '{source}' holds values that are not finite",
                "The file is damaged or its training diverged: use another file",
            )
    codes = tensors["codes"]
    if described.shape_names and len(described.shape_names) != len(codes):
        raise SpaceError(
            f"'{source}' has {len(described.shape_names)} 'shape_names' for {len(codes)} codes",
            "Write one name per code, or none at all",
        )
    decoder = Decoder.of(
        form,
        [tensors[f"weight.{layer}"] for layer in range(form.layer_count)],
        [tensors[f"bias.{layer}"] for layer in range(form.layer_count)],
        {n: (tensors[f"norm_weight.{n}"], tensors[f"norm_bias.{n}"]) for n in form.norms},
    )
    return Space(
        name=described.name,
        decoder=decoder.to(device),
        codes=codes,
        shape_names=described.shape_names,
        frame=described.frame,
        card=described.card,
        warnings=described.warnings,
        sliders=tuple(
            Slider(name, offset, low, high)
            for (name, low, high), offset in zip(
                described.sliders, tensors.get("sliders", []), strict=True
            )
        ),
    )


def _not_finite(space: str, tensor: str) -> SpaceError:
    return SpaceError(
        f"Space '{space}' cannot be written: its tensor '{tensor}' is not finite",
        "Train again with a smaller learning rate, or drop the broken code",
    )


def _tensors_of(space: Space) -> dict[str, Tensor]:
    decoder, statistics = space.decoder, space.statistics
    tensors: dict[str, Tensor] = {
        "codes": space.codes,
        "mean": statistics.mean,
        "axes": statistics.axes,
        "deviations": statistics.deviations,
    }
    for layer, (weight, bias) in enumerate(zip(decoder.weights, decoder.biases, strict=True)):
        tensors[f"weight.{layer}"], tensors[f"bias.{layer}"] = weight, bias
    for key in decoder.norm_weights:
        tensors[f"norm_weight.{key}"] = decoder.norm_weights[key]
        tensors[f"norm_bias.{key}"] = decoder.norm_biases[key]
    if space.sliders:
        tensors["sliders"] = torch.stack([slider.offset.cpu() for slider in space.sliders])
    # clone: safetensors refuses tensors that share memory, such as views of one buffer.
    return {
        name: tensor.detach().to("cpu", torch.float32).clone().contiguous()
        for name, tensor in tensors.items()
    }


def _expected_shapes(form: Architecture) -> dict[str, tuple[int | None, ...]]:
    """Shape of every tensor of the format; None stands for any length."""
    length = form.code_length
    shapes: dict[str, tuple[int | None, ...]] = {"codes": (None, length)}
    for layer in range(form.layer_count):
        shapes[f"weight.{layer}"] = (form.outputs(layer), form.inputs(layer))
        shapes[f"bias.{layer}"] = (form.outputs(layer),)
    for layer in form.norms:
        shapes[f"norm_weight.{layer}"] = (form.outputs(layer),)
        shapes[f"norm_bias.{layer}"] = (form.outputs(layer),)
    return shapes


def _header(data: bytes, source: str) -> dict[str, Any]:
    """The safetensors header, size checked first."""
    if len(data) < HEADER_LENGTH_BYTES:
        raise SpaceError(
            f"'{source}' has only {len(data)} bytes and is no space", "Copy or download it again"
        )
    length = int.from_bytes(data[:HEADER_LENGTH_BYTES], "little")
    if length > min(MAX_HEADER_BYTES, len(data) - HEADER_LENGTH_BYTES):
        raise SpaceError(
            f"'{source}' is no safetensors file, or a truncated one: its header would have "
            f"{length:,} bytes of a file of {len(data):,}",
            "Copy or download it again, or choose a space's .safetensors file",
        )
    text = data[HEADER_LENGTH_BYTES : HEADER_LENGTH_BYTES + length]
    return json_object(text, f"The header of '{source}'", SpaceError)


def _metadata(header: dict[str, Any], source: str) -> dict[str, Any]:
    metadata = header.get("__metadata__")
    text = metadata.get(METADATA_KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise SpaceError(
            f"'{source}' is a safetensors file, but no shape space of ours: its metadata has no "
            f"entry '{METADATA_KEY}'",
            "Choose a file that was written as a space, or a DeepSDF experiment folder",
        )
    return json_object(text, f"The metadata '{METADATA_KEY}' of '{source}'", SpaceError)


def _check_entry(source: str, name: str, entry: object, shape: tuple[int | None, ...]) -> None:
    """One tensor's header entry against the shape that the architecture asks for."""
    wanted = "(" + ", ".join("any" if n is None else str(n) for n in shape) + ")"
    if not isinstance(entry, dict):
        raise SpaceError(
            f"'{source}' has no tensor '{name}' of shape {wanted}, which its architecture needs",
            "The file is damaged or was edited: write or download it again",
        )
    if entry.get("dtype") not in READ_DTYPES:
        raise SpaceError(
            f"Tensor '{name}' of '{source}' has dtype {entry.get('dtype')!r:.40}; "
            f"expected {' or '.join(READ_DTYPES)}",
            "Convert it to float32",
        )
    found = entry.get("shape")
    fits = (
        isinstance(found, list)
        and len(found) == len(shape)
        and all(type(n) is int and n >= 0 for n in found)
        and all(n is None or n == m for n, m in zip(shape, found, strict=True))
    )
    if not fits:
        raise SpaceError(
            f"Tensor '{name}' of '{source}' has shape {found!r:.60}; its architecture needs "
            f"{wanted}",
            "The file is damaged or was edited: write or download it again",
        )
