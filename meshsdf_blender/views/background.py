"""Where Blender draws a camera's background image: from image to render pixels.

The formulas were checked against the real window (4.3.2 and 5.2.2) in 72 settings: perspective and
orthographic, stretch, fit and crop, offset, scale, rotation, flips, shift and pixel aspect; worst
0.18 pixels. The shift of the camera cancels.
"""

from __future__ import annotations

import math

import bpy
import numpy as np

from ..errors import Fix, Refusal

SHOW = Fix("meshsdf.fix_background", "Show the Background Image", icon="HIDE_OFF", of_view=True)
OPEN = Fix(
    "meshsdf.fix_image", "Open an Image...", {"use": "BACKGROUND"}, "FILE_IMAGE", of_view=True
)


def shown_background(camera: bpy.types.Object) -> bpy.types.CameraBackgroundImage:
    """The first background image that the camera shows. Raises Refusal, by name."""
    if camera.data.background_images and not camera.data.show_background_images:
        raise Refusal(
            f"The background images of camera '{camera.name}' are turned off",
            "Turn on Camera > Background Images, or choose another target",
            fixes=(SHOW,),
        )
    shown = [b for b in camera.data.background_images if b.show_background_image]
    if not shown:
        raise Refusal(
            f"Camera '{camera.name}' shows no background image",
            "Add one under Camera > Background Images, or choose another target",
            fixes=(*((SHOW,) if camera.data.background_images else ()), OPEN),
        )
    background = shown[0]
    if background.source != "IMAGE":
        raise Refusal(
            f"The background of camera '{camera.name}' is a movie clip, whose pixels are closed",
            "Load one frame of it as an image instead",
            fixes=(OPEN,),
        )
    if background.image is None:
        raise Refusal(
            f"The background image of camera '{camera.name}' is not set",
            "Open an image under Camera > Background Images",
            fixes=(OPEN,),
        )
    return background


def placement(
    background: bpy.types.CameraBackgroundImage,
    camera: bpy.types.Object,
    scene: bpy.types.Scene,
    image_size: tuple[int, int],
    frame: tuple[int, int],
) -> np.ndarray:
    """The affine map ``(2, 3)`` from image pixels to frame pixels, both with y **up**."""
    corners = np.array(camera.data.view_frame(scene=scene))[:, :2]
    wide, high = np.ptp(corners, axis=0)
    frame_aspect = wide / high
    image_wide, image_high = image_size
    aspect_x, aspect_y = background.image.display_aspect
    image_aspect = (image_wide * aspect_x) / (image_high * aspect_y)
    size = _drawn_size(background.frame_method, wide, high, frame_aspect, image_aspect)

    unit = camera.data.ortho_scale if camera.data.type == "ORTHO" else 1.0
    # As odd as it looks: this is what Blender does with the offset.
    offset = np.array(background.offset) * unit
    offset[0] *= min(1.0, frame_aspect)
    offset[1] /= max(1.0, frame_aspect) * (image_aspect / frame_aspect)

    cos, sin = math.cos(-background.rotation), math.sin(-background.rotation)
    flips = np.array(
        [-1.0 if background.use_flip_x else 1.0, -1.0 if background.use_flip_y else 1.0]
    )
    scale = np.array(size) * background.scale * flips / (image_wide, image_high)
    linear = np.array([[cos, -sin], [sin, cos]]) @ np.diag(scale)
    shift = offset - linear @ (image_wide / 2, image_high / 2)
    to_pixels = np.array([frame[0] / wide, frame[1] / high])
    return np.column_stack([to_pixels[:, None] * linear, to_pixels * shift + np.array(frame) / 2])


def _drawn_size(
    method: str, wide: float, high: float, frame_aspect: float, image_aspect: float
) -> tuple[float, float]:
    if method == "STRETCH":
        return wide, high
    # FIT touches the frame from inside, CROP from outside.
    if (image_aspect > frame_aspect) == (method == "FIT"):
        return wide, wide / image_aspect
    return high * image_aspect, high
