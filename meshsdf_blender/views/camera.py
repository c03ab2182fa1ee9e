"""A camera as one 4x4 matrix from world to pixels, exactly as Blender renders it."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from .. import naming
from ..errors import Fix, Refusal

# Lenses that bend straight lines, so that no 4x4 matrix describes them.
LENSES = {"PANO": "panoramic", "CUSTOM": "custom"}


@dataclass(frozen=True)
class CameraView:
    """A frame of ``width`` x ``height`` pixels.

    ``matrix`` (4, 4) float64 takes world points (x, y, z, 1) to (col * w, row * w, depth * w, w):
    pixels with y down and centres at +0.5, w > 0 in front of the camera, and depth in [-1, 1]
    between its clip planes.
    """

    width: int
    height: int
    matrix: np.ndarray

    def resized(self, longest: int) -> CameraView:
        """The same view with its longer side at most ``longest`` pixels."""
        factor = min(1.0, longest / max(self.width, self.height))
        width = max(1, round(self.width * factor))
        height = max(1, round(self.height * factor))
        scale = np.diag([width / self.width, height / self.height, 1.0, 1.0])
        return CameraView(width, height, scale @ self.matrix)


def frame_size(scene: bpy.types.Scene) -> tuple[int, int]:
    """Width and height of a render in pixels; Blender truncates, in whole numbers."""
    render = scene.render
    share = render.resolution_percentage
    return max(1, render.resolution_x * share // 100), max(1, render.resolution_y * share // 100)


def check_camera(
    scene: bpy.types.Scene, camera: bpy.types.Object | None = None
) -> bpy.types.Object:
    """``camera``, or else the scene's. Raises Refusal, by name, for one without a single matrix."""
    if camera is None:
        camera = scene.camera
    if camera is None:
        raise Refusal(
            f"Scene '{scene.name}' has no active camera",
            "Add a camera and make it active (View > Cameras > Set Active Object as Camera)",
            fixes=other_cameras(scene),
        )
    if camera.type != "CAMERA":
        raise Refusal(
            f"'{camera.name}', which the scene looks through, is no camera",
            "Make a camera object the active camera",
            fixes=other_cameras(scene),
        )
    kind = camera.data.type
    if kind not in {"PERSP", "ORTHO"}:
        raise Refusal(
            f"Camera '{camera.name}' has a {LENSES.get(kind, kind)} lens, which no fit can look "
            "through",
            "Set its lens to Perspective or Orthographic",
            fixes=(_fix("LENS", "Use a Perspective Lens"),),
        )
    render = scene.render
    if render.use_border:
        raise Refusal(
            f"Scene '{scene.name}' renders a region only",
            "Turn off Render Region (View > View Regions > Clear Render Region)",
            fixes=(_fix("REGION", "Clear Render Region"),),
        )
    if render.use_multiview:
        raise Refusal(
            f"Scene '{scene.name}' renders in stereo",
            "Turn off Stereoscopy",
            fixes=(_fix("STEREO", "Turn Off Stereoscopy"),),
        )
    return camera


def other_cameras(scene: bpy.types.Scene) -> tuple[Fix, ...]:
    """Use a camera that the scene has, or add one."""
    there = next((ob for ob in scene.objects if ob.type == "CAMERA"), None)
    use = (_fix("USE", f"Use '{there.name}'", camera=there.name),) if there else ()
    return (*use, _fix("ADD", "Add a Camera in Front of the Shape"))


def no_camera(scene: bpy.types.Scene, name: str) -> Refusal:
    """That a scene has no camera of a name, and which it has."""
    there = naming.listed(ob.name for ob in scene.objects if ob.type == "CAMERA")
    return Refusal(
        f"There is no camera '{name}' in this scene",
        f"Its cameras are: {there}" if there else "Add one",
        fixes=other_cameras(scene),
    )


def _fix(how: str, label: str, **properties: str) -> Fix:
    return Fix("meshsdf.fix_camera", label, {"how": how, **properties}, "CAMERA_DATA", of_view=True)


def camera_view(
    scene: bpy.types.Scene,
    depsgraph: bpy.types.Depsgraph,
    camera: bpy.types.Object | None = None,
) -> CameraView:
    """The view of ``camera``, or else the scene's, at the render's size. Raises Refusal."""
    camera = check_camera(scene, camera).evaluated_get(depsgraph)
    width, height = frame_size(scene)
    render = scene.render
    projection = np.array(
        camera.calc_matrix_camera(
            depsgraph,
            x=width,
            y=height,
            scale_x=render.pixel_aspect_x,
            scale_y=render.pixel_aspect_y,
        ),
        dtype=np.float64,
    )
    # The scale of a camera object does not count.
    to_camera = np.array(camera.matrix_world.normalized().inverted(), dtype=np.float64)
    to_pixels = np.diag([width / 2, -height / 2, 1.0, 1.0])
    to_pixels[0, 3], to_pixels[1, 3] = width / 2, height / 2
    return CameraView(width, height, to_pixels @ projection @ to_camera)
