"""The overlay: outlines, where the frame is, what is compared and drawn, and how it stays true."""

from __future__ import annotations

from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from mathutils import Matrix

MODULE = "bl_ext.checkout.meshsdf"
SIZE = 64


@pytest.fixture
def overlay(part):
    module = part("fitting.overlay")
    yield module
    module.end()


@pytest.fixture
def ready(shape_object, target, scene):
    """A shape and its target, active."""
    bpy.context.view_layer.objects.active = shape_object
    return shape_object


def disc(radius, size=SIZE):
    """Coverage of a disc in the middle, soft over a pixel."""
    centres = np.arange(size) + 0.5 - size / 2
    distance = np.hypot(centres[None], centres[:, None])
    return np.clip(radius - distance + 0.5, 0, 1).astype("f4")


@pytest.mark.parametrize("radius", [5.0, 12.5, 28.0])
def test_the_contour_of_a_disc_is_its_circle(part, radius):
    lines = part("fitting.contour").contour(disc(radius))
    away = np.linalg.norm(lines.reshape(-1, 2) - SIZE / 2, axis=1)
    assert np.abs(away - radius).max() < 0.1
    length = np.linalg.norm(lines[:, 1] - lines[:, 0], axis=1).sum()
    assert length == pytest.approx(2 * np.pi * radius, rel=0.01)


def test_contours_are_closed_at_the_border_and_at_corners(part):
    contour = part("fitting.contour").contour
    whole = contour(np.ones((3, 5)))
    assert whole[..., 0].min() == 0
    assert whole[..., 0].max() == 5
    assert whole[..., 1].max() == 3
    rng = np.random.default_rng(4)
    lines = contour(rng.random((20, 30)) > 0.5).reshape(-1, 2)
    _, counts = np.unique(np.round(lines, 4), axis=0, return_counts=True)
    assert (counts % 2 == 0).all()
    assert len(contour(np.zeros((4, 4)))) == 0


def test_disagreement_is_tinted_in_the_colour_of_who_covers_it(part):
    seen = part("fitting.seen")
    target = np.array([[True, True, False, False]])
    mask = np.array([[True, False, True, False]])
    tint = seen.disagreement(target, mask)
    assert tint[0, :, 3].tolist() == [0, 1, 1, 0]
    np.testing.assert_allclose(tint[0, 1, :3], seen.TARGET_COLOUR)
    np.testing.assert_allclose(tint[0, 2, :3], seen.SHAPE_COLOUR)
    assert seen.overlap(target, mask) == pytest.approx(1 / 3)
    assert seen.overlap(target & False, mask & False) == 0


@pytest.mark.parametrize("kind", ["PERSP", "ORTHO"])
@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.2, -0.1)])
def test_the_frame_is_found_in_a_zoomed_and_panned_view(part, scene, kind, shift):
    """A region's matrix is the camera's own, then zoom and pan: the frame is [-1, 1] before it."""
    camera = scene.camera
    camera.data.type = kind
    camera.data.shift_x, camera.data.shift_y = shift
    camera.scale = (2, 2, 2)
    bpy.context.view_layer.update()
    depsgraph = bpy.context.evaluated_depsgraph_get()
    matrix = camera.evaluated_get(depsgraph).calc_matrix_camera(depsgraph, x=200, y=150)
    zoomed = Matrix.Translation((0.1, -0.3, 0)) @ Matrix.Diagonal((0.5, 0.25, 1, 1))
    view = SimpleNamespace(
        perspective_matrix=zoomed @ matrix @ camera.matrix_world.normalized().inverted()
    )
    region = SimpleNamespace(width=800, height=600)
    found = part("fitting.camera_frame").frame_rectangle(region, view, camera, scene)
    across = [400 + 400 * (0.1 + 0.5 * side) for side in (-1, 1)]
    up = [300 + 300 * (-0.3 + 0.25 * side) for side in (-1, 1)]
    np.testing.assert_allclose(found, (across[0], up[0], across[1], up[1]), atol=0.01)


def test_a_preview_compares_without_changing_anything(ready, overlay):
    before = list(ready["meshsdf_code"])
    assert bpy.ops.meshsdf.target_preview() == {"FINISHED"}
    shown = overlay.current()
    (seen,) = shown.through("Camera")
    assert shown.through("Another") == []
    assert seen.target.shape == (150, 200)
    assert 0.3 < shown.iou < 1
    assert len(seen.lines)
    assert len(seen.target_lines)
    assert list(ready["meshsdf_code"]) == before
    assert bpy.ops.meshsdf.target_preview() == {"FINISHED"}
    assert overlay.current() is None


def test_a_preview_of_no_target_says_why_and_shows_nothing(ready, overlay, scene):
    scene.meshsdf.object = None
    with pytest.raises(RuntimeError, match="No target object is set"):
        bpy.ops.meshsdf.target_preview()
    assert overlay.current() is None


