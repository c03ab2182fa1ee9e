"""What differs between the Blender versions we support (4.2, 4.5, 5.0, 5.2), in one place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import bpy

# Paths that may start with // say so since 4.5, which warns where others are given one.
RELATIVE_PATH: set[str] = (
    {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()
)


def driving_curves(block: bpy.types.ID) -> Iterator[bpy.types.FCurve]:
    """All curves that animate a datablock: of its drivers, its action and its NLA strips."""
    data = block.animation_data
    if data is None:
        return
    curves = [*data.drivers, *action_curves(data.action, getattr(data, "action_slot", None))]
    if data.use_nla:
        solo = [track for track in data.nla_tracks if track.is_solo]
        for track in solo or data.nla_tracks:
            if not track.mute:
                curves += _strip_curves(track.strips)
    yield from (curve for curve in curves if not curve.mute)


def _strip_curves(strips: Iterable[bpy.types.NlaStrip]) -> Iterator[bpy.types.FCurve]:
    for strip in strips:
        if strip.mute:
            continue
        yield from action_curves(strip.action, getattr(strip, "action_slot", None))
        yield from _strip_curves(getattr(strip, "strips", ()))  # a meta strip holds others


def action_curves(
    action: bpy.types.Action | None, slot: bpy.types.ActionSlot | None
) -> Iterator[bpy.types.FCurve]:
    """The curves of an action for a slot: ``Action.fcurves`` until 4.3, in layers since."""
    for curves in _curve_lists(action, slot):
        yield from curves


def channel_lists(
    block: bpy.types.ID,
) -> Iterator[tuple[bpy.types.ID, bpy.types.bpy_prop_collection]]:
    """Every list of curves that animates a datablock, muted or not, and whose it is.

    Curves can be removed from these lists: of its drivers, its action and its NLA strips.
    """
    data = block.animation_data
    if data is None:
        return
    yield block, data.drivers
    used = [(data.action, getattr(data, "action_slot", None))]
    strips = [strip for track in data.nla_tracks for strip in track.strips]
    while strips:
        strip = strips.pop()
        strips += getattr(strip, "strips", ())  # a meta strip holds others
        used.append((strip.action, getattr(strip, "action_slot", None)))
    seen: set[int] = set()
    for action, slot in used:
        for curves in _curve_lists(action, slot):
            if (owner := curves.data.as_pointer()) not in seen:  # two strips may play one action
                seen.add(owner)
                yield action, curves


def own_action(block: bpy.types.ID) -> bpy.types.Action | None:
    """The block's action, made its own: a copy, with the same slot where there are slots."""
    data = block.animation_data
    if data is None or data.action is None:
        return None
    slot = getattr(data, "action_slot", None)
    known = slot.identifier if slot is not None else ""
    data.action = data.action.copy()
    if known:
        data.action_slot = data.action.slots[known]
    return data.action


def _curve_lists(
    action: bpy.types.Action | None, slot: bpy.types.ActionSlot | None
) -> Iterator[bpy.types.bpy_prop_collection]:
    if action is None:
        return
    if not hasattr(action, "slots"):
        yield action.fcurves
        return
    for layer in action.layers:
        for strip in layer.strips:
            for bag in strip.channelbags:
                if slot is not None and bag.slot_handle == slot.handle:
                    yield bag.fcurves


# Objects that hold drawn strokes: up to 4.2, and since.
DRAWN_TYPES = {"GPENCIL", "GREASEPENCIL"}


def annotation(scene: bpy.types.Scene) -> bpy.types.ID | None:
    """The scene's annotation: a Grease Pencil datablock until 4.5."""
    return scene.annotation if hasattr(scene, "annotation") else scene.grease_pencil


def new_annotation(scene: bpy.types.Scene, name: str) -> bpy.types.ID:
    """An empty annotation, made the scene's."""
    if hasattr(scene, "annotation"):
        scene.annotation = bpy.data.annotations.new(name)
        return scene.annotation
    scene.grease_pencil = bpy.data.grease_pencils.new(name)
    return scene.grease_pencil


def layer_name(layer: bpy.types.bpy_struct) -> str:
    """The name of a layer of strokes: ``info`` of annotations and until 4.2, else ``name``."""
    return layer.info if hasattr(layer, "info") else layer.name


def layer_hidden(layer: bpy.types.bpy_struct, *, annotated: bool) -> bool:
    """Whether a layer of strokes is hidden; annotations have a switch of their own."""
    return bool(layer.annotation_hide if annotated else layer.hide)


def layer_matrix(layer: bpy.types.bpy_struct) -> object:
    """The 4x4 matrix from a layer of strokes to its object; None for one without, an annotation."""
    return getattr(layer, "matrix_local", getattr(layer, "matrix_layer", None))


def frame_strokes(frame: bpy.types.bpy_struct) -> Iterator[bpy.types.bpy_struct]:
    """The strokes of a frame: its own, or since 4.3 those of its drawing."""
    yield from (frame.drawing.strokes if hasattr(frame, "drawing") else frame.strokes)


def stroke_points(stroke: bpy.types.bpy_struct) -> list[tuple[float, float, float]]:
    """Where a stroke's points are, in its layer."""
    return [tuple(getattr(p, "position", None) or p.co) for p in stroke.points]


def stroke_closed(stroke: bpy.types.bpy_struct) -> bool:
    """Whether a stroke is drawn closed; annotations never say so since 4.3."""
    return bool(getattr(stroke, "cyclic", getattr(stroke, "use_cyclic", False)))
