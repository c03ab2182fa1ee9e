"""Where the encoder of a space lies, and the run of a stopped teaching: for panels, beside drawing.

The worker decides by itself what fits: a copy of a built-in space needs no encoder of its own.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from ..beside import Beside
from ..errors import Fix, Refusal, WorkerError
from ..spaces import catalogue, packed

ENCODERS, SUFFIX, RUN_SUFFIX, RECORD = "encoders", ".safetensors", ".teaching", "teaching.json"
NUMBERS = ("pictures", "steps", "seed")
ICON = "IMAGE_REFERENCE"


@dataclass(frozen=True)
class Seen:
    """Whether an encoder lies beside a space, and whether a teaching of one was begun."""

    there: bool
    begun: bool


def encoder_path(space: str) -> Path:
    """The file of the encoder of the space at the path ``space``; no disk is touched."""
    path = Path(space)
    return path.parent / ENCODERS / (path.name if path.suffix == SUFFIX else path.name + SUFFIX)


def run_folder(space: str) -> Path:
    """What a stopped teaching goes on from; no disk is touched."""
    return encoder_path(space).with_suffix(RUN_SUFFIX)


def begun(space: str) -> bool:
    """Whether a teaching was begun there, so that it can go on."""
    return (run_folder(space) / RECORD).is_file()


def recorded(space: str) -> dict[str, int]:
    """The numbers that the teaching there was begun with; none where none was, or it is damaged."""
    try:
        said = json.loads((run_folder(space) / RECORD).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    told = said.items() if isinstance(said, dict) else ()
    return {name: number for name, number in told if name in NUMBERS and type(number) is int}


def _look(space: str) -> Seen:
    try:
        return Seen(encoder_path(space).is_file(), begun(space))
    except (OSError, ValueError):  # no name that this system could give a file
        return Seen(there=False, begun=False)


_seen = Beside(_look, unknown=Seen(there=True, begun=False))


def seen(space: str) -> Seen:
    """What lies beside the space of that text, as it was last looked at."""
    if not space:
        return Seen(there=True, begun=False)
    if packed.is_packed(space) and catalogue.same_builtin(space):
        space = catalogue.same_builtin(space)
    return _seen.get(catalogue.location(space))


def look() -> bool:
    """Look for all that was asked for; whether anything came or went."""
    return _seen.look()


def forget() -> None:
    """An encoder came: look anew."""
    _seen.forget()


def is_own(space: str) -> bool:
    """Whether a space is a file of the artist's, beside which an encoder can be kept."""
    return not packed.is_packed(space) and not catalogue.canonical(space).startswith(
        catalogue.BUILTIN
    )


def lacking(error: WorkerError, space: str, up: str) -> Refusal:
    """What the worker said, with the button that mends it where a space has no encoder of use."""
    if error.kind != "EncoderError" or not is_own(space):
        return error
    return Refusal(
        error.problem,
        "Teach one (under From a Picture), or choose another space",
        fixes=(Fix("meshsdf.teach_encoder", "Teach Encoder", {"space": space, "up": up}, ICON),),
    )


def check_own(space: str) -> None:
    """Raises Refusal for a space whose encoder cannot be kept beside it."""
    title = catalogue.title(space)
    if catalogue.canonical(space).startswith(catalogue.BUILTIN):
        raise Refusal(
            f"'{title}' is built in: its encoder comes with the extension, or there is none yet",
            "Use a space that has one, or export this one to a .safetensors file of your own and "
            "teach that",
            script=f"bpy.ops.meshsdf.space_export(space={space!r}, filepath='...{SUFFIX}')",
        )
    if packed.is_packed(space):
        raise Refusal(
            f"'{title}' is packed, and an encoder is a file beside its space",
            "Unpack the space first, and teach the file",
            script=f"bpy.ops.meshsdf.space_unpack(space={space!r}, filepath='...{SUFFIX}')",
        )
    folder = encoder_path(catalogue.existing(space)).parent
    there = folder if folder.exists() else folder.parent
    if not os.access(there, os.W_OK):
        raise Refusal(
            f"The encoder cannot be kept beside its space: '{there}' cannot be written to",
            "Copy the space to a folder that you can write to, load it there, and teach that one",
        )
