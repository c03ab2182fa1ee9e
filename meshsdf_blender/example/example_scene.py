"""The example: a scene of its own with a photo behind its camera, and a vase to fit to it.

The photo is ours: tools/example/photo.py renders it, with the camera that is placed here.
"""

from __future__ import annotations

from math import radians
from pathlib import Path
from typing import Any

import bpy
from mathutils import Euler, Vector

from ..errors import Refusal
from ..shapes import shape

NAME = "MeshSDF Example"
PHOTO_NAME = f"{NAME} Photo"
SPACE = "builtin:vases"
PHOTO = Path(__file__).parent / "vase.jpg"
PIXELS = 512
THRESHOLD = 0.4  # of brightness, between the vase and what is around it
# The camera looks at the origin, from a little above.
DISTANCE, AZIMUTH, ELEVATION, LENS = 4.4, radians(18.0), radians(11.0), 50.0
LIGHT_PLACE, LIGHT_WATTS, LIGHT_SIZE = Vector((-2.6, -3.0, 3.2)), 250.0, 2.0
TERRACOTTA = (0.80, 0.30, 0.12, 1.0)  # so that the shape is told from the white vase


def build() -> bpy.types.Scene:
    """A new scene with camera, light and photo; the shape comes after. Raises Refusal."""
    image = _photo()
    scene = bpy.data.scenes.new(NAME)
    scene.render.resolution_x = scene.render.resolution_y = PIXELS
    scene.render.resolution_percentage = 100
    camera = place_camera(scene)
    camera.data.show_background_images = True
    background = camera.data.background_images.new()
    background.image = image
    background.alpha = 1.0
    _place_light(scene)
    settings = scene.meshsdf
    settings.space = SPACE
    settings.target, settings.channel = "BACKGROUND", "LUMINANCE"
    settings.threshold = THRESHOLD
    return scene


def place_camera(scene: bpy.types.Scene) -> bpy.types.Object:
    """The camera that took the photo, as the scene's active one."""
    data = bpy.data.cameras.new("Example Camera")
    data.lens = LENS
    camera = bpy.data.objects.new("Example Camera", data)
    turn = Euler((radians(90.0) - ELEVATION, 0.0, AZIMUTH))
    camera.rotation_euler = turn
    camera.location = turn.to_matrix() @ Vector((0.0, 0.0, DISTANCE))
    scene.collection.objects.link(camera)
    scene.camera = camera
    return camera


def found() -> bpy.types.Object | None:
    """The shape of an example that this file has already, in its scene."""
    scene: bpy.types.Scene | None = bpy.data.scenes.get(NAME)
    if scene is None or scene.library is not None or scene.camera is None:
        return None
    there = (ob for ob in scene.view_layers[0].objects if shape.is_shape(ob))
    return next((ob for ob in there if ob.meshsdf.space == SPACE), None)


def remove(scene: bpy.types.Scene) -> None:
    """Take the scene away again, with all that was made for it."""
    made = [*scene.collection.objects]
    photo = scene.camera.data.background_images[0].image
    bpy.data.batch_remove([*made, *(ob.data for ob in made), photo])
    bpy.data.scenes.remove(scene)


def dress(ob: bpy.types.Object) -> None:
    """Give the shape a colour that stands out from the photo, in the viewport and in renders."""
    material = bpy.data.materials.new("Terracotta")
    material.diffuse_color = TERRACOTTA
    if material.node_tree is None:  # until Blender 4.5
        material.use_nodes = True
    shader: Any = material.node_tree.nodes.get("Principled BSDF")
    if shader is not None:
        shader.inputs["Base Color"].default_value = TERRACOTTA
    ob.data.materials.append(material)


def _place_light(scene: bpy.types.Scene) -> None:
    data = bpy.data.lights.new("Example Light", "AREA")
    data.energy, data.size = LIGHT_WATTS, LIGHT_SIZE
    light = bpy.data.objects.new("Example Light", data)
    light.location = LIGHT_PLACE
    light.rotation_euler = (-LIGHT_PLACE).to_track_quat("-Z", "Y").to_euler()
    scene.collection.objects.link(light)


def _photo() -> bpy.types.Image:
    """The photo, packed into the file, so that it opens anywhere."""
    try:
        image = bpy.data.images.load(str(PHOTO))
    except RuntimeError as error:
        raise Refusal(
            f"The example's photo '{PHOTO}' cannot be read", "Install the extension again"
        ) from error
    image.name = PHOTO_NAME
    image.pack()
    return image
