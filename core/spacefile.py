"""Our own file of a shape space: one ``.safetensors`` file, read without running anything.

Tensors, all float32: ``weight.K`` and ``bias.K`` of linear layer K, ``norm_weight.K`` and
``norm_bias.K`` of its LayerNorm if it has one, ``codes`` ``(N, L)``, and, for readers that have no
torch, the codes' statistics ``mean`` ``(L,)``, ``axes`` ``(L, L)``, ``deviations`` ``(L,)``.
The header's ``__metadata__`` has one entry, ``meshsdf``, a JSON object (one entry, because the
order of several is not fixed and equal spaces should make equal files)::

    {"format": "meshsdf-space", "version": 1, "name": "heads",
     "architecture": {"code_length": 16, "widths": [128, 128], "skips": [], "xyz_in_all": false,
                      "fourier_degree": 0, "norms": [], "tanh_last": false, "tanh_out": true},
     "shape_names": ["a", "b"], "frame": {"up": "Z", "scale": 1.0, "offset": [0.0, 0.0, 0.0]},
     "card": {"licence": "...", "origin": "...", "recipe": {}, "quality": {}}, "warnings": []}
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from .decoder import Architecture, Decoder
from .errors import SpaceError
from .files import write_whole
from .space import Frame, Space

FORMAT = "meshsdf-space"
VERSION = 1
SUFFIX = ".safetensors"
METADATA_KEY = "meshsdf"
# A decoder of 8 x 512 has 8 MB; a file beyond this is no shape space, or one meant to do harm.
MAX_FILE_BYTES = 512 * 1024**2
MAX_HEADER_BYTES = 16 * 1024**2
MAX_LAYERS = 64
MAX_WIDTH = 16_384
HEADER_LENGTH_BYTES = 8
READ_DTYPES = ("F32", "F16")
UPS = ("Z", "Y")


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
    tensors = _tensors_of(space)
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise _not_finite(space.name, name)
    description = {
        "format": FORMAT,
        "version": VERSION,
        "name": space.name,
        "architecture": asdict(space.decoder.architecture),
        "shape_names": list(space.shape_names),
        "frame": asdict(space.frame),
        "card": dict(space.card),
        "warnings": list(space.warnings),
    }
    try:
        text = json.dumps(description, allow_nan=False, ensure_ascii=False, sort_keys=True)
        metadata = {METADATA_KEY: text}
        # What cannot be read again must not be written.
        _Description(f"space {space.name}", json.loads(text))
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
    data = _read_bytes(Path(path))
    return space_from_bytes(data, str(path), device=device)


def space_from_bytes(
    data: bytes, source: str = "the data", *, device: str | torch.device = "cpu"
) -> Space:
    """The space in a file's bytes; ``source`` names it in errors. See :func:`read_space`."""
    header = _header(data, source)
    described = _Description(source, _metadata(header, source))
    form = described.architecture
    expected = _expected_shapes(form)
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
    return Space(
        name=described.name,
        decoder=_decoder(form, tensors).to(device),
        codes=codes,
        shape_names=described.shape_names,
        frame=described.frame,
        card=described.card,
        warnings=described.warnings,
    )


def _not_finite(space: str, tensor: str) -> SpaceError:
    return SpaceError(
        f"Space '{space}' cannot be written: its tensor '{tensor}' is not finite",
        "Train again with a smaller learning rate, or drop the broken code",
    )


