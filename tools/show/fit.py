"""A fit to look at: run inside a Blender with a window, it adds a shape and starts a live fit.

    blender --python tools/show/fit.py -- [--space PATH] [--up Y] [--target 0] [--start 1]

The target is another shape of the same space, set aside in the camera's view. The sidebar's tab is
opened, so that a screenshot shows it. --stage says how far to go.
"""

from __future__ import annotations

import argparse
import os
import sys
from math import radians
from pathlib import Path

import bpy

sys.path.append(str(Path(__file__).parent))
import window

TARGET_RESOLUTION = 32  # coarse, so that its wires do not hide the shape


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--space", default="")
    parser.add_argument("--up", choices=("FILE", "Y", "Z"), default="FILE")
    parser.add_argument("--target", default="0")
    parser.add_argument("--start", default="1")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--resolution", type=int, default=64, help="of the fit: more is slower")
    parser.add_argument("--stage", choices=("empty", "added", "fit", "broken"), default="fit")
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
    settings.resolution = OPTIONS.resolution
    bpy.ops.ed.undo_push(message="Scene to fit")


def show() -> None:
    """The scene, seen through its camera, and the fit."""
    scene()
    window.area().spaces.active.region_3d.view_perspective = "CAMERA"
    if OPTIONS.stage == "fit":
        with window.in_view():
            bpy.ops.meshsdf.fit("INVOKE_DEFAULT")


window.when_drawn(show)
