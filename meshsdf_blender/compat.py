"""What differs between the Blender versions we support (4.2, 4.5, 5.0, 5.2), in one place."""

from __future__ import annotations

from collections.abc import Iterator

import bpy


def action_curves(action: bpy.types.Action) -> Iterator[bpy.types.FCurve]:
    """All curves of an action: ``Action.fcurves`` until 4.3, in layers since, gone in 5.0."""
    layers = getattr(action, "layers", None)
    if layers is None or (not len(layers) and hasattr(action, "fcurves")):
        yield from action.fcurves
        return
    for layer in layers:
        for strip in layer.strips:
            for bag in strip.channelbags:
                yield from bag.fcurves
