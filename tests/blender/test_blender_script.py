"""Copy as Script: run in a file of its own, it makes the same shape again."""

from __future__ import annotations

import json

import bpy
import numpy as np
import pytest

from tests.blender.copied_script import copied, lines, run_afresh, same, state

NASTY = '"]; import os #\n\'); raise SystemExit("ran") #'


def test_what_was_done_is_done_again(shape_object, fake):
    ob = shape_object
    bpy.ops.meshsdf.slide(slider="Length", value=0.3)
    bpy.ops.meshsdf.interpolate(first="long", second="wide", factor=0.25, method="SMOOTH")
    ob.meshsdf.locks[0] = True
    bpy.ops.meshsdf.randomise(seed=3, strength=0.5)
    ob.meshsdf.resolution, ob.meshsdf.cap = 96, True
    ob.location, ob.rotation_euler, ob.scale = (1, 2, 3), (0.1, 0.2, 0.3), (2, 2, 2)
    bpy.ops.meshsdf.slider_reset(slider="Width")
    was, text = state(ob), copied(ob)
    locks = (True, *[False] * 11)
    assert lines(text) == [
        f"bpy.ops.meshsdf.shape_add(space={fake.space!r}, resolution=96)",
        "bpy.ops.meshsdf.slide(slider='Length', value=0.3)",
        "bpy.ops.meshsdf.interpolate(first='long', second='wide', factor=0.25, method='SMOOTH')",
        f"bpy.ops.meshsdf.randomise(seed=3, strength=0.5, locks={locks})",
        "bpy.ops.meshsdf.slider_reset(slider='Width')",
    ]
    assert "meshsdf_code" not in text
    again = run_afresh(text)
    same(again, was)
    assert tuple(again.meshsdf.locks) == locks
    assert copied(again) == text


def test_moves_of_one_slider_are_one_line(shape_object):
    for value in (0.5, 0.7, 1.2):
        shape_object.meshsdf.slider_1 = value
        shape_object.meshsdf.slider_2 = -value
    was, text = state(shape_object), copied(shape_object)
    assert lines(text)[1:] == [
        "bpy.ops.meshsdf.slide(slider='Length', value=1.2)",
        "bpy.ops.meshsdf.slide(slider='Width', value=-1.2)",
    ]
    same(run_afresh(text), was)


def test_settings_that_were_changed_last_are_meshed(shape_object):
    shape_object.meshsdf.newton = 2
    shape_object.meshsdf.resolution = 32
    bpy.ops.meshsdf.shape_update()
    was, text = state(shape_object), copied(shape_object)
    same(run_afresh(text), was)
    assert "newton = 2" in text


def test_a_code_that_no_step_made_goes_in_itself(shape_object):
    bpy.ops.meshsdf.slide(slider="Length", value=1.0)
    shape_object["meshsdf_code"] = [0.1, 0.2, 0.3, 0.4]
    bpy.ops.meshsdf.slide(slider="Width", value=1.0)
    shape_object["meshsdf_code"] = [0.4, 0.3, 0.2, 0.1]
    bpy.ops.meshsdf.shape_update()
    was, text = state(shape_object), copied(shape_object)
    assert text.count("meshsdf_code") == 2
    same(run_afresh(text), was)


@pytest.mark.parametrize(
    "record", ["", "{", "[]", '{"steps": 3}', '{"steps": [{"op": "wm.quit_blender", "with": {}}]}']
)
def test_without_a_record_of_ours_the_script_says_what_is_there(shape_object, record):
    bpy.ops.meshsdf.slide(slider="Length", value=1.0)
    shape_object.meshsdf.after.record = record
    was, text = state(shape_object), copied(shape_object)
    assert "quit" not in text
    assert [line.partition("(")[0] for line in lines(text)] == [
        "bpy.ops.meshsdf.shape_add",
        "bpy.ops.meshsdf.shape_update",
    ]
    same(run_afresh(text), was)
    assert bpy.ops.meshsdf.slide(slider="Width", value=0.5) == {"FINISHED"}


