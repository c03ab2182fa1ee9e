"""What goes wrong, to look at: run inside a Blender with a window, it breaks something.

    blender --python tools/show/fixit.py -- --problem camera|space|torch|edit|keys|shared|slider

The sidebar's tab is opened, so that a screenshot shows the problem and its buttons. With --press
the first button is pressed after a while.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

import bpy

sys.path.append(str(Path(__file__).parent))
import window

ROOT = Path(__file__).resolve().parents[2]
BUILT_IN = ROOT / "spaces" / "bob_and_spot.safetensors"
PRESS_AFTER = 4.0


def no_camera() -> None:
    """A shape with something to follow, and nobody who looks."""
    bpy.ops.mesh.primitive_uv_sphere_add(location=(2.0, 0.0, 0.0))
    settings = bpy.context.scene.meshsdf
    settings.target, settings.object = "OBJECT", bpy.context.active_object


def moved_space() -> None:
    """The file of the shape's space is put elsewhere."""
    Path(bpy.context.active_object.meshsdf.space).rename(FOLDER / "moved.safetensors")


def no_torch() -> None:
    """The worker's Python is one without torch."""
    os.environ["MESHSDF_PYTHON"] = "/usr/bin/python-without-torch"
    try:
        bpy.ops.meshsdf.worker_check()
    except RuntimeError as error:
        print(error)


def editing() -> None:
    """The shape is in Edit Mode."""
    with window.in_view():
        bpy.ops.object.mode_set(mode="EDIT")


def shape_keys() -> None:
    """The mesh has shape keys."""
    for name in ("Basis", "Smile"):
        bpy.context.active_object.shape_key_add(name=name)


def shared() -> None:
    """Another object has the same mesh."""
    twin = bpy.data.objects.new("Twin", bpy.context.active_object.data)
    twin.location.x = 1.5
    bpy.context.collection.objects.link(twin)


def refused() -> None:
    """An operator was asked for what is not there."""
    try:
        bpy.ops.meshsdf.slide(slider="Nose", value=1.0)
    except RuntimeError as error:
        print(error)


PROBLEMS = {
    "camera": no_camera,
    "space": moved_space,
    "torch": no_torch,
    "edit": editing,
    "keys": shape_keys,
    "shared": shared,
    "slider": refused,
}
FOLDER = Path(tempfile.mkdtemp(prefix="fixit-"))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--problem", choices=PROBLEMS, default="space")
    parser.add_argument("--press", action="store_true", help="press the first button")
    return parser.parse_args(window.arguments())


OPTIONS = parsed()


def show() -> None:
    """A shape of a space in a file of its own, and what goes wrong with it."""
    space = str(shutil.copy(BUILT_IN, FOLDER / "animals.safetensors"))
    bpy.ops.meshsdf.shape_add(space=space, shape="bob")
    ob = bpy.context.active_object
    PROBLEMS[OPTIONS.problem]()
    bpy.context.view_layer.objects.active = ob
    ob.select_set(True)
    with window.in_view():
        bpy.ops.view3d.view_all()
    bpy.ops.ed.undo_push(message="Problem")
    if OPTIONS.press:
        bpy.app.timers.register(press, first_interval=PRESS_AFTER)


def press() -> None:
    """The first button of what is wrong."""
    problems = window.ours("trust.problems")
    with window.in_view():
        found = [*problems.shown(bpy.context), problems.of_fit(bpy.context)]
        fix = next(problem for problem in found if problem is not None).fixes[0]
        room, name = fix.operator.split(".")
        print(getattr(getattr(bpy.ops, room), name)("INVOKE_DEFAULT", **fix.properties), flush=True)


opened = {"camera": ["MESHSDF_PT_fit"]}.get(OPTIONS.problem, ["MESHSDF_PT_sliders"])
window.when_drawn(show, *opened)
