"""The list of codes on a shape, and the blends of them, by hand."""

from __future__ import annotations

import time

import bpy
import numpy as np
import pytest

LONG, WIDE = [1, 0, 0, 0], [0, 1, 0, 0]


@pytest.fixture
def egg(scene, fake):
    """A shape of the fake space with three stored codes: Mean, Long and Wide; its own is Wide."""
    bpy.ops.meshsdf.shape_add(space=fake.space, resolution=48)
    ob = bpy.context.active_object
    for title, values in (("Mean", None), ("Long", (2, 0)), ("Wide", (0, 2))):
        if values:
            ob.meshsdf.slider_1, ob.meshsdf.slider_2 = values
        assert bpy.ops.meshsdf.code_store(title=title) == {"FINISHED"}
    return ob


def code_of(ob):
    return np.array(ob["meshsdf_code"])


def names(ob):
    return [entry.name for entry in ob.meshsdf.blend.codes]


def size(ob):
    bpy.context.view_layer.update()
    return tuple(ob.dimensions)


def test_codes_are_stored_exactly_with_pictures_and_names(egg, part):
    stored, blend = part("blending.stored"), egg.meshsdf.blend
    assert names(egg) == ["Mean", "Long", "Wide"]
    np.testing.assert_array_equal(stored.code_of(egg, blend.codes[2]), code_of(egg))
    pictures = [stored.picture_of(entry.picture) for entry in blend.codes]
    assert pictures[0].shape == (64, 64, 4)
    assert 0.2 < (pictures[1][..., 3] > 0.5).mean() < 0.9
    assert not np.array_equal(pictures[1], pictures[2])
    bpy.ops.meshsdf.code_store()
    bpy.ops.meshsdf.code_store()
    bpy.ops.meshsdf.code_store(title="Wide")
    assert names(egg)[3:] == ["Code 1", "Code 2", "Wide 1"]
    assert part("blending.pictures").icon(blend.codes[0]) >= 0


def test_applying_moving_renaming_and_removing(egg):
    blend = egg.meshsdf.blend
    assert bpy.ops.meshsdf.code_apply(code="Long") == {"FINISHED"}
    np.testing.assert_allclose(code_of(egg), LONG, atol=1e-6)
    assert blend.active == 1
    assert bpy.ops.meshsdf.code_apply(code="3") == {"FINISHED"}
    np.testing.assert_allclose(code_of(egg), WIDE, atol=1e-6)
    bpy.ops.meshsdf.code_move(direction="UP")
    assert names(egg) == ["Mean", "Wide", "Long"]
    bpy.ops.meshsdf.code_move(code="Mean", direction="UP")  # is the first already
    assert names(egg) == ["Mean", "Wide", "Long"]
    blend.first = "Wide"
    blend.codes["Wide"].name = "Broad"
    assert blend.first == "Broad"
    blend.codes["Broad"].name = "Long"  # taken
    assert names(egg) == ["Mean", "Long 1", "Long"]
    blend.codes["Long 1"].name = ""
    assert names(egg) == ["Mean", "Code 1", "Long"]
    bpy.ops.meshsdf.code_remove(code="Code 1")
    assert names(egg) == ["Mean", "Long"]
    with pytest.raises(RuntimeError, match=r"no stored code 'Broad'.*Use Mean, Long"):
        bpy.ops.meshsdf.code_apply(code="Broad")
    bpy.ops.meshsdf.code_remove()
    bpy.ops.meshsdf.code_remove()
    with pytest.raises(RuntimeError, match="Store a code of this shape first"):
        bpy.ops.meshsdf.code_apply()


def undone():
    window = bpy.context.window_manager.windows[0]
    with bpy.context.temp_override(window=window):
        bpy.ops.ed.undo()


@pytest.mark.parametrize(
    ("operator", "given", "after"),
    [
        ("code_store", {"title": "New"}, ["Mean", "Long", "Wide", "New"]),
        ("code_remove", {"code": "Long"}, ["Mean", "Wide"]),
        ("code_move", {"code": "Long", "direction": "DOWN"}, ["Mean", "Wide", "Long"]),
        ("code_apply", {"code": "Long"}, ["Mean", "Long", "Wide"]),
    ],
)
def test_each_change_of_the_list_can_be_undone(egg, operator, given, after):
    name, code, before = egg.name, code_of(egg), size(egg)
    bpy.ops.ed.undo_push(message="base")
    getattr(bpy.ops.meshsdf, operator)("EXEC_DEFAULT", True, **given)
    assert names(bpy.data.objects[name]) == after
    undone()
    ob = bpy.data.objects[name]
    assert names(ob) == ["Mean", "Long", "Wide"]
    np.testing.assert_array_equal(code_of(ob), code)
    assert size(ob) == pytest.approx(before)


