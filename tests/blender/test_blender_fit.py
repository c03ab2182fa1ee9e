"""Fitting through Blender with a worker whose every step is known: results, undo, failures."""

from __future__ import annotations

import os
import signal
import threading
import time

import bpy
import numpy as np
import pytest
from mathutils import Matrix


@pytest.fixture
def ready(shape_object, target):
    """A shape that can be fitted, active."""
    bpy.context.view_layer.objects.active = shape_object
    return shape_object


def state(ob):
    """All that a failed fit must leave alone."""
    mesh = ob.data
    co = np.empty(len(mesh.vertices) * 3, dtype=np.float32)
    mesh.vertices.foreach_get("co", co)
    settings = ob.meshsdf
    layers = sorted(name for name in mesh.attributes.keys() if name[0] != ".")  # noqa: SIM118
    readout = {
        p.identifier: getattr(settings, p.identifier)
        for p in settings.bl_rna.properties
        if p.type not in {"POINTER", "COLLECTION"} and not getattr(p, "is_array", False)
    }
    return list(ob["meshsdf_code"]), co.tolist(), layers, list(settings.locks), readout


def show_all(run):
    """Write every step, as the live form does."""
    while True:
        step = run.advance(0.1)
        if step is not None:
            run.write(bpy.context, step)


def test_a_fit_runs_to_its_end_and_notes_what_it_came_to(ready, scene):
    scene.meshsdf.steps = 5
    assert bpy.ops.meshsdf.fit() == {"FINISHED"}
    share = 1 - 0.8**5
    np.testing.assert_allclose(ready["meshsdf_code"], [share, 0, 0, 0], atol=1e-6)
    bpy.context.view_layer.update()
    # The shape's own mesh, not the coarse one of the fit: the fake's rings show that.
    assert ready.dimensions.x == pytest.approx(1 + 0.4 * share, abs=1e-4)
    told = ready.meshsdf
    assert told.fit_steps == 5
    assert told.fit_start == pytest.approx(0.75)
    assert told.fit_iou == pytest.approx(1 - 0.8**5 / 4)
    assert told.fit_reason == "All steps done"
    assert len(ready.data.polygons) == told.faces


def test_fit_step_takes_exactly_as_many_steps_as_asked(ready):
    for steps, total in ((1, 1), (3, 4)):
        bpy.ops.meshsdf.fit_step(steps=steps)
        assert ready.meshsdf.fit_steps == steps
        assert ready["meshsdf_code"][0] == pytest.approx(1 - 0.8**total, abs=1e-6)


def test_fit_step_asks_for_no_early_end_at_all(ready, part):
    options = (
        part("fitting.fit_request").fit_request(bpy.context, ready, exact_steps=3).header["options"]
    )
    assert options["steps"] == 3
    assert options["stop_iou"] > 1  # an exact match has an IoU of 1
    assert options["patience"] > 3


def test_a_pose_fit_writes_the_world_transform_through_parents(ready, scene):
    parent = bpy.data.objects.new("Parent", None)
    scene.collection.objects.link(parent)
    parent.matrix_world = Matrix.LocRotScale((1, 2, 3), Matrix.Rotation(0.5, 3, "Z"), (2, 2, 2))
    ready.parent = parent
    bpy.context.view_layer.update()
    ready.matrix_world = Matrix.Identity(4)
    bpy.context.view_layer.update()
    scene.meshsdf.move, scene.meshsdf.steps = True, 3
    bpy.ops.meshsdf.fit()
    np.testing.assert_allclose(ready.matrix_world.translation, (0.3, 0, 0), atol=1e-5)
    np.testing.assert_allclose(ready.matrix_world.to_scale(), (1, 1, 1), atol=1e-5)


def uneven(ob):
    ob.scale = (1, 2, 1)


def mirrored(ob):
    ob.scale = (-1, -1, -1)


def flat(ob):
    ob.scale = (0, 1, 1)


