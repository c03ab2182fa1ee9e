"""When the overlay is worked out anew, and how much of it: scenes, views, drags, renders, fits."""

from __future__ import annotations

from types import SimpleNamespace

import bpy
import numpy as np
import pytest

from tests.blender.test_blender_outline import (
    ANNOTATIONS_CAN_BE_MADE,
    annotation,
    arc,
    grease_pencil,
)


@pytest.fixture
def overlay(part):
    module = part("fitting.overlay")
    yield module
    module.end()


@pytest.fixture
def follow(part):
    return part("fitting.overlay_follow")


@pytest.fixture
def shown(shape_object, target, overlay):
    """The overlay of a shape and its target, at rest."""
    bpy.context.view_layer.objects.active = shape_object
    bpy.context.view_layer.update()
    bpy.ops.meshsdf.target_preview()
    return overlay.current()


@pytest.fixture
def work(overlay, monkeypatch):
    """Which parts were worked out: names of targets' cameras, and how many silhouettes."""
    done = SimpleNamespace(targets=[], silhouettes=0)
    real_target, real_silhouette = overlay.aim_target, overlay.mesh_silhouette

    def aim_target(context, ob, aim, frame):
        done.targets.append(aim.name or aim.camera.name)
        return real_target(context, ob, aim, frame)

    def mesh_silhouette(*given):
        done.silhouettes += 1
        return real_silhouette(*given)

    monkeypatch.setattr(overlay, "aim_target", aim_target)
    monkeypatch.setattr(overlay, "mesh_silhouette", mesh_silhouette)
    return done


@pytest.fixture
def rendering(follow, monkeypatch):
    """As while Blender renders; call it with False for its end."""
    now = [True]
    app = SimpleNamespace(timers=bpy.app.timers, is_job_running=lambda kind: now[0])
    stand_in = SimpleNamespace(app=app, context=bpy.context, types=bpy.types, data=bpy.data)
    monkeypatch.setattr(follow, "bpy", stand_in)
    return lambda on: now.__setitem__(0, on)


def add_view(scene, name, camera, target):
    view = scene.meshsdf.views.add()
    view.name, view.camera, view.target, view.object = name, camera, "OBJECT", target
    return view


def add_camera(scene, name="Side"):
    camera = bpy.data.objects.new(name, bpy.data.cameras.new(name))
    scene.collection.objects.link(camera)
    camera.location, camera.rotation_euler = (5, 0, 0), (np.pi / 2, 0, np.pi / 2)
    bpy.context.view_layer.update()
    return camera


def rest(follow):
    """Let the timer tick as after a rest; whether there was anything to do."""
    stale = follow._Watch.stale
    assert follow.tick() is None
    assert not follow._Watch.stale
    return stale


def test_a_preview_is_not_worked_out_twice(shown, follow, scene, work):
    follow.look(scene)
    assert not rest(follow)
    assert (work.targets, work.silhouettes) == ([], 0)


def test_another_scene_in_front_does_not_keep_it_busy(shown, follow, overlay, scene, target):
    other = bpy.data.scenes.new("Second")
    bpy.context.window.scene = other  # what a timer's context has, while a window draws the first
    for _ in range(3):
        follow.look(scene)
        assert not rest(follow)
    first = shown.iou
    scene.meshsdf.invert = True
    follow.look(scene)
    assert rest(follow)
    assert shown.iou < first
    follow.look(scene)
    assert not rest(follow)
    assert bpy.context.scene == other


def test_a_renamed_scene_keeps_its_overlay(shown, follow, overlay, part, monkeypatch):
    scene = bpy.context.scene
    scene.name = "Renamed"
    first = shown.iou
    scene.meshsdf.invert = True
    draw, painted = part("fitting.overlay_draw"), []
    monkeypatch.setattr(draw, "paint", lambda seen, frame, **_: painted.append(seen))
    monkeypatch.setattr(draw, "write", lambda *_: None)
    monkeypatch.setattr(draw, "frame_rectangle", lambda *_: (0, 0, 20, 20))
    draw._draw_view(in_view(scene), shown)
    assert painted == shown.seen
    assert rest(follow)
    assert overlay.current() is shown
    assert shown.iou < first


def in_view(scene):
    """A context as a 3D view that looks through the scene's camera has it."""
    return SimpleNamespace(
        scene=scene,
        space_data=SimpleNamespace(
            overlay=SimpleNamespace(show_overlays=True), use_local_camera=False
        ),
        region_data=SimpleNamespace(view_perspective="CAMERA"),
        region=None,
        area=SimpleNamespace(regions=[]),
        preferences=SimpleNamespace(system=SimpleNamespace(ui_scale=1)),
    )


def test_an_overlay_of_a_scene_that_is_gone_ends(shown, follow, overlay):
    other = bpy.data.scenes.new("Second")
    bpy.context.window.scene = other
    bpy.data.scenes.remove(bpy.data.scenes["Scene"])
    follow.mark()
    follow.tick()
    assert overlay.current() is None


