"""Animated codes: meshes that follow the frame, their cache, renders, and baked frames."""

from __future__ import annotations

import time
from types import SimpleNamespace

import bpy
import numpy as np
import pytest

from tests.blender.drawn import Drawn

LAST = 5


@pytest.fixture
def egg(scene, fake):
    """A shape between its codes Round and Long, keyed from 0 at frame 1 to 1 at frame 5."""
    scene.frame_start, scene.frame_end = 1, LAST
    bpy.ops.meshsdf.shape_add(space=fake.space, resolution=32)
    ob = bpy.context.active_object
    bpy.ops.meshsdf.code_store(title="Round")
    ob.meshsdf.slider_1 = 4.0
    bpy.ops.meshsdf.code_store(title="Long")
    blend = ob.meshsdf.blend
    blend.first, blend.second, blend.mode = "Round", "Long", "TWO"
    key(blend, "factor", 0.0, 1.0)
    return ob


def key(owner, name, first, last):
    for frame, value in ((1, first), (LAST, last)):
        setattr(owner, name, value)
        owner.keyframe_insert(name, frame=frame)
    for curve in curves(owner.id_data):
        for point in curve.keyframe_points:
            point.interpolation = "LINEAR"


def curves(ob):
    action = ob.animation_data.action
    return list(action.fcurves) if hasattr(action, "fcurves") else list(bag_of(ob).fcurves)


def bag_of(ob):
    action = ob.animation_data.action
    return action.layers[0].strips[0].channelbags[0]


def half_length(ob):
    """Half of the mesh's extent along X, which the fake worker makes 0.5 + 0.2 code[0]."""
    found = np.empty((len(ob.data.vertices), 3), dtype="f4")
    ob.data.vertices.foreach_get("co", found.ravel())
    return float(np.abs(found[:, 0]).max())


def lengths(scene, ob):
    found = []
    for frame in range(1, LAST + 1):
        scene.frame_set(frame)
        found.append(half_length(ob))
    return found


@pytest.fixture
def asked(part, monkeypatch):
    """Requests for meshes that the worker got."""
    worker = part("door.worker").Worker
    sent, real = [], worker.send

    def send(self, op, *given):
        sent.append(op)
        return real(self, op, *given)

    monkeypatch.setattr(worker, "send", send)
    return sent


WANTED = [0.5 + 0.4 * share for share in (0, 0.25, 0.5, 0.75, 1)]


def wanted(ob, scene):
    """What the extents should be, up to how finely the fake's ellipsoid samples X."""
    scene.frame_set(1)
    return [half_length(ob) * length / 0.5 for length in WANTED]


def test_a_keyed_factor_moves_code_and_mesh_and_is_cached(scene, egg, asked):
    expected = wanted(egg, scene)
    assert lengths(scene, egg) == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(np.array(egg["meshsdf_code"]), [2, 0, 0, 0], atol=1e-6)
    assert egg.meshsdf.blend.mode == "TWO"
    assert asked.count("mesh") == LAST
    asked.clear()
    assert lengths(scene, egg) == pytest.approx(expected, rel=1e-5)
    assert not asked


def test_keyed_weights_and_their_order(scene, egg):
    blend = egg.meshsdf.blend
    expected = wanted(egg, scene)
    blend.mode = "WEIGHTS"
    key(blend.codes["Round"], "weight", 1.0, 0.0)
    key(blend.codes["Long"], "weight", 0.0, 1.0)
    assert lengths(scene, egg) == pytest.approx(expected, rel=1e-5)
    bpy.ops.meshsdf.code_move(code="Long", direction="UP")
    assert [entry.name for entry in blend.codes] == ["Long", "Round"]
    assert lengths(scene, egg) == pytest.approx(expected, rel=1e-5)
    bpy.ops.meshsdf.code_remove(code="Long")
    paths = sorted(curve.data_path for curve in curves(egg))
    assert paths == ["meshsdf.blend.codes[0].weight", "meshsdf.blend.factor"]
    scene.frame_set(3)
    assert blend.codes["Round"].weight == pytest.approx(0.5)


