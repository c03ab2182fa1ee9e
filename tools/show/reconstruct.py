"""A picture to look at: run inside a Blender with a window, it makes a shape of it.

    blender --python tools/show/reconstruct.py -- [--picture FILE] [--space builtin:cars]
        [--stage drop|done|background|example] [--settings]

Without --picture it is the example's photo. "drop" does what Blender does with a file that is
dropped onto the 3D view, and shows each step; "done" waits for the end first, so that the panel
says what came of it; "background" puts the picture behind a camera that stays; "example" loads the
example, in which the next click reconstructs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import bpy

sys.path.append(str(Path(__file__).parent))
import window

ROOT = Path(__file__).resolve().parents[2]
PHOTO = ROOT / "meshsdf_blender" / "example" / "car.jpg"
STAGES = ("drop", "done", "background", "example")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--picture", type=Path, default=PHOTO)
    parser.add_argument("--space", default="builtin:cars")
    parser.add_argument("--stage", choices=STAGES, default="done")
    parser.add_argument("--settings", action="store_true", help="open the settings as well")
    return parser.parse_args(window.arguments())


OPTIONS = parsed()


def behind_a_camera() -> None:
    """A camera at the front, with the picture as its background image."""
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location, camera.rotation_euler = (0, -4.4, 0.8), (1.39, 0, 0)
    scene.collection.objects.link(camera)
    scene.camera = camera
    image = bpy.data.images.load(str(OPTIONS.picture))
    scene.render.resolution_x, scene.render.resolution_y = image.size
    camera.data.show_background_images = True
    camera.data.background_images.new().image = image
    window.area().spaces.active.region_3d.view_perspective = "CAMERA"


def show() -> None:
    """The chosen stage."""
    if OPTIONS.stage == "example":
        with window.in_view():
            bpy.ops.meshsdf.example_load(what="PICTURE")
        return
    scene = bpy.context.scene
    scene.meshsdf.space = OPTIONS.space
    given = {"filepath": str(OPTIONS.picture)}
    if OPTIONS.stage == "background":
        behind_a_camera()
        given = {}
    bpy.ops.ed.undo_push(message="Scene for a picture")
    how = "EXEC_DEFAULT" if OPTIONS.stage == "done" else "INVOKE_DEFAULT"
    with window.in_view():
        bpy.ops.meshsdf.reconstruct(how, **given)
    if OPTIONS.stage == "done":
        window.area().spaces.active.region_3d.view_perspective = "CAMERA"


SETTINGS = ["MESHSDF_PT_picture_settings"] if OPTIONS.settings else []
window.when_drawn(show, "MESHSDF_PT_picture", *SETTINGS)
