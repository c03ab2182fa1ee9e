"""Targets from images, the camera's background, objects and masks; refusals by name."""

from __future__ import annotations

import re
import tracemalloc
from math import cos, radians, sin

import bpy
import numpy as np
import pytest


def image_of(values, name="Drawing", *, alpha=None):
    """A Blender image from values ``(H, W)``, row 0 at the top."""
    height, width = values.shape
    image = bpy.data.images.new(name, width, height, alpha=True, float_buffer=False)
    opaque = np.ones_like(values) if alpha is None else alpha
    rgba = np.stack([values, values, values, opaque], axis=-1)[::-1]
    image.pixels.foreach_set(np.ascontiguousarray(rgba, dtype=np.float32).ravel())
    image.update()
    return image


def blob(height=150, width=200):
    """An L, so that turns and flips show."""
    values = np.zeros((height, width), dtype=np.float32)
    values[height // 5 : 4 * height // 5, width // 4 : width // 2] = 1.0
    values[3 * height // 5 : 4 * height // 5, width // 4 : 3 * width // 4] = 1.0
    return values


@pytest.fixture
def coverage(scene, part):
    """The coverage of the scene's target at a size."""
    return lambda longest=200: read(scene, part, longest).coverage


@pytest.fixture
def warning(scene, part):
    """What looks wrong with the scene's target."""
    return lambda: read(scene, part, 200).warning


def read(scene, part, longest):
    depsgraph = bpy.context.evaluated_depsgraph_get()
    view = part("views.camera").camera_view(scene, depsgraph).resized(longest)
    return part("views.targets").read_target(scene, depsgraph, view)


def test_an_image_is_read_by_brightness_or_alpha(scene, coverage):
    scene.meshsdf.target = "IMAGE"
    scene.meshsdf.image = image_of(blob())
    np.testing.assert_array_equal(coverage(), blob())
    scene.meshsdf.invert = True
    np.testing.assert_array_equal(coverage(), 1 - blob())
    scene.meshsdf.invert = False
    scene.meshsdf.image = image_of(np.ones_like(blob()), alpha=blob())
    np.testing.assert_array_equal(coverage(), blob())
    scene.meshsdf.channel = "LUMINANCE"
    scene.meshsdf.image = image_of(0.25 + 0.5 * blob(), alpha=1 - blob())
    np.testing.assert_array_equal(coverage(), blob())


def test_a_smaller_target_holds_shares_of_pixels(scene, coverage):
    scene.meshsdf.target = "IMAGE"
    scene.meshsdf.image = image_of(blob())
    small = coverage(50)
    assert small.shape == (38, 50)
    assert small.mean() == pytest.approx(blob().mean(), abs=0.01)
    assert ((small > 0) & (small < 1)).any()


@pytest.mark.parametrize("frame", ["STRETCH", "FIT", "CROP"])
@pytest.mark.parametrize("kind", ["PERSP", "ORTHO"])
def test_a_background_lies_where_blender_draws_it(scene, coverage, part, frame, kind):
    """Against a separate forward computation of the formulas that were checked in the window."""
    camera = scene.camera.data
    camera.type, camera.ortho_scale, camera.shift_x = kind, 3.0, 0.1
    camera.show_background_images = True
    background = camera.background_images.new()
    background.image = image_of(blob(90, 160))
    background.frame_method, background.scale = frame, 0.6
    background.rotation, background.use_flip_x = radians(20), True
    background.offset = (0.05, -0.1)
    scene.meshsdf.target = "BACKGROUND"
    ours = coverage()
    xs, ys = np.meshgrid(np.linspace(0, 1, 1500), np.linspace(0, 1, 1500))
    inside = blob(90, 160)[::-1][(ys * 89.999).astype(int), (xs * 159.999).astype(int)] > 0.5
    px, py = drawn(camera, background, xs[inside] * 160, ys[inside] * 90, size=(160, 90))
    wanted = np.zeros((150, 200), dtype=bool)
    keep = (px >= 0) & (px < 200) & (py >= 0) & (py < 150)
    wanted[149 - py[keep].astype(int), px[keep].astype(int)] = True
    assert 0.01 < wanted.mean() < 0.6
    both = (wanted & (ours > 0.01)).sum() / (wanted | (ours > 0.01)).sum()
    assert both > 0.97


def test_inverting_a_background_leaves_what_is_beside_it(scene, coverage):
    scene.camera.data.show_background_images = True
    background = scene.camera.data.background_images.new()
    background.image, background.scale = image_of(blob(75, 100)), 0.5
    scene.meshsdf.target = "BACKGROUND"
    plain = coverage()
    scene.meshsdf.invert = True
    inverted = coverage()
    wanted = np.zeros((150, 200))
    wanted[37:113, 50:150] = 1  # its edges lie in the middle of the rows 37 and 112
    wanted[[37, 112], 50:150] = 0.5
    np.testing.assert_allclose(plain + inverted, wanted, atol=1e-6)
    assert 0 < plain.sum() < wanted.sum()


def test_inverting_an_object_covers_all_around_it(scene, coverage, target):
    plain = coverage()
    scene.meshsdf.invert = True
    np.testing.assert_allclose(coverage(), 1 - plain)


@pytest.mark.parametrize("kind", ["IMAGE", "OBJECT"])
def test_the_largest_target_fits_into_memory(scene, coverage, target, kind):
    scene.render.resolution_x = scene.render.resolution_y = 2048
    scene.meshsdf.image, scene.meshsdf.target = image_of(blob(64, 64)), kind
    tracemalloc.start()
    try:
        assert coverage(2048).shape == (2048, 2048)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 300e6


def drawn(camera, background, x, y, *, size):
    """Image pixels (y up) to the pixels of a 200 x 150 frame (y up), written out term by term."""
    unit = camera.ortho_scale if camera.type == "ORTHO" else 1.0
    cw, ch = unit, unit * 150 / 200
    iw, ih = size
    ca, ia = cw / ch, iw / ih
    sizes = {"STRETCH": (cw, ch), "FIT": (cw, cw / ia), "CROP": (ch * ia, ch)}
    if ia <= ca:
        sizes |= {"FIT": (ch * ia, ch), "CROP": (cw, cw / ia)}
    sx, sy = sizes[background.frame_method]
    u = -(x / iw - 0.5) * sx * background.scale
    v = (y / ih - 0.5) * sy * background.scale
    a = -background.rotation
    tx = background.offset[0] * unit * min(1, ca)
    ty = background.offset[1] * unit / (max(1, ca) * (ia / ca))
    cx, cy = u * cos(a) - v * sin(a) + tx, u * sin(a) + v * cos(a) + ty
    return cx * 200 / cw + 100, cy * 150 / ch + 75


def test_an_object_is_seen_with_its_modifiers(scene, coverage, target):
    plain = coverage()
    assert 0.02 < plain.mean() < 0.5
    solid = target.modifiers.new("Bigger", "CAST")
    solid.factor, solid.cast_type, solid.size, solid.use_radius_as_size = 1.0, "SPHERE", 1.0, False
    bpy.context.view_layer.update()
    assert coverage().mean() > 1.3 * plain.mean()


def mask_square(half=0.2, kind="VECTOR"):
    """A mask with one square (or, with AUTO-free handles, its circle) around the centre."""
    mask = bpy.data.masks.new("Outline")
    spline = mask.layers.new(name="Layer").splines.new()
    spline.points.add(3)
    spline.use_cyclic = True
    corners = [(-half, -half), (half, -half), (half, half), (-half, half)]
    for point, (x, y) in zip(spline.points, corners, strict=True):
        point.handle_left_type = point.handle_right_type = kind
        point.co = (0.5 + x, 0.5 + y)
        if kind == "FREE":
            turn = 0.5523 * half
            point.handle_left = (0.5 + x - turn * y / half, 0.5 + y + turn * x / half)
            point.handle_right = (0.5 + x + turn * y / half, 0.5 + y - turn * x / half)
    return mask


def test_a_mask_lives_in_the_square_on_the_longer_side(scene, coverage):
    scene.meshsdf.target, scene.meshsdf.mask = "MASK", mask_square()
    got = coverage()
    wanted = np.zeros((150, 200))
    wanted[35:115, 60:140] = 1
    np.testing.assert_allclose(got, wanted, atol=0.01)


def test_mask_layers_subtract_and_invert(scene, coverage):
    mask = mask_square()
    inner = mask.layers.new(name="Inner")
    spline = inner.splines.new()
    spline.points.add(3)
    spline.use_cyclic = True
    for point, (x, y) in zip(
        spline.points, [(0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6)], strict=True
    ):
        point.handle_left_type = point.handle_right_type = "VECTOR"
        point.co = (x, y)
    inner.blend = "SUBTRACT"
    scene.meshsdf.target, scene.meshsdf.mask = "MASK", mask
    assert coverage().sum() == pytest.approx(80 * 80 - 40 * 40, rel=0.01)
    mask.layers[0].invert = True
    assert coverage().sum() == pytest.approx(200 * 150 - 80 * 80, rel=0.01)


def empty_image(settings):
    settings.target, settings.image = "IMAGE", image_of(np.zeros((150, 200), dtype=np.float32))


def full_image(settings):
    settings.target, settings.image = "IMAGE", image_of(np.ones((150, 200), dtype=np.float32))


def square_image(settings):
    settings.target, settings.image = "IMAGE", image_of(blob(100, 100))


def missing_image(settings):
    image = bpy.data.images.new("Gone", 8, 8)
    image.source, image.filepath = "FILE", "/nowhere/gone.png"
    settings.target, settings.image = "IMAGE", image


def no_image(settings):
    settings.target = "IMAGE"


def no_background(settings):
    settings.target = "BACKGROUND"


def background_off(settings):
    settings.target = "BACKGROUND"
    camera = bpy.context.scene.camera.data
    camera.background_images.new().image = image_of(blob())
    camera.show_background_images = False


def of_many(source):
    def change(settings):
        missing_image(settings)
        settings.image.source = source

    return change


def hair(settings):
    ob = bpy.data.objects.new("Hair", bpy.data.hair_curves.new("Hair"))
    bpy.context.scene.collection.objects.link(ob)
    settings.object = ob


def point_cloud(settings):
    ob = bpy.data.objects.new("Points", bpy.data.pointclouds.new("Points"))
    bpy.context.scene.collection.objects.link(ob)
    settings.object = ob


def hidden_object(settings):
    ob = settings.object
    ob.location = (0, -50, 0)
    bpy.context.view_layer.update()


def camera_inside(settings):
    settings.object.scale = (50, 50, 50)
    settings.object.location = (0, 60, 0)
    bpy.context.view_layer.update()


def empty_object(settings):
    ob = bpy.data.objects.new("Nothing", None)
    bpy.context.scene.collection.objects.link(ob)
    settings.object = ob


def itself(settings):
    settings.object = bpy.data.objects["Fake"]


def no_object(settings):
    settings.object = None


def open_mask(settings):
    settings.target, settings.mask = "MASK", mask_square()
    settings.mask.layers[0].splines[0].use_cyclic = False


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (empty_image, r"Image 'Drawing' covers no pixel.*Lower the threshold"),
        (full_image, r"Image 'Drawing' covers the camera's whole frame.*Raise the threshold"),
        (square_image, r"'Drawing' is 100 x 100 but the camera's frame 200 x 150.*Resolution"),
        (missing_image, r"Image 'Gone' \(/nowhere/gone.png\) cannot be read.*Reload"),
        (no_image, r"No target image is set"),
        (no_background, r"Camera 'Camera' shows no background image"),
        (background_off, r"background images of camera 'Camera' are turned off.*Turn on"),
        (of_many("SEQUENCE"), r"Image 'Gone' is an image sequence, not one picture.*Save the fr"),
        (of_many("MOVIE"), r"Image 'Gone' is a movie, not one picture"),
        (of_many("TILED"), r"Image 'Gone' is a set of UDIM tiles, not one picture"),
        (hair, r"Target object 'Hair' has no faces"),
        (point_cloud, r"Target object 'Points' has no faces"),
        (hidden_object, r"Object 'Target' covers no pixel.*into the camera's view"),
        (camera_inside, r"Object 'Target' covers the camera's whole frame.*Move the camera back"),
        (empty_object, r"Target object 'Nothing' has no surface"),
        (itself, r"Object 'Fake' cannot be its own target"),
        (no_object, r"No target object is set"),
        (open_mask, r"Mask 'Outline' has no closed outline"),
    ],
)
def test_targets_without_an_outline_are_refused_by_name(
    shape_object, target, scene, change, message
):
    change(scene.meshsdf)
    bpy.context.view_layer.objects.active = shape_object
    code, vertices = list(shape_object["meshsdf_code"]), len(shape_object.data.vertices)
    with pytest.raises(RuntimeError, match=message):
        bpy.ops.meshsdf.fit()
    assert list(shape_object["meshsdf_code"]) == code
    assert len(shape_object.data.vertices) == vertices


