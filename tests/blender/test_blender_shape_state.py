"""The state of a shape: read, kept as text, checked whole, and put back with nothing following."""

from __future__ import annotations

import json

import bpy
import numpy as np
import pytest

# Properties of a shape that are no part of what it looks like.
LEFT_OUT = {"locks", "name", "handle_index"}


@pytest.fixture
def state_of(part):
    return part("shapes.shape_state").ShapeState.of


@pytest.fixture
def fitted(shape_object, target, scene):
    """A shape after its fit, which moved it too."""
    bpy.context.view_layer.objects.active = shape_object
    scene.meshsdf.steps, scene.meshsdf.move = 5, True
    bpy.ops.meshsdf.fit()
    return shape_object


@pytest.fixture
def in_window(part, monkeypatch):
    """Shapes are followed as in a window; the value is who is."""
    followed = []
    monkeypatch.setattr(part("shapes.slide"), "in_script", lambda: False)
    monkeypatch.setattr(part("shapes.slider_live"), "follow", lambda ob, **_: followed.append(ob))
    return followed


def test_every_property_is_part_of_the_state(shape_object, part):
    known = {*part("shapes.shape_state").SETTINGS, *LEFT_OUT}
    assert set(part("shapes.shape")._stored(shape_object.meshsdf)) <= known


def test_a_state_comes_back_exactly_from_its_text(fitted, part, state_of):
    fitted.rotation_mode = "AXIS_ANGLE"
    fitted.rotation_axis_angle = (0.1, 0.2, 0.3, 0.4)
    state = state_of(fitted)
    again = type(state).from_text(state.text())
    assert again.text() == state.text()
    fitted.rotation_mode = "XYZ"
    fitted.location.x += 1
    fitted.meshsdf.volume = 3
    bpy.ops.meshsdf.randomise(seed=2)
    assert state_of(fitted).text() != state.text()
    again.put(fitted)
    assert state_of(fitted).text() == state.text()


def test_comparing_in_a_window_has_no_mesh_made_anew(fitted, state_of, in_window):
    fitted.meshsdf.resolution, fitted.meshsdf.cap, fitted.meshsdf.newton = 24, True, 1
    in_window.clear()
    fitted.meshsdf.draft = False
    end = state_of(fitted)
    bpy.ops.meshsdf.fit_compare()
    assert fitted.meshsdf.resolution == 64
    assert not fitted.meshsdf.draft
    bpy.ops.meshsdf.fit_compare()
    assert state_of(fitted).text() == end.text()
    bpy.ops.meshsdf.fit_back()
    assert fitted.meshsdf.message == ""
    assert in_window == []


def test_a_coarse_mesh_is_made_whole_once_it_is_no_longer_compared(fitted, in_window):
    fitted.meshsdf.draft = True
    bpy.ops.meshsdf.fit_compare()
    assert in_window == []
    bpy.ops.meshsdf.fit_compare()
    assert in_window == [fitted]


def test_a_fit_that_fails_in_a_window_has_no_mesh_made_anew(
    shape_object, target, part, state_of, in_window
):
    bpy.context.view_layer.objects.active = shape_object
    start = state_of(shape_object)
    run = part("fitting.fit_run").FitRun(bpy.context, shape_object)
    step = None
    while step is None:
        step = run.advance(0.1)
    run.write(bpy.context, step)
    shape_object.meshsdf.resolution = 30
    in_window.clear()
    run.fail()
    assert state_of(shape_object).text() == start.text()
    assert in_window == []


