"""Sliders: values read off the code and written into it. See test_blender_follow for windows."""

from __future__ import annotations

from types import SimpleNamespace

import bpy
import numpy as np
import pytest


@pytest.fixture
def egg(scene, fake):
    """A shape of the fake space, whose sliders add 0.5 to one number of the code each."""
    assert bpy.ops.meshsdf.shape_add(space=fake.space, resolution=48) == {"FINISHED"}
    return bpy.context.active_object


def code_of(ob):
    return np.array(ob["meshsdf_code"])


def test_a_slider_reads_and_writes_the_code(egg):
    mean = code_of(egg)
    values = egg.meshsdf
    assert (values.slider_1, values.slider_2, values.slider_3) == (0, 0, 0)
    before = len(egg.data.vertices), egg.dimensions.x
    values.slider_1 = 1.5
    np.testing.assert_allclose(code_of(egg) - mean, [0.75, *[0] * (len(mean) - 1)], atol=1e-6)
    assert (values.slider_1, values.slider_2) == pytest.approx((1.5, 0))
    assert len(egg.data.vertices) == before[0]
    bpy.context.view_layer.update()
    assert egg.dimensions.x != pytest.approx(before[1], rel=1e-3)
    values.slider_5 = 1.0  # this space has two
    assert values.slider_5 == 0


def test_other_sliders_and_the_rest_of_the_code_stay(egg, part):
    code = code_of(egg)
    code += np.linspace(0.1, 0.3, len(code), dtype=np.float32)
    part("shapes.codes").write(egg, code)
    values = egg.meshsdf
    second = values.slider_2
    values.slider_1 = -1.0
    np.testing.assert_allclose(code_of(egg)[1:], code[1:], atol=1e-6)
    assert values.slider_2 == pytest.approx(second, abs=1e-6)


def test_operators_set_reset_and_draw(egg):
    mean = code_of(egg)
    assert bpy.ops.meshsdf.slide(slider="width", value=2.0) == {"FINISHED"}
    assert egg.meshsdf.slider_2 == pytest.approx(2.0)
    assert bpy.ops.meshsdf.slide(slider="1", value=1.0) == {"FINISHED"}
    assert bpy.ops.meshsdf.slider_reset(slider="Width") == {"FINISHED"}
    assert egg.meshsdf.slider_2 == pytest.approx(0, abs=1e-6)
    assert egg.meshsdf.slider_1 == pytest.approx(1.0)
    egg.meshsdf.locks[0] = True
    assert bpy.ops.meshsdf.randomise(seed=3, strength=1.0) == {"FINISHED"}
    drawn = egg.meshsdf.slider_2
    assert drawn != pytest.approx(0, abs=1e-3)
    assert egg.meshsdf.slider_1 == pytest.approx(1.0)
    assert bpy.ops.meshsdf.randomise(seed=4) == {"FINISHED"}
    assert egg.meshsdf.slider_2 != pytest.approx(drawn, abs=1e-3)
    assert bpy.ops.meshsdf.randomise(seed=3, strength=1.0) == {"FINISHED"}
    assert egg.meshsdf.slider_2 == pytest.approx(drawn)
    assert bpy.ops.meshsdf.slider_reset() == {"FINISHED"}
    np.testing.assert_allclose(code_of(egg), mean, atol=1e-6)
    with pytest.raises(RuntimeError, match=r"no slider 'Age'.*Length, Width"):
        bpy.ops.meshsdf.slide(slider="Age", value=1)


def test_randomise_takes_a_new_seed_at_every_press(egg, part):
    """As the button does it; the background goes to ``execute`` at once."""
    operator = part("operators.slide").MESHSDF_OT_randomise
    egg.meshsdf.locks[1] = True
    pressed = SimpleNamespace(execute=lambda context: {"FINISHED"})
    seeds = set()
    for _ in range(8):
        assert operator.invoke(pressed, bpy.context, None) == {"FINISHED"}
        assert tuple(pressed.locks) == tuple(egg.meshsdf.locks)
        seeds.add(pressed.seed)
    assert len(seeds) > 6
    codes = set()
    for seed in range(4):
        bpy.ops.meshsdf.randomise(seed=seed)
        codes.add(tuple(code_of(egg)))
    assert len(codes) == 4
    # What the panel at the lower left shows can be given, over the shape's own locks.
    was = egg.meshsdf.slider_1, egg.meshsdf.slider_2
    bpy.ops.meshsdf.randomise(seed=5, locks=[True] + [False] * 11)
    assert egg.meshsdf.slider_1 == pytest.approx(was[0])
    assert egg.meshsdf.slider_2 != pytest.approx(was[1], abs=1e-3)
    bpy.ops.meshsdf.randomise(seed=6, locks=[False] * 12)
    assert egg.meshsdf.slider_1 != pytest.approx(was[0], abs=1e-3)


def test_a_code_without_a_surface_changes_nothing(egg):
    code, count = code_of(egg), len(egg.data.vertices)
    with pytest.raises(RuntimeError, match="has no shape so far out"):
        bpy.ops.meshsdf.slide(slider="Length", value=-6.0)
    np.testing.assert_array_equal(code_of(egg), code)
    assert len(egg.data.vertices) == count


def test_a_refused_write_leaves_the_value_and_says_why(egg, capfd):
    values, code = egg.meshsdf, code_of(egg)

    def refused(why):
        values.slider_1 = 1.0
        np.testing.assert_array_equal(code_of(egg), code)
        assert why in values.message
        assert f"MeshSDF: {values.message}" in capfd.readouterr().err

    egg.shape_key_add(name="Basis")
    refused("shape keys")
    egg.shape_key_clear()
    bpy.ops.object.mode_set(mode="EDIT")
    refused("Edit Mode")
    bpy.ops.object.mode_set(mode="OBJECT")
    twin = egg.copy()
    refused("is shared with object")
    bpy.data.objects.remove(twin)
    values.slider_3 = 1.0
    assert "has no slider 3. Its space has 2." in capfd.readouterr().err
    values.slider_2 = 9.0
    assert values.slider_2 == 6.0


def test_a_slider_of_a_space_that_was_not_read_yet_says_so(egg, part, capfd):
    part("spaces.catalogue").forget()
    egg.meshsdf.slider_1 = 1.0
    assert "slider_show()" in capfd.readouterr().err
    assert bpy.ops.meshsdf.slider_show() == {"FINISHED"}
    egg.meshsdf.slider_1 = 1.0
    assert egg.meshsdf.slider_1 == 1.0
    assert not capfd.readouterr().err
