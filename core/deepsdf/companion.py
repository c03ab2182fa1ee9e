"""``meshsdf.json``: what a space of ours says beside the weights, in an exported experiment.

DeepSDF's files have no place for the names of the shapes, the frame and the card. Other programs
pass this file over; it is the JSON object of our own file format, see ``core.spacefile``, with the
sliders' offsets as ``slider_offsets``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import SpaceError
from ..space import Slider, Space
from ..spacedescription import SpaceDescription
from ..spacefile import METADATA_KEY, space_bytes
from .folder import json_file

COMPANION = "meshsdf.json"
OFFSETS = "slider_offsets"
HEADER_LENGTH_BYTES = 8


@dataclass(frozen=True)
class Companion:
    """What the file says; ``offsets`` ``(K, L)`` of the K sliders."""

    described: SpaceDescription
    offsets: Tensor


def companion_bytes(space: Space) -> bytes:
    """The file's content. Raises SpaceError for a space that cannot be written."""
    data = space_bytes(space)
    length = int.from_bytes(data[:HEADER_LENGTH_BYTES], "little")
    header = json.loads(data[HEADER_LENGTH_BYTES : HEADER_LENGTH_BYTES + length])
    described: dict[str, Any] = json.loads(header["__metadata__"][METADATA_KEY])
    if space.sliders:
        described[OFFSETS] = [slider.offset.tolist() for slider in space.sliders]
    return json.dumps(described, indent=1, ensure_ascii=False, allow_nan=False).encode()


def read_companion(folder: Path) -> Companion | None:
    """What the file says, or None where there is none. Raises SpaceError for a damaged one."""
    path = folder / COMPANION
    if not path.is_file():
        return None
    value = json_file(path)
    described = SpaceDescription(str(path), value)
    wanted = (len(described.sliders), described.architecture.code_length)
    try:
        offsets = torch.tensor(value.get(OFFSETS, []), dtype=torch.float32)
    except (ValueError, TypeError, RuntimeError, OverflowError):
        offsets = torch.full((1,), torch.nan)
    if offsets.numel() == 0 and not wanted[0]:
        offsets = torch.zeros(wanted)
    if offsets.shape != wanted or not bool(torch.isfinite(offsets).all()):
        raise SpaceError(
            f"The entry '{OFFSETS}' of '{path}' is missing or wrong; expected {wanted[0]} lists of "
            f"{wanted[1]} finite numbers",
            "The file is damaged or was edited: export the space again",
        )
    return Companion(described, offsets)


def with_companion(space: Space, companion: Companion) -> Space:
    """``space`` with the names, frame, card and sliders of the file.

    Weights and codes stay those of the experiment, which may have been trained further: the
    names of other shapes than it now has are left out, with a warning. Raises SpaceError where the
    file is about another decoder.
    """
    described = companion.described
    names, warnings = described.shape_names, list(described.warnings)
    if described.architecture != space.decoder.architecture:
        raise SpaceError(
            f"{COMPANION} describes another decoder than the weights of '{space.name}'",
            f"Remove {COMPANION} to load the experiment without its names and frame",
        )
    if names and len(names) != len(space.codes):
        warnings.append(f"{COMPANION} names {len(names)} shapes of {len(space.codes)}: not used")
        names = space.shape_names
    told = (*warnings, *(text for text in space.warnings if text not in warnings))
    sliders = zip(described.sliders, companion.offsets, strict=True)
    return Space(
        name=described.name,
        decoder=space.decoder,
        codes=space.codes,
        shape_names=names,
        frame=described.frame,
        card=described.card,
        warnings=told,
        sliders=tuple(Slider(name, offset, low, high) for (name, low, high), offset in sliders),
    )
