"""Scripts that were copied, run in a file of their own, and shapes compared with what they were."""

from __future__ import annotations

import bpy
import numpy as np


def positions(ob):
    values = np.empty((len(ob.data.vertices), 3), dtype=np.float32)
    ob.data.vertices.foreach_get("co", values.ravel())
    return values


def copied(ob):
    """The script, as the artist gets it."""
    bpy.context.view_layer.objects.active = ob
    assert bpy.ops.meshsdf.copy_script(as_text=True) == {"FINISHED"}
    return next(t for t in bpy.data.texts if t.name.startswith(ob.name[:4])).as_string()


def lines(text):
    """The calls of our operators in it."""
    return [line for line in text.splitlines() if line.startswith("bpy.ops.meshsdf")]


def state(ob):
    bpy.context.view_layer.update()
    told = ob.meshsdf
    return {
        "code": np.array(ob["meshsdf_code"]),
        "mesh": positions(ob),
        "matrix": np.array(ob.matrix_world),
        "settings": (told.resolution, told.cap, told.newton, told.up),
        "name": ob.name,
    }


def run_afresh(text, before=None):
    """Run a script in an empty file; the active object."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    if before:
        before()
    exec(compile(text, "copied", "exec"), {"__name__": "__main__"})
    return bpy.context.active_object


def same(ob, was):
    now = state(ob)
    # Fits too come to the same number: a script tells single-precision values to the last digit.
    np.testing.assert_array_equal(now["code"], was["code"])
    np.testing.assert_allclose(now["mesh"], was["mesh"], atol=1e-5)
    np.testing.assert_allclose(now["matrix"], was["matrix"], atol=1e-5)
    assert now["settings"] == was["settings"]
    assert now["name"] == was["name"]
