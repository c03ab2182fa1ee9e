"""Keyframes of a shape's code and blend, as the Python that makes them."""

from __future__ import annotations

import re
from collections.abc import Mapping

import bpy

from ..blending import channels
from ..compat import action_curves
from ..shapes.history import shortest
from .plain_python import literal

CODES = re.compile(r"codes\[(\d+)\]")
FREE = frozenset({"FREE", "ALIGNED", "VECTOR"})
# As Blender makes a key; the types of handles come before where they are.
USUAL = {
    "interpolation": "BEZIER",
    "easing": "AUTO",
    "handle_left_type": "AUTO_CLAMPED",
    "handle_right_type": "AUTO_CLAMPED",
    "amplitude": 0.0,
    "back": 0.0,
    "period": 0.0,
}
ANIMATE = '''\

# Its keyframes.
def curves():
    action = shape.animation_data.action
    if hasattr(action, "fcurves"):  # until Blender 4.5
        return list(action.fcurves)
    strips = [strip for layer in action.layers for strip in layer.strips]
    return [curve for strip in strips for bag in strip.channelbags for curve in bag.fcurves]


def animate(path, index, extrapolation, keys):
    """Key a property: frames, values, and what of the keys is not as Blender makes them."""
    shape.keyframe_insert(path, index=index, frame=keys[0][0])
    place = path, max(index, 0)
    curve = next(each for each in curves() if (each.data_path, each.array_index) == place)
    for frame, value, _ in keys:
        curve.keyframe_points.insert(frame, value)
    for point, (frame, value, more) in zip(curve.keyframe_points, keys):
        point.co = frame, value
        for name, told in more.items():
            setattr(point, name, told)
    curve.extrapolation = extrapolation
    curve.update()

'''.splitlines()


def lines(ob: bpy.types.Object, places: Mapping[int, int]) -> list[str]:
    """Python that keys an object called ``shape``; nothing where nothing is keyed.

    ``places`` are the new places of stored codes by their old ones.
    """
    written: list[str] = []
    for path, curve in _written(ob, places):
        index = curve.array_index if path == channels.CODE else -1
        keys = [_key(point) for point in curve.keyframe_points]
        head = f"animate({literal(path)}, {index}, {literal(curve.extrapolation)}, ["
        written += [head, *(f"    {key}," for key in keys), "])"]
    return [*ANIMATE, *written] if written else []


def moves(ob: bpy.types.Object, places: Mapping[int, int], *, blended: bool) -> bool:
    """Whether these keys move the shape; those of a blend do where it is ``blended``."""
    return any(blended or path == channels.CODE for path, _ in _written(ob, places))


def left_out(ob: bpy.types.Object) -> list[str]:
    """What else moves the shape and is not written, in words."""
    data = ob.animation_data
    if data is None:
        return []
    curves = _curves(ob)
    found = {
        "drivers": any(channels.moves_code(driver.data_path) for driver in data.drivers),
        "strips of the Nonlinear Animation": any(len(t.strips) for t in data.nla_tracks),
        "modifiers of its animation curves": any(len(curve.modifiers) for curve in curves),
        "baked samples of its animation curves": any(len(c.sampled_points) for c in curves),
        "muted animation curves": any(curve.mute for curve in curves),
    }
    return [words for words, is_there in found.items() if is_there]


def _written(ob: bpy.types.Object, places: Mapping[int, int]) -> list[tuple[str, bpy.types.FCurve]]:
    """The curves that are written, with their paths then."""
    found = [(_path(curve.data_path, places), curve) for curve in _curves(ob)]
    return [
        (path, curve)
        for path, curve in found
        if path is not None and len(curve.keyframe_points) and not curve.mute
    ]


def _curves(ob: bpy.types.Object) -> list[bpy.types.FCurve]:
    """The curves of the object's own action that move its shape."""
    data = ob.animation_data
    if data is None:
        return []
    found = action_curves(data.action, getattr(data, "action_slot", None))
    return [curve for curve in found if channels.moves_code(curve.data_path)]


def _path(path: str, places: Mapping[int, int]) -> str | None:
    """A channel's path where stored codes have new places; None where its code has none."""
    match = CODES.search(path)
    if match is None:
        return path
    new = places.get(int(match[1]))
    return None if new is None else CODES.sub(f"codes[{new}]", path)


def _key(point: bpy.types.Keyframe) -> str:
    frame, value = point.co
    more = {name: getattr(point, name) for name in USUAL}
    more = {name: told for name, told in more.items() if told != USUAL[name]}
    for side in ("left", "right"):
        if more.get(f"handle_{side}_type") in FREE:
            more[f"handle_{side}"] = tuple(getattr(point, f"handle_{side}"))
    inside = ", ".join(f"{literal(name)}: {_short(told)}" for name, told in more.items())
    return f"({_short(frame)}, {_short(value)}, {{{inside}}})"


def _short(told: object) -> str:
    """A value as Python, numbers with as few digits as they can be told by."""
    if isinstance(told, tuple):
        return literal([shortest(value) for value in told])
    return literal(shortest(told) if isinstance(told, float) else told)