def test_between_two_by_hand(egg):
    blend = egg.meshsdf.blend
    before = code_of(egg)
    blend.mode = "TWO"
    np.testing.assert_array_equal(code_of(egg), before)  # no ends yet
    blend.first, blend.second = "Mean", "Long"
    blend.factor = 0.25
    np.testing.assert_allclose(code_of(egg), [0.25, 0, 0, 0], atol=1e-6)
    quarter = size(egg)[0]
    blend.factor = 1.0
    assert size(egg)[0] > quarter
    blend.factor, blend.method = 0.25, "SMOOTH"
    np.testing.assert_allclose(code_of(egg), [0.15625, 0, 0, 0], atol=1e-6)
    blend.second = "wide"  # a known shape of the space
    np.testing.assert_allclose(code_of(egg), [0, 0.15625, 0, 0], atol=1e-6)
    assert blend.mode == "TWO"


def test_the_weighted_mean_of_several(egg, part):
    blend = egg.meshsdf.blend
    blend.mode = "WEIGHTS"
    np.testing.assert_allclose(code_of(egg), WIDE, atol=1e-6)  # no weights: left alone
    blend.codes["Long"].weight = 3.0
    np.testing.assert_allclose(code_of(egg), LONG, atol=1e-6)
    blend.codes["Wide"].weight = 1.0
    np.testing.assert_allclose(code_of(egg), [0.75, 0.25, 0, 0], atol=1e-6)
    blend.codes["Mean"].weight = 4.0
    np.testing.assert_allclose(code_of(egg), [0.375, 0.125, 0, 0], atol=1e-6)
    blend.codes["Mean"].weight = -1.0
    assert blend.codes["Mean"].weight == 0.0
    weighted = part("blending.mixing").weighted
    assert weighted([np.ones(3)], [0.0]) is None
    np.testing.assert_allclose(weighted([np.ones(3), np.zeros(3)], [1, -5]), np.ones(3))


def test_the_paths_are_those_of_the_core(part):
    torch = pytest.importorskip("torch")
    from core.interpolation import interpolate

    a, b = np.random.default_rng(2).normal(size=(2, 7)).astype("f4")
    both = torch.tensor(np.stack([a, b]))
    for factor in (0.0, 0.3, 1.0):
        for method in ("linear", "spherical"):
            ours = part("blending.mixing").between(a, b, factor, method.upper())
            np.testing.assert_allclose(ours, interpolate(both, factor, method), atol=1e-5)
    between = part("blending.mixing").between
    np.testing.assert_allclose(between(a, -a, 0.5, "SPHERICAL"), 0 * a, atol=1e-6)


def test_other_ways_to_change_the_shape_end_the_blend_and_keep_its_values(egg):
    blend = egg.meshsdf.blend
    blend.first, blend.second, blend.factor = "Mean", "Long", 0.5
    changes = (
        lambda: setattr(egg.meshsdf, "slider_2", 1.0),
        lambda: bpy.ops.meshsdf.code_apply(code="Wide"),
        lambda: bpy.ops.meshsdf.randomise(seed=1),
    )
    for change in changes:
        blend.mode = "TWO"
        assert bpy.ops.meshsdf.shape_update() == {"FINISHED"}
        assert blend.mode == "TWO"  # the same code, meshed anew
        change()
        assert (blend.mode, blend.factor) == ("NONE", 0.5)
    blend.mode, blend.factor = "TWO", 1.0
    bpy.ops.meshsdf.code_apply(code="Long")  # the code that it has already
    assert blend.mode == "NONE"


def test_a_fit_ends_the_blend_and_one_that_fails_brings_it_back(egg, target, fake, part):
    bpy.context.view_layer.objects.active = egg
    blend = egg.meshsdf.blend
    blend.first, blend.second, blend.factor, blend.mode = "Mean", "Wide", 0.5, "TWO"
    code = code_of(egg)
    run = part("fitting.fit_run").FitRun(bpy.context, egg)
    step = None
    while step is None or step.step < 2:
        step = run.advance(0.1)
        if step is not None:
            run.write(bpy.context, step)
    assert blend.mode == "NONE"
    run.fail()
    assert blend.mode == "TWO"
    np.testing.assert_array_equal(code_of(egg), code)
    assert bpy.ops.meshsdf.fit() == {"FINISHED"}
    assert blend.mode == "NONE"


