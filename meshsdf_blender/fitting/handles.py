"""The handles of a shape: empties that an artist drags, through which a fit draws the surface.

They stand in the world, and where they stand is where the surface has to pass. The list keeps
pointers to the empties, so they may be renamed; one that was deleted is told by its handle's name.
"""

from __future__ import annotations

from collections.abc import Iterable

import bpy
import numpy as np

from .. import hidden, naming
from ..deleted import is_deleted
from ..errors import Fix, Refusal
from ..shapes import shape
from ..views.aims import Aim, is_set, scene_aims
from .fit_properties import ShapeHandle

FIRST_NAME = "Handle"
# Of the shape's longest side: the radius at which a new empty is shown.
SHOWN_SIZE = 0.03
# An object is used by them where it is shown.
SHOWING = bpy.types.Collection, bpy.types.Scene, bpy.types.Screen, bpy.types.WindowManager
SECOND_ORDER = Fix(
    "wm.context_set_enum",
    "Use Second Order",
    {"data_path": "scene.meshsdf.solver", "value": "SECOND_ORDER"},
)


def listed(ob: bpy.types.Object | None) -> list[ShapeHandle]:
    """The handles of a shape that are on, in the order of the list; none of what is no shape."""
    if ob is None or not shape.is_shape(ob):
        return []
    return [each for each in ob.meshsdf.handles if each.use]


def used(ob: bpy.types.Object | None) -> list[ShapeHandle]:
    """The same as a fit takes them: in the order of their names, whichever way they were added."""
    return sorted(listed(ob), key=lambda each: each.name)


def aims(scene: bpy.types.Scene, ob: bpy.types.Object | None) -> list[Aim]:
    """What a fit of a shape aims at beside its handles. Raises Refusal.

    Nothing where handles are on and no target is set: then they are enough.
    """
    return [] if used(ob) and not is_set(scene) else scene_aims(scene)


def check(scene: bpy.types.Scene, ob: bpy.types.Object) -> None:
    """Raise Refusal, by its name, for a handle that is on and cannot be used."""
    held = used(ob)
    if held and scene.meshsdf.solver != "SECOND_ORDER":
        raise Refusal(
            "Only the solver Second Order draws a shape to its handles",
            "Choose it under Fit > Settings, or turn the handles off",
            fixes=(SECOND_ORDER,),
            script="bpy.context.scene.meshsdf.solver = 'SECOND_ORDER'",
        )
    for handle in held:
        problem = wrong(scene, handle)
        if problem:
            raise Refusal(
                f"Handle '{handle.name}': {problem}",
                "Pick an empty for it, turn it off, or remove it",
                fixes=(
                    Fix("meshsdf.handle_remove", "Remove It", {"handle": handle.name}, "REMOVE"),
                ),
            )


def wrong(scene: bpy.types.Scene, handle: ShapeHandle) -> str:
    """What is wrong with a handle, in words; empty where nothing is: for drawing."""
    ob: bpy.types.Object | None = handle.object
    # A deleted one stays in the file while a handle points to it.
    if ob is None or is_deleted(ob):
        return "Its empty is gone"
    if ob == handle.id_data:  # in a script, which no poll holds back
        return "It is the shape itself"
    if ob.type != "EMPTY":
        return f"Object '{ob.name}' is no empty"
    if scene.objects.get(ob.name) != ob and scene not in ob.users_scene:
        return f"Empty '{ob.name}' is not in scene '{scene.name}'"
    return ""


def points(held: Iterable[ShapeHandle], depsgraph: bpy.types.Depsgraph) -> np.ndarray:
    """Where handles stand in the world, ``(K, 3)`` float64. Raises Refusal, by name."""
    found = []
    for handle in held:
        matrix = handle.object.evaluated_get(depsgraph).matrix_world
        found.append(list(matrix.translation))
        if not np.isfinite(found[-1]).all():
            raise Refusal(
                f"Handle '{handle.name}' stands nowhere", "Clear its location (Alt G), or remove it"
            )
    return np.array(found, dtype=np.float64).reshape(-1, 3)


