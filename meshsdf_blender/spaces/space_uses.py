"""Everything in a file that names a space: shapes, meshes that were shapes, and scenes' menus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import bpy

from . import catalogue, packed


@dataclass(frozen=True)
class SpaceUse:
    """A property that names a space; ``ob`` is whose shape that is, if it is an object's.

    Good for one operator's run only: it holds Blender's data.
    """

    group: bpy.types.PropertyGroup
    name: str
    ob: bpy.types.Object | None = None

    @property
    def space(self) -> str:
        """The space's text; may be empty."""
        return str(getattr(self.group, self.name))

    def put(self, space: str) -> None:
        """Name another space; an object also points to the text that carries a packed one."""
        setattr(self.group, self.name, space)
        if self.ob is not None:
            self.ob.meshsdf.packed.text = packed.text_of(space)


def of_object(ob: bpy.types.Object) -> Iterator[SpaceUse]:
    """Where an object names the space of the shape that it is, or was."""
    for group in (ob.meshsdf, ob.meshsdf.after):
        if group.space:
            yield SpaceUse(group, "space", ob)


def of_scene(scene: bpy.types.Scene) -> Iterator[SpaceUse]:
    """Where a scene names spaces: the chosen one, and those in its menus."""
    if scene.meshsdf.space:
        yield SpaceUse(scene.meshsdf, "space")
    for entry in scene.meshsdf.loaded:
        yield SpaceUse(entry, "path")


def of_file(space: str) -> list[SpaceUse]:
    """All that names ``space``, however it is written, in what is this file's own."""
    place = catalogue.location(space)
    return [use for use in _all() if use.space and catalogue.location(use.space) == place]


def named() -> set[str]:
    """The texts of all spaces that this file names."""
    return {use.space for use in _all() if use.space}


def _all() -> Iterator[SpaceUse]:
    for ob in bpy.data.objects:
        if ob.library is None:
            yield from of_object(ob)
    for scene in bpy.data.scenes:
        if scene.library is None:
            yield from of_scene(scene)
