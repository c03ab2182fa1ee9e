"""Reading which pixels of an image are inside: by alpha, or by brightness."""

from __future__ import annotations

import bpy
import numpy as np

from .. import blend_path
from ..errors import Fix, Refusal

# Rec. 709 luminance; byte images give stored (sRGB) values, which is what a threshold expects.
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
MOST_PIXELS = 200_000_000  # four numbers each: 3 GB
MANY_PICTURES = {
    "SEQUENCE": "an image sequence",
    "MOVIE": "a movie",
    "TILED": "a set of UDIM tiles",
}


def image_mask(image: bpy.types.Image, channel: str, threshold: float) -> np.ndarray:
    """Pixels whose alpha or luminance is over ``threshold``: bool ``(H, W)``, row 0 at the top.

    ``channel`` is "ALPHA", "LUMINANCE", or "AUTO": alpha where the image has any transparency.
    Raises Refusal, by name, for an image without pixels.
    """
    rgba = all_values(image)
    if channel == "AUTO":
        channel = "ALPHA" if rgba.shape[2] == 4 and rgba[..., 3].min() < 1.0 else "LUMINANCE"
    if channel == "ALPHA":
        if rgba.shape[2] != 4:
            raise Refusal(f"Image '{image.name}' has no alpha", "Read from Brightness instead")
        return rgba[..., 3] > threshold
    colours = rgba[..., :3]
    grey = colours @ LUMINANCE if colours.shape[2] == 3 else colours[..., 0]
    return grey > threshold


def open_image(path: str) -> bpy.types.Image:
    """An image from a file. Raises Refusal."""
    blend_path.check(path)
    try:
        image = bpy.data.images.load(path, check_existing=True)
    except RuntimeError as error:
        raise Refusal(f"'{path}' is not there", "Choose an image file") from error
    if not len(image.pixels):  # type: ignore[arg-type]  # touching pixels loads the file
        if not image.users:
            bpy.data.images.remove(image)
        raise Refusal(f"'{path}' is no image", "Choose an image file")
    return image


def unreadable(image: bpy.types.Image) -> Refusal:
    """That the image's file is gone, or is none."""
    where = f" ({image.filepath})" if image.filepath else ""
    find = {"use": "FIND", "image": image.name}
    return Refusal(
        f"Image '{image.name}'{where} cannot be read",
        "Check that the file exists and is an image, then Reload it",
        fixes=(Fix("meshsdf.fix_image", "Find the Image...", find, "FILE_FOLDER"),),
    )


def all_values(image: bpy.types.Image) -> np.ndarray:
    """All values ``(H, W, channels)`` float32, row 0 at the top. Raises Refusal, by name."""
    if image.source == "VIEWER" or image.type in {"RENDER_RESULT", "COMPOSITING"}:
        raise Refusal(
            f"Image '{image.name}' is a render in progress, whose pixels are closed",
            "Save it (Image > Save As) and open the file",
        )
    if image.source in MANY_PICTURES:
        raise Refusal(
            f"Image '{image.name}' is {MANY_PICTURES[image.source]}, not one picture",
            "Save the frame or tile to fit to as an image of its own, and open that one",
        )
    count = len(image.pixels)  # type: ignore[arg-type]  # touching pixels loads the file
    width, height = image.size
    channels = image.channels
    if not count or count != width * height * channels:
        raise unreadable(image)
    if width * height > MOST_PIXELS:
        raise Refusal(
            f"Image '{image.name}' has {width} x {height} pixels, too many to be read at once",
            "Make it smaller (Image Editor: Image > Resize), or use a smaller file",
        )
    flat = np.empty(count, dtype=np.float32)  # any other dtype is a TypeError
    image.pixels.foreach_get(flat)
    return flat.reshape(height, width, channels)[::-1]