@pytest.mark.parametrize(
    "step",
    [
        {"op": "meshsdf.slide", "with": {"slider=0); import os; x(": 1}},
        {"op": "meshsdf.slide", "with": {"slider": {"a": 1}}},
        {"op": "meshsdf.slide(); import os #", "with": {}},
        {"code": ["__import__('os')", {}]},
        {
            "op": "meshsdf.fit",
            "with": {},
            "fit": {
                "from": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
                "to": [],
                "render": {},
                "settings": {"image": {"block": "x", "of": "__import__('os')"}},
            },
        },
        {"op": "meshsdf.slide", "with": {"value": float("nan")}},
    ],
)
def test_a_record_of_somebody_elses_file_runs_nothing(shape_object, part, step):
    code = part("shapes.history").digest(np.array(shape_object["meshsdf_code"]))
    shape_object.meshsdf.after.record = json.dumps({"base": None, "steps": [step], "now": code})
    text = copied(shape_object)
    assert "import os" not in text
    assert "__import__" not in text
    assert "nan" not in text


def test_names_are_quoted(shape_object):
    shape_object.name = NASTY
    bpy.ops.meshsdf.slide(slider="Length", value=0.5)
    was = state(shape_object)
    bpy.ops.meshsdf.copy_script(as_text=True)
    text = bpy.data.texts[0].as_string()
    same(run_afresh(text), was)


def test_fits_bring_their_camera_frame_and_settings(shape_object, target, scene):
    ob = shape_object
    bpy.context.view_layer.objects.active = ob
    ob.location.x = 0.1
    scene.camera.data.lens = 35
    scene.meshsdf.steps, scene.meshsdf.move = 5, True
    target.name = NASTY
    bpy.ops.meshsdf.fit()
    scene.meshsdf.move = False
    scene.meshsdf.steps = 60
    bpy.ops.meshsdf.fit_step(steps=3)
    was, text = state(ob), copied(ob)
    assert lines(text)[1:] == ["bpy.ops.meshsdf.fit()", "bpy.ops.meshsdf.fit_step(steps=3)"]
    assert text.count("scene.camera = camera") == 1
    assert "property_unset('move')" in text
    assert "has to have: object" in text

    def sphere():
        bpy.ops.mesh.primitive_uv_sphere_add(radius=0.6)
        bpy.context.active_object.name = NASTY
        bpy.context.active_object.scale = (1.4, 1.0, 1.0)

    same(run_afresh(text, sphere), was)
    scene = bpy.context.scene
    assert scene.camera.data.lens == 35
    assert (scene.render.resolution_x, scene.render.resolution_y) == (200, 150)
    assert not scene.meshsdf.move


def test_a_fit_to_views_brings_them(shape_object, target, scene):
    front, side = scene.camera, scene.camera.copy()
    side.name = "Side"
    scene.collection.objects.link(side)
    side.location, side.rotation_euler = (4, 0, 0), (np.pi / 2, 0, np.pi / 2)
    bpy.context.view_layer.objects.active = shape_object
    for camera, weight in ((front, 1.0), (side, 2.5)):
        scene.camera = camera
        bpy.ops.meshsdf.view_add()
        scene.meshsdf.views[-1].weight = weight
    scene.meshsdf.views[1].name = NASTY
    bpy.ops.meshsdf.fit_step(steps=2)
    front.location.z, side.data.lens = 0.2, 40
    bpy.ops.meshsdf.fit_step(steps=2)
    side.data.lens = 50
    bpy.ops.meshsdf.fit_step(steps=1)
    was, text = state(shape_object), copied(shape_object)
    assert text.count("bpy.data.cameras.new") == 2
    assert text.count("# The file has to have: object 'Target'\n") == 1
    with pytest.raises(RuntimeError, match="nothing called 'Target' among its objects"):
        run_afresh(text)
    assert not len(bpy.data.objects)

    def sphere():
        bpy.ops.mesh.primitive_uv_sphere_add(radius=0.6)
        bpy.context.active_object.name = "Target"

    same(run_afresh(text, sphere), was)
    assert sorted(camera.name for camera in bpy.data.cameras) == ["Camera", "Side"]
    assert bpy.context.scene.camera.name == "Side"
    views = bpy.context.scene.meshsdf.views
    assert [(view.name, view.weight) for view in views] == [("Camera", 1.0), (NASTY, 2.5)]
    assert [view.object.name for view in views] == ["Target", "Target"]
    assert tuple(views[1].camera.location) == pytest.approx((4, 0, 0))


