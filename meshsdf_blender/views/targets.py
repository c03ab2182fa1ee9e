"""The target silhouette of a fit, whatever it comes from: coverage in [0, 1] per pixel."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from ..errors import Fix, Refusal
from ..shapes import mesh_upload
from .aims import Aim, scene_aim
from .background import placement, shown_background
from .camera import CameraView, frame_size
from .image_pixels import image_mask
from .mask_outline import mask_coverage
from .outline import outline_mask
from .scene_render import rendered_mask
from .silhouette import mesh_silhouette
from .strokes import drawn_strokes

SAMPLES = 4  # a side, per target pixel
RENDERED_SIDE = 2048  # at most, of what is rendered for its samples
BAND_ROWS = 64  # rows of the view that are sampled at once, to bound the memory
ASPECT_TOLERANCE = 0.02
# Targets that are read from an image; Invert swaps its pixels, and leaves what is beside it.
BY_THRESHOLD = {"BACKGROUND", "IMAGE"}
# Types that Blender can turn into a mesh, some of them only where modifiers make one.
MESHABLE = {"MESH", "CURVE", "SURFACE", "META", "FONT", "CURVES", "POINTCLOUD"}
FIND_TARGET = Fix(
    "meshsdf.fix_target", "Use Another One of the File", icon="RESTRICT_SELECT_OFF", of_view=True
)
OPEN_IMAGE = Fix(
    "meshsdf.fix_image", "Open an Image...", {"use": "TARGET"}, "FILE_IMAGE", of_view=True
)


@dataclass(frozen=True)
class Target:
    """Coverage ``(height, width)`` float32 of a view, row 0 at the top, and what looks wrong."""

    coverage: np.ndarray
    warning: str = ""


@dataclass(frozen=True)
class _Asked:
    """What a reader of targets needs."""

    scene: bpy.types.Scene
    depsgraph: bpy.types.Depsgraph
    view: CameraView
    fitted: bpy.types.Object | None
    settings: bpy.types.PropertyGroup
    camera: bpy.types.Object


@dataclass(frozen=True)
class _Read:
    """A reader's answer; ``drawn`` is what the target is drawn in, before it is placed."""

    coverage: np.ndarray
    name: str
    drawn: np.ndarray


def read_target(
    scene: bpy.types.Scene,
    depsgraph: bpy.types.Depsgraph,
    view: CameraView,
    fitted: bpy.types.Object | None = None,
    aim: Aim | None = None,
) -> Target:
    """The target of ``aim``, or else of the scene, as ``view`` sees it.

    ``view`` is the aim's camera's, at the size to fit at. Raises Refusal, by name, for a target
    that is missing, unreadable, empty or full.
    """
    aim = aim or scene_aim(scene)
    settings = aim.settings
    reader = {
        "BACKGROUND": _from_background,
        "IMAGE": _from_image,
        "OBJECT": _from_object,
        "MASK": _from_mask,
        "OUTLINE": _from_outline,
        "RENDER": _from_render,
    }[settings.target]
    read = reader(_Asked(scene, depsgraph, view, fitted, settings, aim.camera))
    coverage, drawn = read.coverage, read.drawn
    if settings.invert and settings.target not in BY_THRESHOLD:
        coverage, drawn = 1.0 - coverage, 1.0 - drawn
    _check_filled(coverage, read.name, settings)
    around = _touches_all_borders(coverage) or _touches_all_borders(drawn)
    return Target(
        np.ascontiguousarray(coverage, dtype=np.float32),
        _around_warning(read.name, settings) if around else "",
    )


def _touches_all_borders(drawn: np.ndarray) -> bool:
    borders = (drawn[0], drawn[-1], drawn[:, 0], drawn[:, -1])
    return all(bool((border > 0.5).any()) for border in borders)


def _around_warning(name: str, settings: bpy.types.PropertyGroup) -> str:
    return (
        f"The target ({name}) touches all four borders: if it is the background, "
        f"turn Invert {'off' if settings.invert else 'on'}"
    )


