"""What comes after a shape, to look at: new faces beside it, and the panel Finish.

    blender --python tools/show/after.py -- [--space builtin:heads] [--state shape|regular]

To the left of the shape stands the mesh of fewer triangles, to its right the one of quads. What the
copied script says, and how long each step took, is printed.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import bpy

sys.path.append(str(Path(__file__).parent))
import window

APART = 1.6
METHODS = (("DECIMATE", -APART, 2000), ("QUADRIFLOW", APART, 2000))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--space", default="builtin:heads")
    parser.add_argument("--state", choices=("shape", "regular"), default="shape")
    return parser.parse_args(window.arguments())


OPTIONS = parsed()


def show() -> None:
    """The shape, its two companions, and its script."""
    bpy.ops.meshsdf.shape_add(space=OPTIONS.space)
    shape = bpy.context.active_object
    bpy.ops.meshsdf.slide(slider="1", value=1.0)
    for method, aside, faces in METHODS:
        timed(method, lambda m=method, f=faces: bpy.ops.meshsdf.retopologise(method=m, faces=f))
        made = bpy.context.active_object
        made.location.x += aside
        made.show_wire = True
        made.select_set(False)
        shape.hide_set(False)
        shape.select_set(True)
        bpy.context.view_layer.objects.active = shape
    timed("script", bpy.ops.meshsdf.copy_script)
    print(bpy.context.window_manager.clipboard, flush=True)
    if OPTIONS.state == "regular":
        timed("regular", bpy.ops.meshsdf.make_regular)
    with window.in_view():
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_all()
    bpy.ops.ed.undo_push(message="Shape")


def timed(what: str, call: object) -> None:
    """Call, and print how long it took."""
    start = time.perf_counter()
    call()
    print(f"{what}: {1000 * (time.perf_counter() - start):.0f} ms", flush=True)


window.when_drawn(show, "MESHSDF_PT_after")