def _read_bytes(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise SpaceError(f"'{path}' cannot be read: it is no file", "Choose a space's file")
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise SpaceError(
                f"'{path}' has {size:,} bytes; a space has at most {MAX_FILE_BYTES:,}",
                "Choose a shape space, not a data set",
            )
        with path.open("rb") as file:
            # One more than allowed shows a file that grew (or a device without a size).
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise SpaceError(
            f"'{path}' cannot be read: {error.strerror or error}", "Check the path and its rights"
        ) from error
    if len(data) > MAX_FILE_BYTES:
        raise SpaceError(f"'{path}' has more than {MAX_FILE_BYTES:,} bytes", "Choose a shape space")
    return data


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
    # clone: safetensors refuses tensors that share memory, such as views of one buffer.
    return {
        name: tensor.detach().to("cpu", torch.float32).clone().contiguous()
        for name, tensor in tensors.items()
    }


def _decoder(form: Architecture, tensors: Mapping[str, Tensor]) -> Decoder:
    decoder = Decoder(form)
    with torch.no_grad():
        for layer in range(form.layer_count):
            decoder.weights[layer].copy_(tensors[f"weight.{layer}"])
            decoder.biases[layer].copy_(tensors[f"bias.{layer}"])
        for layer in form.norms:
            decoder.norm_weights[str(layer)].copy_(tensors[f"norm_weight.{layer}"])
            decoder.norm_biases[str(layer)].copy_(tensors[f"norm_bias.{layer}"])
    return decoder.requires_grad_(False).eval()


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
    header = _json(data[HEADER_LENGTH_BYTES : HEADER_LENGTH_BYTES + length], source, "header")
    if not isinstance(header, dict):
        raise SpaceError(f"The header of '{source}' is no JSON object", "Download the file again")
    return header


def _metadata(header: dict[str, Any], source: str) -> object:
    metadata = header.get("__metadata__")
    text = metadata.get(METADATA_KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise SpaceError(
            f"'{source}' is a safetensors file, but no shape space of ours: its metadata has no "
            f"entry '{METADATA_KEY}'",
            "Choose a file that was written as a space, or a DeepSDF experiment folder",
        )
    return _json(text, source, f"metadata '{METADATA_KEY}'")


def _json(text: str | bytes, source: str, what: str) -> object:
    try:
        value: object = json.loads(text, parse_constant=_no_constant)
    # RecursionError: deep nesting; UnicodeDecodeError and JSONDecodeError are ValueErrors.
    except (ValueError, RecursionError) as error:
        raise SpaceError(
            f"The {what} of '{source}' is not JSON ({type(error).__name__})",
            "The file is damaged or of another kind: copy or download it again",
        ) from error
    return value


def _is_json(value: object) -> bool:
    """Whether ``value`` can be written again: 1e999 is read as infinity, and half a character of
    UTF-16 as a text that nothing can encode."""
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode("utf-8")
    except (ValueError, TypeError, RecursionError):
        return False
    return True


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


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


class _Description:
    """The JSON object of a file, checked field by field."""

    def __init__(self, source: str, value: object) -> None:
        self._source = source
        if not isinstance(value, dict) or value.get("format") != FORMAT:
            raise self._wrong("format", f"'{FORMAT}'")
        version = value.get("version")
        if version != VERSION:
            raise SpaceError(
                f"'{source}' is a space of format version {version!r:.20}; this reads {VERSION}",
                "Install the newest version of the extension",
            )
        self.name = self._text(value.get("name"), "name")
        self.architecture = self._architecture(value.get("architecture"))
        self.frame = self._frame(value.get("frame"))
        self.shape_names = self._texts(value.get("shape_names", []), "shape_names")
        self.warnings = self._texts(value.get("warnings", []), "warnings")
        card = value.get("card", {})
        if not isinstance(card, dict) or not _is_json(card):
            raise self._wrong("card", "a JSON object of texts and finite numbers")
        self.card: dict[str, Any] = card

    def _wrong(self, key: str, expected: str) -> SpaceError:
        return SpaceError(
            f"The entry '{key}' of '{self._source}' is missing or wrong; expected {expected}",
            "The file is damaged or was edited: write or download it again",
        )

    def _text(self, value: object, key: str) -> str:
        if not isinstance(value, str) or not _is_json(value):
            raise self._wrong(key, "a text")
        return value

    def _texts(self, value: object, key: str) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise self._wrong(key, "a list of texts")
        return tuple(self._text(text, key) for text in value)

    def _architecture(self, value: object) -> Architecture:
        names = {field.name for field in fields(Architecture)}
        if not isinstance(value, dict) or not {"code_length", "widths"} <= value.keys() <= names:
            raise self._wrong("architecture", f"an object with {', '.join(sorted(names))}")
        checked: dict[str, Any] = {}
        for key, item in value.items():
            where = f"architecture.{key}"
            if key in ("xyz_in_all", "tanh_last", "tanh_out"):
                if not isinstance(item, bool):
                    raise self._wrong(where, "true or false")
                checked[key] = item
            elif key in ("widths", "skips", "norms"):
                if not isinstance(item, list) or len(item) > MAX_LAYERS:
                    raise self._wrong(where, f"a list of at most {MAX_LAYERS} numbers")
                checked[key] = tuple(self._integer(n, where, MAX_WIDTH) for n in item)
            else:
                checked[key] = self._integer(item, where, MAX_WIDTH)
        form = Architecture(**checked)
        # Widths of 0 would make layers without inputs; Fourier octaves beyond 2^16 are noise.
        if not form.widths or min(form.widths) < 1:
            raise self._wrong("architecture.widths", "at least one hidden layer, widths of 1 or up")
        if form.fourier_degree > 16:
            raise self._wrong("architecture.fourier_degree", "0 to 16")
        if any(not 0 < layer < form.layer_count for layer in form.skips):
            raise self._wrong("architecture.skips", f"layers from 1 to {form.layer_count - 1}")
        if any(layer >= len(form.widths) for layer in form.norms):
            raise self._wrong("architecture.norms", f"layers from 0 to {len(form.widths) - 1}")
        return form

    def _integer(self, value: object, key: str, largest: int) -> int:
        if type(value) is not int or not 0 <= value <= largest:
            raise self._wrong(key, f"whole numbers from 0 to {largest}")
        return value

    def _frame(self, value: object) -> Frame:
        if not isinstance(value, dict):
            raise self._wrong("frame", "an object with up, scale and offset")
        up, offset = value.get("up"), value.get("offset")
        scale = self._number(value.get("scale"), "frame.scale")
        if up not in UPS:
            raise self._wrong("frame.up", "'Z' or 'Y'")
        if scale <= 0:
            raise self._wrong("frame.scale", "a number above 0")
        if not isinstance(offset, list) or len(offset) != 3:
            raise self._wrong("frame.offset", "three numbers")
        x, y, z = (self._number(n, "frame.offset") for n in offset)
        return Frame(str(up), scale, (x, y, z))

    def _number(self, value: object, key: str) -> float:
        # A whole number of 400 digits is JSON, but no float.
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e30:
            number = float(value)
            if math.isfinite(number):
                return number
        raise self._wrong(key, "finite numbers")
