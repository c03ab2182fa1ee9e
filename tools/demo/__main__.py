"""Fit the built-in heads to the silhouette of a head that they were not trained on.

Run by `dev.py demo` with a freshly built package; leaves its pictures and a .blend in out/.
"""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

from . import words

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "out"
MODULE = "bl_ext.user_default.meshsdf"
TARGET = ROOT / "examples" / "data" / "held_out_head.ply"
WANTED_IOU = 0.97
STEPS = 120


def main() -> int:
    """Install, fit, save and draw; 0 where the fit is good enough."""
    parser = argparse.ArgumentParser(prog="dev.py demo", description=__doc__.splitlines()[0])
    parser.add_argument("package", type=Path, help="the extension to install")
    parser.add_argument("--space", default="builtin:heads", help="builtin:NAME or a file")
    parser.add_argument("--target", type=Path, default=TARGET, help="a .ply whose outline is shown")
    options = parser.parse_args()

    say(f"installing {options.package.name} into an isolated Blender")
    install(options.package)
    import bpy

    from . import pictures, stage

    say(f"Blender {bpy.app.version_string}: setting the scene")
    OUT.mkdir(exist_ok=True)
    stage.empty_scene()
    target = stage.import_target(options.target)
    silhouette = OUT / "demo_target.png"
    stage.render_silhouette(target, silhouette)
    say(f"the target's silhouette is {silhouette.relative_to(ROOT)}")

    bpy.ops.meshsdf.shape_add(space=options.space)
    shape = bpy.context.active_object
    stage.dress(shape)
    stage.aim(silhouette, STEPS)
    mean = list(shape["meshsdf_code"])
    started = time.monotonic()
    bpy.ops.meshsdf.fit()
    seconds = time.monotonic() - started
    told = shape.meshsdf
    print(f"IoU before {told.fit_start:.4f}, after {told.fit_iou:.4f}")
    good = told.fit_iou >= WANTED_IOU
    ended = words.ended(told.fit_reason, good=good)
    print(f"{told.fit_steps} steps in {seconds:.1f} s: {ended}", flush=True)
    stage.save(OUT / "demo.blend", silhouette)
    say("out/demo.blend is saved")

    say("drawing the same fit step by step")
    frames = stage.render_steps(shape, mean, OUT, part("fitting.fit_run"))
    pictures.strip(silhouette, frames, OUT / "demo_steps.png")
    pictures.animation(silhouette, frames, OUT / "demo.gif")
    say(words.CLOSING)
    if not good:
        print(f"dev.py: the fit ended below IoU {WANTED_IOU}", file=sys.stderr)
        return 1
    return 0


def install(package: Path) -> None:
    """Put the package into the isolated Blender and enable it, as a user's click would."""
    import bpy

    bpy.ops.extensions.package_install_files(
        filepath=str(package.resolve()), repo="user_default", enable_on_install=True
    )
    # The operator says FINISHED even where it refused.
    if MODULE not in bpy.context.preferences.addons:
        raise RuntimeError("Blender refused the package; its reason stands above")


def part(name: str) -> Any:
    """A module of the installed extension."""
    return importlib.import_module(f"{MODULE}.meshsdf_blender.{name}")


def say(text: str) -> None:
    """One line of progress."""
    print(f"demo: {text}", flush=True)


if __name__ == "__main__":
    resources = tempfile.mkdtemp(prefix="meshsdf-demo-")
    # Read when bpy is imported: this Blender shares nothing with one that you use.
    os.environ["BLENDER_USER_RESOURCES"] = resources
    os.environ["MESHSDF_PYTHON"] = sys.executable
    status = 1
    try:
        status = main()
    except SystemExit as leaving:
        status = int(leaving.code or 0)
    except BaseException:
        traceback.print_exc()
    if "bpy" in sys.modules:
        import bpy

        if MODULE in bpy.context.preferences.addons:
            bpy.ops.preferences.addon_disable(module=MODULE)
    shutil.rmtree(resources, ignore_errors=True)
    sys.stdout.flush()
    sys.stderr.flush()
    # Blender as a module may hang as its interpreter ends.
    os._exit(status)
