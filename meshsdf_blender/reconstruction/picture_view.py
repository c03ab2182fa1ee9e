"""Where a picture is in the scene: the view of a camera that stays, in the picture's pixels."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from ..errors import Fix, Refusal
from ..views.background import placement, shown_background
from ..views.camera import camera_view, check_camera, frame_size
from . import guessed, picture_source
from .picture_source import ASPECT_TOLERANCE, Picture

CAMERAS = (
    (
        "AUTO",
        "Automatic",
        "Keep the active camera where the picture is its background image, else guess one; one "
        "that was guessed before is guessed anew, unless you changed it",
    ),
    ("KEEP", "Keep", "The active camera stays as it is, and the shape is put before it"),
    (
        "GUESS",
        "Guess",
        "The shape stands upright at the world's origin, and a new camera looks at it as the "
        "picture shows it; the render takes the picture's proportions",
    ),
)
FILLS = 0.01  # how far, in frames, a picture's corners may be from the frame's


@dataclass(frozen=True)
class PictureView:
    """A camera that stays, as it sees a picture.

    matrix ``(4, 4)``
        From the world to the picture's pixels, with y down, of the picture as it is sent.
    mirrored
        The picture is sent mirrored, left for right, because the camera shows it so.
    to_frame ``(2, 3)``
        From the image's own pixels to those of the frame, both with y up.
    fills
        Whether the picture fills the frame, and nothing of it lies beside.
    """

    camera: str
    matrix: np.ndarray
    mirrored: bool
    to_frame: np.ndarray
    fills: bool


def is_kept(scene: bpy.types.Scene, image: bpy.types.Image, camera: str) -> bool:
    """Whether the active camera stays, by the choice AUTO, KEEP or GUESS."""
    if camera != "AUTO":
        return camera == "KEEP"
    return picture_source.of_camera(scene) == image and not guessed.stands(scene.camera)


def picture_view(
    context: bpy.types.Context, image: bpy.types.Image, picture: Picture
) -> PictureView:
    """The active camera's view in pixels of the picture: its background, or one that fills it.

    Raises Refusal, by name.
    """
    scene = context.scene
    camera = check_camera(scene)
    frame = frame_size(scene)
    background = picture_source.of_camera(scene) == image
    if background:
        shown = shown_background(camera)
        to_frame = placement(shown, camera, scene, picture.size, frame)
        if abs(np.linalg.det(to_frame[:, :2])) < 1e-12:
            raise Refusal(
                f"Background image '{image.name}' is scaled to nothing", "Raise its scale"
            )
    else:
        _check_proportions(picture, frame)
        to_frame = np.diag([frame[0] / picture.size[0], frame[1] / picture.size[1], 0.0])[:2]
    # One after the other: the picture's pixels, the image's with y up, the frame's with y up, down.
    rows, columns = picture.rgba.shape[:2]
    wide, high = picture.size
    to_image = np.array([[wide / columns, 0, 0], [0, -high / rows, high], [0, 0, 1]])
    down = np.array([[1, 0, 0], [0, -1, frame[1]], [0, 0, 1]])
    change = down @ np.vstack([to_frame, [0, 0, 1]]) @ to_image
    mirrored = bool(np.linalg.det(change[:2, :2]) < 0)
    if mirrored:
        change = change @ np.array([[-1, 0, columns], [0, 1, 0], [0, 0, 1]])
    view = camera_view(scene, context.evaluated_depsgraph_get(), camera)
    whole = np.eye(4)
    whole[np.ix_((0, 1, 3), (0, 1, 3))] = change
    matrix = np.linalg.inv(whole) @ view.matrix
    return PictureView(camera.name, matrix, mirrored, to_frame, _fills(to_frame, picture, frame))


def _check_proportions(picture: Picture, frame: tuple[int, int]) -> None:
    aspect = (picture.size[0] / picture.size[1]) / (frame[0] / frame[1])
    if abs(aspect - 1.0) > ASPECT_TOLERANCE:
        raise Refusal(
            f"Image '{picture.name}' is {picture.size[0]} x {picture.size[1]} but the camera's "
            f"frame {frame[0]} x {frame[1]}",
            "Make the image the camera's background, give the render its proportions, or let the "
            "camera be guessed",
            fixes=(
                Fix(
                    "meshsdf.fix_proportions",
                    "Use the Image's Proportions",
                    {"image": picture.name},
                ),
            ),
        )


def _fills(to_frame: np.ndarray, picture: Picture, frame: tuple[int, int]) -> bool:
    wide, high = picture.size
    corners = np.array([[0, 0, 1], [wide, 0, 1], [0, high, 1], [wide, high, 1]])
    wanted = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
    return bool(np.abs(corners @ to_frame.T / frame - wanted).max() < FILLS)