def test_the_preview_follows_settings_and_objects(ready, overlay, part, scene, target):
    follow = part("fitting.overlay_follow")
    bpy.ops.meshsdf.target_preview()
    assert follow.tick() is None
    first = overlay.current().iou
    follow.look(scene)
    assert not follow._Watch.stale
    scene.meshsdf.invert = True  # a setting of ours, of which Blender tells nobody
    follow.look(scene)
    assert follow._Watch.stale
    follow.tick()
    assert overlay.current().iou < first
    scene.meshsdf.invert = False
    follow.look(scene)
    follow.tick()
    assert overlay.current().iou == first
    ready.location.x = 0.5
    bpy.context.view_layer.update()  # Blender tells its handlers
    assert follow._Watch.stale
    follow.tick()
    assert overlay.current().iou < first
    assert not follow._Watch.stale  # what it read did not look like a change
    scene.meshsdf.object = None
    follow.look(scene)
    follow.tick()
    assert "No target object is set" in overlay.current().problem
    assert overlay.current().seen == []
    scene.meshsdf.object = target
    follow.look(scene)
    follow.tick()
    assert overlay.current().problem == ""
    bpy.data.objects.remove(ready)
    follow.mark()
    follow.tick()
    assert overlay.current() is None


def test_it_ends_with_the_file_and_with_the_comparison(ready, overlay):
    for name in ("fit_accept", "fit_back"):
        bpy.ops.meshsdf.fit_step(steps=2)
        bpy.ops.meshsdf.target_preview()
        getattr(bpy.ops.meshsdf, name)()
        assert overlay.current() is None
    bpy.ops.meshsdf.target_preview()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert overlay.current() is None


def test_before_is_said_while_it_is_shown(ready, overlay, part):
    follow = part("fitting.overlay_follow")
    bpy.ops.meshsdf.target_preview()
    bpy.ops.meshsdf.fit_step(steps=3)
    follow.mark()
    follow.tick()
    fitted = overlay.current().iou
    bpy.ops.meshsdf.fit_compare()
    follow.mark()
    follow.tick()
    assert overlay.current().before
    assert overlay.current().iou != fitted


def test_a_steps_own_silhouettes_are_shown(ready, overlay, part, scene):
    run = part("fitting.fit_run").FitRun(bpy.context, ready)
    scene.meshsdf.overlay.show = False
    overlay.begin(bpy.context, ready, run.request)
    assert overlay.current() is None
    scene.meshsdf.overlay.show = True
    overlay.begin(bpy.context, ready, run.request)
    (seen,) = overlay.current().through("Camera")
    target = run.request.arrays["target0"] >= 0.5
    overlay.show_step(SimpleNamespace(masks=(target.astype("u1"),)))
    assert seen.iou == 1
    assert seen.tint.max() == 0
    overlay.show_step(SimpleNamespace(masks=(np.zeros((2, 2), "u1"),)))  # of another size
    assert seen.iou == 1
    overlay.show_step(SimpleNamespace(masks=()))  # of a worker that sends none
    assert seen.iou == 1
    run.fail()


def test_one_draw_handler_however_often_it_is_enabled(scene, part):
    for _ in range(3):
        bpy.ops.preferences.addon_disable(module=MODULE)
        bpy.ops.preferences.addon_enable(module=MODULE)
    assert len(part("fitting.overlay_draw")._handle) == 1
    ours = [h for h in bpy.app.handlers.depsgraph_update_post if "overlay" in h.__module__]
    assert len(ours) == 1


def test_a_fault_while_drawing_comes_once(ready, overlay, part, monkeypatch, capsys):
    draw = part("fitting.overlay_draw")
    bpy.ops.meshsdf.target_preview()
    monkeypatch.setattr(draw, "_draw_view", lambda *_: 1 / 0)
    draw._draw()
    draw._draw()
    assert capsys.readouterr().err.count("ZeroDivisionError") == 1
    assert overlay.current() is None


def in_view(scene, **given):
    """A context as a 3D view that looks through the camera has it."""
    space = SimpleNamespace(
        overlay=SimpleNamespace(show_overlays=True), use_local_camera=False, camera=scene.camera
    )
    shown = {"region_data": SimpleNamespace(view_perspective="CAMERA"), "region": None}
    shown |= {"scene": scene, "space_data": space, "area": SimpleNamespace(regions=[])}
    shown["preferences"] = SimpleNamespace(system=SimpleNamespace(ui_scale=1))
    return SimpleNamespace(**{**shown, **given})


