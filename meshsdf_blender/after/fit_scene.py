"""What a fit depends on beside the shape: settings, camera and frame, noted and written as Python.

A record lies in the file and may be anybody's, so what is written from it is checked: identifiers
are identifiers, and every value is a literal.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

State = dict[str, Any]

# Of the scene's settings, what no fit reads.
OTHERS = frozenset({"rna_type", "name", "space", "space_up", "changed_only", "view_index"})
# Of a view, what is not its target's.
OF_VIEW = frozenset({"rna_type", "name", "camera", "use"})
CAMERA = (
    *("type", "lens", "sensor_fit", "sensor_width", "sensor_height", "shift_x", "shift_y"),
    *("ortho_scale", "clip_start", "clip_end"),
)
RENDER = (
    *("resolution_x", "resolution_y", "resolution_percentage"),
    *("pixel_aspect_x", "pixel_aspect_y"),
)
BACKGROUND = ("frame_method", "offset", "rotation", "scale", "use_flip_x", "use_flip_y")
BLOCKS = {"Image": "images", "Object": "objects", "Mask": "masks"}
DIGITS = 7


def seen(scene: bpy.types.Scene) -> State:
    """Everything of a scene that a fit in it depends on."""
    camera, settings = scene.camera, scene.meshsdf
    state: State = {
        "settings": _changed(settings, _names(settings)),
        "render": {name: _plain(getattr(scene.render, name)) for name in RENDER},
        "views": [_view(view) for view in settings.views if view.use and view.camera is not None],
    }
    if camera is not None and camera.type == "CAMERA":
        state["camera"] = _camera(camera, shows=settings.target == "BACKGROUND")
    return state


def lines(state: State, earlier: State) -> list[str]:
    """Python that makes a scene so, where ``earlier`` was written before.

    Raises ValueError and its like where the state makes no sense.
    """
    written: list[str] = []
    if state.get("render") != earlier.get("render"):
        render = state["render"]
        written += [f"scene.render.{identifier(n)} = {literal(v)}" for n, v in render.items()]
    if state.get("camera") and state.get("camera") != earlier.get("camera"):
        written += _camera_lines(state["camera"])
    if state.get("views", []) != earlier.get("views", []):
        written += _view_lines(state["views"])
    now, then = state["settings"], earlier.get("settings", {})
    for name in [*now, *(name for name in then if name not in now)]:
        if name not in now:
            written.append(f"scene.meshsdf.property_unset({literal(name)})")
        elif now[name] != then.get(name):
            written.append(f"scene.meshsdf.{identifier(name)} = {_value(now[name])}")
    return written


def needs(state: State) -> list[str]:
    """What the file has to have for that, in words."""
    aims = [state, *state.get("views", [])]
    values = [value for aim in aims for value in aim["settings"].values()]
    for aim in aims:
        values += aim.get("camera", {}).get("background", {}).values()
    blocks = [v for v in values if isinstance(v, dict) and "block" in v and not v.get("path")]
    drawn = [aim for aim in aims if aim["settings"].get("target") == "OUTLINE"]
    annotated = any("outline" not in aim["settings"] for aim in drawn)
    named = [f"{block['of'].lower()} {literal(block['block'])}" for block in blocks]
    return [*named, "the outline that was drawn as annotation"] if annotated else named


def place_lines(name: str, matrix: list[list[float]]) -> list[str]:
    """Python that puts an object where ``matrix`` says, in parts that can be read."""
    whole = Matrix(matrix)
    location, turn, scale = whole.decompose()
    euler = turn.to_euler()
    again = Matrix.LocRotScale(location, euler, scale)
    if np.abs(np.array(again) - np.array(whole)).max() > 1e-5:  # sheared by a parent
        return [f"{name}.matrix_world = {literal(matrix)}"]
    parts = [("location", location), ("rotation_euler", euler), ("scale", scale)]
    return [f"{name}.{part} = {literal(_rounded(values))}" for part, values in parts]


def rows(matrix: Matrix) -> list[list[float]]:
    """A matrix as lists of numbers."""
    return [[_short(value) for value in row] for row in matrix]


def identifier(name: Any) -> str:
    """``name`` if it is one; ValueError else."""
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(f"no identifier: {name!r}")
    return name


def literal(value: Any) -> str:
    """A value as Python, if it is a plain one; ValueError else."""
    if isinstance(value, bool | int | str):
        return repr(value)
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    if isinstance(value, list | tuple):
        inside = ", ".join(literal(item) for item in value)
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    raise ValueError(f"no plain value: {value!r}")


def block(name: Any, of: str) -> str:
    """Python that looks a datablock up by its name."""
    return f"bpy.data.{BLOCKS[of]}[{literal(name)}]"


def _camera_lines(told: State, *, active: bool = True) -> list[str]:
    name = literal(told["name"])
    written = [
        f"camera = bpy.data.objects.new({name}, bpy.data.cameras.new({name}))",
        *place_lines("camera", told["matrix"])[:2],  # a camera's scale counts for nothing
        *(f"camera.data.{identifier(n)} = {literal(v)}" for n, v in told["data"].items()),
        "scene.collection.objects.link(camera)",
        *(["scene.camera = camera"] if active else []),
    ]
    if told.get("background"):
        written += ["camera.data.show_background_images = True"]
        written += ["background = camera.data.background_images.new()"]
        background = told["background"].items()
        written += [f"background.{identifier(n)} = {_value(v)}" for n, v in background]
    return written


def _view_lines(views: list[State]) -> list[str]:
    written = ["scene.meshsdf.views.clear()"]
    for told in views:
        written += _camera_lines(told["camera"], active=False)
        written += ["view = scene.meshsdf.views.add()", "view.camera = camera"]
        written.append(f"view.name = {literal(told['name'])}")
        written += [f"view.{identifier(n)} = {_value(v)}" for n, v in told["settings"].items()]
    return written


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
    """A datablock by its name, and an image's file where that can be loaded again."""
    told: State = {"block": found.name, "of": type(found).__name__}
    if isinstance(found, bpy.types.Image) and found.filepath and not found.packed_file:
        told["path"] = bpy.path.abspath(found.filepath, library=found.library)
    return told


def _value(value: Any) -> str:
    if not isinstance(value, dict):
        return literal(value)
    if value.get("path"):
        return f"bpy.data.images.load({literal(value['path'])}, check_existing=True)"
    return block(value["block"], value["of"])


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return _short(value)
    return value if isinstance(value, bool | int | str) else [_plain(part) for part in value]


def _short(value: float) -> float:
    """The float with the fewest digits that is the same as float32."""
    return float(str(np.float32(value)))


def _rounded(values: Any) -> list[float]:
    """Without the noise of taking a matrix apart; not -0.0."""
    return [round(value, DIGITS) + 0.0 for value in values]
