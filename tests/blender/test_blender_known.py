"""Known shapes to go to, the readout of a shape's mesh, and settings that mesh it anew."""

from __future__ import annotations

import time
from types import SimpleNamespace

import bpy
import numpy as np
import pytest


def code_of(ob):
    return np.array(ob["meshsdf_code"])


def test_known_shapes_come_nearest_first(shape_object, part):
    known = part("shapes.known_shapes")
    info = part("spaces.catalogue").info(shape_object.meshsdf.space, "FILE")
    last = len(info.codes) - 1
    part("shapes.codes").write(shape_object, info.codes[last] * np.float32(1.001))
    found = known.nearest(shape_object)
    assert found[0].number == last
    far = [np.linalg.norm(info.codes[shape.number] - code_of(shape_object)) for shape in found]
    assert far == sorted(far)
    assert len(found) == min(known.SHOWN, len(info.codes))


def test_a_known_shape_is_taken_and_undone(shape_object, part):
    info = part("spaces.catalogue").info(shape_object.meshsdf.space, "FILE")
    name = info.shape_name(1)
    assert bpy.ops.meshsdf.known_shape(shape=name) == {"FINISHED"}
    np.testing.assert_array_equal(code_of(shape_object), info.codes[1])
    assert bpy.ops.meshsdf.known_shape(shape="0") == {"FINISHED"}
    np.testing.assert_array_equal(code_of(shape_object), info.codes[0])
    with pytest.raises(RuntimeError, match="knows no shape 'nobody'"):
        bpy.ops.meshsdf.known_shape(shape="nobody")
    np.testing.assert_array_equal(code_of(shape_object), info.codes[0])


def test_pictures_are_drawn_one_after_the_other(shape_object, part):
    known, pictures = part("shapes.known_shapes"), part("shapes.icons")
    earlier = len(pictures._previews[0]) if pictures._previews else 0
    asked = known.nearest(shape_object)
    assert [shape.icon for shape in asked] == [0] * len(asked)
    end = time.monotonic() + 20
    while known.tick() is not None:
        assert time.monotonic() < end
        time.sleep(0.005)
    known.nearest(shape_object)
    assert not known._wanted  # none is missing
    assert len(pictures._previews[0]) == earlier + len(asked)
    preview = list(pictures._previews[0].values())[-1]
    alpha = np.array(preview.image_pixels_float).reshape(*preview.image_size, 4)[..., 3]
    assert 0.05 < (alpha > 0.5).mean() < 0.95


def test_pictures_wait_for_a_dragged_slider_and_start_no_worker(shape_object, part, monkeypatch):
    known, door = part("shapes.known_shapes"), part("door")
    known.nearest(shape_object)
    monkeypatch.setattr(part("shapes.slider_live"), "busy", lambda: True)
    assert known.tick() == known.IDLE_SECONDS
    assert not known._asked
    door.close()
    assert known.tick() == known.IDLE_SECONDS
    assert not door._started
    known._forget()
    known.nearest(shape_object)
    assert not known._wanted


def test_the_readout_counts_and_measures(shape_object, part, scene):
    readout = part("shapes.shape").readout
    count = len(shape_object.data.vertices)
    lines = readout(shape_object, scene)
    assert lines[0].startswith(f"{count:,} vertices, ")
    assert lines[1] == "1 part, 0 holes"
    volume = shape_object.meshsdf.volume
    assert float(lines[2].split()[1]) == pytest.approx(volume, rel=0.01)
    shape_object.scale = (2, 2, 2)
    bpy.context.view_layer.update()
    assert float(readout(shape_object, scene)[2].split()[1]) == pytest.approx(8 * volume, rel=0.01)


def test_another_resolution_is_meshed_by_itself_in_a_window(shape_object, part, monkeypatch):
    live, count = part("shapes.slider_live"), len(shape_object.data.vertices)
    shape_object.meshsdf.resolution = 24  # a script says when
    assert len(shape_object.data.vertices) == count
    monkeypatch.setattr(part("shapes.slide"), "in_script", lambda: False)
    shape_object.meshsdf.resolution = 32
    end = time.monotonic() + 20
    while live.tick() is not None:
        assert time.monotonic() < end
        time.sleep(0.005)
    assert len(shape_object.data.vertices) < count
    assert not shape_object.meshsdf.draft


def test_the_panel_draws_pictures_with_their_buttons(shape_object, part):
    drawn = []
    layout = SimpleNamespace(
        enabled=True,
        template_icon=lambda icon, scale: drawn.append("icon"),
        operator=lambda name, **how: drawn.append(how.get("text")) or SimpleNamespace(),
    )
    layout.grid_flow = lambda **how: layout
    layout.column = lambda **how: layout
    context = SimpleNamespace(
        active_object=shape_object,
        region=SimpleNamespace(width=240),
        preferences=SimpleNamespace(system=SimpleNamespace(ui_scale=1.0)),
    )
    part("panels.known").MESHSDF_PT_known.draw(SimpleNamespace(layout=layout), context)
    names = [shape.name for shape in part("shapes.known_shapes").nearest(shape_object)]
    assert drawn == [each for name in names for each in ("icon", name)]
