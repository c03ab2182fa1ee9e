"""The example: a scene of its own with a photo behind its camera, and a vase to fit to it.

The photo is ours: tools/example/photo.py renders it, with the camera that is placed here.
"""

from __future__ import annotations

from math import radians
from pathlib import Path
from typing import Any

import bpy

from ..shapes import shape
from . import photographed
from .photographed import Look

NAME = "MeshSDF Example"
PHOTO_NAME = f"{NAME} Photo"
SPACE = "builtin:vases"
PHOTO = Path(__file__).parent / "vase.jpg"
THRESHOLD = 0.4  # of brightness, between the vase and what is around it
LOOK = Look(4.4, radians(18.0), radians(11.0), 50.0, 512, 512)
TERRACOTTA = (0.80, 0.30, 0.12, 1.0)  # so that the shape is told from the white vase


def build() -> bpy.types.Scene:
    """A new scene with camera, light and photo; the shape comes after. Raises Refusal."""
    scene = photographed.build(NAME, PHOTO, LOOK, called=PHOTO_NAME)
    settings = scene.meshsdf
    settings.space = SPACE
    settings.target, settings.channel = "BACKGROUND", "LUMINANCE"
    settings.threshold = THRESHOLD
    return scene


def found() -> bpy.types.Object | None:
    """The shape of an example that this file has already, in its scene."""
    scene = photographed.there(NAME)
    if scene is None:
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
