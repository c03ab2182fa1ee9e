"""A blend to look at: run inside a Blender with a window, it stores codes, keys and plays them.

    blender --python tools/show/blend.py -- [--space builtin:heads] [--mode WEIGHTS] [--stage bake]

The frames per second of playing 24 frames are printed, of the first time and of the second, when
all meshes are known. With --stage bake it ends with a live bake.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import bpy

sys.path.append(str(Path(__file__).parent))
import window

FRAMES = 24
NAMES = ("Calm", "Old", "Broad", "Thin")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--space", default="builtin:heads")
    parser.add_argument("--mode", choices=("TWO", "WEIGHTS"), default="WEIGHTS")
    parser.add_argument("--stage", choices=("play", "bake"), default="play")
    return parser.parse_args(window.arguments())


OPTIONS = parsed()


def show() -> None:
    """A shape with stored codes, of which two are keyed."""
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, FRAMES
    scene.render.use_lock_interface = True
    bpy.ops.meshsdf.shape_add(space=OPTIONS.space, resolution=48)
    for seed, name in enumerate(NAMES):
        bpy.ops.meshsdf.randomise(seed=seed, strength=1.0)
        bpy.ops.meshsdf.code_store(title=name)
    blend = bpy.context.active_object.meshsdf.blend
    blend.active, blend.first, blend.second = 1, NAMES[0], NAMES[2]
    blend.codes[0].weight, blend.codes[2].weight = 0.5, 0.25
    key(blend, "factor", 0.0, 1.0)
    key(blend.codes[1], "weight", 0.0, 1.0)
    blend.mode = OPTIONS.mode
    with window.in_view():
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_all()
    bpy.ops.ed.undo_push(message="Blend")
    bpy.app.timers.register(play, first_interval=1.0)


def key(owner: bpy.types.bpy_struct, name: str, first: float, last: float) -> None:
    """Keyframes at both ends of the animation."""
    for frame, value in ((1, first), (FRAMES, last)):
        setattr(owner, name, value)
        owner.keyframe_insert(name, frame=frame)


def play() -> None:
    """All frames, twice."""
    scene = bpy.context.scene
    for words in ("first", "second"):
        began = time.perf_counter()
        for frame in range(1, FRAMES + 1):
            scene.frame_set(frame)
        print(f"{words} time: {FRAMES / (time.perf_counter() - began):.1f} frames/s", flush=True)
    scene.frame_set(FRAMES // 2)
    if OPTIONS.stage == "bake":
        with window.in_view():
            bpy.ops.meshsdf.bake_frames("INVOKE_DEFAULT")


window.when_drawn(show, "MESHSDF_PT_blend", "MESHSDF_PT_bake")
