"""The example of a picture: a scene of its own with the photo of a car, to be reconstructed.

The photo is ours: tools/example/car.py renders it, with the camera that is placed here. The car is
none that its space was trained on.
"""

from __future__ import annotations

from math import radians
from pathlib import Path

import bpy

from . import photographed
from .photographed import Look

NAME = "MeshSDF Picture Example"
PHOTO_NAME = "Example Car"  # so short, for the shape is called after it
SPACE = "builtin:cars"
PHOTO = Path(__file__).parent / "car.jpg"
LOOK = Look(4.6, radians(42.0), radians(13.0), 60.0, 640, 480)


def build() -> bpy.types.Scene:
    """A new scene in which the next click is Reconstruct from Image. Raises Refusal."""
    scene = photographed.build(NAME, PHOTO, LOOK, called=PHOTO_NAME)
    scene.meshsdf.space = SPACE
    return scene


def found() -> bpy.types.Scene | None:
    """The example that this file has already, with its photo behind the camera."""
    scene = photographed.there(NAME)
    return scene if scene is not None and scene.camera.data.background_images else None
