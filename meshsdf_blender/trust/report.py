"""Everything that somebody who helps has to know, as text for the clipboard."""

from __future__ import annotations

import tomllib

import bpy

from .. import door
from ..identity import ROOT_FOLDER
from ..shapes import shape
from . import problems


def details(context: bpy.types.Context, about: str = "") -> str:
    """Versions, the problem ``about``, what else is wrong, the file, the shape and the worker."""
    found = [str(problem) for problem in problems.shown(context)]
    fitting = problems.of_fit(context)
    rows = [f"MeshSDF {version()}", about or "\n".join(found)]
    rows += [f"Also: {text}" for text in found if about and text != about]
    rows += [f"Before a fit: {fitting}"] if fitting and str(fitting) != about else []
    rows += [f"File: {bpy.data.filepath or 'not saved'}", _active(context.active_object)]
    return "\n".join(row for row in (*rows, door.report()) if row)


def version() -> str:
    """The extension's version, as its manifest says."""
    manifest = ROOT_FOLDER / "blender_manifest.toml"
    try:
        return str(tomllib.loads(manifest.read_text("utf-8"))["version"])
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return "of unknown version"


def _active(ob: bpy.types.Object | None) -> str:
    if not shape.is_shape(ob):
        return "" if ob is None else f"Active object: '{ob.name}' ({ob.type}), no shape"
    told = ob.meshsdf
    where = f", linked from {ob.library.filepath}" if ob.library else ""
    return (
        f"Active shape: '{ob.name}'{where}, space {told.space}, up {told.up}, resolution "
        f"{told.resolution}, {told.vertices} vertices, {told.faces} faces, {ob.mode.lower()} mode"
    )
