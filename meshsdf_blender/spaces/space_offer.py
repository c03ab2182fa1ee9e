"""Offering a space in the menus of a .blend, and making it the one that new shapes come from."""

from __future__ import annotations

import bpy


def offer(scene: bpy.types.Scene, name: str, path: str, up: str) -> None:
    """List the space once, and choose it. The worker is not asked."""
    settings = scene.meshsdf
    stored = stored_path(path)
    entry = next((e for e in settings.loaded if e.path == stored), None)
    if entry is None:
        entry = settings.loaded.add()
    entry.name, entry.path, entry.up = name, stored, up
    settings.space, settings.space_up = stored, up


def stored_path(path: str) -> str:
    """Relative to the .blend where the user wants that and it can be."""
    relative = bpy.context.preferences.filepaths.use_relative_paths
    if not (relative and bpy.data.filepath):
        return path
    try:
        return bpy.path.relpath(path)
    except ValueError:  # another drive
        return path