def constrained(ob):
    ob.constraints.new("LIMIT_LOCATION").name = "Fence"


def keyed(ob):
    ob.keyframe_insert("location", index=0)


def locked(ob):
    ob.lock_location[1] = True


def in_a_strip(ob):
    ob.keyframe_insert("location", index=0)
    data = ob.animation_data
    action, data.action = data.action, None
    data.nla_tracks.new().strips.new("Walk", 1, action)


def driven(ob):
    ob.driver_add("location", 0).driver.expression = "0.5"


def uneven_parent(ob):
    parent = bpy.data.objects.new("Parent", None)
    bpy.context.scene.collection.objects.link(parent)
    parent.scale = (1, 3, 1)
    ob.parent = parent
    ob.rotation_euler = (0, 0, 0.7)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (uneven, r"'Fake' is scaled unevenly \(1, 2, 1\).*uniform"),
        (mirrored, r"'Fake' has a negative scale"),
        (flat, r"'Fake' is scaled to nothing"),
        (constrained, r"Constraint 'Fence' moves object 'Fake'"),
        (keyed, r"The location of object 'Fake' is animated"),
        (locked, r"The location of object 'Fake' is locked"),
        (in_a_strip, r"The location of object 'Fake' is animated"),
        (driven, r"The location of object 'Fake' is animated"),
        (uneven_parent, r"'Fake' is scaled unevenly.*parents"),
    ],
)
def test_transforms_that_no_pose_fit_can_write_are_refused(ready, scene, change, message):
    change(ready)
    scene.meshsdf.move = True
    before = state(ready)
    with pytest.raises(RuntimeError, match=message):
        bpy.ops.meshsdf.fit()
    assert state(ready) == before


def other_channels(ob):
    """Locks and keys where a fit of the location writes nothing."""
    ob.lock_rotation[2] = ob.lock_scale[0] = True
    ob.keyframe_insert("rotation_euler", index=1)
    ob.driver_add("scale", 0).driver.expression = "1.1"


def muted_strip(ob):
    in_a_strip(ob)
    ob.animation_data.nla_tracks[0].mute = True


def anothers_slot(ob):
    """An action that the object shares, whose keys on the location belong to another object."""
    other = bpy.data.objects.new("Other", None)
    bpy.context.scene.collection.objects.link(other)
    other.keyframe_insert("location", index=0)
    action = other.animation_data.action
    if not hasattr(action, "slots"):
        pytest.skip("actions have slots from Blender 4.4 on")
    data = ob.animation_data_create()
    data.action = action
    data.action_slot = action.slots.new("OBJECT", "Mine")


@pytest.mark.parametrize("change", [other_channels, muted_strip, anothers_slot])
def test_a_pose_fit_writes_only_what_it_fits(ready, scene, change):
    ready.rotation_euler = (0.1, 0.7, -0.3)
    ready.scale = (1.1, 1.1, 1.1)
    change(ready)
    bpy.context.view_layer.update()
    turned, scale = tuple(ready.rotation_euler), tuple(ready.scale)
    scene.meshsdf.move, scene.meshsdf.steps = True, 3
    assert bpy.ops.meshsdf.fit() == {"FINISHED"}
    assert ready.location.x == pytest.approx(0.3, abs=1e-5)
    assert (tuple(ready.rotation_euler), tuple(ready.scale)) == (turned, scale)


@pytest.mark.parametrize("change", [uneven, mirrored, constrained, keyed, locked, in_a_strip])
def test_a_fit_of_the_code_alone_takes_any_of_these(ready, scene, change):
    change(ready)
    scene.meshsdf.steps = 2
    bpy.context.view_layer.update()
    before = ready.matrix_world.copy()
    assert bpy.ops.meshsdf.fit() == {"FINISHED"}
    assert ready.matrix_world == before


def shape_keys(ob):
    ob.shape_key_add(name="Basis")


def shared(ob):
    other = bpy.data.objects.new("Twin", ob.data)
    bpy.context.scene.collection.objects.link(other)


