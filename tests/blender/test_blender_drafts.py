"""Coarse meshes that nothing follows any more: duplicated, or taken in hand before they rested."""

# fixtures of another file

from __future__ import annotations

import bpy
import numpy as np
import pytest

from tests.blender.test_blender_follow import (
    WHOLE,
    code_of,
    settle,
    until,
    until_whole_is_asked,
)

LIFT = np.array([0.0, 0.0, 0.5])
MODES = ["EDIT", "SCULPT", "WEIGHT_PAINT"]


@pytest.fixture
def coarse(egg, live):
    """A shape whose slider was dragged just now, selected and active."""
    whole = len(egg.data.vertices)
    egg.meshsdf.slider_1 = 1.0
    until(live, lambda: len(egg.data.vertices) < whole)
    assert egg.meshsdf.draft
    return egg


def positions(ob):
    return np.array([vertex.co for vertex in ob.data.vertices])


def go_to(mode):
    """Change the mode, and let Blender tell what changed, as it does before it draws."""
    bpy.ops.object.mode_set(mode=mode)
    bpy.context.view_layer.update()


def edit():
    """Move what is selected by hand."""
    go_to("EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.transform.translate(value=LIFT)
    bpy.context.view_layer.update()


def settled(live):
    return settle(live), bpy.context.view_layer.update(), live.busy()


@pytest.mark.parametrize("rests", [False, True])
def test_a_duplicate_of_a_coarse_shape_is_made_whole(coarse, live, in_step, rests):
    bpy.ops.object.duplicate()
    twin = bpy.context.active_object
    assert twin != coarse
    if rests:  # only the duplicate is coarse when Blender tells of it
        settle(live)
    bpy.context.view_layer.update()
    settle(live)
    assert not coarse.meshsdf.draft
    assert not twin.meshsdf.draft
    assert in_step()
    assert not settled(live)[-1]


def test_a_copy_by_a_script_is_made_whole(coarse, live, in_step):
    twin = coarse.copy()
    twin.data = coarse.data.copy()
    bpy.context.collection.objects.link(twin)
    bpy.context.view_layer.update()
    settle(live)
    assert in_step()


def test_a_linked_duplicate_is_made_whole_once_the_mesh_is_its_own(
    coarse,
    live,
    in_step,
):
    bpy.ops.object.duplicate(linked=True)
    twin = bpy.context.active_object
    bpy.context.view_layer.update()
    settle(live)
    assert "is shared with" in coarse.meshsdf.message
    assert coarse.meshsdf.draft
    assert twin.meshsdf.draft
    bpy.ops.meshsdf.fix_shared()
    bpy.context.view_layer.update()
    assert live.busy()
    settle(live)
    assert in_step()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("long", [False, True])
def test_a_mode_that_changes_nothing_ends_in_a_whole_mesh(
    coarse,
    live,
    in_step,
    mode,
    long,
):
    few = len(coarse.data.vertices)
    go_to(mode)
    if long:
        settle(live)
        assert coarse.meshsdf.draft
    go_to("OBJECT")
    settle(live)
    assert len(coarse.data.vertices) > few
    assert in_step()


@pytest.mark.parametrize("long", [False, True])
def test_an_edit_of_a_coarse_mesh_is_kept_and_said(coarse, live, in_step, long):
    bpy.ops.ed.undo_push(message="Slider")
    was = positions(coarse)
    edit()
    if long:
        settle(live)
    go_to("OBJECT")
    bpy.ops.ed.undo_push(message="Edit")
    settle(live)
    np.testing.assert_allclose(positions(coarse), was + LIFT, atol=1e-6)
    assert "edited while it was coarse" in coarse.meshsdf.message
    assert "Update Mesh" in coarse.meshsdf.message
    assert not coarse.meshsdf.draft
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.ed.undo_push(message="More")
        bpy.ops.ed.undo()
    settle(live)
    coarse = bpy.data.objects["Fake"]
    np.testing.assert_allclose(positions(coarse), was + LIFT, atol=1e-6)
    assert bpy.ops.meshsdf.shape_update() == {"FINISHED"}
    assert not coarse.meshsdf.message
    assert in_step()


def test_an_edit_beside_a_whole_mesh_on_its_way_is_kept(coarse, live):
    until_whole_is_asked(live)
    was = positions(coarse)
    edit()
    go_to("OBJECT")
    settle(live)
    np.testing.assert_allclose(positions(coarse), was + LIFT, atol=1e-6)
    assert "edited while it was coarse" in coarse.meshsdf.message


def test_a_file_saved_after_such_an_edit_keeps_it(coarse, live, tmp_path):
    was = positions(coarse)
    edit()
    go_to("OBJECT")
    path = str(tmp_path / "edited.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    settle(live)
    opened = bpy.data.objects["Fake"]
    np.testing.assert_allclose(positions(opened), was + LIFT, atol=1e-6)
    assert "edited while it was coarse" in opened.meshsdf.message


def test_weights_painted_on_a_coarse_mesh_are_kept(coarse, live):
    few = len(coarse.data.vertices)
    go_to("WEIGHT_PAINT")
    coarse.vertex_groups.new(name="Top").add([0, 1], 1.0, "REPLACE")
    go_to("OBJECT")
    settle(live)
    assert len(coarse.data.vertices) == few
    assert coarse.vertex_groups["Top"].weight(0) == 1.0


def test_a_slider_that_is_moved_after_an_edit_meshes_as_ever(coarse, live, in_step):
    edit()
    go_to("OBJECT")
    settle(live)
    coarse.meshsdf.slider_1 = 0.5
    settle(live)
    assert in_step()


def test_what_cannot_be_meshed_is_not_tried_at_every_change(coarse, live):
    coarse.meshsdf.space = "//gone.safetensors"
    settle(live)
    assert coarse.meshsdf.draft
    assert coarse.meshsdf.message
    for x in range(3):
        coarse.location.x = x
        bpy.context.view_layer.update()
        assert not live.busy()


def test_a_shape_that_may_not_be_read_costs_no_look_at_the_whole_file(
    coarse, live, tmp_path, part, monkeypatch
):
    foreign = tmp_path / "theirs.pth"
    foreign.write_bytes(b"fake")
    live.forget()
    coarse.meshsdf.space = str(foreign)
    bpy.context.view_layer.update()
    looks = []
    monkeypatch.setattr(part("shapes.drafts"), "follow", lambda *_, **__: looks.append(1))
    for x in range(3):
        coarse.location.x = x
        bpy.context.view_layer.update()
    assert not looks


def test_a_layer_of_the_artists_is_no_edit(coarse, live, in_step):
    """In Edit Mode Blender shows layers without their values."""
    layer = coarse.data.attributes.new("mine", "FLOAT", "POINT")
    layer.data[0].value = 1.0
    few = len(coarse.data.vertices)
    go_to("EDIT")
    go_to("OBJECT")
    settle(live)
    assert "edited" not in coarse.meshsdf.message
    assert len(coarse.data.vertices) > few
    assert in_step()


def test_a_foreign_space_of_a_file_is_not_read_when_something_changes(
    coarse,
    live,
    tmp_path,
    part,
):
    foreign = tmp_path / "theirs.pth"
    foreign.write_bytes(b"fake")
    coarse.meshsdf.space = str(foreign)
    path = str(tmp_path / "coarse.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    part("door").close()
    bpy.ops.wm.open_mainfile(filepath=path)
    bpy.data.objects["Fake"].location.x = 1
    bpy.context.view_layer.update()
    assert not live.busy()
    assert not part("door")._started


def test_a_script_is_left_to_say_when(coarse, live, part, monkeypatch):
    live.forget()
    monkeypatch.setattr(part("shapes.slide"), "in_script", lambda: True)
    bpy.ops.object.duplicate()
    bpy.context.view_layer.update()
    assert not live.busy()


def test_a_drag_does_not_wait_for_the_whole_mesh_before(egg, live, in_step, part, monkeypatch):
    egg.meshsdf.slider_1 = 0.5
    until_whole_is_asked(live)
    slow, worker = live._asked[0].identity, part("door.worker").Worker
    answer, send, dropped = worker.answer, worker.send, []

    def late(self, identity, wait=0.0):
        return None if identity == slow else answer(self, identity, wait)

    def noted(self, op, header=None, arrays=None):
        if op == "drop":
            dropped.append(header["request"])
        return send(self, op, header, arrays)

    monkeypatch.setattr(worker, "answer", late)
    monkeypatch.setattr(worker, "send", noted)
    live.tick()
    assert live._asked[0].identity == slow  # nobody drags yet
    assert not dropped
    egg.meshsdf.slider_1 = 1.0
    assert dropped == [slow]
    assert live._asked[0].header["draft"]
    assert settle(live)[-1] == WHOLE
    assert in_step()
    np.testing.assert_allclose(code_of(egg)[0], 0.5)


def test_a_worker_that_died_meanwhile_is_replaced_by_the_next_move(egg, live, in_step, part):
    egg.meshsdf.slider_1 = 0.5
    until_whole_is_asked(live)
    process = part("door").worker().process  # asked again, there might be a new one
    process.kill()
    process.wait()
    egg.meshsdf.slider_1 = 1.0
    settle(live)
    egg.meshsdf.slider_1 = 0.5
    settle(live)
    assert in_step()
