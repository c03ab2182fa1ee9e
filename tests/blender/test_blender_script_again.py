"""Copy as Script: what a copied script made gives the same script, however often."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from tests.blender.copied_script import copied, run_afresh, same, state


@pytest.fixture
def egg(shape_object):
    """A shape with two stored codes, at another one."""
    bpy.ops.meshsdf.slide(slider="Length", value=1.0)
    bpy.ops.meshsdf.code_store(title="Long")
    bpy.ops.meshsdf.slide(slider="Width", value=0.7)
    bpy.ops.meshsdf.code_store(title="Big")
    bpy.ops.meshsdf.slide(slider="Length", value=-0.3)
    return shape_object


def sliders(ob):
    ob.meshsdf.slider_1 = 0.5
    bpy.ops.meshsdf.randomise(seed=3)
    bpy.ops.meshsdf.slider_reset(slider="Width")
    ob.location, ob.rotation_euler = (12.3456789, -3.1, 1e-3), (1.1, 0.7, -3.1)
    ob.scale = (0.123456789, 7.7, 3.3)


def settings(ob):
    sliders(ob)
    ob.meshsdf.newton, ob.meshsdf.cap, ob.meshsdf.resolution = 2, True, 32
    bpy.ops.meshsdf.shape_update()


def by_hand(ob):
    """Codes that no step made, in between and last."""
    ob["meshsdf_code"] = [0.1, 0.2, 0.3, 0.4]
    bpy.ops.meshsdf.shape_update()
    bpy.ops.meshsdf.slide(slider="Width", value=1.0)
    ob["meshsdf_code"] = [0.4, 0.3, 0.2, 0.1]
    bpy.ops.meshsdf.shape_update()


def unknown(ob):
    """No record at all, as of a shape whose file is old."""
    ob.meshsdf.newton = 1
    ob.meshsdf.after.record = ""


def fit(ob):
    scene = bpy.context.scene
    ob.location, ob.rotation_euler = (0.1, 0.0, 0.1), (0.3, 0.2, 1.4)
    scene.camera.rotation_euler = (1.5707963, 0.0123456789, 0.0234567891)
    scene.meshsdf.steps, scene.meshsdf.move = 3, True
    bpy.ops.meshsdf.fit()
    scene.meshsdf.move = False
    bpy.ops.meshsdf.fit_step(steps=2)


def stored(ob):
    bpy.ops.meshsdf.code_apply(code="1")
    bpy.ops.meshsdf.interpolate(first="long", second="Big", factor=0.25)
    bpy.ops.meshsdf.slide(slider="Width", value=0.1)


def removed(ob):
    """Steps of a stored code that the list has no more."""
    bpy.ops.meshsdf.code_apply(code="Long")
    bpy.ops.meshsdf.slide(slider="Width", value=0.1)
    bpy.ops.meshsdf.interpolate(first="Long", second="Big", factor=0.25)
    bpy.ops.meshsdf.code_remove(code="Long")


def blend(ob):
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, 3
    values = ob.meshsdf.blend
    values.first, values.second, values.mode = "Long", "Big", "TWO"
    for frame, values.factor in ((1, 0.2), (3, 1.0)):
        values.keyframe_insert("factor", frame=frame)
    scene.frame_set(2)
    bpy.ops.meshsdf.shape_update()


def keyed(ob):
    bpy.context.scene.frame_end = 3
    for frame, value in ((1, 0.0), (3, 2.0)):
        bpy.ops.meshsdf.slide(slider="Length", value=value)
        ob.keyframe_insert('["meshsdf_code"]', frame=frame)
    bpy.context.scene.frame_set(2)


def retopologise(ob):
    bpy.ops.meshsdf.retopologise(method="DECIMATE", faces=40)
    show(ob)
    bpy.ops.meshsdf.slide(slider="Length", value=1.4)


def bake(ob):
    blend(ob)
    for step in (1, 2):
        bpy.ops.meshsdf.bake_frames(step=step)
        show(ob)
    bpy.context.scene.frame_set(1)


def bake_keyed(ob):
    """Steps after a bake, which comes after them in a script."""
    keyed(ob)
    bpy.ops.meshsdf.bake_frames()
    show(ob)
    bpy.ops.meshsdf.slide(slider="Length", value=0.25)


def regular(ob):
    blend(ob)
    bpy.ops.meshsdf.make_regular()


def show(ob):
    ob.hide_set(False)
    ob.hide_render = False
    bpy.context.view_layer.objects.active = ob


STORIES = (
    *(sliders, settings, by_hand, unknown, fit, stored, removed, blend, keyed),
    *(retopologise, bake, bake_keyed, regular),
)


def sphere():
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.6)
    bpy.context.active_object.name = "Target"
    bpy.context.active_object.scale = (1.4, 1.0, 1.0)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_a_copied_script_makes_what_gives_the_same_script(egg, target, story):
    bpy.context.view_layer.objects.active = egg
    story(egg)
    was, first = state(egg), copied(egg)
    again = run_afresh(first, sphere)
    same(again, was)
    second = copied(again)
    assert second == first
    third = run_afresh(second, sphere)
    same(third, was)
    assert copied(third) == first


def test_run_in_the_same_file_it_differs_in_names_alone(egg, scene):
    blend(egg)
    first = copied(egg)
    for name in ("Next", "Last"):
        exec(compile(first, "copied", "exec"), {"__name__": "__main__"})
        ob = bpy.context.active_object
        ob.name = name
        assert copied(ob).replace(repr(ob.name), repr(egg.name)) == first


def test_a_fit_that_was_gone_back_from_is_not_told(egg, target, scene):
    bpy.context.view_layer.objects.active = egg
    scene.meshsdf.steps, scene.meshsdf.move = 3, True
    before = copied(egg)
    bpy.ops.meshsdf.fit()
    fitted = copied(egg)
    assert "meshsdf.fit()" in fitted
    bpy.ops.meshsdf.fit_compare()
    bpy.ops.meshsdf.fit_compare()
    assert copied(egg) == fitted
    bpy.ops.meshsdf.fit_step(steps=2)
    bpy.ops.meshsdf.slide(slider="Width", value=0.4)
    bpy.ops.meshsdf.fit_back()
    assert copied(egg) == before
    bpy.ops.meshsdf.slide(slider="Width", value=0.25)
    was, text = state(egg), copied(egg)
    assert "meshsdf.fit" not in text
    assert "In numbers" not in text
    same(run_afresh(text), was)


def test_accepting_a_fit_changes_no_script(egg, target, scene):
    bpy.context.view_layer.objects.active = egg
    scene.meshsdf.steps = 3
    bpy.ops.meshsdf.fit()
    fitted = copied(egg)
    bpy.ops.meshsdf.fit_accept()
    assert copied(egg) == fitted
    bpy.ops.meshsdf.fit()
    bpy.ops.meshsdf.fit_back()
    assert copied(egg) == fitted
    was = state(egg)
    same(run_afresh(fitted, sphere), was)


@pytest.mark.parametrize("turned", ["angles", "quaternion", "parent"])
def test_a_camera_is_told_to_the_last_digit(egg, target, scene, turned):
    camera = scene.camera
    camera.rotation_euler = (1.58123456, 0.0123456789, 0.0234567891)
    if turned == "quaternion":
        camera.rotation_mode = "QUATERNION"
        camera.rotation_quaternion = (0.7098765, 0.7012345, 0.0123456, 0.0078912)
    if turned == "parent":
        camera.parent = bpy.data.objects.new("Rig", None)
        scene.collection.objects.link(camera.parent)
        camera.parent.rotation_euler.z = 0.0123456
    bpy.context.view_layer.objects.active = egg
    bpy.ops.meshsdf.fit_step(steps=2)
    first, was, matrix = copied(egg), np.array(egg["meshsdf_code"]), np.array(camera.matrix_world)
    again = run_afresh(first, sphere)
    there = np.array(bpy.context.scene.camera.matrix_world)
    if turned == "angles":
        assert "rotation_euler = (1.5812346, 0.012345679, 0.02345679)" in first
        np.testing.assert_array_equal(there, matrix)
        np.testing.assert_array_equal(np.array(again["meshsdf_code"]), was)
    np.testing.assert_allclose(there, matrix, atol=3e-7)
    assert copied(again) == first


def test_where_a_target_stood_is_said(egg, target, scene):
    bpy.context.view_layer.objects.active = egg
    target.location, target.scale = (0.5, 0.0, -0.25), (1.0, 1.0, 1.0)
    bpy.ops.meshsdf.fit_step(steps=1)
    bpy.ops.meshsdf.fit_step(steps=2)
    target.location.x = 0.0
    target.name = 'T\n"; import os #'
    bpy.ops.meshsdf.fit_step(steps=1)
    text = copied(egg)
    stands = [line for line in text.splitlines() if " stands here: " in line]
    rest = "rotation_euler = (0.0, 0.0, 0.0), scale = (1.0, 1.0, 1.0)"
    assert stands == [
        f"# Object 'Target' stands here: location = (0.5, 0.0, -0.25), {rest}",
        f"# Object {target.name!r} stands here: location = (0.0, 0.0, -0.25), {rest}",
    ]
    assert np.all(["import os" not in line or line.startswith("#") for line in stands])


@pytest.mark.parametrize("why", ["unknown", "deleted", "of another space", "a circle", "no weight"])
def test_a_broken_blend_is_left_out_and_said(egg, fake, scene, tmp_path, why):
    bpy.ops.meshsdf.shape_add(space=fake.space)
    other = bpy.context.active_object
    other.name = "Other\n"
    bpy.context.view_layer.objects.active = egg
    values = egg.meshsdf.blend
    values.first, values.second, values.mode, values.factor = "Long", other.name, "TWO", 0.75
    values.keyframe_insert("factor", frame=1)
    other_name = other.name
    if why == "unknown":
        values.second = "Lng\nimport os"
        told = "# Left out: To of its blend: Space 'Fake' knows no shape 'Lng import os'"
    elif why == "deleted":
        scene.collection.objects.unlink(other)
        told = "which was deleted or taken out of every collection.\n"
    elif why == "of another space":
        other.meshsdf.space = "builtin:heads"
        told = "# Left out: To of its blend: Object 'Other ' lives in space"
    elif why == "a circle":
        other.meshsdf.blend.first, other.meshsdf.blend.second = egg.name, "Mean"
        other.meshsdf.blend.mode = "TWO"
        told = "# Left out: its blend: Object 'Fake' is blended of itself"
    else:
        values.codes[0].weight = values.codes[1].weight = 0.5
        values.codes[0].mark = "another space"
        values.first, values.second, values.mode = "Big", "Mean", "WEIGHTS"
        told = "# Left out: its blend: The code 'Long' was stored in space"
    was, text = state(egg), copied(egg)
    assert told in text
    assert not [line for line in text.splitlines() if line.startswith("import os")]
    assert "blend.mode" not in text
    assert "has to have" not in text
    assert why == "a circle" or other_name not in text
    again = run_afresh(text)
    same(again, was)
    assert again.meshsdf.blend.mode == "NONE"


def test_an_end_that_a_step_named_and_that_is_gone_is_not_needed(egg, fake, scene):
    bpy.ops.meshsdf.shape_add(space=fake.space)
    other = bpy.context.active_object
    other.name = "Other"
    bpy.context.view_layer.objects.active = egg
    bpy.ops.meshsdf.interpolate(first="Long", second="OTHER", factor=0.5)
    bpy.ops.meshsdf.slide(slider="Width", value=0.25)
    text = copied(egg)
    assert "has to have: object 'Other'" in text
    assert "second='Other'" in text
    egg.meshsdf.blend.second = "Other"
    scene.collection.objects.unlink(other)
    was, text = state(egg), copied(egg)
    assert "interpolate" not in text
    assert "has to have" not in text
    same(run_afresh(text), was)


def test_a_bake_of_a_blend_that_is_broken_is_left_out(egg, scene):
    bake(egg)
    egg.meshsdf.blend.second = "Lng"
    was, text = state(egg), copied(egg)
    assert "bake_frames" not in text
    same(run_afresh(text), was)