def editing(ob):
    bpy.ops.object.mode_set(mode="EDIT")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (shape_keys, r"has shape keys"),
        (shared, r"is shared with object 'Twin'.*Make Single User"),
        (editing, r"'Fake' is in Edit Mode\. Go back to Object Mode"),
    ],
)
@pytest.mark.parametrize("operator", ["fit", "fit_step", "shape_update"])
def test_objects_that_cannot_be_written_are_refused(ready, change, message, operator):
    change(ready)
    with pytest.raises(RuntimeError, match=message):
        getattr(bpy.ops.meshsdf, operator)()


def test_a_fit_that_may_change_nothing_is_refused(ready, scene):
    scene.meshsdf.fit_code = False
    with pytest.raises(RuntimeError, match=r"Nothing may change"):
        bpy.ops.meshsdf.fit()


def test_a_linked_object_is_refused_and_its_override_too(ready, scene, tmp_path):
    path = str(tmp_path / "bibliothek ü.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with bpy.data.libraries.load(path, link=True) as (_, to):
        to.objects = ["Fake"]
    ob = to.objects[0]
    bpy.context.scene.collection.objects.link(ob)
    bpy.context.view_layer.objects.active = ob
    for operator in (bpy.ops.meshsdf.shape_update, bpy.ops.meshsdf.make_regular):
        with pytest.raises(RuntimeError, match=r"'Fake' is linked from .*Make it local first"):
            operator()
    local = ob.override_create(remap_local_usages=True)
    bpy.context.view_layer.objects.active = local
    with pytest.raises(RuntimeError, match=r"'Fake' is a library override\. Make it local first"):
        bpy.ops.meshsdf.fit()


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        (
            "die_at_step_0",
            r"The worker stopped \(exit code 7\): out of memory.*Nothing in the file",
        ),
        (
            "die_at_step_3",
            r"The worker stopped \(exit code 7\): out of memory.*Nothing in the file",
        ),
        ("garbage", r"sent what cannot be read"),
    ],
)
def test_a_worker_that_fails_in_a_fit_leaves_all_as_it_was(ready, fake, mode, message):
    before = state(ready)
    fake(mode)
    with pytest.raises(RuntimeError, match=message):
        bpy.ops.meshsdf.fit()
    assert state(ready) == before
    fake("")
    assert bpy.ops.meshsdf.fit_step() == {"FINISHED"}


