"""A scene of its own with a photo behind its camera: what both examples have."""

from __future__ import annotations

from dataclasses import dataclass
from math import radians
from pathlib import Path

import bpy
from mathutils import Euler, Vector

from ..errors import Refusal

LIGHT_PLACE, LIGHT_WATTS, LIGHT_SIZE = Vector((-2.6, -3.0, 3.2)), 250.0, 2.0


@dataclass(frozen=True)
class Look:
    """A camera that looks at the origin: distance, angles in radians, millimetres, pixels."""

    distance: float
    azimuth: float
    elevation: float
    lens: float
    width: int
    height: int


def build(name: str, photo: Path, look: Look, *, called: str) -> bpy.types.Scene:
    """A new scene with camera, light and photo; the photo's image is ``called`` so. Refusal."""
    image = _photo(called, photo)
    scene = bpy.data.scenes.new(name)
    scene.render.resolution_x, scene.render.resolution_y = look.width, look.height
    scene.render.resolution_percentage = 100
    camera = place_camera(scene, look)
    camera.data.show_background_images = True
    background = camera.data.background_images.new()
    background.image = image
    background.alpha = 1.0
    _place_light(scene)
    return scene


def place_camera(scene: bpy.types.Scene, look: Look) -> bpy.types.Object:
    """The camera that took the photo, as the scene's active one."""
    data = bpy.data.cameras.new("Example Camera")
    data.lens = look.lens
    camera = bpy.data.objects.new("Example Camera", data)
    turn = Euler((radians(90.0) - look.elevation, 0.0, look.azimuth))
    camera.rotation_euler = turn
    camera.location = turn.to_matrix() @ Vector((0.0, 0.0, look.distance))
    scene.collection.objects.link(camera)
    scene.camera = camera
    return camera


def there(name: str) -> bpy.types.Scene | None:
    """The scene of that example, if this file has it already, with a camera."""
    scene: bpy.types.Scene | None = bpy.data.scenes.get(name)
    if scene is None or scene.library is not None or scene.camera is None:
        return None
    return scene


def _place_light(scene: bpy.types.Scene) -> None:
    data = bpy.data.lights.new("Example Light", "AREA")
    data.energy, data.size = LIGHT_WATTS, LIGHT_SIZE
    light = bpy.data.objects.new("Example Light", data)
    light.location = LIGHT_PLACE
    light.rotation_euler = (-LIGHT_PLACE).to_track_quat("-Z", "Y").to_euler()
    scene.collection.objects.link(light)


def _photo(name: str, path: Path) -> bpy.types.Image:
    """The photo, packed into the file, so that it opens anywhere."""
    try:
        image = bpy.data.images.load(str(path))
    except RuntimeError as error:
        raise Refusal(
            f"The example's photo '{path}' cannot be read", "Install the extension again"
        ) from error
    image.name = name
    image.pack()
    return image
