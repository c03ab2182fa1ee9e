"""Two windows to look at, in workspaces of their own: a fit begins in the second one.

    blender --python tools/show/two_windows.py

Half of the way the second window goes to a third workspace, and after the fit it comes back. The
status lines of both windows tell of the fit, with its key in the second one, and of nothing once it
is over. Each window is half as high as a screen of 1600 by 900 pixels: put them below each other.
"""

from __future__ import annotations

import sys
from math import radians
from pathlib import Path

import bpy

sys.path.append(str(Path(__file__).parent))
import window

LOOK_AGAIN, ARRANGED = 0.1, 15.0  # seconds
STEPS = 12
SPACE = "builtin:vases"
SECOND, THIRD = "Animation", "Scripting"


def show() -> None:
    """The scene, a second window, and the fit in it."""
    with window.in_view():
        camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
        bpy.context.collection.objects.link(camera)
        camera.location = (2.6, -2.6, 1.7)
        camera.rotation_euler = (radians(66), 0.0, radians(45))
        here = bpy.context.scene
        here.camera = camera
        bpy.ops.meshsdf.shape_add(space=SPACE, shape="0", resolution=32)
        target = bpy.context.active_object
        target.display_type = "WIRE"
        bpy.ops.meshsdf.shape_add(space=SPACE, shape="5")
        here.meshsdf.target, here.meshsdf.object, here.meshsdf.steps = "OBJECT", target, STEPS
        here.meshsdf.move = True
        bpy.ops.wm.window_new_main()
    second().workspace = bpy.data.workspaces[SECOND]
    bpy.app.timers.register(fit, first_interval=ARRANGED)


def second() -> bpy.types.Window:
    """The window in which the fit runs."""
    return bpy.context.window_manager.windows[1]


def fit() -> None:
    """Begin a fit in the second window, as its button does."""
    for each in bpy.context.window_manager.windows:
        for area in each.screen.areas:
            if area.type == "VIEW_3D":
                area.spaces.active.show_region_ui = True
                area.spaces.active.region_3d.view_perspective = "CAMERA"
    area = next(area for area in second().screen.areas if area.type == "VIEW_3D")
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=second(), area=area, region=region):
        bpy.ops.meshsdf.fit("INVOKE_DEFAULT")
    bpy.app.timers.register(look, first_interval=LOOK_AGAIN)


def look() -> float | None:
    """Go to another workspace half of the way, and come back at the end."""
    if window.ours("running").current() is None:
        second().workspace = bpy.data.workspaces[SECOND]
        ob = bpy.context.window_manager.windows[0].view_layer.objects.active
        print(f"IoU {ob.meshsdf.fit_iou:.3f}, {ob.meshsdf.fit_reason}", flush=True)
        return None
    if bpy.context.window_manager.meshsdf.step >= STEPS // 2:
        second().workspace = bpy.data.workspaces[THIRD]
    return LOOK_AGAIN


window.when_drawn(show)
