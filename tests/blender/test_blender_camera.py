"""The camera's matrix and our silhouettes against what Blender itself renders, pixel for pixel."""

from __future__ import annotations

from math import radians

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

CAMERAS = {
    "perspective": {},
    "orthographic": {"type": "ORTHO", "ortho_scale": 3.0},
    "shifted": {"shift_x": 0.12, "shift_y": -0.2},
    "vertical": {"sensor_fit": "VERTICAL", "sensor_height": 20.0},
    "portrait": {"size": (120, 200)},
    "wide pixels": {"aspect": (2.0, 1.0), "shift_y": 0.1},
    "tall pixels": {"type": "ORTHO", "ortho_scale": 3.0, "aspect": (1.0, 1.5), "shift_x": 0.1},
    "a third": {"size": (401, 305), "percentage": 33},
    # 0.29 * 100 is less than 29 in floating point; Blender computes in whole numbers.
    "29 %": {"size": (100, 200), "percentage": 29},
    "57 %": {"size": (200, 100), "percentage": 57},
    "35 %": {"size": (720, 480), "percentage": 35},
    "70 %": {"size": (720, 480), "percentage": 70},
}


def set_up(scene, size=(200, 150), aspect=(1.0, 1.0), percentage=100, **camera):
    render = scene.render
    render.resolution_x, render.resolution_y = size
    render.pixel_aspect_x, render.pixel_aspect_y = aspect
    render.resolution_percentage = percentage
    for name, value in camera.items():
        setattr(scene.camera.data, name, value)
    scene.camera.location = (1.5, -3.0, 1.0)
    scene.camera.rotation_euler = (radians(72), radians(5), radians(25))
    scene.camera.scale = (2.0, 0.5, 1.0)  # does not count
    bpy.context.view_layer.update()


def rendered(scene, tmp_path) -> np.ndarray:
    """The silhouette that Workbench renders without anti-aliasing: an exact oracle."""
    render = scene.render
    render.engine = "BLENDER_WORKBENCH"
    scene.display.render_aa = "OFF"
    render.film_transparent = True
    render.image_settings.file_format = "PNG"
    render.image_settings.color_mode = "RGBA"
    render.filepath = str(tmp_path / "render.png")
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(render.filepath)
    flat = np.empty(len(image.pixels), dtype=np.float32)
    image.pixels.foreach_get(flat)
    width, height = image.size
    return flat.reshape(height, width, 4)[::-1, :, 3] > 0.5


# Graphics drivers snap a corner to 1/256 of a pixel: an outline that passes this close to a
# pixel's centre may fall on either side.
SNAP = 1 / 128


def check_against_render(part, scene, ob, theirs) -> None:
    """Our silhouette is the rendered one, but for centres that the outline all but touches."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    view = part("views.camera").camera_view(scene, depsgraph)
    vertices, faces = part("shapes.mesh_upload").read(ob.evaluated_get(depsgraph).data)
    matrix = np.array(ob.matrix_world, dtype=np.float64)
    world = vertices @ matrix[:3, :3].T + matrix[:3, 3]

    def seen(x: float, y: float) -> np.ndarray:
        shift = np.eye(4)
        shift[:2, 3] = x, y
        moved = part("views.camera").CameraView(view.width, view.height, shift @ view.matrix)
        return part("views.silhouette").mesh_silhouette(world, faces, moved)

    ours = seen(0, 0)
    assert ours.shape == theirs.shape
    close = np.zeros_like(ours)
    for x, y in ((SNAP, SNAP), (SNAP, -SNAP), (-SNAP, SNAP), (-SNAP, -SNAP)):
        close |= seen(x, y) != ours
    assert close.sum() < 0.05 * (ours[1:] != ours[:-1]).sum() + 10
    assert not ((ours != theirs) & ~close).any()


@pytest.mark.parametrize("name", CAMERAS)
def test_points_land_where_blender_says(scene, part, name):
    set_up(scene, **{**CAMERAS[name], "percentage": 100})  # at others it ignores the truncation
    view = part("views.camera").camera_view(scene, bpy.context.evaluated_depsgraph_get())
    points = np.random.default_rng(0).uniform(-1, 1, (50, 3))
    q = np.hstack([points, np.ones((50, 1))]) @ view.matrix.T
    pixels = q[:, :2] / q[:, 3:]
    wanted = [world_to_camera_view(scene, scene.camera, Vector(point)) for point in points]
    wanted = [(w.x * view.width, (1 - w.y) * view.height) for w in wanted]
    np.testing.assert_allclose(pixels, wanted, atol=1e-3)


@pytest.mark.parametrize("name", CAMERAS)
def test_silhouettes_are_what_workbench_renders(scene, part, tmp_path, name):
    set_up(scene, **CAMERAS[name])
    bpy.ops.mesh.primitive_torus_add(rotation=(0.4, 0.3, 0.2), minor_radius=0.3, major_radius=0.8)
    theirs = rendered(scene, tmp_path)
    assert 0.02 < theirs.mean() < 0.9
    check_against_render(part, scene, bpy.context.active_object, theirs)


def test_open_and_intersecting_meshes_have_silhouettes_too(scene, part, tmp_path):
    set_up(scene)
    bpy.ops.mesh.primitive_monkey_add(rotation=(0.2, 0.1, 0.3))  # three parts, open eyes
    ob = bpy.context.active_object
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_random(ratio=0.3, seed=1)
    bpy.ops.mesh.delete(type="FACE")
    bpy.ops.object.mode_set(mode="OBJECT")
    check_against_render(part, scene, ob, rendered(scene, tmp_path))


def test_what_is_behind_the_camera_is_cut_off(scene, part, tmp_path):
    set_up(scene)
    scene.camera.data.clip_end = 5.0
    bpy.ops.mesh.primitive_cube_add(size=1, location=(1.5, -2.6, 0.4))
    ob = bpy.context.active_object
    ob.scale = (0.2, 6.0, 0.2)  # through the camera's plane, and beyond its far end
    bpy.context.view_layer.update()
    theirs = rendered(scene, tmp_path)
    assert 0.001 < theirs.mean() < 0.9
    check_against_render(part, scene, ob, theirs)


def test_a_resized_view_sees_the_same(scene, part):
    set_up(scene)
    view = part("views.camera").camera_view(scene, bpy.context.evaluated_depsgraph_get())
    small = view.resized(100)
    assert (small.width, small.height) == (100, 75)
    np.testing.assert_allclose(small.matrix[:2] * 2, view.matrix[:2])
    assert view.resized(1000).width == 200


def no_camera(scene):
    scene.camera = None


def lamp_camera(scene):
    lamp = bpy.data.objects.new("Lamp", bpy.data.lights.new("Lamp", "SUN"))
    scene.collection.objects.link(lamp)
    scene.camera = lamp


def panorama(scene):
    scene.camera.data.type = "PANO"


def border(scene):
    scene.render.use_border = True


def stereo(scene):
    scene.render.use_multiview = True


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (no_camera, r"'Scene' has no active camera.*Add a camera"),
        (lamp_camera, r"'Lamp'.* is no camera.*Make a camera"),
        (panorama, r"'Camera' has a panoramic lens.*Perspective or Orthographic"),
        (border, r"renders a region only.*Turn off Render Region"),
        (stereo, r"in stereo.*Turn off"),
    ],
)
def test_cameras_without_a_matrix_are_refused_by_name(shape_object, target, change, message):
    change(bpy.context.scene)
    bpy.context.view_layer.objects.active = shape_object
    with pytest.raises(RuntimeError, match=message):
        bpy.ops.meshsdf.fit()