def test_what_does_not_touch_it_is_ignored(shown, follow, scene):
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.active_object
    bpy.context.view_layer.update()
    rest(follow)
    cube.location.x = 3
    bpy.context.view_layer.update()
    cube.select_set(False)
    bpy.context.view_layer.update()
    material = bpy.data.materials.new("Red")
    shape = bpy.data.objects["Fake"]
    shape.data.materials.append(material)
    bpy.context.view_layer.update()
    rest(follow)
    material.diffuse_color = (1, 0, 0, 1)
    bpy.context.view_layer.update()
    assert not follow._Watch.stale


def test_only_what_changed_is_worked_out(shown, follow, overlay, target, work):
    scene = bpy.context.scene
    side = add_camera(scene)
    cube = bpy.data.objects.new("Cube", target.data.copy())
    scene.collection.objects.link(cube)
    add_view(scene, "front", scene.camera, target)
    add_view(scene, "side", side, cube)
    follow.look(scene)
    rest(follow)
    assert (work.targets, work.silhouettes) == (["front", "side"], 2)

    def done(change):
        change()
        bpy.context.view_layer.update()
        work.targets, work.silhouettes, was = [], 0, [each.iou for each in shown.seen]
        assert rest(follow)
        fresh = list(shown.seen)
        found = list(work.targets), work.silhouettes
        overlay.refresh(bpy.context)  # all of it, which comes to the same
        assert [each.iou for each in fresh] == [each.iou for each in shown.seen] != was
        return found

    shape = bpy.data.objects["Fake"]
    assert done(lambda: setattr(shape.location, "z", 0.2)) == ([], 2)
    assert done(lambda: bpy.ops.meshsdf.randomise(seed=1)) == ([], 2)
    assert done(lambda: setattr(cube.location, "y", 0.3)) == (["side"], 0)
    assert done(lambda: setattr(side.location, "z", 0.1)) == (["side"], 1)
    assert done(lambda: setattr(side.data, "lens", 40)) == (["side"], 1)
    assert done(lambda: setattr(target.modifiers.new("Thick", "SOLIDIFY"), "thickness", -0.3)) == (
        ["front"],
        0,
    )


def test_a_drag_puts_it_off(shown, follow, monkeypatch):
    """The timer begins anew with each change."""
    calls = []
    registered = [False]

    def register(function, **given):
        calls.append(("register", given["first_interval"]))
        registered[0] = True

    def unregister(function):
        calls.append(("unregister",))
        registered[0] = False

    timers = SimpleNamespace(
        register=register, unregister=unregister, is_registered=lambda _: registered[0]
    )
    app = SimpleNamespace(timers=timers, is_job_running=lambda kind: False)
    monkeypatch.setattr(follow, "bpy", SimpleNamespace(app=app, types=bpy.types))
    for place in (0.1, 0.2, 0.3):
        bpy.data.objects["Fake"].location.x = place
        bpy.context.view_layer.update()
    once = ("register", follow.REST_SECONDS)
    assert calls == [once, ("unregister",), once, ("unregister",), once]


def test_redraws_alone_do_not_put_it_off(shown, follow, scene, monkeypatch):
    armed = []
    monkeypatch.setattr(follow, "_arm", lambda: armed.append(True))
    monkeypatch.setattr(bpy.app.timers, "is_registered", lambda _: True, raising=False)
    scene.meshsdf.invert = True
    for _ in range(5):
        follow.look(scene)
    assert len(armed) == 1


def test_no_timer_is_set_while_something_renders(shown, follow, scene, rendering):
    if bpy.app.timers.is_registered(follow.tick):
        bpy.app.timers.unregister(follow.tick)
    bpy.data.objects["Fake"].location.x = 0.4
    scene.frame_set(3)  # its handlers are called from the render's thread
    assert not bpy.app.timers.is_registered(follow.tick)
    rendering(False)
    follow._Watch.settings = follow.settings_of(scene)
    follow.look(scene)  # the next drawing sees to it
    assert bpy.app.timers.is_registered(follow.tick)
    first = shown.iou
    assert rest(follow)
    assert shown.iou < first


def test_undo_shows_what_came_back(shown, follow, overlay):
    first = shown.iou
    bpy.ops.ed.undo_push(message="base")
    bpy.data.objects["Fake"].location.x = 0.4
    bpy.ops.ed.undo_push(message="moved")
    bpy.context.view_layer.update()
    rest(follow)
    assert shown.iou < first
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.ed.undo()
    assert rest(follow)
    assert overlay.current().iou == first