@pytest.mark.parametrize("mode", ["TWO", "WEIGHTS"])
def test_going_back_goes_back_to_the_blend(shape_object, target, scene, state_of, mode):
    bpy.context.view_layer.objects.active = shape_object
    scene.meshsdf.steps = 5
    for title, value in (("a", 0.0), ("b", 1.0)):
        shape_object.meshsdf.slider_1 = value
        bpy.ops.meshsdf.code_store(title=title)
    blend = shape_object.meshsdf.blend
    blend.first, blend.second, blend.factor = "a", "b", 0.3
    blend.codes[0].weight, blend.codes[1].weight = 1.0, 2.0
    blend.mode = mode
    start = state_of(shape_object)
    bpy.ops.meshsdf.fit()
    assert blend.mode == "NONE"
    bpy.ops.meshsdf.fit_compare()
    assert blend.mode == mode
    bpy.ops.meshsdf.fit_compare()
    assert blend.mode == "NONE"
    blend.factor = 0.9  # which moves nothing now, and shall not when the blend is back
    bpy.ops.meshsdf.fit_back()
    assert state_of(shape_object).text() == start.text()
    assert blend.mode == mode


def broken(told, name):
    """What somebody may have made of the kept text."""
    where = {"transform": told["transform"], "settings": told["settings"], "": told}
    changes = {
        "an unknown name": ("transform", "nope", 1),
        "another attribute": ("transform", "name", "Mine"),
        "no data": ("transform", "data", None),
        "another setting": ("settings", "locks", True),
        "a short vector": ("transform", "location", [1.0, 2.0]),
        "words for numbers": ("transform", "scale", ["a", "b", "c"]),
        "no finite place": ("transform", "location", [float("nan"), 0.0, 0.0]),
        "an unknown mode": ("transform", "rotation_mode", "SIDEWAYS"),
        "an unknown axis": ("settings", "up", "W"),
        "words for a number": ("settings", "resolution", "64"),
        "a number too large": ("settings", "resolution", 2**40),
        "a number for a switch": ("settings", "cap", 7),
        "an unknown blend": ("", "blend", "THREE"),
        "a list for a blend": ("", "blend", ["TWO"]),
        "a short code": ("", "code", [0.0]),
        "no code": ("", "code", []),
        "no numbers": ("", "code", ["0", "1", "2", "3"]),
        "no finite code": ("", "code", [float("inf"), 0.0, 0.0, 0.0]),
        "no transform": ("", "transform", 3),
    }
    group, key, value = changes[name]
    where[group][key] = value
    return told


@pytest.mark.parametrize(
    "name",
    [
        *("an unknown name", "another attribute", "no data", "another setting", "a short vector"),
        *("words for numbers", "no finite place", "an unknown mode", "an unknown axis"),
        *("words for a number", "a number too large", "a number for a switch", "an unknown blend"),
        *("a list for a blend", "a short code", "no code", "no numbers", "no finite code"),
        "no transform",
    ],
)
def test_a_broken_text_is_refused_before_anything_is_written(fitted, state_of, name):
    before = fitted.meshsdf.before
    before.kept = json.dumps(broken(json.loads(before.kept), name))
    start, mesh, kept = state_of(fitted).text(), fitted.data, before.kept
    for pressed in ("fit_compare", "fit_back"):
        with pytest.raises(RuntimeError, match="before the fit cannot be read"):
            getattr(bpy.ops.meshsdf, pressed)()
        assert state_of(fitted).text() == start
        assert fitted.data == mesh
        assert (before.kept, before.shown) == (kept, False)
    assert bpy.ops.meshsdf.fit_accept() == {"FINISHED"}


@pytest.mark.parametrize("text", ["", "[]", "3", "null", "{}", "[[[["])
def test_what_is_no_state_at_all_is_refused(fitted, text):
    fitted.meshsdf.before.kept = text
    with pytest.raises(RuntimeError, match="before the fit cannot be read"):
        bpy.ops.meshsdf.fit_compare()
    assert not fitted.meshsdf.before.shown


def test_a_mesh_that_was_removed_while_before_is_shown_leaves_no_lock(fitted, part):
    bpy.ops.meshsdf.fit_compare()
    bpy.data.meshes.remove(fitted.meshsdf.before.mesh)
    assert part("shapes.mesh_upload").is_editable(fitted)
    assert np.isfinite(fitted["meshsdf_code"]).all()
    assert bpy.ops.meshsdf.randomise() == {"FINISHED"}
