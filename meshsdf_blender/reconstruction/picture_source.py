"""A picture as the worker gets it: bytes of an image datablock, or of a file that is opened."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from .. import naming
from ..errors import Refusal
from ..views.background import shown_background
from ..views.image_pixels import LUMINANCE, all_values, open_image

LARGEST_SIDE = 1024  # more tells an encoder nothing
SMALLEST_SIDE = 8
ASPECT_TOLERANCE = 0.02
BYTE = 255.0
OPAQUE = 0.98  # an image with nothing less opaque has no transparency, as the worker sees it too
WITH_ALPHA = (2, 4)  # channels
RENDERED = {"RENDER_RESULT", "COMPOSITING"}


@dataclass(frozen=True)
class Picture:
    """What the worker sees of an image.

    rgba ``(H, W, 4)`` uint8
        sRGB, straight alpha, row 0 at the top, no side longer than 1024.
    size
        Width and height of the image itself.
    file
        Where it was read from, whose notes may tell its lens; empty for one that is in the .blend.
    """

    name: str
    rgba: np.ndarray
    size: tuple[int, int]
    file: str = ""

    @property
    def is_clear(self) -> bool:
        """Whether any pixel is transparent, so that the picture itself says where the object is."""
        return bool(self.rgba[..., 3].min() < BYTE)


def read(image: bpy.types.Image) -> Picture:
    """The picture of an image datablock. Raises Refusal, by name, for one without pixels."""
    values = _four_channels(_small(all_values(image), image))
    rgb, alpha = values[..., :3], values[..., 3:].clip(0, 1)
    if image.is_float:
        rgb = rgb / np.maximum(alpha, 1e-6)  # Blender keeps these multiplied by their alpha
        if not image.colorspace_settings.is_data:
            rgb = _srgb(rgb)
    rgba = np.concatenate([rgb, alpha], axis=2)
    return Picture(image.name, _bytes(rgba), (image.size[0], image.size[1]), _file(image))


def _file(image: bpy.types.Image) -> str:
    if image.source != "FILE" or image.packed_file is not None or not image.filepath:
        return ""
    return str(bpy.path.abspath(image.filepath, library=image.library))


def read_mask(image: bpy.types.Image, picture: Picture) -> np.ndarray:
    """What a mask for ``picture`` covers: uint8 ``(H, W)``, of a size of its own. Raises Refusal.

    Where it is opaque, if it is transparent anywhere; else where it is bright.
    """
    wide, high = image.size
    values = _small(all_values(image), image)
    wide, high = image.size  # known once the file has been read
    own, wanted = wide / high, picture.size[0] / picture.size[1]
    if abs(own / wanted - 1.0) > ASPECT_TOLERANCE:
        raise Refusal(
            f"Mask '{image.name}' is {wide} x {high}, and the picture {picture.size[0]} x "
            f"{picture.size[1]}",
            "Use a mask of the picture's proportions",
        )
    if values.shape[2] in WITH_ALPHA:
        alpha = values[..., -1]
        # One that is the same all over says nothing, and a cut-out may be as dark as it likes.
        if alpha.min() < OPAQUE and alpha.max() > alpha.min():
            return _bytes(alpha)
    grey = values[..., :3] @ LUMINANCE if values.shape[2] > 2 else values[..., 0]
    return _bytes(grey)


def of_camera(scene: bpy.types.Scene) -> bpy.types.Image | None:
    """The image that the scene's camera shows behind what it sees, if it shows any."""
    camera = scene.camera
    if camera is None or camera.type != "CAMERA" or not camera.data.background_images:
        return None
    try:
        return shown_background(camera).image
    except Refusal:
        return None


def named(name: str) -> bpy.types.Image:
    """An image of the file by its name, in any case. Raises Refusal, which lists those there."""
    there = [each for each in bpy.data.images if each.type not in RENDERED]
    found = naming.place(name, [each.name for each in there])
    if found is None:
        listed = naming.listed(each.name for each in there)
        told = f"The images of this file are: {listed}" if listed else "Open one"
        raise Refusal(f"There is no image '{name}'", told)
    return there[found]


def chosen(scene: bpy.types.Scene, name: str, filepath: str) -> bpy.types.Image:
    """The image of a file or of a name; without either the active camera's. Raises Refusal."""
    if filepath:
        return open_image(filepath)
    if name:
        return named(name)
    camera = scene.camera
    if camera is None or camera.type != "CAMERA" or not camera.data.background_images:
        raise Refusal(
            "No picture is chosen",
            "Open one under From a Picture, or drop its file onto the 3D view",
        )
    image: bpy.types.Image = shown_background(camera).image
    return image


def _small(values: np.ndarray, image: bpy.types.Image) -> np.ndarray:
    """Values ``(H, W, C)``, no side longer than 1024, each the mean of what it covers."""
    if image.is_float:
        np.nan_to_num(values, copy=False, nan=0.0, posinf=1e9, neginf=0.0)
    height, width, channels = values.shape
    share = LARGEST_SIDE / max(height, width)
    if share >= 1:
        return values
    straight = channels == 4 and not image.is_float
    if straight:
        values[..., :3] *= values[..., 3:]  # what is clear has no colour to add
    for axis, side in ((0, height), (1, width)):
        values = _means(values, max(min(side, SMALLEST_SIDE), round(side * share)), axis)
    if straight:
        values[..., :3] /= np.maximum(values[..., 3:], 1e-6)
    return values


def _means(values: np.ndarray, count: int, axis: int) -> np.ndarray:
    """Means of ``count`` equal stretches along ``axis``, whose ends may cut values."""
    values = np.moveaxis(values, axis, 0)
    edges = np.linspace(0.0, len(values), count + 1)
    whole = np.minimum(edges.astype(np.int64), len(values) - 1)
    cut = (edges - whole).astype(np.float32).reshape(-1, *[1] * (values.ndim - 1))
    parts = values[whole] * cut
    means = np.add.reduceat(values, whole[:-1], axis=0)
    # The last stretch was summed to its end.
    means += parts[1:] - parts[:-1]
    means[-1] -= parts[-1]
    return np.moveaxis(means * np.float32(count / len(values)), 0, axis)


def _four_channels(values: np.ndarray) -> np.ndarray:
    channels = values.shape[2]
    if channels == 4:
        return values
    one = np.ones_like(values[..., :1])
    if channels == 3:
        return np.concatenate([values, one], axis=2)
    alpha = values[..., 1:2] if channels == 2 else one
    return np.concatenate([values[..., :1]] * 3 + [alpha], axis=2)


def _srgb(linear: np.ndarray) -> np.ndarray:
    """Linear light as sRGB (IEC 61966-2-1)."""
    linear = linear.clip(0, 1)
    return np.where(linear < 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray((values.clip(0, 1) * BYTE).round().astype(np.uint8))
