"""The silhouette of a scene as it would render, without one of its objects.

It is rendered in a scene of its own, made for this and removed again, so that nothing of the
artist's settings is touched, whatever fails. What it cannot leave alone is the last render result.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy
import numpy as np

from ..errors import Refusal
from .camera import CameraView

# Types that a silhouette is made of; lights, cameras and the like have none.
SOLID = {"MESH", "CURVE", "SURFACE", "META", "FONT", "CURVES", "POINTCLOUD", "VOLUME", "EMPTY"}


def rendered_mask(
    scene: bpy.types.Scene,
    camera: bpy.types.Object,
    view: CameraView,
    without: bpy.types.Object | None,
) -> np.ndarray:
    """Which pixels of ``view`` a render covers: bool ``(height, width)``, row 0 at the top.

    Everything counts as solid: transparent materials too. Raises Refusal where nothing would be
    rendered, or while Blender renders.
    """
    if bpy.app.is_job_running("RENDER"):
        raise Refusal("A render is running", "Wait for its end, or stop it")
    objects = [ob for ob in rendered_objects(scene) if ob != without]
    if not objects:
        raise Refusal(
            f"Scene '{scene.name}' renders nothing but the fitted shape",
            "Add what to fit to, or turn on its rendering (the camera icon in the Outliner)",
        )
    with tempfile.TemporaryDirectory() as folder, _stage(scene, camera, objects) as stage:
        _set_frame(scene, stage.render, view)
        stage.render.filepath = str(Path(folder, "silhouette.png"))
        try:
            bpy.ops.render.render(write_still=True, scene=stage.name)
        except RuntimeError as error:
            raise Refusal(f"The scene does not render: {error}", "Render an image first") from error
        return _alpha(stage.render.filepath, view) > 0.5


def rendered_objects(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The objects that the scene's view layers render, and its cameras see."""
    found: dict[bpy.types.Object, None] = {}
    layers = [layer.layer_collection for layer in scene.view_layers if layer.use]
    while layers:
        layer = layers.pop()
        if layer.exclude or layer.collection.hide_render or layer.holdout or layer.indirect_only:
            continue
        layers += layer.children
        for ob in layer.collection.objects:
            if ob.type in SOLID and _is_rendered(ob):
                found[ob] = None
    return list(found)


def _is_rendered(ob: bpy.types.Object) -> bool:
    return not ob.hide_render and ob.visible_camera and not ob.is_holdout


@contextmanager
def _stage(
    scene: bpy.types.Scene, camera: bpy.types.Object, objects: list[bpy.types.Object]
) -> Iterator[bpy.types.Scene]:
    """A scene of these objects at the same time, which goes away again."""
    stage = bpy.data.scenes.new("MeshSDF Silhouette")
    plain = bpy.data.materials.new("MeshSDF Silhouette")
    try:
        for ob in [camera, *objects]:
            stage.collection.objects.link(ob)
        stage.camera = camera
        stage.frame_current, stage.frame_subframe = scene.frame_current, scene.frame_subframe
        stage.view_layers[0].material_override = plain
        render = stage.render
        render.use_compositing = render.use_sequencer = False
        render.film_transparent = True
        render.image_settings.file_format, render.image_settings.color_mode = "PNG", "RGBA"
        _choose_engine(stage)
        yield stage
    finally:
        bpy.data.scenes.remove(stage)
        bpy.data.materials.remove(plain)


def _choose_engine(stage: bpy.types.Scene) -> None:
    """Workbench in a window. Without one Cycles: where there is no OpenGL, Workbench ends Blender.

    Either decides for each pixel whether it is covered or not.
    """
    if bpy.app.background and hasattr(stage, "cycles"):
        stage.render.engine = "CYCLES"  # type: ignore[assignment]  # the stubs know one
        cycles = stage.cycles
        cycles.device, cycles.samples, cycles.max_bounces = "CPU", 1, 0
        cycles.use_adaptive_sampling = cycles.use_denoising = False
        cycles.pixel_filter_type = "BOX"
    else:
        stage.render.engine = "BLENDER_WORKBENCH"  # type: ignore[assignment]
        stage.display.render_aa = "OFF"


def _set_frame(scene: bpy.types.Scene, render: bpy.types.RenderSettings, view: CameraView) -> None:
    """The frame of ``view``: the proportions of the scene's render in other pixels."""
    share = scene.render.resolution_percentage
    across = scene.render.pixel_aspect_x * max(1, scene.render.resolution_x * share // 100)
    along = scene.render.pixel_aspect_y * max(1, scene.render.resolution_y * share // 100)
    render.resolution_x, render.resolution_y = view.width, view.height
    render.resolution_percentage = 100
    aspect = np.array([across / view.width, along / view.height])
    render.pixel_aspect_x, render.pixel_aspect_y = (float(a) for a in aspect / aspect.min())


def _alpha(path: str, view: CameraView) -> np.ndarray:
    image = bpy.data.images.load(path)
    try:
        if tuple(image.size) != (view.width, view.height):
            raise Refusal("The scene's render cannot be read", "Render an image to see why")
        count = len(image.pixels)  # type: ignore[arg-type]  # touching pixels loads the file
        values = np.empty(count, dtype=np.float32)
        image.pixels.foreach_get(values)
    finally:
        bpy.data.images.remove(image)
    return values.reshape(view.height, view.width, -1)[::-1, :, 3]