def test_a_keyed_code_moves_the_mesh_without_a_blend(scene, egg):
    expected = wanted(egg, scene)
    egg.animation_data_clear()
    for frame, value in ((1, "Round"), (LAST, "Long")):
        bpy.ops.meshsdf.code_apply(code=value)
        egg.keyframe_insert('["meshsdf_code"]', frame=frame)
    for curve in curves(egg):
        for point in curve.keyframe_points:
            point.interpolation = "LINEAR"
    assert lengths(scene, egg) == pytest.approx(expected, rel=1e-5)


def test_a_driven_factor_moves_the_mesh(scene, egg):
    expected = wanted(egg, scene)
    egg.animation_data_clear()
    driver = egg.driver_add("meshsdf.blend.factor").driver
    driver.expression = "(frame - 1) / 4"
    assert lengths(scene, egg) == pytest.approx(expected, rel=1e-5)


def test_values_that_are_keyed_do_nothing_while_sliders_lead(scene, egg, asked):
    scene.frame_set(2)
    egg.meshsdf.slider_1 = 1.5
    assert egg.meshsdf.blend.mode == "NONE"
    here = half_length(egg)
    asked.clear()
    assert lengths(scene, egg) == pytest.approx([here] * LAST)
    assert not asked


def test_the_cache_is_bounded_and_knows_its_space(scene, egg, part, monkeypatch, fake):
    cache = part("blending.mesh_cache")
    lengths(scene, egg)
    held = cache.size() // LAST
    monkeypatch.setattr(cache, "MOST_BYTES", 3 * held)
    egg.meshsdf.resolution = 33
    lengths(scene, egg)
    assert cache.size() <= 3.5 * held
    monkeypatch.undo()
    lengths(scene, egg)
    with open(fake.space, "ab") as file:  # noqa: PTH123
        file.write(b"another file")
    before = cache.key(egg, np.zeros(4, "f4"))
    assert cache.held(before) is None
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert cache.size() == 0


def test_a_frame_without_a_surface_keeps_the_last_mesh_and_says_so(scene, egg):
    egg.animation_data_clear()
    egg.meshsdf.blend.mode = "NONE"
    for frame, value in ((1, 0.0), (LAST, -6.0)):
        egg["meshsdf_code"][0] = value
        egg.keyframe_insert('["meshsdf_code"]', frame=frame)
    found = lengths(scene, egg)
    assert min(found) > 0
    assert "no surface" in egg.meshsdf.message


def test_shared_meshes_stay_and_say_so(scene, egg):
    linked = egg.copy()
    bpy.context.collection.objects.link(linked)
    before = half_length(egg)
    assert lengths(scene, egg) == [before] * LAST
    assert "is shared with" in egg.meshsdf.message


@pytest.fixture
def pictures(scene, tmp_path):
    """A function that renders all frames and reads them: ``(frames, pixels)``."""
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.device = 1, "CPU"
    scene.frame_step = 2
    scene.render.resolution_x = scene.render.resolution_y = 32
    scene.render.film_transparent = True
    scene.render.filepath = str(tmp_path / "frame_")

    def rendered():
        bpy.ops.render.render(animation=True)
        found = []
        for path in sorted(tmp_path.glob("frame_*.png")):
            image = bpy.data.images.load(str(path))
            found.append(np.array(image.pixels[:])[3::4] > 0.5)
            bpy.data.images.remove(image)
        return [int(alpha.sum()) for alpha in found]

    return rendered


def test_a_render_in_background_shows_every_frame(scene, egg, pictures):
    covered = pictures()
    assert len(covered) == 3
    assert covered == sorted(covered)
    assert covered[-1] > 1.3 * covered[0] > 0


@pytest.fixture
def windowed(part, monkeypatch):
    """The module of the frame handler, as it is where a window may be in use."""
    frames = part("blending.frames")
    monkeypatch.setattr(frames, "unsafe", lambda scene: not scene.render.use_lock_interface)
    return frames


