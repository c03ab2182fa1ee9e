"""Reading a picture to reconstruct from: any file that Pillow opens, as sRGB with transparency."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import PictureError
from .placing import LENSES, SENSOR

if TYPE_CHECKING:
    from PIL import Image

# Larger pictures are made smaller: what is told from them needs no more.
LARGEST_SIDE = 1024
SMALLEST_SIDE = 8
DEEP_MODES = ("I", "F")  # one channel of more than 8 bits
MOST_16_BIT = 2**16 - 1
# The tag of EXIF that says how the camera was held, and its values for a quarter turn.
ORIENTATION, SIDEWAYS = 0x0112, (5, 6, 7, 8)
# Where EXIF notes what the camera saw: the focal length in millimetres for small film, whose
# diagonal is told beside, and the size of the picture as it was taken.
EXIF, FOCAL_35, TAKEN_WIDTH, TAKEN_HEIGHT = 0x8769, 0xA405, 0xA002, 0xA003
FILM_DIAGONAL, CROPPED = math.hypot(36.0, 24.0), 0.02


def read_picture(path: Path) -> Tensor:
    """The picture in a file: ``(4, H, W)`` in [0, 1], sRGB and straight alpha, row 0 on top.

    Turned as its camera noted, converted by its colour profile, no side longer than 1024 pixels.
    Raises PictureError.
    """
    from PIL import Image, ImageOps

    if not path.exists():
        raise PictureError(f"There is no file '{path}'", "Check the path")
    try:
        with Image.open(path) as file:
            file.draft("RGB", (LARGEST_SIDE, LARGEST_SIDE))  # JPEGs are decoded small
            image: Image.Image = ImageOps.exif_transpose(file)
            if image.mode.startswith(DEEP_MODES):
                image = _shallow(image)
            image = _in_srgb(image)
            image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
            pixels = np.asarray(image, np.float32) / 255
    # Pillow raises what its many decoders raise; a file can also be too large for it.
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _unreadable(path, error) from error
    return checked(torch.from_numpy(pixels.transpose(2, 0, 1)), f"'{path}'")


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels of the picture in a file, turned as its camera noted.

    Raises PictureError.
    """
    from PIL import Image

    try:
        with Image.open(path) as file:
            turned = file.getexif().get(ORIENTATION, 1) in SIDEWAYS
            width, height = file.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _unreadable(path, error) from error
    return (height, width) if turned else (width, height)


def noted_lens(path: Path) -> float | None:
    """The focal length that a photo notes (EXIF), in millimetres for 36 along its longer side.

    None where it notes none, or was cropped since to other proportions. Raises PictureError.
    """
    from PIL import Image

    try:
        with Image.open(path) as file:
            notes, size = file.getexif().get_ifd(EXIF), file.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _unreadable(path, error) from error
    try:  # what stands there is anybody's
        focal = float(notes.get(FOCAL_35, 0))
        taken = sorted(float(notes.get(tag, 0)) for tag in (TAKEN_WIDTH, TAKEN_HEIGHT))
    except (TypeError, ValueError):
        return None
    shorter, longer = sorted(size)
    if taken[0] > 0 and abs(taken[1] / taken[0] * shorter / longer - 1) > CROPPED:
        return None
    # Equal angles across the diagonal (CIPA DCG-001), where proportions are not those of film.
    lens = focal / FILM_DIAGONAL * math.hypot(*size) / longer * SENSOR
    return lens if LENSES[0] <= lens <= LENSES[1] else None


def checked(picture: Tensor, what: str = "The picture") -> Tensor:
    """A picture ``(4, H, W)`` that can be used, no side longer than 1024. Raises PictureError."""
    if picture.ndim != 3 or picture.shape[0] != 4:
        raise PictureError(
            f"{what} has the shape {tuple(picture.shape)}", "Give four channels, RGBA"
        )
    height, width = picture.shape[1:]
    if min(height, width) < SMALLEST_SIDE:
        raise PictureError(
            f"{what} has {width} x {height} pixels, and at least {SMALLEST_SIDE} a side are needed",
            "Use a larger picture",
        )
    if not bool(torch.isfinite(picture).all()):
        raise PictureError(f"{what} holds values that are no numbers", "Save it again")
    picture = picture.float().clamp(0, 1)
    longest = max(height, width)
    if longest > LARGEST_SIDE:
        share = LARGEST_SIDE / longest
        size = [max(SMALLEST_SIDE, round(side * share)) for side in (height, width)]
        picture = torch.nn.functional.interpolate(picture[None], size, mode="area")[0]
    return picture


def _unreadable(path: Path, error: Exception) -> PictureError:
    return PictureError(
        f"'{path}' cannot be read as a picture ({str(error)[:200]})", "Use a PNG or JPEG"
    )


def _shallow(image: Image.Image) -> Image.Image:
    """A deep grey picture as 8 bits: Pillow's own conversion clips it instead."""
    from PIL import Image

    deep: NDArray[np.float64] = np.asarray(image, np.float64)
    full = 1.0 if image.mode == "F" else max(MOST_16_BIT, float(deep.max()))
    return Image.fromarray((deep / full * 255).clip(0, 255).astype(np.uint8))


def _in_srgb(image: Image.Image) -> Image.Image:
    """RGBA by the embedded colour profile, where there is one that can be read."""
    from PIL import ImageCms

    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "RGBA", "CMYK", "L"):
        alpha = image.getchannel("A") if image.mode == "RGBA" else None
        plain = image.convert("RGB") if image.mode == "RGBA" else image
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            srgb = ImageCms.createProfile("sRGB")
            turned = ImageCms.profileToProfile(plain, own, srgb, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            turned = None  # a damaged profile is no reason to refuse the picture
        if turned is not None:
            image = turned.convert("RGBA")
            if alpha is not None:
                image.putalpha(alpha)
    return image.convert("RGBA")