def test_it_is_drawn_in_views_through_the_camera_alone(ready, overlay, part, monkeypatch, scene):
    draw = part("fitting.overlay_draw")
    painted = []
    monkeypatch.setattr(draw, "paint", lambda seen, frame, **_: painted.append(frame))
    monkeypatch.setattr(draw, "write", lambda *_: None)
    monkeypatch.setattr(draw, "frame_rectangle", lambda *_: (0, 0, 20, 20))
    bpy.ops.meshsdf.target_preview()
    shown = overlay.current()
    draw._draw_view(in_view(scene), shown)
    assert painted == [(0, 0, 20, 20)]
    free = SimpleNamespace(view_perspective="PERSP")
    draw._draw_view(in_view(scene, region_data=free), shown)
    other = SimpleNamespace(
        overlay=SimpleNamespace(show_overlays=True),
        use_local_camera=True,
        camera=SimpleNamespace(name="Other"),
    )
    draw._draw_view(in_view(scene, space_data=other), shown)
    scene.meshsdf.overlay.show = False
    draw._draw_view(in_view(scene), shown)
    assert len(painted) == 1


@pytest.fixture
def canvas(scene):
    """Drawing to memory: a function to paint on black, and get the pixels, row 0 at the bottom."""
    import gpu

    if hasattr(gpu, "init"):
        gpu.init()
    else:  # the module wakes up with the first render
        scene.render.engine = "BLENDER_WORKBENCH"
        scene.render.resolution_x = scene.render.resolution_y = 16
        bpy.ops.render.render()

    def drawn(paint, size):
        screen = gpu.types.GPUOffScreen(size, size)
        with screen.bind(), gpu.matrix.push_pop():
            pixels = gpu.state.active_framebuffer_get()
            pixels.clear(color=(0, 0, 0, 1))
            gpu.state.color_mask_set(True, True, True, True)  # as the render left it in 4.2
            gpu.state.depth_test_set("NONE")
            gpu.state.face_culling_set("NONE")
            gpu.matrix.load_matrix(Matrix.Identity(4))
            corner = Matrix.Translation((-1, -1, 0)) @ Matrix.Diagonal((2 / size, 2 / size, 1, 1))
            gpu.matrix.load_projection_matrix(corner)
            paint()
            read = pixels.read_color(0, 0, size, size, 4, 0, "UBYTE")
        screen.free()
        return np.array(read.to_list(), dtype="u1")

    return drawn


def test_the_right_pixels_are_painted(canvas, overlay, part):
    """A target in the upper left quarter, a shape in the lower left, in a frame of 40 of 64."""
    coverage = np.zeros((20, 20), "f4")
    coverage[:10, :10] = 1
    module = part("fitting.seen")
    seen = module.Seen.of("Camera", None, coverage)
    seen.show(np.flipud(coverage))
    paint = part("fitting.overlay_draw").paint
    pixels = canvas(lambda: paint(seen, (12, 12, 52, 52), opacity=1.0), SIZE)
    blue, orange = (np.array(c) * 255 for c in (module.TARGET_COLOUR, module.SHAPE_COLOUR))
    np.testing.assert_allclose(pixels[42, 22, :3], blue, atol=12)
    np.testing.assert_allclose(pixels[22, 22, :3], orange, atol=12)
    np.testing.assert_allclose(pixels[42, 12, :3], blue, atol=12)  # the outline, at the frame
    assert pixels[42, 42, :3].max() == 0
    assert pixels[4, 4, :3].max() == 0
    faint = canvas(lambda: paint(seen, (12, 12, 52, 52), opacity=0.2), SIZE)
    assert 0 < int(faint[42, 22, 2]) < 0.4 * blue[2]
    seen.show(coverage)  # a new version, in which both agree
    pixels = canvas(lambda: paint(seen, (12, 12, 52, 52), opacity=1.0), SIZE)
    assert pixels[42, 22, :3].max() == 0


def test_every_view_is_compared_in_its_own_camera(ready, overlay, scene, target):
    side = bpy.data.objects.new("Side", bpy.data.cameras.new("Side"))
    scene.collection.objects.link(side)
    side.location, side.rotation_euler = (5, 0, 0), (np.pi / 2, 0, np.pi / 2)
    for camera, weight in ((scene.camera, 3.0), (side, 1.0)):
        view = scene.meshsdf.views.add()
        view.name, view.camera, view.weight = camera.name, camera, weight
        view.target, view.object = "OBJECT", target
    bpy.ops.meshsdf.target_preview()
    shown = overlay.current()
    (front,), (across,) = shown.through("Camera"), shown.through("Side")
    assert front.iou != across.iou
    assert shown.iou == pytest.approx((3 * front.iou + across.iou) / 4)


def test_a_target_that_is_rendered_is_not_rendered_at_every_change(
    ready, overlay, part, scene, monkeypatch
):
    follow = part("fitting.overlay_follow")
    bpy.ops.meshsdf.target_preview()
    follow.tick()
    scene.meshsdf.target = "RENDER"
    first = overlay.current().iou
    monkeypatch.setattr(overlay, "aim_target", lambda *_: 1 / 0)
    follow._Watch.settings = follow.settings_of(scene)
    ready.location.x = 0.5
    bpy.context.view_layer.update()
    follow.tick()
    assert overlay.current().iou < first
