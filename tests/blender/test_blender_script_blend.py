"""Copy as Script: stored codes, blends, keyframes, and what is made from a shape."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from tests.blender.copied_script import copied, lines, run_afresh, same, state


@pytest.fixture
def egg(shape_object):
    """A shape with two stored codes, at another one."""
    bpy.ops.meshsdf.slide(slider="Length", value=1.0)
    bpy.ops.meshsdf.code_store(title="Long")
    bpy.ops.meshsdf.slide(slider="Width", value=0.7)
    bpy.ops.meshsdf.code_store(title='Big "one"')
    bpy.ops.meshsdf.slide(slider="Length", value=-0.3)
    return shape_object


def blended(ob):
    """What is stored of codes and blend, and how it is keyed."""
    blend = ob.meshsdf.blend
    entries = [(e.name, e.code, e.mark, e.space, e.picture, e.weight) for e in blend.codes]
    led = blend.mode, blend.first, blend.second, blend.factor, blend.method, blend.active
    return {"codes": entries, "led": led}


def meshes_of_frames(ob, frames):
    found = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        found.append(state(ob)["mesh"].copy())
    return found


def test_stored_codes_and_the_blend_come_back(egg):
    blend = egg.meshsdf.blend
    blend.first, blend.second, blend.method = "Long", 'Big "one"', "SMOOTH"
    blend.mode, blend.factor = "TWO", 0.3
    blend.codes[0].weight, blend.active = 0.25, 0
    was, told, text = state(egg), blended(egg), copied(egg)
    assert text.count("code_store") == 1
    assert "What keyframes" not in text  # the blend says it
    again = run_afresh(text)
    same(again, was)
    assert blended(again) == told
    assert copied(again) == text
    again.meshsdf.blend.factor = 1.0
    np.testing.assert_allclose(again["meshsdf_code"], [0.5, 0.35, 0, 0], atol=1e-6)


def test_weights_come_back(egg):
    blend = egg.meshsdf.blend
    blend.mode = "WEIGHTS"
    blend.codes[0].weight, blend.codes[1].weight = 0.2, 0.6
    was, told, text = state(egg), blended(egg), copied(egg)
    again = run_afresh(text)
    same(again, was)
    assert blended(again) == told


def test_a_blend_that_was_left_keeps_its_values(egg):
    blend = egg.meshsdf.blend
    blend.first, blend.second, blend.mode, blend.factor = "Long", "Mean", "TWO", 0.5
    bpy.ops.meshsdf.slide(slider="Width", value=0.2)
    assert blend.mode == "NONE"
    was, told, text = state(egg), blended(egg), copied(egg)
    again = run_afresh(text)
    same(again, was)
    assert blended(again) == told


def test_keyframes_of_the_blend_come_back(egg, scene):
    blend = egg.meshsdf.blend
    blend.first, blend.second, blend.mode = "Long", 'Big "one"', "TWO"
    for frame, blend.factor in ((3, 0.0), (7, 1.0), (11, 0.4)):
        blend.keyframe_insert("factor", frame=frame)
    blend.codes[1].weight = 0.5
    blend.codes[1].keyframe_insert("weight", frame=4)
    curve = next(c for c in curves(egg) if c.data_path.endswith("factor"))
    curve.extrapolation = "LINEAR"
    first, second, _ = curve.keyframe_points
    first.interpolation = "LINEAR"
    second.handle_right_type = "FREE"
    second.handle_right = (8.5, 1.5)
    second.handle_left_type = "VECTOR"
    curve.update()
    scene.frame_set(9)
    was, told, text = state(egg), blended(egg), copied(egg)
    frames = [1, 3, 5, 8, 9, 12]
    meshes = meshes_of_frames(egg, frames)
    values = [curve.evaluate(frame) for frame in frames]
    again = run_afresh(text)
    assert bpy.context.scene.frame_current == 9
    same(again, was)
    assert blended(again) == told
    curve = next(c for c in curves(again) if c.data_path.endswith("factor"))
    np.testing.assert_allclose([curve.evaluate(frame) for frame in frames], values, atol=1e-6)
    for mesh, there in zip(meshes, meshes_of_frames(again, frames), strict=True):
        np.testing.assert_allclose(there, mesh, atol=1e-5)


def curves(ob):
    action = ob.animation_data.action
    if hasattr(action, "fcurves"):
        return action.fcurves
    return action.layers[0].strips[0].channelbags[0].fcurves


def test_keyframes_of_the_code_come_back(shape_object, scene):
    for frame, value in ((1, 0.0), (5, 2.0)):
        bpy.ops.meshsdf.slide(slider="Length", value=value)
        shape_object.keyframe_insert('["meshsdf_code"]', frame=frame)
    scene.frame_set(3)
    was, text = state(shape_object), copied(shape_object)
    frames = [1, 2, 4, 5]
    meshes = meshes_of_frames(shape_object, frames)
    again = run_afresh(text)
    same(again, was)
    for mesh, there in zip(meshes, meshes_of_frames(again, frames), strict=True):
        np.testing.assert_allclose(there, mesh, atol=1e-5)


def test_stored_codes_are_applied_and_blended_by_their_names(egg):
    bpy.ops.meshsdf.code_apply(code="1")
    bpy.ops.meshsdf.slide(slider="Width", value=-0.5)
    bpy.ops.meshsdf.interpolate(first="Long", second='Big "one"', factor=0.25)
    was, text = state(egg), copied(egg)
    assert "bpy.ops.meshsdf.code_apply(code='Long')" in lines(text)
    assert text.count("interpolate(") == 1
    same(run_afresh(text), was)


@pytest.mark.parametrize("change", ["removed", "renamed", "another"])
def test_steps_of_stored_codes_that_changed_bring_their_code(egg, change):
    bpy.ops.meshsdf.code_apply(code="Long")
    bpy.ops.meshsdf.slide(slider="Width", value=-0.5)
    bpy.ops.meshsdf.interpolate(first="Long", second="wide", factor=0.25)
    bpy.ops.meshsdf.slide(slider="Width", value=0.5)
    if change == "renamed":
        egg.meshsdf.blend.codes[0].name = "Lange"
    else:
        bpy.ops.meshsdf.code_remove(code="Long")
    if change == "another":
        bpy.ops.meshsdf.code_store(title="Long")
    was, told, text = state(egg), blended(egg), copied(egg)
    assert "code_apply" not in text
    again = run_afresh(text)
    same(again, was)
    assert blended(again)["codes"] == told["codes"]


def test_what_the_script_cannot_bring_is_named(egg):
    blend = egg.meshsdf.blend
    blend.codes[0].mark = "another space"
    blend.first, blend.second, blend.mode, blend.factor = 'Big "one"', "Mean", "TWO", 0.5
    blend.codes[1].driver_add("weight").driver.expression = "0.5"
    blend.codes[1].weight = 0.5
    was, text = state(egg), copied(egg)
    assert "# Left out: the stored code 'Long', which is of another space." in text
    assert "# Left out: drivers." in text
    again = run_afresh(text)
    same(again, was)
    (entry,) = again.meshsdf.blend.codes
    assert entry.name == 'Big "one"'
    assert entry.weight == pytest.approx(0.5)


@pytest.mark.parametrize("code", ["no base 64", "AAAA", "AADAfwAAAAAAAAAAAAAAAA=="])
def test_damaged_codes_are_left_out(egg, code):
    egg.meshsdf.blend.codes[0].code = code
    was, text = state(egg), copied(egg)
    assert "# Left out: the stored code 'Long', which is damaged." in text
    same(run_afresh(text), was)


def test_another_shape_at_the_end_of_a_blend_is_needed(egg, fake):
    bpy.ops.meshsdf.shape_add(space=fake.space)
    other = bpy.context.active_object
    other.name = "Other"
    blend = egg.meshsdf.blend
    blend.first, blend.second, blend.mode, blend.factor = "Long", "Other", "TWO", 0.5
    was, text = state(egg), copied(egg)
    assert "has to have: object 'Other'" in text
    with pytest.raises(RuntimeError, match="nothing called 'Other' among its objects"):
        run_afresh(text)
    assert not len(bpy.data.objects)

    def add():
        bpy.ops.meshsdf.shape_add(space=fake.space)
        bpy.context.active_object.name = "Other"

    same(run_afresh(text, add), was)


def test_retopology_is_done_again(egg):
    bpy.ops.meshsdf.retopologise(method="DECIMATE", faces=40, hide=True)
    made = bpy.context.active_object
    count, name = len(made.data.polygons), made.name
    egg.hide_set(False)
    bpy.context.view_layer.objects.active = egg
    bpy.ops.meshsdf.slide(slider="Length", value=1.4)
    was, text = state(egg), copied(egg)
    assert "retopologise(method='DECIMATE', faces=40)" in text
    again = run_afresh(text)
    same(again, was)
    assert not again.hide_get()
    assert len(bpy.data.objects[name].data.polygons) == count
    assert not bpy.data.objects[name].meshsdf.after.record
    again.hide_set(True)
    assert run_afresh(copied(again)).hide_get()


def test_frames_are_baked_again(egg, scene):
    scene.frame_start, scene.frame_end = 2, 5
    blend = egg.meshsdf.blend
    blend.first, blend.second, blend.mode = "Long", 'Big "one"', "TWO"
    for frame, blend.factor in ((2, 0.0), (5, 1.0)):
        blend.keyframe_insert("factor", frame=frame)
    bpy.ops.meshsdf.bake_frames(step=2)
    made = bpy.context.active_object.name
    egg.hide_set(False)
    text = copied(egg)
    assert lines(text)[-1] == "bpy.ops.meshsdf.bake_frames(start=2, end=5, step=2)"
    was = state(egg)
    again = run_afresh(text)
    same(again, was)
    assert bpy.data.objects[made].modifiers[0].type == "NODES"
    assert len(bpy.data.collections[f"{made} Frames"].objects) == 2
    assert again.hide_render
    assert not again.hide_get()


def test_a_bake_of_what_nothing_moves_any_more_is_left_out(egg, scene):
    scene.frame_end = 2
    egg.keyframe_insert('["meshsdf_code"]', frame=1)
    bpy.ops.meshsdf.bake_frames()
    egg.hide_set(False)
    egg.animation_data_clear()
    was, text = state(egg), copied(egg)
    assert "bake_frames" not in text
    again = run_afresh(text)
    same(again, was)
    assert copied(again) == text


def test_a_regular_mesh_brings_its_codes(egg):
    egg.data.shade_flat()
    bpy.ops.meshsdf.make_regular()
    was, told, text = state(egg), blended(egg), copied(egg)
    again = run_afresh(text)
    same(again, was)
    assert not again.meshsdf.space
    assert blended(again) == told
    assert again.data.attributes["sharp_face"].data[0].value


@pytest.mark.parametrize("by", ["factor", "weights"])
def test_values_that_were_set_after_their_keyframes_come_back(egg, scene, by):
    blend = egg.meshsdf.blend
    if by == "factor":
        blend.first, blend.second, blend.mode = "Long", 'Big "one"', "TWO"
        for frame, blend.factor in ((1, 0.0), (24, 1.0)):
            blend.keyframe_insert("factor", frame=frame)
        bpy.ops.meshsdf.bake_frames(start=1, end=2)  # the frame is put back after it
        egg.hide_set(False)
        blend.factor = 0.75
    else:
        blend.mode, blend.codes[0].weight = "WEIGHTS", 0.5
        for frame, blend.codes[1].weight in ((1, 0.0), (24, 1.0)):
            blend.codes[1].keyframe_insert("weight", frame=frame)
    assert scene.frame_current == 1
    was, told, text = state(egg), blended(egg), copied(egg)
    again = run_afresh(text)
    same(again, was)
    assert blended(again) == told
    assert copied(again) == text
    assert "amplitude" not in text
    assert "{}" in text


def test_values_that_are_as_their_keyframes_say_are_written_once(egg, scene):
    blend = egg.meshsdf.blend
    blend.first, blend.second, blend.mode = "Long", 'Big "one"', "TWO"
    for frame, blend.factor in ((1, 0.25), (24, 1.0)):
        blend.keyframe_insert("factor", frame=frame)
    scene.frame_set(5)
    assert copied(egg).count(".factor = ") == 1


def test_a_bake_of_a_blend_without_an_end_is_left_out(egg, scene):
    scene.frame_end = 2
    blend = egg.meshsdf.blend
    blend.first, blend.second, blend.mode = "Long", 'Big "one"', "TWO"
    blend.keyframe_insert("factor", frame=1)
    bpy.ops.meshsdf.bake_frames()
    egg.hide_set(False)
    blend.second = ""
    was, text = state(egg), copied(egg)
    assert "bake_frames" not in text
    again = run_afresh(text)
    same(again, was)
    assert copied(again) == text
