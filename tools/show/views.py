"""Views to look at: run inside a Blender with a window, it makes a scene with three of them.

    blender --python tools/show/views.py -- [--stage STAGE] [--space builtin:heads]

"list" shows the list and the settings; "draw" presses Draw Outline in one that alone is on, for a
hand at the mouse, and "drawn" draws a head's outline there itself (5.2: older ones make no strokes
from a script), and fits to it; "fit" starts a fit to three silhouettes of another shape of the
space, which stands hidden in the viewport; "render" starts one to three renders of it.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

import bpy
from mathutils import Vector

sys.path.append(str(Path(__file__).parent))
import window

STAGES = ("list", "draw", "drawn", "fit", "render")
PLACES = {"Front": (0, -4, 0), "Side": (4, 0, 0), "Three Quarters": (2.6, -2.6, 1.6)}


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--space", default="builtin:heads")
    parser.add_argument("--target", default="0")
    parser.add_argument("--stage", choices=STAGES, default="list")
    return parser.parse_args(window.arguments())


OPTIONS = parsed()


def camera(name: str) -> bpy.types.Object:
    """A camera that looks at the origin."""
    made = bpy.data.objects.new(name, bpy.data.cameras.new(name))
    made.location = PLACES[name]
    made.rotation_euler = (-Vector(PLACES[name])).to_track_quat("-Z", "Y").to_euler()
    bpy.context.collection.objects.link(made)
    return made


def scene() -> None:
    """Three cameras, the shape to fit, and another one, hidden, that they should see."""
    here = bpy.context.scene
    here.render.resolution_x = here.render.resolution_y = 512
    bpy.ops.meshsdf.shape_add(space=OPTIONS.space, shape=OPTIONS.target, resolution=48)
    target = bpy.context.active_object
    target.name = "Target"
    bpy.ops.meshsdf.shape_add(space=OPTIONS.space)
    target.hide_set(True)
    settings = here.meshsdf
    settings.target, settings.object = "OBJECT", target
    for name in PLACES:
        here.camera = camera(name)
        bpy.ops.meshsdf.view_add()
    settings.views["Three Quarters"].weight = 0.5
    settings.view_index = 0
    bpy.ops.ed.undo_push(message="Scene with views")


def draw_outline() -> None:
    """An oval about the head with a flat neck below, as an annotation in the first view alone."""
    here = bpy.context.scene
    for view in here.meshsdf.views[1:]:
        view.use = False
    here.meshsdf.views[0].target = "OUTLINE"
    here.annotation = bpy.data.annotations.new("Notes")
    stroke = here.annotation.layers.new("Outline").frames.new(1).strokes.new()
    stroke.display_mode = "3DSPACE"
    turns = [math.radians(-60 + 300 * step / 60) for step in range(61)]
    places = [(0.62 * math.cos(turn), 0.0, 0.12 + 0.8 * math.sin(turn)) for turn in turns]
    places += [(-0.31, 0.0, -0.9), (0.31, 0.0, -0.9), places[0]]
    stroke.points.add(len(places))
    for point, place in zip(stroke.points, places, strict=True):
        point.co = place


def show() -> None:
    """The scene, and the chosen stage of it."""
    scene()
    with window.in_view():
        bpy.ops.meshsdf.view_look()
        if OPTIONS.stage == "draw":
            for view in bpy.context.scene.meshsdf.views[1:]:
                view.use = False
            bpy.ops.meshsdf.outline_draw()
        elif OPTIONS.stage == "drawn":
            draw_outline()
            bpy.ops.meshsdf.fit("INVOKE_DEFAULT")
        elif OPTIONS.stage != "list":
            for view in bpy.context.scene.meshsdf.views:
                view.target = "RENDER" if OPTIONS.stage == "render" else "OBJECT"
            bpy.ops.meshsdf.fit("INVOKE_DEFAULT")


SETTINGS = ["MESHSDF_PT_fit_settings"] if OPTIONS.stage == "list" else []
window.when_drawn(show, "MESHSDF_PT_fit", "MESHSDF_PT_views", *SETTINGS)