def test_an_unlocked_render_in_a_window_edits_nothing(egg, pictures, windowed, monkeypatch, capfd):
    scene, frames = bpy.context.scene, windowed
    scene.frame_set(2)
    before = half_length(egg)
    followed = []
    monkeypatch.setattr(frames, "follow", lambda ob, depsgraph: followed.append(ob.name))
    covered = pictures()
    assert len(set(covered)) == 1
    assert half_length(egg) == before
    assert "without Lock Interface" in capfd.readouterr().out
    assert not frames.Rendering.now
    followed.clear()
    assert bpy.ops.meshsdf.lock_interface() == {"FINISHED"}
    assert scene.render.use_lock_interface
    pictures()
    assert len(followed) >= 3


def warned(part, scene):
    """What the top of the tab says of renders, whatever is selected."""
    context = SimpleNamespace(scene=scene, active_object=None)
    return [problem.problem for problem in part("trust.problems").shown(context)]


class Asked(Drawn):
    """A layout that is looked at for buttons."""

    def separator(self):
        pass


def in_settings(part, scene):
    """The buttons that stand beside Blender's render settings."""
    panel = SimpleNamespace(layout=Asked())
    part("panels.render").draw(panel, SimpleNamespace(scene=scene))
    return list(panel.layout.passed)


def test_a_render_without_the_lock_is_warned_of_before_it(scene, egg, part, monkeypatch):
    standing, frames = part("blending.standing"), part("blending.frames")
    standing.look()
    assert warned(part, scene) == []  # in background every frame is done
    monkeypatch.setattr(frames, "unsafe", lambda scene: not scene.render.use_lock_interface)
    assert warned(part, scene) == ["Renders show animated shapes standing still"]
    assert in_settings(part, scene) == ["meshsdf.lock_interface"]
    (problem,) = part("trust.problems").shown(SimpleNamespace(scene=scene, active_object=None))
    assert [fix.operator for fix in problem.fixes] == ["meshsdf.lock_interface"]
    bpy.ops.meshsdf.lock_interface()
    assert warned(part, scene) == in_settings(part, scene) == []
    scene.render.use_lock_interface = False
    assert warned(part, scene)
    bpy.ops.meshsdf.bake_frames()  # the shape itself is not rendered any more
    assert standing.look()
    assert warned(part, scene) == in_settings(part, scene) == []


def test_drawing_looks_through_no_scene_for_that(scene, egg, part, monkeypatch):
    frames = part("blending.frames")
    part("blending.standing").look()
    monkeypatch.setattr(frames, "unsafe", lambda scene: True)
    monkeypatch.setattr(frames, "moving", None)
    assert warned(part, scene)
    assert in_settings(part, scene)
    context = SimpleNamespace(scene=scene, active_object=None)
    assert part("panels.fixit").MESHSDF_PT_fixit.poll(context)


def test_the_warning_follows_what_changes_in_a_window(scene, egg, part, monkeypatch):
    standing = part("blending.standing")
    monkeypatch.setattr(standing, "bpy", in_a_window())
    egg.animation_data_clear()
    bpy.context.view_layer.update()
    egg.update_tag()
    bpy.context.view_layer.update()
    assert bpy.app.timers.is_registered(standing.tick)
    standing.tick()
    assert not any(standing._seen.values())
    bpy.app.timers.unregister(standing.tick)


def test_the_warning_leaves_the_render_settings_with_the_extension(scene, part):
    draw, module = part("panels.render").draw, part("identity").ROOT_PACKAGE
    places = [getattr(bpy.types, name) for name in part("panels.render").PLACES]

    def there():
        return [draw in getattr(place.draw, "_draw_funcs", ()) for place in places]

    assert there() == [True, True]
    bpy.ops.preferences.addon_disable(module=module)
    assert there() == [False, False]
    bpy.ops.preferences.addon_enable(module=module)


def test_list_pictures_and_animation_survive_saving(scene, egg, tmp_path):
    name, path = egg.name, str(tmp_path / "kept.blend")
    expected = wanted(egg, scene)
    kept = [(e.name, e.code, e.picture) for e in egg.meshsdf.blend.codes]
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=path)
    ob, here = bpy.data.objects[name], bpy.context.scene
    assert [(e.name, e.code, e.picture) for e in ob.meshsdf.blend.codes] == kept
    assert ob.meshsdf.blend.mode == "TWO"
    assert lengths(here, ob) == pytest.approx(expected, rel=1e-5)