@pytest.mark.parametrize("kind", ["IMAGE", "BACKGROUND", "MASK"])
def test_a_target_that_is_changed_by_hand_is_read_anew(shown, follow, scene, work, kind):
    image = bpy.data.images.new("Target", 200, 150)
    pixels = np.zeros((150, 200, 4), dtype=np.float32)
    pixels[40:-40, 40:-40], pixels[..., 3] = 1.0, 1.0
    image.pixels.foreach_set(pixels.ravel())
    data = scene.camera.data
    data.show_background_images = True
    background = data.background_images.new()
    background.image = scene.meshsdf.image = image
    scene.meshsdf.mask = mask = bpy.data.masks.new("Mask")
    spline = mask.layers.new().splines.new()
    spline.points.add(3)
    spline.use_cyclic = True
    for point, at in zip(  # noqa: B905
        spline.points, ((0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7))
    ):
        point.co = point.handle_left = point.handle_right = at
    scene.meshsdf.target = kind
    bpy.context.view_layer.update()
    follow.look(scene)
    rest(follow)
    first, work.targets = shown.iou, []
    if kind == "IMAGE":
        pixels[:, :60, :3] = 0.0
        image.pixels.foreach_set(pixels.ravel())
        image.update_tag()
    elif kind == "BACKGROUND":
        background.scale = 0.5
    else:
        point = spline.points[0]
        point.co = point.handle_left = point.handle_right = (0.4, 0.45)
    bpy.context.view_layer.update()
    assert rest(follow)
    assert work.targets == ["Camera"]
    assert shown.iou != first


def test_views_of_one_camera_are_drawn_and_judged_together(
    shape_object, target, overlay, part, monkeypatch
):
    scene = bpy.context.scene
    bpy.ops.mesh.primitive_cube_add(size=0.4)
    cube = bpy.context.active_object
    for ob, weight in ((target, 1.0), (cube, 3.0)):
        add_view(scene, ob.name, scene.camera, ob).weight = weight
    bpy.context.view_layer.objects.active = shape_object
    bpy.ops.meshsdf.target_preview()
    shown, draw, painted, written = overlay.current(), part("fitting.overlay_draw"), [], []
    assert shown.seen[0].iou != shown.seen[1].iou
    monkeypatch.setattr(draw, "paint", lambda seen, frame, **_: painted.append(seen))
    monkeypatch.setattr(draw, "write", lambda words, *_: written.extend(words))
    monkeypatch.setattr(draw, "frame_rectangle", lambda *_: (0, 0, 20, 20))
    draw._draw_view(in_view(scene), shown)
    assert painted == shown.seen
    assert written[0][0] == f"IoU {shown.iou:.3f}"


def test_each_view_is_uploaded_once(shown, overlay, part, target, monkeypatch):
    scene = bpy.context.scene
    draw, uploads = part("fitting.overlay_draw"), []

    class Painted:
        def __init__(self, seen):
            self.seen, self.version = seen, seen.version
            uploads.append(seen)

    monkeypatch.setattr(draw, "_Painted", Painted)
    monkeypatch.setattr(draw, "_painted", [])
    add_view(scene, "front", scene.camera, target)
    add_view(scene, "side", add_camera(scene), target)
    overlay.refresh(bpy.context)
    for _ in range(3):  # two views are drawn in turn
        for seen in shown.seen:
            assert draw._ready(seen).seen is seen
    assert uploads == shown.seen
    shown.seen[0].show(shown.seen[0].mask)
    draw._ready(shown.seen[0])
    draw._ready(shown.seen[1])
    assert len(uploads) == 3
    overlay.refresh(bpy.context)
    draw._ready(shown.seen[0])
    assert len(draw._painted) == 1  # what is no longer shown is given back
    overlay.end()
    draw._draw()
    assert draw._painted == []


def test_a_fit_that_is_not_shown_leaves_no_overlay_of_another_object(
    shown, overlay, part, scene, fake
):
    scene.meshsdf.overlay.show = False
    bpy.ops.meshsdf.shape_add(space=fake.space)
    other = bpy.context.active_object
    bpy.context.view_layer.update()
    run = part("fitting.fit_run").FitRun(bpy.context, other)
    overlay.begin(bpy.context, other, run.request)
    assert overlay.current() is None
    run.fail()


@pytest.mark.skipif(not ANNOTATIONS_CAN_BE_MADE, reason="4.3 to 5.0 make no annotation strokes")
@pytest.mark.parametrize("held", ["annotation", "object"])
def test_strokes_that_are_drawn_on_are_read_anew(shown, follow, scene, work, held):
    if held == "annotation":
        layer = annotation(scene, [arc()])
    else:
        layer = grease_pencil(scene, [arc()]).data.layers[0]
    scene.meshsdf.target = "OUTLINE"
    bpy.context.view_layer.update()
    follow.look(scene)
    rest(follow)
    first, work.targets = shown.iou, []
    strokes = getattr(layer.frames[0], "drawing", layer.frames[0]).strokes
    for point in strokes[0].points:
        place = [0.5 * each for each in getattr(point, "position", None) or point.co]
        setattr(point, "position" if hasattr(point, "position") else "co", place)
    layer.id_data.update_tag()  # as the brush does
    bpy.context.view_layer.update()
    assert rest(follow)
    assert work.targets == ["Camera"]
    assert shown.iou != first
