"""The start to look at: run inside a Blender with a window, it shows the tab in one of its states.

    blender --python tools/show/start.py -- [--stage empty|other|card|example|fitted|drop|packed]

"drop" calls the operator as Blender does when a file is dropped on the view.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import bpy

sys.path.append(str(Path(__file__).parent))
import window

# Seconds until a picture is taken; the empty scene stays long enough to open the picker by hand.
DRAWING, EMPTY = 4.0, 40.0
STAGES = ("empty", "other", "card", "drop", "packed", "example", "fitted")
SPACES = Path(__file__).resolve().parents[2] / "spaces"


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stage", choices=STAGES, default="empty")
    parser.add_argument("--space", default="")
    parser.add_argument("--tour", default="", help="show all, with a picture of each in a folder")
    return parser.parse_args(window.arguments())


OPTIONS = parsed()


def fill(stage: str) -> None:
    """Bring a stage about in the scene that is there."""
    bpy.context.scene.meshsdf.space = OPTIONS.space
    with window.in_view():
        if stage == "other":
            bpy.ops.meshsdf.shape_add()
            bpy.ops.mesh.primitive_cube_add(location=(2.5, 0, 0))
        elif stage in {"example", "fitted"}:
            bpy.ops.meshsdf.example_load("INVOKE_DEFAULT")
        elif stage == "drop":
            heads = SPACES / "heads.safetensors"
            given = {"filepath": str(heads), "directory": str(SPACES)}
            bpy.ops.meshsdf.space_drop("INVOKE_DEFAULT", files=[{"name": heads.name}], **given)
        elif stage == "packed":
            bpy.ops.meshsdf.shape_add()
            bpy.ops.meshsdf.space_pack()
        if stage == "fitted":
            bpy.ops.meshsdf.fit("INVOKE_DEFAULT")
        bpy.ops.ed.undo_push(message="Shown")
    window.region("UI").tag_redraw()


def show() -> None:
    """The state that was asked for."""
    fill(OPTIONS.stage)


def tour() -> float | None:
    """One stage after another, each with its picture in the folder that was named."""
    if shown:
        picture = Path(OPTIONS.tour) / f"start_{shown[-1]}.png"
        with window.in_view():
            bpy.ops.wm.redraw_timer(type="DRAW_WIN_SWAP", iterations=2)
            bpy.ops.screen.screenshot(filepath=str(picture))
    stage = next((stage for stage in STAGES if stage not in shown), None)
    if stage is None:
        return None
    if stage != "empty":
        clear()
        window.open_only("MESHSDF_PT_card" if stage in {"card", "packed"} else "MESHSDF_PT_fit")
        fill(stage)
    shown.append(stage)
    return EMPTY if stage == "empty" else DRAWING


def clear() -> None:
    for ob in list(bpy.data.objects):
        bpy.data.objects.remove(ob)


shown: list[str] = []
opened = ["MESHSDF_PT_card"] if OPTIONS.stage in {"card", "packed"} else []
window.when_drawn(tour if OPTIONS.tour else show, *opened)