def test_there_is_one_handler_after_new_files_and_enabling(scene, part):
    def count():
        return sum(h.__name__ == "after_frame" for h in bpy.app.handlers.frame_change_post)

    assert count() == 1
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert count() == 1
    module = part("identity").ROOT_PACKAGE
    for _ in range(2):
        bpy.ops.preferences.addon_disable(module=module)
        assert count() == 0
        bpy.ops.preferences.addon_enable(module=module)
        assert count() == 1


# Baked frames


def seen(ob):
    """The object's mesh as it is drawn now: vertices, and half of its length."""
    evaluated = ob.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return len(evaluated.data.vertices), half_length(evaluated)


def data():
    """Everything that a bake might leave behind."""
    kinds = ("objects", "meshes", "collections", "node_groups", "actions")
    return {kind: sorted(block.name for block in getattr(bpy.data, kind)) for kind in kinds}


def test_baked_frames_are_a_plain_object_that_shows_each(scene, egg, asked):
    expected = wanted(egg, scene)
    for name in ("Clay", "Glaze"):
        egg.data.materials.append(bpy.data.materials.new(name))
    egg.data.shade_flat()
    egg.location = (0, 0, 1)
    egg.keyframe_insert("location", frame=1)
    scene.frame_set(4)
    assert bpy.ops.meshsdf.bake_frames() == {"FINISHED"}
    baked = bpy.context.active_object
    assert baked.name == f"{egg.name} Baked"
    assert scene.frame_current == 4
    assert egg.hide_render
    assert not egg.visible_get()
    assert not baked.meshsdf.space
    assert "meshsdf_code" not in baked
    assert {curve.data_path for curve in curves(baked)} == {"location"}
    assert "meshsdf.blend.factor" in {curve.data_path for curve in curves(egg)}
    asked.clear()
    for frame, length in enumerate(expected, 1):
        scene.frame_set(frame)
        assert seen(baked)[1] == pytest.approx(length, rel=1e-5)
    scene.frame_set(40)
    assert seen(baked)[1] == pytest.approx(expected[-1], rel=1e-5)
    assert not asked
    evaluated = baked.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    assert {evaluated.materials[p.material_index].name for p in evaluated.polygons} == {"Clay"}
    assert not any(polygon.use_smooth for polygon in evaluated.polygons)
    with pytest.raises(RuntimeError, match="is no MeshSDF shape"):
        bpy.ops.meshsdf.bake_frames()


def test_frames_of_one_code_share_a_mesh_and_steps_stay(scene, egg):
    expected = wanted(egg, scene)
    before = set(bpy.data.meshes)
    assert bpy.ops.meshsdf.bake_frames(start=-1, end=LAST + 2, step=2) == {"FINISHED"}
    baked = bpy.context.active_object
    # Frames -1, 1, 3, 5, 7: the first two and the last two are the same.
    assert len(set(bpy.data.meshes) - before) == 3
    for frame, length in ((-1, 0), (1, 0), (2, 0), (3, 2), (4, 2), (5, 4), (7, 4)):
        scene.frame_set(frame)
        assert seen(baked)[1] == pytest.approx(expected[length], rel=1e-5)


def test_a_bake_can_be_exported_as_alembic_with_each_frames_own_faces(scene, egg, tmp_path):
    if not bpy.app.alembic or not bpy.app.alembic.supported:
        pytest.skip("this Blender has no Alembic")
    scene.frame_set(1)
    for frame, cells in ((1, 32), (3, 48), (5, 64)):
        egg.meshsdf.resolution = cells
        egg.meshsdf.keyframe_insert("resolution", frame=frame)
    bpy.ops.meshsdf.bake_frames()
    baked, counts = bpy.context.active_object, []
    for frame in range(1, LAST + 1):
        scene.frame_set(frame)
        counts.append(seen(baked)[0])
    assert len(set(counts)) > 2
    path = str(tmp_path / "baked.abc")
    bpy.ops.wm.alembic_export(filepath=path, selected=True, start=1, end=LAST)
    before = set(bpy.data.objects)
    bpy.ops.wm.alembic_import(filepath=path, as_background_job=False)
    (back,) = set(bpy.data.objects) - before
    for frame, count in enumerate(counts, 1):
        scene.frame_set(frame)
        assert seen(back)[0] == count


