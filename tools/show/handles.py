"""Handles to look at: run inside a Blender with a window, it pulls a head to a few of them.

    blender --python tools/show/handles.py -- [--stage STAGE] [--space builtin:heads]

"click" presses Add Handle, for a hand at the mouse; "added" puts handles on nose and ears and drags
the nose's; "fit" starts a live fit to them, and prints what became of it.
"""

from __future__ import annotations

import argparse
import sys
from math import radians
from pathlib import Path

import bpy
from mathutils import Euler

sys.path.append(str(Path(__file__).parent))
import window

STAGES = ("click", "added", "fit")
LOOK_AGAIN = 0.5  # seconds
# On the cursor's way to the surface, and how far each is dragged from there.
PLACES = {
    "Nose": ((0, -3, 0), (0, -0.12, 0)),
    "Left": ((3, 0, 0), (0, 0, 0)),
    "Right": ((-3, 0, 0), (0, 0, 0)),
    "Crown": ((0, 0, 3), (0, 0, 0.08)),
}


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--space", default="builtin:heads")
    parser.add_argument("--stage", choices=STAGES, default="fit")
    return parser.parse_args(window.arguments())


OPTIONS = parsed()


def scene() -> bpy.types.Object:
    """A head, seen half from the side."""
    bpy.ops.meshsdf.shape_add(space=OPTIONS.space)
    view = window.area().spaces.active.region_3d
    view.view_rotation = Euler((radians(75), 0.0, radians(35))).to_quaternion()
    view.view_distance = 4.0
    return bpy.context.active_object


def add_handles(ob: bpy.types.Object) -> None:
    """Handles where the surface is nearest to their places, then dragged."""
    for name, (place, drag) in PLACES.items():
        bpy.context.scene.cursor.location = place
        bpy.ops.meshsdf.handle_add("EXEC_DEFAULT", name=name)
        empty = ob.meshsdf.handles[name].object
        for axis, by in enumerate(drag):
            empty.location[axis] += by
    bpy.context.scene.cursor.location = (0, 0, 0)
    ob.meshsdf.handle_index = 0
    bpy.ops.ed.undo_push(message="Head with handles")


def tell() -> float | None:
    """Print what the fit came to, and what there is, until it is over."""
    ob = bpy.data.objects.get("Heads") or bpy.context.view_layer.objects.active
    told = ob.meshsdf
    print([(h.name, tuple(round(v, 3) for v in h.object.location)) for h in told.handles])
    print(f"off {told.fit_off_start:.4f} to {told.fit_off:.4f}: {told.fit_reason}", flush=True)
    return None if told.fit_off >= 0 else LOOK_AGAIN


def show() -> None:
    """The scene, and the chosen stage of it."""
    with window.in_view():
        ob = scene()
        if OPTIONS.stage == "click":
            bpy.ops.meshsdf.handle_add("INVOKE_DEFAULT")
        else:
            add_handles(ob)
        if OPTIONS.stage == "fit":
            bpy.ops.meshsdf.fit("INVOKE_DEFAULT")
    bpy.app.timers.register(tell, first_interval=LOOK_AGAIN)


window.when_drawn(show, "MESHSDF_PT_fit", "MESHSDF_PT_handles")