def test_codes_of_another_space_are_refused_in_words(egg, part, monkeypatch):
    stored = part("blending.stored")
    monkeypatch.setattr(stored, "mark", lambda info: "another")
    before = code_of(egg)
    with pytest.raises(RuntimeError, match=r"'Long' was stored in space 'Fake'.*remove that code"):
        bpy.ops.meshsdf.code_apply(code="Long")
    blend = egg.meshsdf.blend
    blend.mode = "WEIGHTS"
    blend.codes["Long"].weight = 1.0
    assert "was stored in space" in egg.meshsdf.message
    np.testing.assert_array_equal(code_of(egg), before)


def test_a_blend_without_a_surface_changes_nothing(egg):
    blend = egg.meshsdf.blend
    egg.meshsdf.slider_1 = -3.9
    bpy.ops.meshsdf.code_store(title="Least")
    entry = blend.codes["Least"]
    far = np.array([-6, 0, 0, 0], dtype="<f4")
    entry.code = __import__("base64").b64encode(far.tobytes()).decode()
    blend.first, blend.second = "Mean", "Least"
    blend.mode = "TWO"
    before = code_of(egg)
    blend.factor = 1.0
    assert "has no shape so far out" in egg.meshsdf.message
    np.testing.assert_array_equal(code_of(egg), before)


def test_a_dragged_factor_is_followed_as_a_slider_is(egg, part, monkeypatch):
    live = part("shapes.slider_live")
    monkeypatch.setattr(part("shapes.slide"), "in_script", lambda: False)
    blend, whole = egg.meshsdf.blend, len(egg.data.vertices)
    blend.mode, blend.first, blend.second = "TWO", "Mean", "Long"
    for step in range(1, 6):
        blend.factor = 0.2 * step
        assert egg.meshsdf.draft
        live.tick()
        time.sleep(0.02)
        live.tick()
    assert 0 < len(egg.data.vertices) < whole
    end = time.monotonic() + 20
    while live.tick() is not None:
        assert time.monotonic() < end
        time.sleep(0.005)
    assert not egg.meshsdf.draft
    assert len(egg.data.vertices) == whole
    assert blend.mode == "TWO"
    np.testing.assert_allclose(code_of(egg), LONG, atol=1e-6)


def test_copies_have_their_own_lists_and_shared_meshes_are_refused(egg):
    copy = egg.copy()
    copy.data = egg.data.copy()
    bpy.context.collection.objects.link(copy)
    bpy.context.view_layer.objects.active = copy
    bpy.ops.meshsdf.code_remove(code="Long")
    assert (names(copy), names(egg)) == (["Mean", "Wide"], ["Mean", "Long", "Wide"])
    copy.meshsdf.blend.codes[0].name = "Own"
    assert names(egg)[0] == "Mean"
    linked = egg.copy()
    bpy.context.collection.objects.link(linked)
    bpy.context.view_layer.objects.active = linked
    with pytest.raises(RuntimeError, match="is shared with"):
        bpy.ops.meshsdf.code_apply(code="Long")
    blend, code = linked.meshsdf.blend, code_of(linked)
    blend.first, blend.second, blend.factor, blend.mode = "Mean", "Long", 0.5, "TWO"
    assert "is shared with" in linked.meshsdf.message
    np.testing.assert_array_equal(code_of(linked), code)


def test_a_regular_mesh_keeps_its_list_for_the_way_back(egg):
    names = [code.name for code in egg.meshsdf.blend.codes]
    assert names
    bpy.ops.meshsdf.make_regular()
    bpy.ops.meshsdf.make_shape()
    assert [code.name for code in egg.meshsdf.blend.codes] == names
    bpy.ops.meshsdf.make_regular(forget=True)
    assert not egg.meshsdf.blend.codes
    assert egg.meshsdf.blend.mode == "NONE"


def test_a_picture_shows_a_ball_round_and_lit_from_above(part):
    shaded = part("shapes.thumbnail").shaded
    bpy.ops.mesh.primitive_uv_sphere_add(segments=48, ring_count=24)
    vertices, faces = part("shapes.mesh_upload").read(bpy.context.active_object.data)
    picture = shaded(vertices, faces, 50)
    assert picture.shape == (50, 50, 4)
    assert picture.dtype == np.float32
    radius = 50 * 0.46
    assert picture[..., 3].sum() == pytest.approx(np.pi * radius**2, rel=0.02)
    assert picture[40, 20, 0] > picture[10, 30, 0]  # row 0 is at the bottom
    # A small thing in front hides what is behind it, and one behind does not.
    front = 0.2 * vertices + [0.5, -2, 0.4]
    both = np.vstack([vertices, front]), np.vstack([faces, faces + len(vertices)])
    swapped = np.vstack([front, vertices]), np.vstack([faces, faces + len(vertices)])
    np.testing.assert_allclose(shaded(*both, 50), shaded(*swapped, 50), atol=1e-6)
    assert not shaded(np.zeros((0, 3)), np.zeros((0, 3), int), 8).any()