def test_a_bake_renders_as_the_shape_does(scene, egg, pictures):
    alive = pictures()
    bpy.ops.meshsdf.bake_frames()
    bpy.data.objects.remove(egg)
    assert pictures() == alive


def test_what_cannot_be_baked_is_refused(scene, egg):
    before = data()
    with pytest.raises(RuntimeError, match="comes before the first"):
        bpy.ops.meshsdf.bake_frames(start=3, end=2)
    egg.hide_set(True)
    with pytest.raises(RuntimeError, match="is hidden"):
        bpy.ops.meshsdf.bake_frames()
    egg.hide_set(False)
    egg.meshsdf.blend.mode = "NONE"
    with pytest.raises(RuntimeError, match="Nothing animates the shape"):
        bpy.ops.meshsdf.bake_frames()
    assert data() == before


def test_a_bake_that_fails_leaves_nothing(scene, egg, part, monkeypatch):
    before = data()
    scene.frame_set(2)
    refusal = part("errors").Refusal
    real, times = part("blending.bake").mesh_cache.mesh, []

    def failing(*given):
        times.append(1)
        if len(times) > 2:
            raise refusal("The worker is gone")
        return real(*given)

    part("blending.mesh_cache").forget()
    monkeypatch.setattr(part("blending.mesh_cache"), "mesh", failing)
    with pytest.raises(RuntimeError, match="The worker is gone"):
        bpy.ops.meshsdf.bake_frames(start=3, end=9)
    assert data() == before
    assert part("running").current() is None
    assert not egg.hide_render


def test_a_bake_is_one_undo_step(scene, egg):
    name, before = egg.name, data()
    bpy.ops.ed.undo_push(message="base")
    assert bpy.ops.meshsdf.bake_frames("EXEC_DEFAULT", True) == {"FINISHED"}
    assert data() != before
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.ed.undo()
    assert data() == before
    assert bpy.data.objects[name].visible_get()


def test_a_bake_is_gone_once_it_is_deleted_and_purged(scene, egg):
    before = data()
    bpy.ops.meshsdf.bake_frames()
    bpy.ops.object.delete()
    assert "Fake Baked 000000" in bpy.data.objects
    bpy.ops.outliner.orphans_purge()
    assert data() == before


def live_bake(part, start, end):
    """The operator's own run, advanced as its timer does."""
    return part("blending.bake").BakeRun(bpy.context, start, end, 1)


def to_the_end(run):
    while not run.done:
        run.advance()


def test_a_live_bake_asks_without_waiting_and_stops_without_a_trace(scene, egg, part, fake):
    before = data()
    scene.frame_set(2)
    run = live_bake(part, 1, LAST)
    while len(run.keys) < 3:
        run.advance()
    run.stop()
    assert run.stopping
    run.fail()
    assert data() == before
    assert scene.frame_current == 2
    run = live_bake(part, 1, LAST)
    to_the_end(run)
    assert run.finish().name == f"{egg.name} Baked"
    assert part("running").current() is None


def test_a_live_bake_stays_with_its_shape_and_scene(scene, egg, part):
    expected = wanted(egg, scene)
    scene.frame_set(2)
    run = live_bake(part, 1, LAST)
    while len(run.keys) < 2:
        run.advance()
    egg.name, scene.name = "Renamed", "Also Renamed"
    other = bpy.data.scenes.new("Second")
    other.frame_set(77)
    bpy.context.window.scene = other
    to_the_end(run)
    baked = run.finish()
    assert baked.name == "Renamed Baked"
    assert (other.frame_current, scene.frame_current) == (77, 2)
    assert list(other.objects) == []
    assert len(run.meshes) == LAST
    assert egg.hide_get(view_layer=scene.view_layers[0])
    bpy.context.window.scene = scene
    assert bpy.context.active_object == baked
    for frame, length in enumerate(expected, 1):
        scene.frame_set(frame)
        assert seen(baked)[1] == pytest.approx(length, rel=1e-5)


