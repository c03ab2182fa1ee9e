"""The start to look at: run inside a Blender with a window, it shows the tab in one of its states.

    blender --python tools/show/start.py -- [--stage empty|other|card|drop|packed|example|fitted]

"drop" calls the operator as Blender does when a file is dropped on the view.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import bpy

sys.path.append(str(Path(__file__).parent))
import window

STAGES = ("empty", "other", "card", "drop", "packed", "example", "fitted")
SPACES = Path(__file__).resolve().parents[2] / "spaces"


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stage", choices=STAGES, default="empty")
    parser.add_argument("--space", default="")
    return parser.parse_args(window.arguments())


OPTIONS = parsed()


def show() -> None:
    """The state that was asked for."""
    stage = OPTIONS.stage
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


opened = ["MESHSDF_PT_card"] if OPTIONS.stage in {"card", "packed"} else []
window.when_drawn(show, *opened)
