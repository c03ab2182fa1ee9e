"""The list of views: what is stored, what a fit sends of it, and what it refuses."""

from __future__ import annotations

from math import radians

import bpy
import numpy as np
import pytest


def add_camera(scene, name, location, rotation):
    camera = bpy.data.objects.new(name, bpy.data.cameras.new(name))
    scene.collection.objects.link(camera)
    camera.location, camera.rotation_euler = location, rotation
    bpy.context.view_layer.update()
    return camera


@pytest.fixture
def side(scene):
    """A second camera, that looks along -X from (4, 0, 0)."""
    return add_camera(scene, "Side", (4, 0, 0), (radians(90), 0, radians(90)))


@pytest.fixture
def ready(shape_object, target):
    """A shape that can be fitted, active."""
    bpy.context.view_layer.objects.active = shape_object
    return shape_object


@pytest.fixture
def request_of(part):
    """What a fit of an object sends."""
    return lambda ob: part("fitting.fit_request").fit_request(bpy.context, ob)


def test_a_view_takes_the_active_camera_and_the_target_that_is_set(scene, target):
    scene.meshsdf.invert, scene.meshsdf.threshold = True, 0.25
    assert bpy.ops.meshsdf.view_add() == {"FINISHED"}
    (view,) = scene.meshsdf.views
    assert (view.name, view.camera, view.target, view.object) == (
        "Camera",
        scene.camera,
        "OBJECT",
        target,
    )
    assert view.invert
    assert view.threshold == 0.25
    assert (view.weight, view.use) == (1.0, True)


def test_views_are_moved_copied_and_removed(scene, side):
    settings = scene.meshsdf
    for name in ("A", "B"):
        bpy.ops.meshsdf.view_add(name=name)
    bpy.ops.meshsdf.view_add(name="A", camera="Side")
    assert [view.name for view in settings.views] == ["A", "B", "A.001"]
    assert settings.view_index == 2
    bpy.ops.meshsdf.view_move(direction="UP")
    assert [view.name for view in settings.views] == ["A", "A.001", "B"]
    settings.views[1].weight = 3.0
    bpy.ops.meshsdf.view_duplicate()
    assert [view.name for view in settings.views] == ["A", "A.001", "B", "A.001.001"]
    assert settings.views[3].weight == 3.0
    assert settings.views[3].camera == side
    bpy.ops.meshsdf.view_move(direction="DOWN")  # the last one stays
    bpy.ops.meshsdf.view_remove()
    assert [view.name for view in settings.views] == ["A", "A.001", "B"]
    assert settings.view_index == 2
    with pytest.raises(RuntimeError, match="no camera 'Nobody'"):
        bpy.ops.meshsdf.view_add(camera="Nobody")


def test_operators_on_a_view_need_one(scene):
    with pytest.raises(RuntimeError, match="no views: add one first"):
        bpy.ops.meshsdf.view_remove()
    scene.camera = None
    with pytest.raises(RuntimeError, match="no active camera"):
        bpy.ops.meshsdf.view_add()


def test_a_fit_sends_all_views_that_are_on(scene, ready, side, request_of, part):
    scene.meshsdf.pixels = 100
    bpy.ops.meshsdf.view_add(name="Front")
    bpy.ops.meshsdf.view_add(name="Off")
    bpy.ops.meshsdf.view_add(name="Side", camera="Side")
    scene.meshsdf.views[1].use = False
    scene.meshsdf.views[1].camera = None  # a view that is off may be broken
    scene.meshsdf.views[2].weight = 2.0
    request = request_of(ready)
    assert request.cameras == ("Camera", "Side")
    assert request.header["views"] == [
        {"width": 100, "height": 75, "weight": 1.0},
        {"width": 100, "height": 75, "weight": 2.0},
    ]
    camera_view = part("views.camera").camera_view
    for number, camera in enumerate((scene.camera, side)):
        seen = camera_view(scene, bpy.context.evaluated_depsgraph_get(), camera).resized(100)
        np.testing.assert_array_equal(request.arrays[f"matrix{number}"], seen.matrix)
    # The target is 1.4 times as wide from the front as from the side.
    front, beside = (request.arrays[f"target{i}"].any(axis=0).sum() for i in (0, 1))
    assert front / beside == pytest.approx(1.4, rel=0.05)
    assert bpy.ops.meshsdf.fit() == {"FINISHED"}


def test_without_views_the_scene_is_the_view(scene, ready, request_of):
    request = request_of(ready)
    assert len(request.header["views"]) == 1
    assert request.cameras == ("Camera",)


def deleted_camera(scene):
    bpy.data.objects.remove(bpy.data.objects["Side"])


def unlinked_camera(scene):
    scene.collection.objects.unlink(bpy.data.objects["Side"])


def panorama(scene):
    bpy.data.objects["Side"].data.type = "PANO"


def no_target(scene):
    scene.meshsdf.views[0].object = None


