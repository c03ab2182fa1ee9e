"""The file of a space's encoder: one ``.safetensors`` file, read without running anything.

Tensors are the networks' own, ``encoder.*`` and ``masker.*``, matrices and kernels as float16 and
all else as float32, and ``covariance`` ``(L, L)``. The header's ``__metadata__`` has one entry,
``meshsdf``, a JSON object::

    {"format": "meshsdf-encoder", "version": 3, "space": "heads", "fingerprint": "9f...",
     "form": {"code_length": 64, "guesses": 4, "side": 64, "widths": [24, 48, 96, 160],
              "features": 224},
     "azimuth": true, "up": "Z", "card": {"recipe": {}, "quality": {}}}

It lies in the folder ``encoders`` beside the space's file and has its name. It fits one space
alone, known by a digest of its decoder and codes, for another decoder's codes mean other shapes.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from ..builtin import FOLDER as BUILTIN
from ..errors import EncoderError
from ..files import json_object, read_whole, write_whole
from ..space import Space
from .encoder import STRIDES, Encoder, EncoderForm
from .masker import Masker

FORMAT, VERSION, KEY = "meshsdf-encoder", 3, "meshsdf"
ENCODERS, SUFFIX = "encoders", ".safetensors"
MAX_FILE_BYTES, MAX_HEADER_BYTES = 64 * 1024**2, 1024**2
HEADER_LENGTH = struct.Struct("<Q")
# What a form may ask for; more is no encoder of ours, or meant to do harm.
MOST = {"code_length": 4096, "guesses": 64, "side": 512, "features": 8192}
MOST_WIDTH, LEVELS = 2048, 4
STORED_BYTES = 2  # of a matrix's number


@dataclass(frozen=True)
class SpaceEncoder:
    """What turns pictures of one space's shapes into codes, views and masks.

    ``azimuth`` tells that the shapes look different from all around, ``up`` which axis of the cube
    pointed up (a space's frame); ``covariance`` ``(L, L)`` is how its codes' whitened
    numbers are off together, on pictures it was not taught with.
    """

    space: str
    fingerprint: str
    encoder: Encoder
    masker: Masker
    covariance: Tensor
    azimuth: bool = True
    up: str = "Z"
    card: Mapping[str, Any] = field(default_factory=dict)

    def check(self, space: Space) -> None:
        """Raises EncoderError where this is the encoder of another space."""
        if self.fingerprint != fingerprint(space):
            raise EncoderError(
                f"The encoder of '{self.space}' was not taught with the space '{space.name}' as it "
                "is now",
                "Leave it out where the space has its own, or teach one for this space",
            )
        if self.up != space.frame.up:
            raise EncoderError(
                f"The encoder of '{self.space}' was taught with {self.up} up, and the space has "
                f"{space.frame.up} up here",
                f"Load the space with {self.up} up, or teach one for this space",
            )


def fingerprint(space: Space) -> str:
    """A digest of what codes of ``space`` mean: its decoder's weights and its codes."""
    digest = sha256()
    state = space.decoder.state_dict()
    for tensor in [*(state[name] for name in sorted(state)), space.codes]:
        digest.update(tensor.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:32]


def encoder_path(space_path: Path) -> Path:
    """Where the encoder of the space in ``space_path``, a file or a folder, lies.

    It has the name of the space's own file; that of a folder, or of a file of another kind, has its
    whole name, so that no two in one folder share an encoder.
    """
    name = space_path.name if space_path.suffix == SUFFIX else space_path.name + SUFFIX
    return space_path.parent / ENCODERS / name


def find_encoder(space: Space, space_path: Path) -> SpaceEncoder:
    """The encoder of ``space``, read from ``space_path``: beside it, or a built-in one that fits.

    Raises EncoderError.
    """
    beside = encoder_path(space_path)
    if beside.exists():
        found = read_encoder(beside)
        found.check(space)
        return found
    wanted = fingerprint(space)
    for path in sorted((BUILTIN / ENCODERS).glob(f"*{SUFFIX}")):
        try:
            fits = described(path).get("fingerprint") == wanted
        except EncoderError:  # one that is damaged fits nothing
            continue
        if fits:
            return read_encoder(path)
    raise EncoderError(
        f"The space '{space.name}' has no encoder: nothing tells its codes from pictures",
        f"Teach one: python -m core teach {space_path}{_or_use()}",
    )


def _or_use() -> str:
    """The built-in spaces that have an encoder, as a remedy goes on with them."""
    names = [path.stem for path in sorted((BUILTIN / ENCODERS).glob(f"*{SUFFIX}"))]
    return f"; or use a built-in space that has one: {', '.join(names)}" if names else ""


def write_encoder(path: Path, encoder: SpaceEncoder) -> None:
    """Write the file, all of it or nothing. Raises OSError."""
    tensors = {
        f"{name}.{key}": _stored(value)
        for name, network in (("encoder", encoder.encoder), ("masker", encoder.masker))
        for key, value in network.state_dict().items()
        if value.is_floating_point()
    }
    tensors["covariance"] = encoder.covariance.float().contiguous()
    described = {
        "format": FORMAT,
        "version": VERSION,
        "space": encoder.space,
        "fingerprint": encoder.fingerprint,
        "form": asdict(encoder.encoder.form),
        "azimuth": encoder.azimuth,
        "up": encoder.up,
        "card": dict(encoder.card),
    }
    text = json.dumps(described, allow_nan=False, ensure_ascii=False, sort_keys=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, save_tensors(tensors, {KEY: text}))


def read_encoder(path: Path) -> SpaceEncoder:
    """Read what :func:`write_encoder` wrote. Raises EncoderError that names the file."""
    data = read_whole(path, MAX_FILE_BYTES, EncoderError)
    said = _description(data, path)
    form = _form(said, path)
    # What a form asks for is given only where the file can hold it.
    if form.numbers * STORED_BYTES > len(data):
        raise _damaged(path, "it is smaller than the encoder that its 'form' describes")
    with torch.random.fork_rng(devices=[]):
        encoder, masker = Encoder(form), Masker()
    try:
        tensors = load_tensors(data)
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise _damaged(path, str(error)[:100]) from error
    for name, network in (("encoder", encoder), ("masker", masker)):
        state = network.state_dict()
        for key, value in state.items():
            if not value.is_floating_point():  # how many batches there were
                continue
            tensor = tensors.get(f"{name}.{key}")
            if tensor is None or tensor.shape != value.shape or not tensor.is_floating_point():
                raise _damaged(path, f"tensor '{name}.{key}' is missing or of another shape")
            if not bool(torch.isfinite(tensor).all()):
                raise _damaged(path, f"tensor '{name}.{key}' holds what is no number")
            if key.endswith("running_var") and not bool((tensor >= 0).all()):
                raise _damaged(path, f"tensor '{name}.{key}' holds variances below 0")
            state[key] = tensor.float()
        network.load_state_dict(state)
        network.eval().requires_grad_(False)
    covariance = tensors.get("covariance")
    square = (form.code_length, form.code_length)
    if covariance is None or covariance.shape != square or not _is_covariance(covariance):
        raise _damaged(path, "tensor 'covariance' is missing or is none")
    card = said.get("card")
    return SpaceEncoder(
        str(said.get("space", "")),
        str(said.get("fingerprint", "")),
        encoder,
        masker,
        covariance.float(),
        bool(said.get("azimuth", True)),
        str(said.get("up", "Z")),
        card if isinstance(card, dict) else {},
    )


def described(path: Path) -> dict[str, Any]:
    """What the header of an encoder's file says. Raises EncoderError."""
    return _description(read_whole(path, MAX_FILE_BYTES, EncoderError), path)


def _description(data: bytes, path: Path) -> dict[str, Any]:
    size = HEADER_LENGTH.unpack_from(data)[0] if len(data) >= HEADER_LENGTH.size else 0
    if not 0 < size <= min(MAX_HEADER_BYTES, len(data) - HEADER_LENGTH.size):
        raise _damaged(path, "its header is cut short")
    start = HEADER_LENGTH.size
    header = json_object(data[start : start + size], f"The header of '{path}'", EncoderError)
    metadata = header.get("__metadata__")
    text = metadata.get(KEY) if isinstance(metadata, dict) else None
    said = json_object(text if isinstance(text, str) else "{}", f"'{path}'", EncoderError)
    if said.get("format") != FORMAT:
        raise EncoderError(f"'{path}' is no encoder of a space", "Choose another file")
    if said.get("version") != VERSION:
        raise EncoderError(
            f"'{path}' has version {str(said.get('version'))[:20]}, and {VERSION} is read here",
            "Teach the encoder anew, or update the extension if it is the older of both",
        )
    return said


def _form(said: Mapping[str, Any], path: Path) -> EncoderForm:
    form = said.get("form")
    form = form if isinstance(form, dict) else {}
    numbers = {key: form.get(key) for key in MOST}
    widths = form.get("widths")
    whole = [*numbers.values(), *(widths if isinstance(widths, list) else [])]
    most = [*MOST.values(), *[MOST_WIDTH] * LEVELS]
    fits = len(whole) == len(most) and all(
        type(n) is int and 1 <= n <= high for n, high in zip(whole, most, strict=True)
    )
    if not fits or int(form["side"]) % STRIDES:
        raise _damaged(path, "its 'form' describes no encoder")
    return EncoderForm(widths=tuple(form["widths"]), **{key: int(form[key]) for key in MOST})


def _is_covariance(tensor: Tensor) -> bool:
    found = tensor.double()
    if not bool(torch.isfinite(found).all()) or not torch.allclose(found, found.T, rtol=1e-4):
        return False
    return not int(torch.linalg.cholesky_ex(found)[1])


def _stored(tensor: Tensor) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    return tensor.half() if tensor.ndim > 1 else tensor.float()


def _damaged(path: Path, what: str) -> EncoderError:
    return EncoderError(f"'{path}' is damaged: {what}", "Copy it again, or teach the encoder anew")
