"""What Fit goes on from: the picture's mask as an image, and the target of the scene."""

from __future__ import annotations

import bpy
import numpy as np

from ..views.camera import CameraView, frame_size
from ..views.targets import sampled
from .picture_source import LARGEST_SIDE, Picture
from .picture_view import PictureView

BYTE = 255.0
SAME = 2  # bytes by which a mask may be off the picture's own transparency
THRESHOLD = 0.5


def aim(
    scene: bpy.types.Scene,
    camera: bpy.types.Object,
    picture: Picture,
    view: PictureView | None,
    mask: np.ndarray,
) -> bpy.types.Image | None:
    """Let fits of the scene aim at the picture, seen by ``camera``; the mask where one was made.

    ``view`` is the camera's where it stayed. Where the scene has views, those are turned off and
    one for the picture is added.
    """
    settings = scene.meshsdf
    if len(settings.views):
        for each in settings.views:
            each.use = False
        settings = settings.views.add()
        settings.name, settings.camera = picture.name, camera
        scene.meshsdf.view_index = len(scene.meshsdf.views) - 1
    settings.threshold, settings.invert = THRESHOLD, False
    image: bpy.types.Image | None = bpy.data.images.get(picture.name)
    shown = any(b.image == image for b in camera.data.background_images if b.show_background_image)
    if image is not None and shown and _is_own(mask, picture):
        settings.target, settings.channel = "BACKGROUND", "AUTO"
        return None
    made = _mask_image(scene, picture, view, mask)
    settings.target, settings.image, settings.channel = "IMAGE", made, "LUMINANCE"
    return made


def _is_own(mask: np.ndarray, picture: Picture) -> bool:
    """Whether the picture's transparency says what the mask says."""
    alpha = picture.rgba[..., 3]
    if not picture.is_clear or mask.shape != alpha.shape:
        return False
    return bool(np.abs(mask.astype(int) - alpha.astype(int)).max() <= SAME)


def _mask_image(
    scene: bpy.types.Scene, picture: Picture, view: PictureView | None, mask: np.ndarray
) -> bpy.types.Image:
    """The mask as an image that fills the camera's frame, packed."""
    shares = mask.astype(np.float32) / BYTE
    if view is not None and not view.fills:
        shares = _in_frame(scene, picture, view, mask)
    height, width = shares.shape
    image = bpy.data.images.new(f"{picture.name} mask", width, height, is_data=True)
    pixels = np.ones((height, width, 4), dtype=np.float32)
    pixels[..., :3] = shares[::-1, :, None]
    image.pixels.foreach_set(pixels.ravel())
    image.pack()
    return image


def _in_frame(
    scene: bpy.types.Scene, picture: Picture, view: PictureView, mask: np.ndarray
) -> np.ndarray:
    """The mask where the camera shows the picture: coverage ``(H, W)`` of its frame."""
    frame = frame_size(scene)
    rows, columns = mask.shape
    to_image = np.diag([picture.size[0] / columns, picture.size[1] / rows, 1.0])
    small = CameraView(*frame, np.eye(4)).resized(LARGEST_SIDE)
    return sampled(mask > BYTE / 2, view.to_frame @ to_image, frame, small)
