"""Silhouettes as Blender's Workbench renders them without anti-aliasing, for core's rasteriser.

Run with a Python that has bpy: ``python tests/golden/make_masks.py``. Writes ``workbench.npz``: a
mesh in world coordinates, and for each camera its settings (JSON) and the rendered mask.
"""

from __future__ import annotations

import json
import tempfile
from math import radians
from pathlib import Path

import bpy
import numpy as np

CAMERAS = {
    "perspective": {},
    "orthographic": {"ortho_scale": 3.0},
    "shifted": {"shift": (0.12, -0.2)},
    "vertical": {"sensor_fit": "VERTICAL", "sensor_height": 20.0},
    "portrait": {"size": (120, 200)},
    "wide pixels": {"pixel_aspect": (2.0, 1.0), "shift": (0.0, 0.1)},
    "tall pixels": {"ortho_scale": 3.0, "pixel_aspect": (1.0, 1.5), "shift": (0.1, 0.0)},
}
DEFAULTS = {
    "size": (200, 150),
    "lens": 50.0,
    "ortho_scale": None,
    "sensor_width": 36.0,
    "sensor_height": 24.0,
    "sensor_fit": "AUTO",
    "shift": (0.0, 0.0),
    "pixel_aspect": (1.0, 1.0),
}


def set_up(scene: bpy.types.Scene, settings: dict) -> None:
    """Give the scene's camera and render the settings."""
    render, camera = scene.render, scene.camera.data
    render.resolution_x, render.resolution_y = settings["size"]
    render.pixel_aspect_x, render.pixel_aspect_y = settings["pixel_aspect"]
    camera.type = "ORTHO" if settings["ortho_scale"] else "PERSP"
    camera.ortho_scale = settings["ortho_scale"] or 1.0
    camera.shift_x, camera.shift_y = settings["shift"]
    for name in ("lens", "sensor_width", "sensor_height", "sensor_fit"):
        setattr(camera, name, settings[name])


def rendered(scene: bpy.types.Scene, path: Path) -> np.ndarray:
    """The mask, row 0 on top."""
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(path))
    flat = np.empty(len(image.pixels), dtype=np.float32)
    image.pixels.foreach_get(flat)
    width, height = image.size
    bpy.data.images.remove(image)
    return flat.reshape(height, width, 4)[::-1, :, 3] > 0.5


def main() -> None:
    """Render every camera and write the file."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.display.render_aa = "OFF"
    scene.render.film_transparent = True
    scene.render.image_settings.color_mode = "RGBA"
    bpy.ops.object.camera_add(
        location=(1.5, -3.0, 1.0), rotation=(radians(72), radians(5), radians(25))
    )
    scene.camera = bpy.context.active_object
    bpy.ops.mesh.primitive_torus_add(
        rotation=(0.7, 0.4, 0.2), major_radius=0.7, minor_radius=0.3, major_segments=31
    )
    ob = bpy.context.active_object
    bpy.context.view_layer.update()
    ob.data.calc_loop_triangles()
    arrays = {
        "vertices": np.array([ob.matrix_world @ v.co for v in ob.data.vertices]),
        "faces": np.array([t.vertices[:] for t in ob.data.loop_triangles]),
        "camera_to_world": np.array(scene.camera.matrix_world),
    }
    told = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, changes) in enumerate(CAMERAS.items()):
            settings = DEFAULTS | changes
            set_up(scene, settings)
            arrays[f"mask{number}"] = rendered(scene, Path(folder) / f"{number}.png")
            told[name] = settings
    target = Path(__file__).with_name("workbench.npz")
    np.savez_compressed(target, cameras=json.dumps(told), **arrays)
    print(f"{target.name}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
