"""Spaces that a .blend carries with it: the bytes of a .safetensors file in a text datablock.

A shape names such a space by ``packed:NAME@DIGEST``, the first digits of the bytes' SHA-256, so
that it is found whatever the text is called and wherever it was appended or linked from. The
shape also points to the text, which brings it along when the shape is appended.

The worker reads files: see ``packed_cache``. The bytes are checked against their digest before
they are written. Only ``.safetensors`` are packed and written: they are numbers, and reading them
runs nothing, which is not true of a ``.pth``.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import bpy
import numpy as np

from ..errors import Fix, Refusal
from . import packed_cache, space_header

PREFIX, MARK, DIGITS = "packed:", "@", 16
SUFFIX = packed_cache.SUFFIX
MOST_BYTES = 64 * 1024 * 1024
# Whole numbers, as an array of them is kept bit by bit; bytes end at the first 0 when overwritten.
DATA_KEY, SIZE_KEY, DIGEST_KEY = "meshsdf_space", "meshsdf_space_bytes", "meshsdf_space_sha256"
WORD = 4
NOTE = (
    "This text carries a shape space of MeshSDF, so that the shapes of this file work anywhere.\n"
    "Unpack Space in the MeshSDF tab writes it to a file and removes this text.\n"
)


class Packed(bpy.types.PropertyGroup):
    """``Object.meshsdf.packed``: what brings a packed space along when the object is appended."""

    text: bpy.props.PointerProperty(
        name="Space", description="The text that carries the space", type=bpy.types.Text
    )


def is_packed(space: str) -> bool:
    """Whether a space's text names one that the .blend carries."""
    return space.startswith(PREFIX)


def name_of(space: str) -> str:
    """NAME of ``packed:NAME@DIGEST``, as a name of a file: it comes from a .blend."""
    name = space[len(PREFIX) :].rpartition(MARK)[0] or space[len(PREFIX) :]
    return name.replace("/", "_").replace("\\", "_")


def text_of(space: str) -> bpy.types.Text | None:
    """The text datablock that carries the space, of this file or one that is linked."""
    digits = space.rpartition(MARK)[2]
    if not is_packed(space) or len(digits) != DIGITS:
        return None
    texts = (t for t in bpy.data.texts if str(t.get(DIGEST_KEY, "")).startswith(digits))
    return min(texts, key=lambda text: text.library is not None, default=None)


def size_of(space: str) -> int:
    """How many bytes the .blend carries for it; 0 where it carries none."""
    text = text_of(space)
    try:
        return max(0, int(text.get(SIZE_KEY, 0))) if text is not None else 0
    except (TypeError, ValueError, OverflowError):  # a broken text: what reads it says so
        return 0


def location(space: str) -> str:
    """Where the space is unpacked to; no disk is touched."""
    text = text_of(space)
    return packed_cache.place(
        str(text[DIGEST_KEY]) if text is not None else space.rpartition(MARK)[2]
    )


def unpacked(space: str) -> str:
    """The path of the unpacked file, written where it is not there yet. Raises Refusal."""
    path = location(space)
    if not packed_cache.is_sound(path):
        packed_cache.keep(path, read(space))
    return path


def read(space: str) -> bytes:
    """The space's bytes, checked against their digest. Raises Refusal."""
    text = text_of(space)
    if text is None:
        raise Refusal(
            f"The packed space '{name_of(space)}' is not in this file any more",
            "Undo what removed its text, or set the shape's Space to a file or a built-in one",
            fixes=(_find(space),),
        )
    try:
        words = np.frombuffer(memoryview(text[DATA_KEY]), dtype="<i4")
        data = words.tobytes()[: int(text[SIZE_KEY])]
    except (KeyError, TypeError, ValueError, OverflowError):
        data = b""
    if _digest(data) != text[DIGEST_KEY]:
        raise Refusal(
            f"The packed space '{name_of(space)}' is damaged: its bytes do not match their digest",
            "Set the shape's Space to the original file, or open a backup of this .blend",
            fixes=(_find(space),),
        )
    _check(data, f"The packed space '{name_of(space)}'")
    return data


def _find(space: str) -> Fix:
    return Fix("meshsdf.fix_space", "Find the Space...", {"lost": space}, "FILE_FOLDER")


def put(name: str, data: bytes) -> tuple[str, bpy.types.Text]:
    """Carry the bytes of a ``.safetensors`` space in this file: its text, and what names it.

    Raises Refusal where they are no such space, or too many.
    """
    _check(data, f"'{name}'")
    digest = _digest(data)
    space = f"{PREFIX}{name.replace(MARK, '_')}{MARK}{digest[:DIGITS]}"
    text = text_of(space)
    if text is None or text.library is not None:
        text = bpy.data.texts.new(f"{name}{SUFFIX}")
        text.from_string(NOTE)
        text.use_fake_user = True
        padded = data + b"\0" * (-len(data) % WORD)
        text[DATA_KEY] = np.frombuffer(padded, dtype="<i4").astype(np.int32)
        text[SIZE_KEY], text[DIGEST_KEY] = len(data), digest
    return space, text


def packable(path: Path) -> bytes:
    """The bytes of a space's file that may be packed. Raises Refusal."""
    if path.suffix.lower() != SUFFIX or not path.is_file():
        raise Refusal(
            f"'{path.name}' cannot be packed: only {SUFFIX} files can, as others may hold code",
            f"Export the space to a file that ends in {SUFFIX}, load that, and pack it",
            script=f"bpy.ops.meshsdf.space_export(filepath='...{SUFFIX}')",
        )
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise Refusal(
                f"'{path.name}' has {size / 1e6:.0f} MB, too many for a .blend to carry",
                f"At most {MOST_BYTES / 1e6:.0f} MB can be packed: keep the file beside the .blend",
            )
        return path.read_bytes()
    except OSError as error:
        raise Refusal(f"'{path}' cannot be read: {error.strerror or error}") from error


def _check(data: bytes, what: str) -> None:
    if not 0 < len(data) <= MOST_BYTES:
        raise Refusal(f"{what} has {len(data):,} bytes, and 1 to {MOST_BYTES:,} can be packed")
    if space_header.described_bytes(data).get("format") != space_header.FORMAT:
        raise Refusal(f"{what} is no shape space of ours", "Load it again from its file")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
