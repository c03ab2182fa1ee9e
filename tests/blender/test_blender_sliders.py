"""Sliders: values read off the code, and meshes that follow them, coarse first."""

from __future__ import annotations

import time
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


def driven(part, monkeypatch):
    """Slider moves are followed as in a window, and the timer's ticks are ours."""
    monkeypatch.setattr(part("shapes.slide"), "in_script", lambda: False)
    return part("shapes.slider_live")


def settle(live, *, most=20.0):
    end = time.monotonic() + most
    cells = [asked.cells for asked in live._asked]
    while live.tick() is not None:
        assert time.monotonic() < end
        cells += [asked.cells for asked in live._asked]
        time.sleep(0.005)
    return cells


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
    with pytest.raises(RuntimeError, match="no surface"):
        bpy.ops.meshsdf.slide(slider="Length", value=-6.0)
    np.testing.assert_array_equal(code_of(egg), code)
    assert len(egg.data.vertices) == count


def test_a_dragged_slider_is_followed_coarsely_then_as_asked(egg, part, monkeypatch):
    live = driven(part, monkeypatch)
    whole = len(egg.data.vertices)
    for step in range(1, 6):
        egg.meshsdf.slider_1 = 0.2 * step
        assert egg.meshsdf.draft
    end = time.monotonic() + 5
    while len(egg.data.vertices) == whole and time.monotonic() < end:
        egg.meshsdf.slider_1 += 0.0  # held, not moved
        live.tick()
        time.sleep(0.005)
    assert 0 < len(egg.data.vertices) < whole
    assert egg.meshsdf.slider_1 == pytest.approx(1.0)
    cells = settle(live)
    assert cells[-1] == 48
    assert not egg.meshsdf.draft
    assert len(egg.data.vertices) == whole
    # The mesh is that of the code.
    bpy.context.view_layer.update()
    size = egg.dimensions.x
    assert bpy.ops.meshsdf.shape_update() == {"FINISHED"}
    bpy.context.view_layer.update()
    assert egg.dimensions.x == pytest.approx(size)


def test_what_happens_to_the_shape_while_it_is_dragged(egg, part, monkeypatch):
    live = driven(part, monkeypatch)
    egg.meshsdf.slider_1 = 0.5
    live.tick()
    bpy.data.objects.remove(egg)
    settle(live)
    assert not live._moved
    assert not live._asked


def test_requests_beside_a_drag_get_their_own_answers(egg, part, monkeypatch):
    live = driven(part, monkeypatch)
    egg.meshsdf.slider_1 = 0.5
    while not live._asked:
        live.tick()
    # This waits for its own answer, and the other one comes first.
    assert bpy.ops.meshsdf.shape_update() == {"FINISHED"}
    settle(live)
    assert not egg.meshsdf.draft
    assert egg.meshsdf.slider_1 == pytest.approx(0.5)


def test_undo_brings_no_coarse_mesh_back(egg, part, monkeypatch):
    live = driven(part, monkeypatch)
    egg.meshsdf.draft = True
    live._after_undo()
    assert settle(live)[0] == 48
    assert not egg.meshsdf.draft


def test_a_shape_that_cannot_be_written_to_stays(egg, part, monkeypatch):
    driven(part, monkeypatch)
    egg.shape_key_add(name="Basis")
    code = code_of(egg)
    egg.meshsdf.slider_1 = 1.0
    np.testing.assert_array_equal(code_of(egg), code)
    assert "shape keys" in egg.meshsdf.message


def test_a_worker_that_dies_leaves_the_code(egg, part, fake, monkeypatch):
    live = driven(part, monkeypatch)
    egg.meshsdf.slider_1 = 1.0
    live.tick()
    part("door").worker().kill()
    settle(live)
    assert egg.meshsdf.slider_1 == pytest.approx(1.0)
    assert egg.meshsdf.message or not egg.meshsdf.draft