@pytest.mark.parametrize("gone", ["Object", "Scene"])
def test_a_live_bake_ends_when_its_shape_or_scene_is_gone(scene, egg, part, gone):
    run = live_bake(part, 1, LAST)
    while len(run.keys) < 2:
        run.advance()
    if gone == "Object":
        bpy.data.objects.remove(egg)
    else:
        bpy.context.window.scene = bpy.data.scenes.new("Second")
        bpy.data.scenes.remove(scene)
    with pytest.raises(part("errors").Refusal, match=f"{gone} .* is gone, so the bake ended"):
        to_the_end(run)
    run.fail()
    assert part("running").current() is None


# Without a worker


@pytest.fixture
def started(part, monkeypatch):
    """The workers that were started since."""
    door, found = part("door"), []
    real = door.Worker

    def start(*given, **more):
        found.append(real(*given, **more))
        return found[-1]

    monkeypatch.setattr(door, "Worker", start)
    return found


def test_a_worker_that_failed_is_not_tried_at_every_frame(scene, egg, part, fake, started):
    expected = wanted(egg, scene)
    scene.frame_set(2)
    part("blending.mesh_cache").forget()
    scene.frame_set(3)  # the only one that is in memory
    fake("silent")
    for frame in (2, 4, 5, 2, 1):
        scene.frame_set(frame)
        assert "stopped before it was ready" in egg.meshsdf.message
    assert len(started) == 1
    scene.frame_set(3)
    assert half_length(egg) == pytest.approx(expected[2], rel=1e-5)
    fake("")
    part("door").status.state = "failed"
    scene.frame_set(4)
    assert len(started) == 1
    bpy.ops.meshsdf.worker_check()
    assert len(started) == 2
    scene.frame_set(5)
    assert half_length(egg) == pytest.approx(expected[4], rel=1e-5)


def test_a_worker_that_dies_of_a_frame_is_not_sent_to_the_next(scene, egg, part, started):
    scene.frame_set(1)
    part("blending.mesh_cache").forget()
    lost = part("errors").WorkerLost

    def dies(self, op, *given, **more):
        raise lost("The worker stopped")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(part("door.worker").Worker, "request", dies)
        scene.frame_set(2)
    assert part("door").status.state == "failed"
    before = half_length(egg)
    scene.frame_set(3)
    assert half_length(egg) == before
    assert not started


def test_nothing_waits_in_a_window_for_a_worker_that_starts(scene, egg, part, fake, started):
    expected, frames = wanted(egg, scene), part("blending.frames")
    part("blending.mesh_cache").forget()
    fake("")
    waited = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "bpy", in_a_window())
        patch.setattr(part("door.worker").Worker, "wait_ready", waited.append)
        for frame in (2, 3, 4):
            scene.frame_set(frame)
    assert not waited
    assert len(started) == 1
    assert "is starting" in egg.meshsdf.message
    assert bpy.app.timers.is_registered(frames.when_ready)
    while frames.when_ready() is not None:
        time.sleep(0.01)
    assert half_length(egg) == pytest.approx(expected[3], rel=1e-5)
    assert egg.meshsdf.message == ""
    bpy.app.timers.unregister(frames.when_ready)


def in_a_window():
    """bpy, as it is outside the background."""
    app = SimpleNamespace(background=False, timers=bpy.app.timers, handlers=bpy.app.handlers)
    return SimpleNamespace(app=app, data=bpy.data, context=bpy.context, types=bpy.types)


def test_one_that_dies_while_it_starts_is_noticed_in_a_window(scene, egg, part, fake, started):
    frames = part("blending.frames")
    part("blending.mesh_cache").forget()
    fake("silent")
    end = time.monotonic() + 20
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "bpy", in_a_window())
        while part("door").status.state != "failed":
            scene.frame_set(2 + len(started) % 3)
            time.sleep(0.05)
            assert time.monotonic() < end
        scene.frame_set(3)
    assert len(started) == 1
    assert "stopped before it was ready" in egg.meshsdf.message
    assert frames.when_ready() is None
    bpy.app.timers.unregister(frames.when_ready)
