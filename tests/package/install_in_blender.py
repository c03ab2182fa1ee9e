"""Run by the tests in a process of its own: install a package into an isolated Blender and use it.

    python install_in_blender.py PACKAGE.zip

BLENDER_USER_RESOURCES names the isolated user folder. Prints one line of JSON, last.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from typing import Any

import bpy

MODULE = "bl_ext.user_default.meshsdf"


def main(package: str) -> dict[str, Any]:
    """Install, enable, ask the worker, disable, enable, disable; what was seen on the way."""
    import addon_utils

    seen: dict[str, Any] = {}
    bpy.ops.extensions.package_install_files(
        filepath=package, repo="user_default", enable_on_install=True
    )
    # The operator says FINISHED even where it refused.
    seen["enabled"] = MODULE in bpy.context.preferences.addons
    seen["warnings"] = dict(addon_utils._extensions_warnings_get())
    seen["operator"] = hasattr(bpy.types, "MESHSDF_OT_fit")
    door = importlib.import_module(f"{MODULE}.meshsdf_blender.door")
    catalogue = importlib.import_module(f"{MODULE}.meshsdf_blender.spaces.catalogue")
    worker = door.ready_worker()
    seen["worker"] = {**worker.hello, **worker.ready}
    seen["python_path"] = door.look().packages
    seen["spaces"] = list(catalogue.builtin_names())
    bpy.ops.meshsdf.shape_add(space=f"builtin:{seen['spaces'][0]}", resolution=32)
    seen["faces"] = len(bpy.context.active_object.data.polygons)
    seen["torch_in_blender"] = "torch" in sys.modules
    process = worker.process
    bpy.ops.preferences.addon_disable(module=MODULE)
    seen["worker_ended"] = process.poll() is not None
    bpy.ops.preferences.addon_enable(module=MODULE)
    bpy.ops.preferences.addon_disable(module=MODULE)
    seen["left_behind"] = [name for name in dir(bpy.types) if name.startswith("MESHSDF_")]
    return seen


if __name__ == "__main__":
    try:
        result = main(sys.argv[1])
    except BaseException:
        result = {"error": traceback.format_exc()}
    print(json.dumps(result))
    sys.stdout.flush()
    # bpy may hang as its interpreter ends.
    os._exit(0)