def test_a_fit_to_an_image_loads_it(shape_object, scene, tmp_path):
    image = bpy.data.images.new("Photo", 200, 150)
    pixels = np.zeros((150, 200, 4), dtype=np.float32)
    pixels[40:110, 60:140] = 1.0
    image.pixels.foreach_set(pixels.ravel())
    image.filepath_raw, image.file_format = str(tmp_path / 'a "b".png'), "PNG"
    image.save()
    settings = scene.meshsdf
    settings.target, settings.image, settings.channel = "IMAGE", image, "LUMINANCE"
    bpy.ops.meshsdf.fit_step(steps=2)
    was, text = state(shape_object), copied(shape_object)
    same(run_afresh(text), was)
    assert bpy.context.scene.meshsdf.image.filepath == str(tmp_path / 'a "b".png')


def test_a_background_comes_with_the_camera(shape_object, scene, tmp_path):
    image = bpy.data.images.new("Photo", 100, 100)
    image.pixels.foreach_set(np.ones(40000, dtype=np.float32))
    image.filepath_raw, image.file_format = str(tmp_path / "photo.png"), "PNG"
    image.save()
    scene.camera.data.show_background_images = True
    background = scene.camera.data.background_images.new()
    background.image, background.scale, background.offset = image, 0.5, (0.1, 0.2)
    scene.meshsdf.channel = "LUMINANCE"
    bpy.ops.meshsdf.fit_step(steps=2)
    was, text = state(shape_object), copied(shape_object)
    same(run_afresh(text), was)
    shown = bpy.context.scene.camera.data.background_images[0]
    assert shown.scale == 0.5
    assert tuple(shown.offset) == pytest.approx((0.1, 0.2))


def test_an_encoded_mesh_is_encoded_again(scene, fake):
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.6)
    bpy.context.active_object.name = "Scan"
    bpy.ops.meshsdf.encode(space=fake.space, resolution=32)
    ob = bpy.context.active_object
    was, text = state(ob), copied(ob)
    assert "has to have: object 'Scan'" in text

    def sphere():
        bpy.ops.mesh.primitive_uv_sphere_add(radius=0.6)
        bpy.context.active_object.name = "Scan"

    same(run_afresh(text, sphere), was)


def test_a_regular_mesh_tells_how_it_was_made(shape_object):
    bpy.ops.meshsdf.slide(slider="Length", value=1.0)
    bpy.ops.meshsdf.make_regular()
    shape_object["meshsdf_code"] = [0.1, 0.2, 0.3, 0.4]
    text = copied(shape_object)
    ob = run_afresh(text)
    assert not ob.meshsdf.space
    np.testing.assert_allclose(ob["meshsdf_code"], [0.1, 0.2, 0.3, 0.4], atol=1e-6)
    assert bpy.ops.meshsdf.make_shape() == {"FINISHED"}
    text = copied(ob)
    assert lines(text)[-1] == "bpy.ops.meshsdf.make_shape()"
    was = state(ob)
    same(run_afresh(text), was)


def test_a_long_story_starts_again_from_its_code(shape_object, part):
    history = part("shapes.history")
    for step in range(history.MOST + 4):
        bpy.ops.meshsdf.randomise(seed=step)
    was, text = state(shape_object), copied(shape_object)
    assert len(lines(text)) < history.MOST
    same(run_afresh(text), was)