def all_off(scene):
    scene.meshsdf.views[0].use = False


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (deleted_camera, r"View 'Left': Its camera is gone"),
        (unlinked_camera, r"View 'Left': Camera 'Side' is not in scene 'Scene'"),
        (panorama, r"View 'Left': Camera 'Side' has a panoramic lens"),
        (no_target, r"View 'Left': No target object is set"),
        (all_off, r"All views are off\. Turn on a view"),
    ],
)
def test_a_view_that_cannot_be_used_is_refused_by_its_name(scene, ready, side, harm, message):
    bpy.ops.meshsdf.view_add(name="Left", camera="Side")
    harm(scene)
    with pytest.raises(RuntimeError, match=message):
        bpy.ops.meshsdf.fit()


def test_looking_through_a_view_makes_its_camera_active(scene, side):
    bpy.ops.meshsdf.view_add(camera="Side")
    assert scene.camera != side
    bpy.ops.meshsdf.view_look()
    assert scene.camera == side
    scene.meshsdf.views[0].camera = None
    with pytest.raises(RuntimeError, match="View 'Side' has no camera"):
        bpy.ops.meshsdf.view_look()


def test_views_survive_saving_and_undo(scene, target, side, tmp_path):
    bpy.ops.meshsdf.view_add(name="Left", camera="Side")
    bpy.ops.ed.undo_push(message="base")
    bpy.ops.meshsdf.view_remove("EXEC_DEFAULT", True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "views.blend"))
    assert not len(bpy.context.scene.meshsdf.views)
    window = bpy.context.window_manager.windows[0]
    with bpy.context.temp_override(window=window):
        bpy.ops.ed.undo()
    (view,) = bpy.context.scene.meshsdf.views
    assert view.camera.name == "Side"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "views.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "views.blend"))
    (view,) = bpy.context.scene.meshsdf.views
    assert (view.name, view.camera.name, view.object.name) == ("Left", "Side", "Target")


@pytest.mark.parametrize(
    ("what", "flags"),
    [("SHAPE", (1, 0, 0, 0)), ("POSE", (0, 1, 1, 1)), ("EVERYTHING", (1, 1, 1, 1))],
)
def test_what_changes_is_set_at_once(scene, what, flags):
    settings = scene.meshsdf
    settings.turn = True
    bpy.ops.meshsdf.fit_change(what=what)
    got = settings.fit_code, settings.move, settings.turn, settings.scale
    assert got == tuple(map(bool, flags))


@pytest.fixture
def presets(part):
    module = part("fitting.presets")
    yield module
    for name in module.own_names():
        module.remove(name)


def test_a_new_scene_is_balanced(scene, presets):
    assert presets.current(scene.meshsdf) == "Balanced"


def test_presets_of_ones_own_are_kept_and_removed(scene, presets):
    settings = scene.meshsdf
    bpy.ops.meshsdf.fit_preset(name="Fine")
    assert (settings.steps, settings.pixels) == (150, 512)
    settings.steps, settings.prior = 123, 0.02
    assert presets.current(settings) == ""
    bpy.ops.meshsdf.fit_preset_add(name=" Mine ")
    bpy.ops.meshsdf.fit_preset(name="Draft")
    assert settings.steps == 30
    presets.forget()  # as a new Blender
    assert presets.names() == ["Draft", "Balanced", "Fine", "Mine"]
    bpy.ops.meshsdf.fit_preset(name="Mine")
    assert settings.steps == 123
    assert settings.prior == pytest.approx(0.02)
    assert presets.current(settings) == "Mine"
    bpy.ops.meshsdf.fit_preset_remove()
    assert presets.names() == ["Draft", "Balanced", "Fine"]
    assert settings.steps == 123


def test_built_in_presets_stay(scene, presets):
    with pytest.raises(RuntimeError, match="the built-in ones stay"):
        bpy.ops.meshsdf.fit_preset_remove(name="Draft")
    bpy.ops.meshsdf.fit_preset_add(name="Mine")
    for operator in (bpy.ops.meshsdf.fit_preset_remove, bpy.ops.meshsdf.fit_preset_add):
        with pytest.raises(RuntimeError, match="'Draft' is built in"):
            operator(name="Draft")
    with pytest.raises(RuntimeError, match="no preset 'Nothing'"):
        bpy.ops.meshsdf.fit_preset(name="Nothing")
    with pytest.raises(RuntimeError, match="has no name"):
        bpy.ops.meshsdf.fit_preset_add(name="  ")


def test_a_preset_file_is_data_in_known_ranges(presets):
    found = {
        "Draft": {"steps": 1},
        "Wild": {"steps": 10**9, "rate": -1, "pixels": 64.7, "prior": "x", "target": "MASK"},
        "Odd": {"steps": True, "rate": float("nan")},
        "None": 3,
    }
    wild = presets.checked(found)
    assert list(wild) == ["Wild"]
    assert wild["Wild"] == {"steps": 10000, "rate": pytest.approx(1e-4), "pixels": 64}
    assert presets.checked([1]) == {}


@pytest.mark.parametrize("text", ["{", "[]", "", '{"A": {"steps": 5}'])
def test_a_broken_preset_file_leaves_the_built_in_ones(presets, text):
    presets._file(create=True).write_text(text)
    presets.forget()
    assert presets.names() == ["Draft", "Balanced", "Fine"]
