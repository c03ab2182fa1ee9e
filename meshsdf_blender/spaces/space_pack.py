"""Letting a file carry a space, and giving it back: whatever names the space follows."""

from __future__ import annotations

from pathlib import Path

import bpy

from .. import blend_path
from ..errors import Refusal
from . import catalogue, packed, space_uses
from .space_offer import put_in_menu, stored_path


def pack(scene: bpy.types.Scene, space: str, up: str) -> str:
    """Carry ``space`` in this file; every shape and menu that names it follows.

    Returns what names it now. Raises Refusal, changing nothing.
    """
    if packed.is_packed(space):
        raise Refusal(f"'{catalogue.title(space)}' is packed already")
    path = Path(catalogue.existing(space))
    name = space[len(catalogue.BUILTIN) :] if space.startswith(catalogue.BUILTIN) else path.stem
    title = catalogue.title(space)
    data, there = packed.packable(path), set(bpy.data.texts.keys())
    now, text = packed.put(name, data)
    try:
        packed.unpacked(now)
    except Refusal:
        if text.name not in there:
            bpy.data.texts.remove(text)
        raise
    catalogue.copy_known(str(path), now)
    uses = space_uses.of_file(space)
    chosen = catalogue.chosen(scene)[0]
    for use in uses:
        use.put(now)
    put_in_menu(scene, title, now, up)
    if chosen == space:
        scene.meshsdf.space, scene.meshsdf.space_up = now, up
    return now


def unpack(scene: bpy.types.Scene, space: str, filepath: str) -> str:
    """Write a packed space to ``filepath``, which its shapes then name; a built-in one by its name.

    The text that carried it goes. Returns what names the space now. Raises Refusal, changing
    nothing.
    """
    if not packed.is_packed(space):
        raise catalogue.not_packed(space)
    data, text = packed.read(space), packed.text_of(space)
    if text.library is not None:
        raise Refusal(
            f"'{catalogue.title(space)}' is packed in '{text.library.filepath}', a linked file",
            "Open that file, and unpack the space there",
        )
    before = catalogue.location(space)
    now = _builtin(packed.name_of(space), data) or stored_path(str(_written(filepath, data)))
    catalogue.copy_known(before, now)
    uses = space_uses.of_file(space)
    for use in uses:
        use.put(now)
    if now.startswith(catalogue.BUILTIN):  # listed anyway
        for each in bpy.data.scenes:
            if each.library is None:
                _drop_from_menu(each, now)
    bpy.data.texts.remove(text)
    return now


def default_file(space: str) -> str:
    """Where a packed space goes when no file is named: beside the .blend."""
    return f"//{packed.name_of(space)}{packed.SUFFIX}"


def _builtin(name: str, data: bytes) -> str:
    """What names the built-in space with these very bytes; empty where there is none."""
    path = Path(catalogue.location(catalogue.BUILTIN + name))
    same = name in catalogue.builtin_names() and path.is_file() and path.read_bytes() == data
    return catalogue.BUILTIN + name if same else ""


def _written(filepath: str, data: bytes) -> Path:
    path = Path(blend_path.absolute(filepath))
    if path.suffix.lower() != packed.SUFFIX:
        path = path.with_name(path.name + packed.SUFFIX)
    try:
        if path.exists():
            if path.read_bytes() != data:
                raise Refusal(f"'{path}' is there already", "Choose another name")
            return path
        with path.open("xb") as file:
            file.write(data)
    except OSError as error:
        raise Refusal(f"'{path}' cannot be written: {error.strerror or error}") from error
    return path


def _drop_from_menu(scene: bpy.types.Scene, space: str) -> None:
    for index in reversed(range(len(scene.meshsdf.loaded))):
        if scene.meshsdf.loaded[index].path == space:
            scene.meshsdf.loaded.remove(index)
