"""Our // paths, kept pointing at the same files when a .blend is saved elsewhere or appended.

Blender does this for its own paths (images, libraries) and not for those of add-ons. Whether a save
was asked to remap its paths no add-on can see: ours are always remapped, for a shape whose space is
lost is of no use.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import bpy
from bpy.app.handlers import persistent

from ..spaces.space_offer import stored_path

OWNERS = (bpy.types.Object, bpy.types.Scene)
GROUPS = ("meshsdf", "meshsdf_training", "meshsdf_encoding")

_before: list[tuple[bpy.types.PropertyGroup, str, str]] = []  # while a file is being saved


def stored() -> Iterator[tuple[bpy.types.PropertyGroup, str]]:
    """Every text of ours in this file that is a path from the .blend on: its group and name."""
    for blocks in (bpy.data.objects, bpy.data.scenes):
        for block in blocks:
            if block.library is None:
                yield from _of(block)


def _of(block: bpy.types.ID) -> Iterator[tuple[bpy.types.PropertyGroup, str]]:
    for name in GROUPS:
        yield from _within(getattr(block, name, None))


def _within(group: Any) -> Iterator[tuple[bpy.types.PropertyGroup, str]]:
    if group is None:
        return
    for item in group.bl_rna.properties:
        name = item.identifier
        if name == "rna_type":  # points to a class, which says that it is a group
            continue
        if item.type == "STRING" and not item.is_readonly:
            if getattr(group, name).startswith("//"):
                yield group, name
        elif item.type == "POINTER" and isinstance(getattr(group, name), bpy.types.PropertyGroup):
            yield from _within(getattr(group, name))
        elif item.type == "COLLECTION":
            for member in getattr(group, name):
                yield from _within(member)


@persistent
def _save_pre(path: str, *_: object) -> None:
    """Write the paths as they are seen from the new folder."""
    _before.clear()
    old = os.path.dirname(bpy.data.filepath)  # noqa: PTH120  # as text, no disk
    new = os.path.dirname(os.path.abspath(path)) if path else ""  # noqa: PTH100, PTH120
    if not old or not new or old == new:
        return
    for group, name in list(stored()):
        text = getattr(group, name)
        _before.append((group, name, text))
        setattr(group, name, _moved(text, new))


def _moved(text: str, folder: str) -> str:
    """``text`` as a path from another folder on, or a whole one where there is no way."""
    path = _whole(text)
    try:
        return bpy.path.relpath(path, start=folder)
    except ValueError:  # another drive
        return path


def _whole(text: str, library: bpy.types.Library | None = None) -> str:
    path = bpy.path.abspath(text, library=library)
    return os.path.abspath(path)  # noqa: PTH100  # links stay as they are


@persistent
def _save_post(path: str, *_: object) -> None:
    """A copy was saved, or nothing was: the file that is open is where it was."""
    if path and os.path.abspath(path) != os.path.abspath(bpy.data.filepath):  # noqa: PTH100
        _put_back()
    _before.clear()


@persistent
def _save_failed(*_: object) -> None:
    _put_back()
    _before.clear()


def _put_back() -> None:
    for group, name, text in _before:
        setattr(group, name, text)


@persistent
def _imported(items: Any, *_: object) -> None:
    """What was appended has paths from its own file on: see them from here."""
    for item in items.import_items:
        block, library = item.id, item.source_library
        if isinstance(block, OWNERS) and block.library is None and library is not None:
            for group, name in list(_of(block)):
                setattr(group, name, stored_path(_whole(getattr(group, name), library)))


def _handlers() -> Iterator[tuple[list[Any], Any]]:
    yield bpy.app.handlers.save_pre, _save_pre
    yield bpy.app.handlers.save_post, _save_post
    yield bpy.app.handlers.save_post_fail, _save_failed
    if hasattr(bpy.app.handlers, "blend_import_post"):  # since 4.4
        yield bpy.app.handlers.blend_import_post, _imported


def register() -> None:
    for handlers, function in _handlers():
        handlers.append(function)


def unregister() -> None:
    for handlers, function in _handlers():
        handlers.remove(function)
    _before.clear()
