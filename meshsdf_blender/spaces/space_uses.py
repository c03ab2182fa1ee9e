"""Everything in a file that names a space: shapes, meshes that were shapes, and scenes' menus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import bpy

from ..deleted import is_deleted
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
    """All that names ``space``, however it is written, in what is this file's own.

    Objects that were deleted do not count: what brings them back brings back this, too.
    """
    place = catalogue.location(space)
    own = [ob for ob in bpy.data.objects if ob.library is None and next(of_object(ob), None)]
    found = [use for ob in own if not is_deleted(ob) for use in of_object(ob)]
    found += [use for each in bpy.data.scenes if each.library is None for use in of_scene(each)]
    return [use for use in found if use.space and catalogue.location(use.space) == place]


def named() -> set[str]:
    """The texts of all spaces that this file's own objects, not deleted, and scenes name."""
    own = [ob for ob in bpy.data.objects if ob.library is None and next(of_object(ob), None)]
    of_objects = {use.space for ob in own if not is_deleted(ob) for use in of_object(ob)}
    of_scenes = {u.space for each in bpy.data.scenes if not each.library for u in of_scene(each)}
    return (of_objects | of_scenes) - {""}
