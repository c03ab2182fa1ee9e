"""``meshsdf.json``: what a space of ours says beside the weights, in an exported experiment.

DeepSDF's files have no place for the names of the shapes, the frame and the card. Other programs
pass this file over; it is the JSON object of our own file format, see ``core.spacefile``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import SpaceError
from ..space import Space
from ..spacedescription import SpaceDescription
from ..spacefile import space_bytes
from .folder import json_file

COMPANION = "meshsdf.json"
HEADER_LENGTH_BYTES = 8


def companion_bytes(space: Space) -> bytes:
    """The file's content. Raises SpaceError for a space that cannot be written."""
    data = space_bytes(space)
    length = int.from_bytes(data[:HEADER_LENGTH_BYTES], "little")
    header = json.loads(data[HEADER_LENGTH_BYTES : HEADER_LENGTH_BYTES + length])
    described: dict[str, Any] = json.loads(header["__metadata__"]["meshsdf"])
    return json.dumps(described, indent=1, ensure_ascii=False, allow_nan=False).encode()


def read_companion(folder: Path) -> SpaceDescription | None:
    """What the file says, or None where there is none. Raises SpaceError for a damaged one."""
    path = folder / COMPANION
    return SpaceDescription(str(path), json_file(path)) if path.is_file() else None


def with_companion(space: Space, described: SpaceDescription) -> Space:
    """``space`` with the names, frame and card of the file.

    Weights and codes stay those of the experiment, which may have been trained further: the
    names of other shapes than it now has are left out, with a warning.
    """
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
    return Space(
        name=described.name,
        decoder=space.decoder,
        codes=space.codes,
        shape_names=names,
        frame=described.frame,
        card=described.card,
        warnings=told,
    )
