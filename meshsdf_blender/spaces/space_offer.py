"""Offering a space in the menus of a .blend, and making it the one that new shapes come from."""

from __future__ import annotations

from pathlib import Path

import bpy

from .. import blend_path
from ..errors import Refusal
from . import catalogue, packed, pictures
from .catalogue import SpaceInfo

KINDS = "a .safetensors file, the specs.json of a DeepSDF folder, or one of its .pth files"
SPECS = "specs.json"


def offer(scene: bpy.types.Scene, name: str, path: str, up: str) -> None:
    """List the space once, and choose it. The worker is not asked."""
    scene.meshsdf.space, scene.meshsdf.space_up = put_in_menu(scene, name, path, up), up


def put_in_menu(scene: bpy.types.Scene, name: str, path: str, up: str) -> str:
    """List the space once, unless it is listed anyway; how it is stored."""
    if path.startswith(catalogue.BUILTIN):
        return path
    loaded = scene.meshsdf.loaded
    stored = stored_path(path)
    entry = next((e for e in loaded if e.path == stored), None)
    if entry is None:
        entry = loaded.add()
    entry.name, entry.path, entry.up = name, stored, up
    pictures.look_again(stored)
    return stored


def read_file(filepath: str, up: str) -> tuple[SpaceInfo, str, str]:
    """What is in the space of a file or folder, its path, and its up axis ("AUTO": by its kind).

    Raises Refusal.
    """
    path = space_path(filepath)
    if up == "AUTO":
        own = path.startswith(catalogue.BUILTIN) or path.lower().endswith(catalogue.OWN_SUFFIX)
        up = "FILE" if own else "Y"
    return catalogue.info(path, up), path, up


def space_path(chosen: str) -> str:
    """The file or folder that is meant; of a DeepSDF folder, its specs.json means the folder.

    A built-in space, which may be named too, stays the name that it is.
    Raises Refusal where nothing is there, or what cannot be a space.
    """
    if not chosen:
        raise Refusal("No file is chosen", f"Choose {KINDS}")
    chosen = catalogue.canonical(chosen)
    if chosen.startswith(catalogue.BUILTIN):
        catalogue.existing(chosen)
        return chosen
    blend_path.check(chosen)
    path = Path(catalogue.location(chosen))
    if not path.exists():
        hint = "Choose a .safetensors file or a DeepSDF folder"
        raise Refusal(f"'{path}' is not there", catalogue.builtin_hint(chosen) or hint)
    if path.suffix.lower() == ".json" and path.name != SPECS:
        raise Refusal(f"'{path.name}' is no shape space", f"Choose {KINDS}")
    # A .pth is kept: it says which of the folder's snapshots is meant.
    return str(path.parent if path.name == SPECS else path)


def stored_path(path: str) -> str:
    """Relative to the .blend where the user wants that and it can be."""
    if packed.is_packed(path) or path.startswith(catalogue.BUILTIN):
        return path
    relative = bpy.context.preferences.filepaths.use_relative_paths
    if not (relative and bpy.data.filepath):
        return path
    try:
        return bpy.path.relpath(path)
    except ValueError:  # another drive
        return path
