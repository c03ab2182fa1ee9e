"""What a reconstruction adds to the scene: the shape, and a camera where one was guessed.

It is added with the first step that has a surface, follows the others, and goes as a whole.
"""

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Matrix

from ..errors import Refusal
from ..shapes import shape, shape_new
from ..shapes.reference import Reference
from . import guessed
from .picture_source import Picture
from .reconstruct_step import ReconstructStep

FAR = 4.0  # the end of a guessed camera's view, in distances to the shape
RENDER = (*("resolution_x", "resolution_y"), *("pixel_aspect_x", "pixel_aspect_y"))


class Placed:
    """The shape of one picture, in one scene. Raises Refusal where either is gone."""

    def __init__(
        self, context: bpy.types.Context, space: str, up: str, picture: Picture, resolution: int
    ) -> None:
        self._space, self._up, self._resolution = space, up, resolution
        self._picture = picture
        self._scene: Reference[bpy.types.Scene] = Reference(context.scene)
        active = context.active_object
        self._active = Reference(active) if active is not None else None
        self._object: Reference[bpy.types.Object] | None = None
        self._camera: Reference[bpy.types.Object] | None = None
        self._looked: Reference[bpy.types.Object] | None = None
        self._render: dict[str, float] = {}

    @property
    def there(self) -> bool:
        """Whether anything was added yet."""
        return self._object is not None

    def object(self) -> bpy.types.Object:
        """The shape, looked up anew. Raises Refusal."""
        ob = self._object.find() if self._object is not None else None
        if ob is None:
            raise Refusal("The new shape is gone, so the reconstruction ended")
        return ob

    def scene(self) -> bpy.types.Scene:
        """The scene that it was added to. Raises Refusal."""
        scene = self._scene.find()
        if scene is None:
            raise Refusal(f"Scene '{self._scene.name}' is gone, so the reconstruction ended")
        return scene

    def camera(self) -> bpy.types.Object | None:
        """The camera that was made; None where it stays or was deleted."""
        return self._camera.find() if self._camera is not None else None

    def write(self, context: bpy.types.Context, step: ReconstructStep) -> None:
        """Show a step. Raises Refusal; then ``remove`` what is there."""
        if not len(step.faces):
            return  # a guess without a surface has nothing to show
        if self._object is None:
            self._add(context, step)
            if step.camera is not None:
                self._add_camera(context)
        else:
            shape.write(self.object(), step.code, step.vertices, step.faces, step.report)
        self.object().matrix_world = _matrix(step.matrix)
        if step.camera is not None:
            self._aim(step.camera, step.focal)

    def remove(self) -> None:
        """Take everything away again, whatever is left of it."""
        camera = self.camera()
        ob = self._object.find() if self._object is not None else None
        data = [each.data for each in (ob, camera) if each is not None]
        made = [each for each in (ob, camera) if each is not None]
        scene = self._scene.find()
        if scene is not None and self._render:
            for name, value in self._render.items():
                setattr(scene.render, name, value)
            scene.camera = self._looked.find() if self._looked is not None else None
        bpy.data.batch_remove([*made, *(each for each in data if each.users <= 1)])
        self._object = self._camera = None
        active = self._active.find() if self._active is not None else None
        layer = bpy.context.view_layer
        if made and active is not None and layer.objects.get(active.name) == active:
            layer.objects.active = active
            active.select_set(True)

    def _add(self, context: bpy.types.Context, step: ReconstructStep) -> None:
        ob = shape_new.add_meshed(
            context,
            self._space,
            self._up,
            step.code,
            (step.vertices, step.faces, step.report),
            name=f"{self._picture.name.rpartition('.')[0] or self._picture.name} shape",
            resolution=self._resolution,
        )
        self._object = Reference(ob)
        self._scene = Reference(context.scene)  # the artist may have gone to another one

    def _add_camera(self, context: bpy.types.Context) -> None:
        """A camera with the picture behind what it sees, which is looked through from now on."""
        scene, name = context.scene, f"{self._picture.name} camera"
        data = bpy.data.cameras.new(name)
        camera = bpy.data.objects.new(name, data)
        context.collection.objects.link(camera)  # as the shape was
        self._camera = Reference(camera)
        image: bpy.types.Image | None = bpy.data.images.get(self._picture.name)
        if image is not None:
            data.show_background_images = True
            background = data.background_images.new()
            background.image, background.frame_method = image, "FIT"
        data.sensor_fit = "AUTO"
        self._looked = Reference(scene.camera) if scene.camera is not None else None
        self._render = {name: getattr(scene.render, name) for name in RENDER}
        scene.camera = camera
        wide, high = self._picture.size
        longest = max(scene.render.resolution_x, scene.render.resolution_y) / max(wide, high)
        scene.render.resolution_x = max(4, round(wide * longest))
        scene.render.resolution_y = max(4, round(high * longest))
        scene.render.pixel_aspect_x = scene.render.pixel_aspect_y = 1.0

    def _aim(self, matrix: np.ndarray, focal: float) -> None:
        camera = self.camera()
        if camera is None:
            raise Refusal("The new camera is gone, so the reconstruction ended")
        data = camera.data
        # With the sensor fitted automatically its width is that of the picture's longer side.
        data.lens = focal / max(self._picture.rgba.shape[:2]) * data.sensor_width
        camera.matrix_world = _matrix(matrix)
        guessed.note(camera)
        away = float(np.linalg.norm(matrix[:3, 3]))
        data.clip_end = max(data.clip_end, FAR * away)


def _matrix(rows: np.ndarray) -> Matrix:
    return Matrix([list(map(float, row)) for row in rows])