def test_refused_and_undone_steps_are_not_told(shape_object):
    name = shape_object.name
    with pytest.raises(RuntimeError, match="has no shape so far out"):
        bpy.ops.meshsdf.slide(slider="Length", value=-6.0)
    bpy.ops.ed.undo_push(message="base")
    bpy.ops.meshsdf.slide("EXEC_DEFAULT", True, slider="Length", value=1.0)
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.ed.undo()
    ob = bpy.data.objects[name]
    assert len(lines(copied(ob))) == 1


def test_a_relative_space_is_named_in_full(scene, fake, tmp_path, part):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "f.blend"))
    bpy.ops.meshsdf.shape_add(space=bpy.path.relpath(fake.space))
    was, text = state(bpy.context.active_object), copied(bpy.context.active_object)
    same(run_afresh(text), was)


def test_a_parent_does_not_move_the_copy(shape_object, scene):
    parent = bpy.data.objects.new("Parent", None)
    scene.collection.objects.link(parent)
    parent.scale, parent.rotation_euler = (1, 2, 3), (0.4, 0.5, 0.6)
    parent.location = (1.0, 2.0, 3.0)
    shape_object.parent, shape_object.rotation_euler = parent, (0.3, 0.2, 0.1)
    bpy.context.view_layer.update()
    was, text = state(shape_object), copied(shape_object)
    ob = run_afresh(text)
    assert "matrix_world" in text
    # A matrix with shear cannot be a lone object's; what can be is there.
    np.testing.assert_allclose(np.array(ob.matrix_world)[:, 3], was["matrix"][:, 3], atol=1e-5)


@pytest.fixture
def cow(scene, part):
    """A shape of a real space, with the real worker."""
    scene.camera.location, scene.camera.rotation_euler = (2.0, -2.0, 1.4), (1.1, 0.0, 0.785)
    bpy.ops.meshsdf.shape_add(space="builtin:bob_and_spot", shape="spot", resolution=32)
    yield bpy.context.active_object
    part("door").close()


def test_a_real_fit_comes_to_the_same_shape_again(cow, scene):
    spot = cow
    bpy.ops.meshsdf.shape_add(space="builtin:bob_and_spot", shape="bob", resolution=32)
    scene.meshsdf.target, scene.meshsdf.object = "OBJECT", bpy.context.active_object
    scene.meshsdf.resolution, scene.meshsdf.pixels = 32, 64
    scene.meshsdf.move = True
    bpy.context.view_layer.objects.active = spot
    spot.location = (0.05, 0.0, 0.02)
    bpy.ops.meshsdf.slide(slider="1", value=0.25)
    bpy.ops.meshsdf.fit_step(steps=6)
    bpy.ops.meshsdf.slide(slider="1", value=0.5)
    assert spot.meshsdf.faces
    was, text = state(spot), copied(spot)

    def bob():
        bpy.ops.meshsdf.shape_add(space="builtin:bob_and_spot", shape="bob", resolution=32)

    same(run_afresh(text, bob), was)


def length(mesh, edge):
    first, second = (mesh.vertices[index].co for index in edge.vertices)
    return (first - second).length


def test_a_real_shape_gets_quads(cow):
    assert cow.meshsdf.watertight
    cow.meshsdf.resolution = 64
    bpy.ops.meshsdf.shape_update()
    # Quadriflow takes no edge this short, and a grid's surface has some.
    assert min(length(cow.data, edge) for edge in cow.data.edges) < 3e-4
    bpy.ops.meshsdf.retopologise(faces=300)
    ob = bpy.context.active_object
    assert {len(face.vertices) for face in ob.data.polygons} == {4}
    assert 150 < len(ob.data.polygons) < 600
    np.testing.assert_allclose(ob.dimensions, cow.dimensions, atol=0.15)
