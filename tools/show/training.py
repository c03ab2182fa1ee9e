"""A training to look at: run inside a Blender with a window, it makes a family and trains a space.

    blender --python tools/show/training.py -- [--stage empty|train|done|refused] [--settings]

The worker's Python needs libigl and trimesh beside torch: where Blender's own has none, make an
environment (`python3 -m venv --system-site-packages`), put both into it, and let MESHSDF_PYTHON
name its Python.

The sidebar's tab is opened at "Train a Space", so that a screenshot shows it. --stage says how far
to go: "done" stops the training after a while and adds a shape of what there is.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import bpy
from mathutils import Euler

sys.path.append(str(Path(__file__).parent))
import window

STOP_AFTER = 0.5  # the share of the training after which "done" stops it
LOOK_AGAIN = 0.5  # seconds


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stage", choices=("empty", "train", "done", "refused"), default="train")
    parser.add_argument("--settings", action="store_true", help="open the settings as well")
    parser.add_argument("--count", type=int, default=6, help="shapes in the family")
    parser.add_argument("--preset", choices=("DRAFT", "BALANCED", "FINE"), default="DRAFT")
    return parser.parse_args(window.arguments())


OPTIONS = parsed()


def family() -> bpy.types.Collection:
    """Mugs from slim to wide, in a row: a tube and a handle each, in a collection of its own."""
    mugs = bpy.data.collections.new("Mugs")
    bpy.context.scene.collection.children.link(mugs)
    for number in range(OPTIONS.count):
        share = number / max(1, OPTIONS.count - 1)
        mug = bpy.data.collections.new(f"Mug {number + 1}")
        mugs.children.link(mug)
        x, radius, height = 1.6 * number, 0.3 + 0.25 * share, 1.2 - 0.5 * share
        bpy.ops.mesh.primitive_cylinder_add(
            radius=radius, depth=height, location=(x, 0, height / 2)
        )
        _into(mug, f"Body {number + 1}")
        bpy.ops.mesh.primitive_torus_add(
            location=(x + radius, 0, height / 2),
            rotation=(1.5708, 0, 0),
            major_radius=0.3 * height,
            minor_radius=0.07,
        )
        _into(mug, f"Handle {number + 1}")
    if OPTIONS.stage == "refused":
        mugs.objects.link(bpy.data.objects.new("Key Light", bpy.data.lights.new("Key", "POINT")))
        mugs.objects.link(bpy.data.objects.new("Dots", bpy.data.meshes.new("Dots")))
    return mugs


def _into(collection: bpy.types.Collection, name: str) -> None:
    ob = bpy.context.active_object
    ob.name = name
    for other in list(ob.users_collection):
        other.objects.unlink(ob)
    collection.objects.link(ob)


def show() -> None:
    """The family, and its training."""
    mugs = family()
    for ob in bpy.context.scene.objects:
        ob.select_set(False)
    window.area().spaces.active.region_3d.view_rotation = Euler((1.25, 0, 0.3)).to_quaternion()
    with window.in_view():
        bpy.ops.view3d.view_all()
    # Room at the right, where the preview will stand, beside the sidebar.
    camera = window.area().spaces.active.region_3d
    camera.view_location.x += 0.4 * OPTIONS.count
    camera.view_distance *= 1.15
    settings = bpy.context.scene.meshsdf_training
    settings.source, settings.collection, settings.preset = "COLLECTION", mugs, OPTIONS.preset
    bpy.ops.ed.undo_push(message="Family")
    if OPTIONS.stage == "empty":
        return
    with window.in_view():
        bpy.ops.meshsdf.train_space(
            "INVOKE_DEFAULT",
            source="COLLECTION",
            collection=mugs.name,
            preset=OPTIONS.preset,
            output=tempfile.mkdtemp(prefix="training-"),
        )
    if OPTIONS.stage == "done":
        bpy.app.timers.register(stop, first_interval=LOOK_AGAIN)


def stop() -> float | None:
    """Stop the training once it trains, then add a shape of the space."""
    told = bpy.context.window_manager.meshsdf_training
    if told.text.startswith("Training") and told.factor > STOP_AFTER:
        bpy.ops.meshsdf.train_stop()
    if told.text:
        return LOOK_AGAIN
    with window.in_view():
        bpy.ops.meshsdf.shape_add()
    return None


opened = ["MESHSDF_PT_train"] + ["MESHSDF_PT_train_settings"] * OPTIONS.settings
window.when_drawn(show, *opened)
