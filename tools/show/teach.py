"""Teaching an encoder to look at: run inside a Blender with a window, on a copy of a space.

    blender --python tools/show/teach.py -- [--stage missing|dialog|taught] [--folder FOLDER]

"missing" shows what the panel says of a space without an encoder, "dialog" the dialog of Teach
Encoder, whose OK begins a short teaching; "taught" begins it at once.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import bpy

sys.path.append(str(Path(__file__).parent))
import window

ROOT = Path(__file__).resolve().parents[2]
SPACE = ROOT / "spaces" / "bob_and_spot.safetensors"
FEW = {"pictures": 200, "steps": 60}


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stage", choices=("missing", "dialog", "taught"), default="missing")
    parser.add_argument("--folder", type=Path, help="where the copy lies (a temporary folder)")
    return parser.parse_args(window.arguments())


OPTIONS = parsed()


def show() -> None:
    """The chosen stage."""
    folder = OPTIONS.folder or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "two_animals.safetensors"
    shutil.copy(SPACE, path)
    bpy.context.scene.meshsdf.space = str(path)
    with window.in_view():
        if OPTIONS.stage == "dialog":
            bpy.ops.meshsdf.teach_encoder("INVOKE_DEFAULT", **FEW)
    if OPTIONS.stage == "taught":
        run = window.ours("reconstruction.teach_run").TeachRun(
            str(path), "FILE", {**FEW, "seed": 1}
        )
        window.ours("reconstruction.teach_live").begin(bpy.context, run)


window.when_drawn(show, "MESHSDF_PT_picture")
