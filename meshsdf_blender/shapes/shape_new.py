"""A new shape object: code, mesh and settings, linked and active, or nothing at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import bpy
import numpy as np

from ..errors import Refusal
from ..spaces import packed
from . import shape

Mesh = tuple[np.ndarray, np.ndarray, Mapping[str, Any]]  # vertices, faces, report


def add(
    context: bpy.types.Context,
    space: str,
    up: str,
    code: np.ndarray,
    *,
    name: str,
    resolution: int,
) -> bpy.types.Object:
    """Add the shape of ``code`` at the world's origin and make it the active object.

    Raises Refusal with nothing added.
    """
    return _added(
        context,
        space,
        up,
        lambda ob: shape.extract(ob, code),
        name=name,
        resolution=resolution,
    )


def add_meshed(
    context: bpy.types.Context,
    space: str,
    up: str,
    code: np.ndarray,
    mesh: Mesh,
    *,
    name: str,
    resolution: int,
) -> bpy.types.Object:
    """The same with a mesh of the code that is there already, and what is known of it."""
    return _added(
        context,
        space,
        up,
        lambda ob: shape.write(ob, code, *mesh),
        name=name,
        resolution=resolution,
    )


def _added(
    context: bpy.types.Context,
    space: str,
    up: str,
    fill: Callable[[bpy.types.Object], None],
    *,
    name: str,
    resolution: int,
) -> bpy.types.Object:
    mesh = bpy.data.meshes.new(name)
    ob = bpy.data.objects.new(name, mesh)
    settings = ob.meshsdf
    settings.space, settings.up = space, up
    settings.resolution = resolution
    settings.packed.text = packed.text_of(space)
    try:
        fill(ob)
        _link(ob, context.collection)
    except Refusal:
        bpy.data.objects.remove(ob)
        bpy.data.meshes.remove(mesh)
        raise
    for other in context.selected_objects:
        other.select_set(False)
    ob.select_set(True)
    context.view_layer.objects.active = ob
    return ob


def _link(ob: bpy.types.Object, collection: bpy.types.Collection) -> None:
    try:
        collection.objects.link(ob)
    except RuntimeError as error:
        raise Refusal(
            f"Nothing can be added to collection '{collection.name}': it is linked or overridden",
            "Select a collection of this file in the Outliner",
        ) from error