AROUND = r"touches all four borders: if it is the background, turn Invert "


def test_a_target_all_around_the_frame_is_warned_of(scene, warning):
    scene.meshsdf.target = "IMAGE"
    scene.meshsdf.image = image_of(1 - blob())
    assert re.search(AROUND + "on", warning())
    scene.meshsdf.invert = True
    assert warning() == ""
    scene.meshsdf.image = image_of(blob())
    assert re.search(AROUND + "off", warning())


def test_a_subject_that_three_borders_cut_is_not_warned_of(scene, warning):
    values = np.zeros((150, 200), dtype=np.float32)
    values[40:] = 1.0
    scene.meshsdf.target = "IMAGE"
    scene.meshsdf.image = image_of(values)
    assert warning() == ""


def test_a_background_that_is_smaller_than_the_frame_is_judged_by_its_own_borders(scene, warning):
    camera = scene.camera.data
    camera.show_background_images = True
    background = camera.background_images.new()
    background.image = image_of(1 - blob())
    background.scale = 0.5
    scene.meshsdf.target = "BACKGROUND"
    assert re.search(AROUND + "on", warning())
    scene.meshsdf.invert = True
    assert warning() == ""


def test_an_inverted_object_is_warned_of(scene, target, warning):
    assert warning() == ""
    scene.meshsdf.invert = True
    assert re.search(AROUND + "off", warning())
