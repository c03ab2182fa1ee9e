"""Run by the tests in a process of its own: install packages over each other, with a shape at hand.

    python change_version_in_blender.py PACKAGE.zip PACKAGE.zip...

BLENDER_USER_RESOURCES names the isolated user folder. Prints one line of JSON, last.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tomllib
import traceback
from pathlib import Path
from typing import Any

import bpy

MODULE = "bl_ext.user_default.meshsdf"
FILE = Path("kept.blend").resolve()
STEPS = 33  # a setting of the scene that is no default
SPACE = "builtin:bob_and_spot"


def main(packages: list[str]) -> dict[str, Any]:
    """What was seen after each installation, and after Blender's own reload of all scripts."""
    stages = []
    for package in packages:
        old = worker_process()
        bpy.ops.extensions.package_install_files(
            filepath=package, repo="user_default", enable_on_install=True
        )
        stages.append({**look(), "old_worker_ended": old is None or old.poll() is not None})
        stages[-1] |= reopened()
    for _ in range(3):
        old = worker_process()
        bpy.utils.load_scripts(reload_scripts=True)  # script.reload does nothing without a window
        stages.append({**look(), "old_worker_ended": old is None or old.poll() is not None})
    bpy.ops.preferences.addon_disable(module=MODULE)
    left = [name for name in dir(bpy.types) if name.startswith("MESHSDF_")]
    return {"stages": stages, "left_behind": left}


def look() -> dict[str, Any]:
    """Whether what is installed runs, and what became of the shape in the file."""
    import addon_utils

    identity = importlib.import_module(f"{MODULE}.meshsdf_blender.identity")
    folder = Path(sys.modules[MODULE].__file__ or "").parent
    manifest = tomllib.loads((folder / "blender_manifest.toml").read_text("utf-8"))
    ob: bpy.types.Object = bpy.data.objects.get("Kept")
    if ob is None:
        bpy.ops.meshsdf.shape_add(space=SPACE, shape="spot", resolution=24)
        ob = bpy.context.active_object
        ob.name = "Kept"
    before = list(ob["meshsdf_code"])
    faces = len(ob.data.polygons)
    bpy.ops.meshsdf.shape_update()
    seen = {
        "version": manifest["version"],
        "running": identity.VERSION,
        "enabled": MODULE in bpy.context.preferences.addons,
        "warnings": dict(addon_utils._extensions_warnings_get()),
        "space": ob.meshsdf.space,
        "same_mesh": faces == len(ob.data.polygons) > 0,
        "same_code": before == list(ob["meshsdf_code"]),
    }
    bpy.ops.meshsdf.slide(slider="1", value=0.5)
    seen["slides"] = before != list(ob["meshsdf_code"])
    bpy.ops.meshsdf.slide(slider="1", value=-0.5)
    return seen


def reopened() -> dict[str, Any]:
    """Whether the file that the version before saved is the same in this one; saves it anew."""
    seen: dict[str, Any] = {"reopens": True, "steps": STEPS}
    if FILE.exists():
        now = list(bpy.data.objects["Kept"]["meshsdf_code"])
        bpy.ops.wm.open_mainfile(filepath=str(FILE))
        ob = bpy.data.objects["Kept"]
        bpy.context.view_layer.objects.active = ob
        seen["steps"] = bpy.context.scene.meshsdf.steps
        faces, code = len(ob.data.polygons), list(ob["meshsdf_code"])
        bpy.ops.meshsdf.shape_update()
        same = faces == len(ob.data.polygons) > 0 and code == list(ob["meshsdf_code"]) == now
        seen["reopens"] = same and ob.meshsdf.space == SPACE
    bpy.context.scene.meshsdf.steps = STEPS
    bpy.ops.wm.save_as_mainfile(filepath=str(FILE))
    return seen


def worker_process() -> Any:
    """The process behind the door of the extension that runs now, if there is one."""
    door = sys.modules.get(f"{MODULE}.meshsdf_blender.door")
    return door.ready_worker().process if door else None


if __name__ == "__main__":
    try:
        result = main(sys.argv[1:])
    except BaseException:
        result = {"error": traceback.format_exc()}
    print(json.dumps(result))
    sys.stdout.flush()
    # bpy may hang as its interpreter ends.
    os._exit(0)