def _check_filled(coverage: np.ndarray, name: str, settings: bpy.types.PropertyGroup) -> None:
    share = float(coverage.mean())
    by_threshold = settings.target in BY_THRESHOLD
    if share * coverage.size < 1.0:
        raise Refusal(
            f"{name} covers no pixel of the camera's frame",
            "Lower the threshold, try Invert, or move it into view"
            if by_threshold
            else "Move it into the camera's view",
        )
    if share > 1.0 - 0.5 / coverage.size:
        raise Refusal(
            f"{name} covers the camera's whole frame, so it has no outline",
            "Raise the threshold, try Invert, or use an image with transparency"
            if by_threshold
            else "Move the camera back until its outline is in view",
        )


def _fine(view: CameraView, count: int = SAMPLES) -> CameraView:
    """The view with ``count`` samples a side in each of its pixels."""
    scale = np.diag([count, count, 1.0, 1.0])
    return CameraView(view.width * count, view.height * count, scale @ view.matrix)


def _shares(samples: np.ndarray, count: int = SAMPLES) -> np.ndarray:
    """Samples ``_fine`` to the share ``(H, W)`` float32 of each pixel that they cover."""
    height, width = samples.shape
    pixels = samples.reshape(height // count, count, width // count, count)
    return pixels.mean(axis=(1, 3), dtype=np.float32)


def sampled(
    mask: np.ndarray, to_frame: np.ndarray, frame: tuple[int, int], view: CameraView
) -> np.ndarray:
    """The mask's coverage of the view; ``to_frame`` maps its pixels to ``frame``, y up."""
    fine = _fine(view)
    x = (np.arange(fine.width) + 0.5) * frame[0] / fine.width
    y = frame[1] - (np.arange(fine.height) + 0.5) * frame[1] / fine.height
    inverse = np.linalg.inv(to_frame[:, :2])
    x, y = x - to_frame[0, 2], y - to_frame[1, 2]
    height, width = mask.shape
    bands = []
    for start in range(0, fine.height, BAND_ROWS * SAMPLES):
        below = y[start : start + BAND_ROWS * SAMPLES, None]
        # Clipped just beyond the mask, as what is far out overflows a whole number.
        column = np.floor(inverse[0, 0] * x + inverse[0, 1] * below)
        column = column.clip(-1, width).astype(np.int32)
        above = np.floor(inverse[1, 0] * x + inverse[1, 1] * below)
        row = height - 1 - above.clip(-1, height).astype(np.int32)
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        found = mask[row.clip(0, height - 1), column.clip(0, width - 1)]
        bands.append(_shares(inside & found))
    return np.concatenate(bands)


def _mask_of(image: bpy.types.Image, settings: bpy.types.PropertyGroup) -> np.ndarray:
    return image_mask(image, settings.channel, settings.threshold) ^ settings.invert


def chosen_image(settings: bpy.types.PropertyGroup) -> bpy.types.Image:
    """The image to fit to. Raises Refusal where there is none; no pixels are read."""
    if settings.image is None:
        raise no_image()
    return settings.image


def no_image() -> Refusal:
    """That an image is to be fitted to, and none is set."""
    return Refusal("No target image is set", "Open one under Fit > Image", fixes=(OPEN_IMAGE,))


def chosen_object(
    settings: bpy.types.PropertyGroup, fitted: bpy.types.Object | None
) -> bpy.types.Object:
    """The object to fit to. Raises Refusal where there is none, or one without an outline."""
    target, fixes = settings.object, (FIND_TARGET,)
    if target is None:
        raise Refusal("No target object is set", "Pick one under Fit > Object", fixes=fixes)
    if target == fitted:
        raise Refusal(
            f"Object '{target.name}' cannot be its own target", "Pick another object", fixes=fixes
        )
    if target.type not in MESHABLE:
        raise Refusal(
            f"Target object '{target.name}' has no surface", "Pick a mesh object", fixes=fixes
        )
    return target


def chosen_mask(settings: bpy.types.PropertyGroup) -> bpy.types.Mask:
    """The mask to fit to. Raises Refusal where there is none."""
    if settings.mask is None:
        raise Refusal("No target mask is set", "Pick one under Fit > Mask", fixes=(FIND_TARGET,))
    return settings.mask


def chosen(
    settings: bpy.types.PropertyGroup, camera: bpy.types.Object, fitted: bpy.types.Object | None
) -> bpy.types.ID | None:
    """The image, object or mask to fit to; None for what is drawn or rendered.

    Raises Refusal where none is set; no pixels are read.
    """
    if settings.target == "BACKGROUND":
        return shown_background(camera).image
    if settings.target == "IMAGE":
        return chosen_image(settings)
    if settings.target == "OBJECT":
        return chosen_object(settings, fitted)
    return chosen_mask(settings) if settings.target == "MASK" else None


def _from_background(asked: _Asked) -> _Read:
    scene, settings, view = asked.scene, asked.settings, asked.view
    background = shown_background(asked.camera)
    image = background.image
    mask = _mask_of(image, settings)
    frame = frame_size(scene)
    size = (mask.shape[1], mask.shape[0])
    to_frame = placement(background, asked.camera, scene, size, frame)
    if abs(np.linalg.det(to_frame[:, :2])) < 1e-12:
        raise Refusal(f"Background image '{image.name}' is scaled to nothing", "Raise its scale")
    coverage = sampled(mask, to_frame, frame, view)
    return _Read(coverage, f"Background image '{image.name}'", mask)


def _from_image(asked: _Asked) -> _Read:
    scene, settings, view = asked.scene, asked.settings, asked.view
    image = chosen_image(settings)
    mask = _mask_of(image, settings)
    width, height = frame_size(scene)
    rows, columns = mask.shape
    if abs((columns / rows) / (width / height) - 1.0) > ASPECT_TOLERANCE:
        raise Refusal(
            f"Image '{image.name}' is {columns} x {rows} but the camera's frame {width} x {height}",
            "Give the render the image's proportions (Output > Resolution), or place the image "
            "as the camera's background and fit to that",
            fixes=(
                Fix(
                    "meshsdf.fix_proportions",
                    "Use the Image's Proportions",
                    {"image": image.name},
                    of_view=True,
                ),
            ),
        )
    to_frame = np.array([[width / columns, 0, 0], [0, height / rows, 0]])
    return _Read(sampled(mask, to_frame, (width, height), view), f"Image '{image.name}'", mask)


def _from_object(asked: _Asked) -> _Read:
    view = asked.view
    target = chosen_object(asked.settings, asked.fitted)
    evaluated = target.evaluated_get(asked.depsgraph)
    try:
        mesh = evaluated.to_mesh()
    except RuntimeError:  # hair and point clouds have none unless their modifiers make one
        mesh = None
    try:
        vertices, faces = mesh_upload.read(mesh) if mesh else (np.zeros((0, 3)), np.zeros((0, 3)))
    finally:
        evaluated.to_mesh_clear()
    if not len(faces):
        raise Refusal(f"Target object '{target.name}' has no faces", "Pick a mesh object")
    matrix = np.array(evaluated.matrix_world, dtype=np.float64)
    world = vertices @ matrix[:3, :3].T + matrix[:3, 3]
    coverage = _shares(mesh_silhouette(world, faces, _fine(view)))
    return _Read(coverage, f"Object '{target.name}'", coverage)


def _from_mask(asked: _Asked) -> _Read:
    view = asked.view
    mask = chosen_mask(asked.settings)
    fine = _fine(view)
    coverage = _shares(mask_coverage(mask, fine.width, fine.height))
    return _Read(coverage, f"Mask '{mask.name}'", coverage)


def _from_outline(asked: _Asked) -> _Read:
    strokes = drawn_strokes(asked.scene, asked.settings)
    coverage = _shares(outline_mask(strokes, _fine(asked.view)))
    return _Read(coverage, "The drawn outline", coverage)


def _from_render(asked: _Asked) -> _Read:
    view = asked.view
    count = max(1, min(SAMPLES, RENDERED_SIDE // max(view.width, view.height)))
    mask = rendered_mask(asked.scene, asked.camera, _fine(view, count), asked.fitted)
    coverage = _shares(mask, count)
    return _Read(coverage, f"The render of scene '{asked.scene.name}'", coverage)
