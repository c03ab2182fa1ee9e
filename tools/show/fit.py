"""A fit to look at: run inside a Blender with a window, it adds a shape and starts a live fit.

    blender --python tools/show/fit.py -- [--space PATH] [--up Y] [--target 0] [--start 1]

The target is another shape of the same space, set aside in the camera's view. The sidebar's tab is
opened, so that a screenshot shows it. --stage says how far to go: "preview" shows the target alone,
"stopped" stops a fit half of the way, "before" goes on to show the shape before it. At the end of a
fit it prints how long our handlers took, in milliseconds: each keeps Blender from drawing so long.
"At work" is processor time, which other programs do not lengthen.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from functools import partial, wraps
from math import radians
from pathlib import Path
from statistics import median

import bpy

sys.path.append(str(Path(__file__).parent))
import window

TARGET_RESOLUTION = 32  # coarse, so that its wires do not hide the shape
LOOK_AGAIN = 0.1  # seconds
STAGES = ("empty", "added", "preview", "fit", "stopped", "before", "broken")
# Everything of ours that Blender calls by itself while a fit runs.
HANDLERS = (
    ("operators.live", "RunsLive", "_tick"),
    ("fitting.overlay_follow", "", "tick"),
    ("fitting.overlay_draw", "", "_draw_view"),
)
took: dict[str, list[tuple[float, float]]] = {}


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--space", default="")
    parser.add_argument("--up", choices=("FILE", "Y", "Z"), default="FILE")
    parser.add_argument("--target", default="0")
    parser.add_argument("--start", default="1")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--all-steps", action="store_true", help="take them all, for the figures")
    parser.add_argument("--resolution", type=int, default=64, help="of the fit: more is slower")
    parser.add_argument("--stage", choices=STAGES, default="fit")
    return parser.parse_args(window.arguments())


OPTIONS = parsed()


def scene() -> None:
    """Camera, target shape and the shape to fit."""
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    bpy.context.collection.objects.link(camera)
    camera.location = (2.6, -2.6, 1.7)
    camera.rotation_euler = (radians(66), 0.0, radians(45))
    here = bpy.context.scene
    here.camera = camera
    here.render.resolution_x = here.render.resolution_y = 512
    if OPTIONS.stage == "empty":
        return
    if OPTIONS.stage == "broken":
        os.environ["MESHSDF_PYTHON"] = "/usr/bin/python-without-torch"
    add = {"space": OPTIONS.space, "up": OPTIONS.up}
    try:
        bpy.ops.meshsdf.shape_add(shape=OPTIONS.target, resolution=TARGET_RESOLUTION, **add)
    except RuntimeError as error:
        print(error)
        return
    target = bpy.context.active_object
    target.name = "Target"
    target.display_type = "WIRE"
    bpy.ops.meshsdf.shape_add(shape=OPTIONS.start, **add)
    settings = here.meshsdf
    settings.space, settings.space_up = bpy.context.active_object.meshsdf.space, OPTIONS.up
    settings.target, settings.object, settings.steps = "OBJECT", target, OPTIONS.steps
    settings.solver = "ADAM"  # more steps to look at
    settings.resolution = OPTIONS.resolution
    bpy.ops.ed.undo_push(message="Scene to fit")


def timed(module: str, owner: str, name: str) -> None:
    """Note how long a function of ours takes, whenever it is called."""
    home = window.ours(module)
    place = getattr(home, owner) if owner else home
    plain: Callable[..., object] = getattr(place, name)
    spent = took.setdefault(f"{module}.{name}", [])

    @wraps(plain)
    def noted(*given: object) -> object:
        start, worked = time.perf_counter(), time.thread_time()
        try:
            return plain(*given)
        finally:
            passed = time.perf_counter() - start, time.thread_time() - worked
            spent.append((1000 * passed[0], 1000 * passed[1]))

    setattr(place, name, noted)


def show() -> None:
    """The scene, seen through its camera, and the fit."""
    scene()
    window.area().spaces.active.region_3d.view_perspective = "CAMERA"
    with window.in_view():
        bpy.ops.view3d.view_center_camera()
        if OPTIONS.stage == "preview":
            bpy.ops.meshsdf.target_preview()
        if OPTIONS.stage in {"fit", "stopped", "before"}:
            for handler in HANDLERS:
                timed(*handler)
            if OPTIONS.all_steps:
                operator = window.ours("operators.fit")
                operator.FitRun = partial(operator.FitRun, exact_steps=OPTIONS.steps)
            bpy.ops.meshsdf.fit("INVOKE_DEFAULT")
            bpy.app.timers.register(go_on, first_interval=LOOK_AGAIN)


def go_on() -> float | None:
    """Stop the fit where it is to be stopped; once it has ended, tell of it."""
    run = window.ours("running").current()
    if run is not None:
        told = bpy.context.window_manager.meshsdf
        if OPTIONS.stage != "fit" and told.step >= OPTIONS.steps // 2 and not run.stopping:
            bpy.ops.meshsdf.fit_stop()
        return LOOK_AGAIN
    for name, spent in took.items():
        if spent:
            passed, worked = zip(*spent, strict=True)
            figures = f"median {median(passed):.1f} ms, most {max(passed):.1f} ms"
            print(f"{name}: {len(spent)} calls, {figures}, at work most {max(worked):.1f} ms")
    sys.stdout.flush()
    if OPTIONS.stage == "before":
        with window.in_view():
            bpy.ops.meshsdf.fit_compare()
    return None


window.when_drawn(show, "MESHSDF_PT_fit")
