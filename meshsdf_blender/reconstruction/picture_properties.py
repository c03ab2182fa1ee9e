"""How a picture is reconstructed, as it is stored: on the scene, and as the operator takes it."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty

from .picture_view import CAMERAS

MOST_GUESSES, MOST_STEPS, LONGEST_LENS = 64, 1000, 10_000.0  # the worker's own limits


class Picturing:
    """How to reconstruct: of the operator, and of the scene, which keeps it for the panel."""

    camera: EnumProperty(name="Camera", description="What sees the picture", items=CAMERAS)
    lens: FloatProperty(
        name="Lens",
        description="The focal length of a camera that is guessed, in millimetres for 36 along the "
        "picture's longer side; 0: what the photo's file notes, else it is guessed too",
        default=0.0,
        min=0.0,
        soft_max=300.0,
        max=LONGEST_LENS,
        subtype="DISTANCE_CAMERA",
    )
    guesses: IntProperty(
        name="Guesses",
        description="How many of the encoder's guesses are tried before the best is refined",
        default=3,
        min=1,
        soft_max=8,
        max=MOST_GUESSES,
    )
    steps: IntProperty(
        name="Steps",
        description="Steps by which the guess is drawn to the picture's outline; 0 takes the "
        "encoder at its word",
        default=12,
        min=0,
        soft_max=60,
        max=MOST_STEPS,
    )
    pose: BoolProperty(
        name="Refine Pose",
        description="Let the steps move and turn the shape too, or the camera that is guessed",
        default=True,
    )


class PictureSettings(Picturing, bpy.types.PropertyGroup):
    """``Scene.meshsdf_picture``."""

    image: PointerProperty(
        name="Picture",
        description="What shows the object; none: the background image of the active camera",
        type=bpy.types.Image,
    )
    mask: PointerProperty(
        name="Mask",
        description="An image that is opaque where the object is, or without transparency bright; "
        "none: the picture's transparency, or a mask that is guessed",
        type=bpy.types.Image,
    )


def register() -> None:
    bpy.utils.register_class(PictureSettings)
    bpy.types.Scene.meshsdf_picture = PointerProperty(type=PictureSettings)


def unregister() -> None:
    del bpy.types.Scene.meshsdf_picture
    bpy.utils.unregister_class(PictureSettings)
