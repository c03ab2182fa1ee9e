"""What a fit depends on beside the shape, noted: settings, frame, cameras and their targets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy
from mathutils import Matrix

from ..fitting import handles
from ..shapes.history import shortest
from ..views.aims import is_set
from ..views.target_properties import Targeted

State = dict[str, Any]

# Of the scene's settings, what no fit reads.
OTHERS = frozenset({"rna_type", "name", "space", "space_up", "changed_only", "view_index"})
# Of a view, what is not its target's.
OF_VIEW = frozenset({"rna_type", "name", "camera", "use"})
OF_TARGET = frozenset(Targeted.__annotations__)
CAMERA = (
    *("type", "lens", "sensor_fit", "sensor_width", "sensor_height", "shift_x", "shift_y"),
    *("ortho_scale", "clip_start", "clip_end"),
)
RENDER = (
    *("resolution_x", "resolution_y", "resolution_percentage"),
    *("pixel_aspect_x", "pixel_aspect_y"),
)
BACKGROUND = ("frame_method", "offset", "rotation", "scale", "use_flip_x", "use_flip_y")


def held(ob: bpy.types.Object) -> list[State]:
    """The handles of a shape that are on, each where it stands now."""
    return [
        {
            "name": handle.name,
            "at": [shortest(value) for value in handle.object.matrix_world.translation],
            "weight": shortest(handle.weight),
        }
        for handle in handles.listed(ob)
        if handle.object is not None
    ]


def seen(scene: bpy.types.Scene, held: list[State]) -> State:
    """Everything of a scene that a fit in it depends on, with the handles that were ``held``.

    Of a fit to handles alone neither camera nor target: it had none.
    """
    camera, settings = scene.camera, scene.meshsdf
    if held and not is_set(scene):
        names = [name for name in _names(settings) if name not in OF_TARGET]
        return {"settings": _changed(settings, names), "alone": True, "handles": held}
    views = [_view(view) for view in settings.views if view.use and view.camera is not None]
    names = [name for name in _names(settings) if not (views and name in OF_TARGET)]
    state: State = {
        "settings": _changed(settings, names),
        "render": {name: _plain(getattr(scene.render, name)) for name in RENDER},
        "views": views,
    }
    if held:
        state["handles"] = held
    if camera is not None and camera.type == "CAMERA":
        aims = not views and settings.target == "BACKGROUND"
        state["camera"] = _camera(camera, shows=aims)
    return state


def looked(scene: bpy.types.Scene, camera: bpy.types.Object) -> State:
    """A camera with its background image, and the frame that it renders."""
    return {
        "render": {name: _plain(getattr(scene.render, name)) for name in RENDER},
        "camera": _camera(camera, shows=True),
    }


def image(found: bpy.types.Image) -> State:
    """An image by its name, and its file where it can be loaded again."""
    return _named(found)


def rows(matrix: Matrix) -> list[list[float]]:
    """A matrix as lists of numbers."""
    return [[shortest(value) for value in row] for row in matrix]


def own(ob: bpy.types.Object) -> list[list[float]]:
    """The rotation and scale that an object holds, which its matrix gives back only nearly.

    Nothing where it turns in another way than by XYZ angles.
    """
    if ob.rotation_mode != "XYZ":
        return []
    return [[shortest(value) for value in part] for part in (ob.rotation_euler, ob.scale)]


def _view(view: bpy.types.PropertyGroup) -> State:
    """A view that is on: its camera and its target."""
    names = [name for name in _names(view) if name not in OF_VIEW]
    camera = _camera(view.camera, shows=view.target == "BACKGROUND")
    return {"name": view.name, "camera": camera, "settings": _changed(view, names)}


def _camera(camera: bpy.types.Object, *, shows: bool) -> State:
    """A camera, and where it ``shows`` one its background image."""
    told = {
        "name": camera.name,
        "matrix": rows(camera.matrix_world),
        "own": own(camera),
        "data": _changed(camera.data, CAMERA),
    }
    return told | {"background": _background(camera)} if shows else told


def _background(camera: bpy.types.Object) -> State:
    """The image that the camera shows first, and how."""
    for shown in camera.data.background_images:
        if shown.show_background_image and shown.image is not None:
            image = {"image": _named(shown.image)}
            return image | {name: _plain(getattr(shown, name)) for name in BACKGROUND}
    return {}


def _names(group: bpy.types.bpy_struct) -> list[str]:
    """A group's own values, and the datablocks that it points to; no groups, no collections."""
    return [
        item.identifier
        for item in group.bl_rna.properties
        if item.identifier not in OTHERS
        and item.type != "COLLECTION"
        and not (item.type == "ENUM" and item.is_enum_flag)
        and (item.type != "POINTER" or isinstance(getattr(group, item.identifier), bpy.types.ID))
    ]


def _changed(group: bpy.types.bpy_struct, names: Iterable[str]) -> State:
    """What of it is not as it is by default."""
    changed: State = {}
    for name in names:
        value, item = getattr(group, name), group.bl_rna.properties[name]
        if isinstance(value, bpy.types.ID):
            changed[name] = _named(value)
            continue
        default = item.default_array if getattr(item, "is_array", False) else item.default
        if _plain(value) != _plain(default):
            changed[name] = _plain(value)
    return changed


def _named(found: bpy.types.ID) -> State:
    """A datablock by its name; an image's file where it can be loaded again, an object's place."""
    told: State = {"block": found.name, "of": type(found).__name__}
    if isinstance(found, bpy.types.Object):
        told["matrix"] = rows(found.matrix_world)
    if isinstance(found, bpy.types.Image) and found.filepath and not found.packed_file:
        told["path"] = bpy.path.abspath(found.filepath, library=found.library)
    return told


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return shortest(value)
    return value if isinstance(value, bool | int | str) else [_plain(part) for part in value]