def active(ob: bpy.types.Object) -> ShapeHandle | None:
    """The handle that is chosen in the list, or None where the list is empty."""
    held = ob.meshsdf.handles
    return held[min(ob.meshsdf.handle_index, len(held) - 1)] if len(held) else None


def find(ob: bpy.types.Object, name: str) -> int:
    """The place of a handle, by name in any case or number from 1 on; the chosen one if empty.

    Raises Refusal where there is none.
    """
    names = [handle.name for handle in ob.meshsdf.handles]
    if not names:
        raise Refusal(
            f"Object '{ob.name}' has no handles",
            "Add one first",
            script="bpy.ops.meshsdf.handle_add()",
        )
    if not name:
        return min(ob.meshsdf.handle_index, len(names) - 1)
    found = naming.place(name, names)
    if found is not None:
        return found
    if name.isdecimal() and 0 < int(name) <= len(names):
        return int(name) - 1
    raise Refusal(f"Object '{ob.name}' has no handle '{name}'", f"Use {naming.listed(names)}")


def add(
    scene: bpy.types.Scene, ob: bpy.types.Object, location: Iterable[float], name: str = ""
) -> ShapeHandle:
    """A handle at a place of the world, with an empty of its own, chosen in the list. Refusal."""
    settings = ob.meshsdf
    name = _unique(name.strip() or FIRST_NAME, {each.name for each in settings.handles})
    empty = bpy.data.objects.new(name, None)
    try:
        _collection(scene, ob).objects.link(empty)
    except RuntimeError as error:  # a linked scene
        bpy.data.objects.remove(empty)
        raise Refusal("Nothing can be added to this scene", "Make the scene local") from error
    empty.empty_display_type = "SPHERE"
    empty.empty_display_size = SHOWN_SIZE * (max(*ob.dimensions) or 1.0)
    empty.show_in_front = True  # it may stand inside the shape
    empty.location = tuple(location)
    handle = settings.handles.add()
    handle.name, handle.object, handle.made = name, empty, empty
    settings.handle_index = len(settings.handles) - 1
    return handle


def select(context: bpy.types.Context, ob: bpy.types.Object, place: int) -> None:
    """Choose a handle and select its empty alone, the shape still active. Raises Refusal."""
    handle = ob.meshsdf.handles[place]
    problem = wrong(context.scene, handle)
    if problem:
        raise Refusal(f"Handle '{handle.name}': {problem}", "Pick an empty for it, or remove it")
    empty: bpy.types.Object = handle.object
    context.view_layer.update()  # or one that was added just now is not in it yet
    if not empty.visible_get():
        raise Refusal(
            f"Empty '{empty.name}' cannot be selected: it is hidden",
            hidden.advice(empty),
            script="; ".join(hidden.lines(empty)),
        )
    for other in context.view_layer.objects:
        other.select_set(other == empty)
    ob.meshsdf.handle_index = place


def remove(ob: bpy.types.Object, place: int) -> None:
    """Take a handle out, with the empty that was added with it unless something else uses it.

    An object that was picked for it since is the artist's own, and stays.
    """
    settings = ob.meshsdf
    empty, made = settings.handles[place].object, settings.handles[place].made
    settings.handles.remove(place)
    settings.handle_index = max(0, min(settings.handle_index, len(settings.handles) - 1))
    if made is not None and made == empty and made.library is None and not _is_used(made):
        bpy.data.objects.remove(made)


def _is_used(empty: bpy.types.Object) -> bool:
    """Whether anything points to an empty whose handle is gone: another handle, a child, a
    constraint, a modifier, a driver. What merely shows it does not count.
    """
    users = bpy.data.user_map(subset={empty}).get(empty, set())
    return any(user != empty and not isinstance(user, SHOWING) for user in users)


def _collection(scene: bpy.types.Scene, ob: bpy.types.Object) -> bpy.types.Collection:
    """Where the shape itself is, so that whatever shows it shows its handles too."""
    there = [each for each in ob.users_collection if each.library is None]
    return there[0] if there and ob.name in scene.objects else scene.collection


def _unique(name: str, taken: set[str]) -> str:
    unique, number = name, 0
    while unique in taken:
        number += 1
        unique = f"{name}.{number:03}"
    return unique
