"""Reading what a fit looks at: a camera from a JSON file, a silhouette from an image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .camera import View, lens_view
from .errors import ViewError
from .files import json_object, read_whole

if TYPE_CHECKING:
    from PIL import Image

MAX_CAMERA_BYTES = 1024**2
OPAQUE = 0.98  # an image with nothing less opaque has no transparency
# Pillow's modes of one channel with more than 8 bits: I;16 and its kin, I (32 bits), F (floats).
DEEP_MODES = ("I", "F")
MOST_16_BIT, MOST_32_BIT = 2**16 - 1, 2**31 - 1
LENS_KEYS = ("lens", "ortho_scale", "sensor_width", "sensor_height")
KEYS = {
    *("matrix", "camera_to_world", "location", "rotation", "look_at"),
    *LENS_KEYS,
    *("sensor_fit", "shift", "pixel_aspect", "width", "height", "weight"),
}


def read_mask(path: Path, *, threshold: float | None = None, invert: bool = False) -> Tensor:
    """The silhouette in an image, coverage ``(H, W)`` in [0, 1], row 0 at the top.

    An image with transparency is covered where it is opaque; another one, or one that is opaque or
    equally transparent all over, where it is bright: 1 is the brightest that its 8, 16 or 32 bits
    can say, or 1.0 where its pixels are floats.
    ``threshold`` makes it 0 or 1. Raises ViewError.
    """
    from PIL import Image

    if not path.exists():
        raise ViewError(f"There is no file '{path}'", "Check the path")
    try:
        with Image.open(path) as image:
            coverage = torch.from_numpy(_coverage(image))
    # Pillow raises what its many decoders raise; a file can also be too large for it.
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ViewError(
            f"'{path}' cannot be read as an image ({str(error)[:200]})", "Use a PNG or JPEG"
        ) from error
    if threshold is not None:
        coverage = (coverage >= threshold).float()
    return 1 - coverage if invert else coverage


def _coverage(image: Image.Image) -> NDArray[np.float32]:
    if image.mode.startswith(DEEP_MODES):
        # Pillow's own conversion to 8 bits clips these instead of scaling them.
        deep = np.asarray(image, dtype=np.float64)
        full = 1.0
        if image.mode != "F":
            # Older versions of Pillow read 16 bits as 32.
            full = MOST_16_BIT if deep.max() <= MOST_16_BIT else MOST_32_BIT
        return (deep / full).clip(0.0, 1.0).astype(np.float32)
    has_alpha = "A" in image.getbands() or "transparency" in image.info
    if has_alpha:
        alpha = np.asarray(image.convert("RGBA").getchannel("A"), dtype=np.float32) / 255
        if alpha.min() < min(OPAQUE, float(alpha.max())):
            return alpha
    return np.asarray(image.convert("L"), dtype=np.float32) / 255


def read_view(path: Path, width: int, height: int) -> View:
    """The camera in a JSON file, for an image of ``width`` x ``height`` where it names no size.

    Either ``matrix``, 4x4, from world coordinates to (col w, row w, depth, w); or a lens:
    ``lens`` or ``ortho_scale``, ``sensor_width``, ``sensor_height``, ``sensor_fit``, ``shift``,
    ``pixel_aspect``, and where the camera is: ``camera_to_world``, 4x4, or ``location`` with
    ``rotation`` (degrees about x, then y, then z) or ``look_at`` (a point). What ``reconstruct``
    saved has all of this in its ``camera``. Raises ViewError.
    """
    camera = _Camera(path)
    width, height = camera.pixels("width", width), camera.pixels("height", height)
    weight = camera.number("weight", 1.0)
    if "matrix" in camera.values:
        return View(camera.numbers("matrix", 4, 4), width, height, weight)
    pose = camera.pose()
    lens: dict[str, Any] = {
        key: camera.number(key, 0.0) for key in LENS_KEYS if key in camera.values
    }
    if any(value <= 0 for value in lens.values()):
        raise camera.wrong(", ".join(lens), "numbers above 0")
    pairs: dict[str, Any] = {
        key: tuple(camera.numbers(key, 2).tolist())
        for key in ("shift", "pixel_aspect")
        if key in camera.values
    }
    if min(pairs.get("pixel_aspect", (1.0,))) <= 0:
        raise camera.wrong("pixel_aspect", "numbers above 0")
    fit = str(camera.values.get("sensor_fit", "AUTO"))
    return lens_view(pose, width, height, **lens, **pairs, sensor_fit=fit, weight=weight)


class _Camera:
    """The JSON object of a camera file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        values = json_object(read_whole(path, MAX_CAMERA_BYTES, ViewError), f"'{path}'", ViewError)
        if isinstance(values.get("camera"), dict):
            values = values["camera"]
        unknown = sorted(values.keys() - KEYS)
        if unknown:
            raise self.wrong(unknown[0][:40], f"entries of {', '.join(sorted(KEYS))} only")
        self.values: dict[str, Any] = values

    def wrong(self, key: str, expected: str) -> ViewError:
        return ViewError(
            f"The entry '{key}' of '{self._path}' cannot be used; expected {expected}",
            "Correct the camera file",
        )

    def numbers(self, key: str, *shape: int) -> Tensor:
        try:
            tensor = torch.tensor(self.values[key], dtype=torch.float64)
        except (ValueError, TypeError, RuntimeError, OverflowError):
            tensor = torch.zeros(0)
        if tensor.shape != shape or not bool(torch.isfinite(tensor).all()):
            raise self.wrong(key, f"{' x '.join(map(str, shape))} finite numbers")
        return tensor

    def number(self, key: str, default: float) -> float:
        return float(self.numbers(key)) if key in self.values else default

    def pixels(self, key: str, default: int) -> int:
        value = self.values.get(key, default)
        if type(value) is not int or value < 1:
            raise self.wrong(key, "a whole number of pixels")
        return value

    def pose(self) -> Tensor:
        """Camera to world: looks along its own -Z, +Y up."""
        if "camera_to_world" in self.values:
            return self.numbers("camera_to_world", 4, 4)
        if "location" not in self.values:
            raise self.wrong("location", "matrix, camera_to_world or location")
        pose = torch.eye(4, dtype=torch.float64)
        pose[:3, 3] = self.numbers("location", 3)
        if "look_at" in self.values:
            back = pose[:3, 3] - self.numbers("look_at", 3)
            right = torch.linalg.cross(torch.tensor([0.0, 0.0, 1.0]).double(), back)
            if float(back.norm()) == 0 or float(right.norm()) < 1e-9 * float(back.norm()):
                raise self.wrong("look_at", "a point that is not straight above or below")
            axes = [right, torch.linalg.cross(back, right), back]
            pose[:3, :3] = torch.stack([axis / axis.norm() for axis in axes], dim=1)
        elif "rotation" in self.values:
            pose[:3, :3] = _euler(torch.deg2rad(self.numbers("rotation", 3)))
        return pose


def _euler(angles: Tensor) -> Tensor:
    """Blender's XYZ order: about x first."""
    matrix = torch.eye(3, dtype=torch.float64)
    for axis in range(3):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        turn = torch.eye(3, dtype=torch.float64)
        cosine, sine = angles[axis].cos(), angles[axis].sin()
        turn[first, first] = turn[second, second] = cosine
        turn[second, first], turn[first, second] = sine, -sine
        matrix = turn @ matrix
    return matrix
