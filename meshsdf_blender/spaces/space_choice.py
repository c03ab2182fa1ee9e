"""The space picker's list: built-in spaces and those that were loaded, with their pictures."""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty

from . import catalogue, pictures

# Blender points into the texts that a callback gives it and holds none of them: each is kept, as
# long as Blender runs, or the picker shows the words of another space.
_texts: dict[str, str] = {}


def spaces(scene: bpy.types.Scene) -> list[tuple[str, str, str]]:
    """Text, up axis and title of every space that can be chosen in a scene; no disk is touched."""
    builtin = [catalogue.BUILTIN + name for name in catalogue.builtin_names()]
    listed = [(space, "FILE", catalogue.title(space)) for space in builtin]
    known = set(builtin)
    for entry in scene.meshsdf.loaded:
        if entry.path not in known:
            known.add(entry.path)
            listed.append((entry.path, entry.up, entry.name))
    space, up = catalogue.chosen(scene)
    if space and space not in known:
        listed.append((space, up, catalogue.title(space)))
    return listed


def _choices(choice: SpaceChoice, context: bpy.types.Context) -> list[tuple]:
    scene: bpy.types.Scene = choice.id_data  # type: ignore[assignment]
    return [
        (_kept(space), _kept(title), _kept(catalogue.summary(space)), pictures.icon(space), number)
        for number, (space, _, title) in enumerate(spaces(scene))
    ]


def _kept(text: str) -> str:
    return _texts.setdefault(text, text)


def _get(choice: SpaceChoice) -> int:
    scene: bpy.types.Scene = choice.id_data  # type: ignore[assignment]
    names = [space for space, _, _ in spaces(scene)]
    space = catalogue.chosen(scene)[0]
    return names.index(space) if space in names else 0


def _set(choice: SpaceChoice, number: int) -> None:
    scene: bpy.types.Scene = choice.id_data  # type: ignore[assignment]
    listed = spaces(scene)
    if 0 <= number < len(listed):
        scene.meshsdf.space, scene.meshsdf.space_up, _ = listed[number]


class SpaceChoice(bpy.types.PropertyGroup):
    """``Scene.meshsdf.choice``: the chosen space as an enumeration, for the picker."""

    picked: EnumProperty(
        name="Space",
        description="Choose what new shapes look like",
        items=_choices,
        get=_get,
        set=_set,
        options={"SKIP_SAVE"},
    )