def test_a_worker_killed_from_outside_is_replaced_at_the_next_press(ready, fake, part, scene):
    fake("slow")
    scene.meshsdf.steps = 500
    before = state(ready)
    door = part("door")
    victim = door.ready_worker().process

    def kill():
        time.sleep(0.5)
        os.kill(victim.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with pytest.raises(RuntimeError, match=r"The worker stopped \(exit code -9\)"):
            bpy.ops.meshsdf.fit()
    finally:
        killer.join()
    assert state(ready) == before
    assert door.status.state == "failed"
    assert bpy.ops.meshsdf.fit_step() == {"FINISHED"}
    assert door.status.state == "ready"


def test_live_steps_are_put_back_when_the_worker_dies(ready, fake, part):
    """The modal form writes every step; a failure must undo them, with UV maps and groups."""
    ready.data.uv_layers.new(name="Unwrapped")
    ready.vertex_groups.new(name="Top").add([0, 1, 2], 0.5, "REPLACE")
    before = state(ready)
    fake("die_at_step_4")
    fit_run = part("fitting.fit_run")
    run = fit_run.FitRun(bpy.context, ready)
    with pytest.raises(part("errors").WorkerLost):
        show_all(run)
    assert state(ready) != before
    run.fail()
    assert state(ready) == before
    assert ready.data.uv_layers.keys() == ["Unwrapped"]
    assert ready.data.vertices[2].groups[0].weight == pytest.approx(0.5)
    assert part("running").current() is None


@pytest.mark.parametrize("mode", ["XYZ", "QUATERNION", "AXIS_ANGLE"])
def test_a_failed_pose_fit_puts_the_transform_back_to_the_bit(ready, fake, part, scene, mode):
    ready.rotation_euler = (0.123, 4.567, -8.9)  # beyond a full turn
    ready.rotation_quaternion = (0.5, 0.1, 0.7, 0.2)  # of no unit length
    ready.rotation_axis_angle = (7.5, 0.3, 0.2, 0.9)
    ready.rotation_mode = mode
    ready.location, ready.scale = (0.1, 0.2, 0.3), (0.7, 0.7, 0.7)
    bpy.context.view_layer.update()
    names = ("location", "rotation_euler", "rotation_quaternion", "rotation_axis_angle", "scale")
    before = {name: tuple(getattr(ready, name)) for name in names}
    for name in ("move", "turn", "scale"):
        setattr(scene.meshsdf, name, True)
    fake("die_at_step_4")
    run = part("fitting.fit_run").FitRun(bpy.context, ready)
    with pytest.raises(part("errors").WorkerLost):
        show_all(run)
    assert tuple(ready.location) != before["location"]
    run.fail()
    assert ready.rotation_mode == mode
    assert {name: tuple(getattr(ready, name)) for name in names} == before


def test_a_fit_whose_last_extraction_fails_keeps_what_it_found(ready, fake, part, scene):
    scene.meshsdf.steps, scene.meshsdf.resolution = 5, 32
    ready.meshsdf.resolution = 96
    fake("alien_error")
    run = part("fitting.fit_run").FitRun(bpy.context, ready)
    part("fitting.fit_to_end").run_to_end(bpy.context, run)
    assert ready["meshsdf_code"][0] == pytest.approx(1 - 0.8**5, abs=1e-6)
    assert len(ready.data.polygons) == ready.meshsdf.faces
    assert ready.meshsdf.fit_steps == 5
    assert "could not be made at 96: It broke. Tell us." in run.warnings[0]
    assert part("running").current() is None


def test_a_broken_frame_of_numbers_is_not_written(ready, fake, part):
    fake("bad_mesh")
    run = part("fitting.fit_run").FitRun(bpy.context, ready)
    with pytest.raises(part("errors").Refusal, match="holds nan at index 0"):
        show_all(run)
    assert np.isfinite(list(ready["meshsdf_code"])).all()
    run.fail()


def test_stop_keeps_the_best_and_frees_the_worker(ready, fake, part, scene):
    fake("slow")
    scene.meshsdf.steps = 500
    run = part("fitting.fit_run").FitRun(bpy.context, ready)
    seen = 0
    while True:
        step = run.advance(0.1)
        if step is not None and step.done:
            break
        seen += step is not None
        if seen == 3:
            assert bpy.ops.meshsdf.fit_stop() == {"FINISHED"}
    run.finish(bpy.context, step)
    assert ready.meshsdf.fit_reason == "Stopped"
    assert 0 < ready["meshsdf_code"][0] < 1
    assert bpy.ops.meshsdf.shape_update() == {"FINISHED"}
    with pytest.raises(RuntimeError, match="No fit is running"):
        bpy.ops.meshsdf.fit_stop()


def test_other_operators_wait_for_a_running_fit(ready, fake, part):
    run = part("fitting.fit_run").FitRun(bpy.context, ready)
    with pytest.raises(RuntimeError, match="A fit is running: stop it first"):
        bpy.ops.meshsdf.shape_update()
    run.abandon()
    assert bpy.ops.meshsdf.shape_update() == {"FINISHED"}


def test_undo_and_a_new_file_end_a_running_fit(ready, fake, part, scene):
    fake("slow")
    fit_run = part("fitting.fit_run")
    bpy.ops.ed.undo_push(message="base")
    bpy.ops.ed.undo_push(message="more")
    fit_run.FitRun(bpy.context, ready).advance(0.5)
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.ed.undo()
    assert part("running").current() is None
    ob = bpy.data.objects["Fake"]
    bpy.context.view_layer.objects.active = ob
    fit_run.FitRun(bpy.context, ob).advance(0.5)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert part("running").current() is None


def test_a_deleted_object_ends_its_fit(ready, fake, part):
    run = part("fitting.fit_run").FitRun(bpy.context, ready)
    bpy.data.objects.remove(ready)
    with pytest.raises(part("errors").Refusal, match="'Fake' is gone"):
        show_all(run)
    run.fail()


def test_a_renamed_object_is_found_again(ready, fake, part):
    run = part("fitting.fit_run").FitRun(bpy.context, ready)
    ready.name = "Another"
    bpy.data.objects.new("Fake", None)
    assert run.object() == ready
    run.abandon()


def test_a_fit_is_one_undo_step(ready, scene):
    name = ready.name
    scene.meshsdf.steps = 3
    bpy.ops.ed.undo_push(message="base")
    before = state(ready)
    bpy.ops.meshsdf.fit("EXEC_DEFAULT", True)
    after = state(bpy.data.objects[name])
    assert after != before
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.ed.undo()
        assert state(bpy.data.objects[name]) == before
        bpy.ops.ed.redo()
        assert state(bpy.data.objects[name]) == after


def test_after_saving_and_loading_a_fit_goes_on_from_its_code(ready, scene, tmp_path, part):
    path = str(tmp_path / "größe 東京.blend")
    bpy.ops.meshsdf.fit_step(steps=2)
    code = list(ready["meshsdf_code"])
    bpy.ops.wm.save_as_mainfile(filepath=path)
    part("door").close()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=path)
    ob = bpy.data.objects["Fake"]
    assert list(ob["meshsdf_code"]) == code
    assert ob.meshsdf.fit_steps == 2
    bpy.context.view_layer.objects.active = ob
    bpy.ops.meshsdf.fit_step(steps=3)
    assert ob["meshsdf_code"][0] == pytest.approx(1 - 0.8**5, abs=1e-6)
    bpy.ops.meshsdf.shape_update()


