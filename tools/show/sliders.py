"""Sliders to look at: run inside a Blender with a window, it adds a shape and drags its sliders.

    blender --python tools/show/sliders.py -- [--space builtin:heads] [--moves 40] [--known]

The time from each move to the mesh that follows it is printed, in milliseconds.
"""

from __future__ import annotations

import argparse
import sys
import time
from math import sin
from pathlib import Path
from statistics import median
from typing import Any

import bpy

sys.path.append(str(Path(__file__).parent))
import window

BETWEEN_MOVES = 0.02


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--space", default="builtin:heads")
    parser.add_argument("--moves", type=int, default=40)
    parser.add_argument("--known", action="store_true", help="open the known shapes as well")
    return parser.parse_args(window.arguments())


OPTIONS = parsed()
moved: list[float] = []
took: list[float] = []
# What of it was ours, in Blender, and what the worker's; the rest is Blender's drawing.
ours: list[float] = []
worker: list[float] = []


def show() -> None:
    """A shape in view."""
    bpy.ops.meshsdf.shape_add(space=OPTIONS.space)
    with window.in_view():
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_all()
    bpy.ops.ed.undo_push(message="Shape")
    asked_kind = window.ours("shapes.followed").Asked
    shown = asked_kind.show

    def timed(asked: Any, ob: object, reply: tuple[dict[str, Any], object]) -> None:
        came = time.perf_counter()
        shown(asked, ob, reply)
        if moved and asked.header["draft"]:
            took.append(1000 * (time.perf_counter() - moved[-1]))
            ours.append(1000 * (time.perf_counter() - came))
            worker.append(sum(reply[0]["ms"].values()))

    asked_kind.show = timed
    bpy.app.timers.register(drag, first_interval=0.5)


def drag() -> float | None:
    """One move of the first slider, as a mouse would make it, once the former one is shown."""
    if len(took) >= OPTIONS.moves:
        print(
            f"{len(took)} moves: median {median(took):.0f} ms, worker {median(worker):.0f} ms, "
            f"writing {median(ours):.1f} ms, the rest is drawing",
            flush=True,
        )
        bpy.context.active_object.meshsdf.slider_1 = 1.5
        bpy.context.active_object.meshsdf.slider_2 = -1.0
        return None
    if len(moved) <= len(took):
        moved.append(time.perf_counter())
        bpy.context.active_object.meshsdf.slider_1 = 1.5 * sin(0.2 * len(moved))
    return BETWEEN_MOVES


opened = ["MESHSDF_PT_sliders"] + ["MESHSDF_PT_known"] * OPTIONS.known
window.when_drawn(show, *opened)