def test_a_fit_to_what_is_all_around_warns(ready, scene, capfd):
    scene.meshsdf.steps, scene.meshsdf.invert = 2, True
    bpy.ops.meshsdf.fit()
    assert "touches all four borders" in capfd.readouterr().out


def test_a_script_may_have_its_steps_printed(ready, scene, capfd):
    scene.meshsdf.steps = 5
    bpy.ops.meshsdf.fit(print_every=2)
    printed = capfd.readouterr().out
    assert "Step 2 of 5: IoU 0.8" in printed
    assert "Step 3 of 5" not in printed
    bpy.ops.meshsdf.fit()
    assert "Step 2" not in capfd.readouterr().out


@pytest.mark.parametrize(
    ("ious", "ended", "warn", "text"),
    [
        ((0.1, 0.9), True, False, ""),
        ((0.97, 0.97), True, False, ""),
        ((0.8, 0.8), True, False, "already the best found"),
        ((0.1, 0.1), True, True, "No step came closer to the target. Check"),
        ((0.1, 0.4), True, True, r"still far from the target (IoU 0.40). Check"),
        ((0.1, 0.4), False, False, ""),
    ],
)
def test_what_is_said_of_a_fit_depends_on_its_iou(part, ious, ended, warn, text):
    told = part("fitting.verdict").verdict(*ious, ended=ended)
    assert told[0] == warn
    assert text in told[1]
    assert bool(text) == bool(told[1])


def test_a_shape_meshed_from_another_code_has_no_fit_to_tell_of(ready, scene):
    scene.meshsdf.steps = 2
    bpy.ops.meshsdf.fit()
    assert ready.meshsdf.fit_iou > 0
    ready["meshsdf_code"] = [0.0, 1.0, 0.0, 0.0]
    bpy.ops.meshsdf.shape_update()
    assert ready.meshsdf.fit_iou == -1
    assert ready.meshsdf.fit_reason == ""
