"""Training through Blender with a worker whose every step is known: meshes, runs, failures."""

from __future__ import annotations

import errno
import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from tests.blender.drawn import drawn

LONGEST_SECONDS = 30.0


def sphere(name, x=0.0, radius=0.5, collection=None):
    """A sphere of 42 vertices around (x, 0, 0) whose object is of that name."""
    bpy.ops.mesh.primitive_ico_sphere_add(subdivisions=2, radius=radius, location=(x, 0, 0))
    ob = bpy.context.active_object
    ob.name = ob.data.name = name
    if collection is not None:
        bpy.context.scene.collection.objects.unlink(ob)
        collection.objects.link(ob)
    return ob


def new_collection(name, parent=None):
    made = bpy.data.collections.new(name)
    (parent or bpy.context.scene.collection).children.link(made)
    return made


def select(*objects):
    bpy.context.view_layer.update()
    for ob in bpy.context.scene.objects:
        ob.select_set(ob in objects)
    bpy.context.view_layer.objects.active = objects[0] if objects else None


@pytest.fixture
def pair(scene, fake, part, tmp_path):
    """Two spheres, selected; runs go to ``out``."""
    objects = sphere("Small"), sphere("Large ü", 3.0, 1.0)
    select(*objects)
    yield objects
    part("training.training_live").unregister()
    part("training.training_live").register()
    part("door").close()


@pytest.fixture
def out(tmp_path):
    return tmp_path / "läufe"


def train(out, **options):
    return bpy.ops.meshsdf.train_space(output=str(out), **options)


def read_ply(path):
    """Vertices and faces of a file that we wrote, read by its own words."""
    data = path.read_bytes()
    head, body = data.split(b"end_header\n", 1)
    counts = [int(w.split()[2]) for w in head.decode().splitlines() if w.startswith("element")]
    vertices = np.frombuffer(body, "<f8", counts[0] * 3).reshape(-1, 3)
    kind = np.dtype([("n", "u1"), ("v", "<i4", 3)])
    faces = np.frombuffer(body, kind, counts[1], vertices.nbytes)
    assert (faces["n"] == 3).all()
    assert len(body) == vertices.nbytes + faces.nbytes
    return vertices, faces["v"]


def volume(vertices, faces):
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def test_selected_objects_become_a_space_that_shapes_can_be_added_from(pair, scene, out, part):
    assert train(out, name="Bälle", preset="DRAFT", seed=7) == {"FINISHED"}
    folder = out / "Bälle"
    assert sorted(p.name for p in (folder / "meshes").iterdir()) == ["Large ü.ply", "Small.ply"]
    asked = json.loads((folder / "run.json").read_text("utf-8"))["options"]
    placed = {"up": "Z", "centre": True, "normalise": False}
    solid = {"fill_voids": False, "thickness": 0.0, "plain": False}
    assert asked == {"name": "Bälle", "preset": "draft", **placed, **solid, "seed": 7}
    assert scene.meshsdf.loaded[0].name == "Bälle"
    assert Path(scene.meshsdf.space) == folder / "Bälle.safetensors"
    assert bpy.ops.meshsdf.shape_add() == {"FINISHED"}
    assert part("training.training_run").current() is None
    assert "training" not in part("door")._started


def test_meshes_are_written_as_they_are_seen(pair, out):
    small, _ = pair
    small.modifiers.new("Scaled", "ARRAY").count = 2
    parent = bpy.data.objects.new("Parent", None)
    bpy.context.scene.collection.objects.link(parent)
    parent.matrix_world = Matrix.LocRotScale((1, 2, 3), Matrix.Rotation(1, 3, "Z"), (-2, 2, 2))
    small.parent = parent
    bpy.context.view_layer.update()
    train(out, name="x")
    vertices, faces = read_ply(out / "x" / "meshes" / "Small.ply")
    evaluated = small.evaluated_get(bpy.context.evaluated_depsgraph_get())
    expected = [evaluated.matrix_world @ v.co for v in evaluated.data.vertices]
    np.testing.assert_allclose(vertices, np.array(expected), atol=1e-5)
    assert len(faces) == 2 * 80
    assert volume(vertices, faces) > 0  # the mirroring parent turned no face inside out


def test_a_collection_gives_one_shape_for_each_object_child_and_instance(pair, scene, out, part):
    family = new_collection("Fam/ily")
    sphere("a:b", 0, 0.5, family)
    child = new_collection("Car", family)
    sphere("Body", 0, 0.5, child)
    sphere("Wheel", 2, 0.3, child)
    kept = new_collection("Kept")
    sphere("Part 1", 0, 0.5, kept)
    sphere("Part 2", 5, 0.5, kept)
    instance = bpy.data.objects.new("Twin", None)
    instance.instance_type, instance.instance_collection = "COLLECTION", kept
    instance.location = (0, 0, 10)
    family.objects.link(instance)
    assert train(out, source="COLLECTION", collection="Fam/ily") == {"FINISHED"}
    meshes = out / "Fam_ily" / "meshes"
    found = {p.stem: read_ply(p) for p in meshes.iterdir()}
    assert {name: len(faces) for name, (_, faces) in found.items()} == {
        "a_b": 80, "Car": 160, "Twin": 160,
    }  # fmt: skip
    np.testing.assert_allclose(found["Twin"][0][:, 2].mean(), 10, atol=1e-4)
    assert np.ptp(found["Car"][0][:, 0]) > 2.7  # the wheel stands 2 to the right of the body


def test_a_folder_is_read_by_the_worker_with_its_up_axis(pair, out, tmp_path):
    meshes = tmp_path / "meshes here"
    meshes.mkdir()
    for name in "ab":
        (meshes / f"{name}.ply").write_bytes(b"")
    placed = {"up": "Y", "centre": False, "normalise": True}
    solid = {"fill_voids": True, "plain": True, "thickness": 0.25}
    train(out, source="FOLDER", folder=str(meshes), **placed, **solid)
    asked = json.loads((out / "meshes here" / "run.json").read_text("utf-8"))
    assert asked["names"] == ["a", "b"]
    options = asked["options"]
    assert options == options | placed | solid
    assert not (out / "meshes here" / "meshes").exists()


def empty_of_faces():
    mesh = bpy.data.meshes.new("Dots")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0)], [(0, 1)], [])
    return mesh


def not_a_number():
    mesh = bpy.data.meshes.new("Bad")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    mesh.vertices[1].co.x = float("nan")
    return mesh


def a_light():
    return bpy.data.lights.new("Lamp", "POINT")


def nothing():
    return None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (empty_of_faces, r"Object 'Odd' has no faces"),
        (not_a_number, r"Object 'Odd' has 1 vertices without a position"),
        (a_light, r"Object 'Odd' is no mesh \(light\)"),
        (nothing, r"Object 'Odd' is no mesh \(empty\)"),
    ],
)
def test_what_is_no_shape_is_refused_by_name_and_the_rest_goes_on(pair, out, part, data, message):
    odd = bpy.data.objects.new("Odd", data())
    bpy.context.scene.collection.objects.link(odd)
    select(odd)
    with pytest.raises(RuntimeError, match=message):
        train(out, name="alone")
    assert not list(out.iterdir())
    select(odd, *pair)
    assert train(out, name="all") == {"FINISHED"}
    lines = part("training.training_run").last().lines
    assert lines[0].startswith("Odd: refused: ")
    assert "Large ü: sealed (holes closed: 3)" in lines
    assert len(part("training.training_run").last().used) == 2
    assert bpy.ops.meshsdf.train_report() == {"FINISHED"}
    text = bpy.data.texts["MeshSDF Training Report"].as_string()
    assert all(line in text for line in lines)


def test_hidden_objects_and_other_modes_are_refused_by_name(pair, out, part):
    pair[0].hide_set(True)
    family = new_collection("Family")
    for ob in (*pair, sphere("Third")):
        family.objects.link(ob)
    assert train(out, source="COLLECTION", collection="Family") == {"FINISHED"}
    assert "Small: refused: Object 'Small' is hidden. Show it (Alt H), or leave it out." in (
        part("training.training_run").last().lines
    )


def test_bad_sources_are_refused_and_leave_no_folder(pair, out):
    new_collection("Nothing in Here")
    for options, message in (
        ({"source": "COLLECTION", "collection": "Nothing in Here"}, r"'Nothing in Here' is empty"),
        ({"source": "COLLECTION", "collection": "none"}, r"no collection 'none'"),
        ({"source": "COLLECTION"}, r"No collection is chosen"),
        ({"source": "FOLDER"}, r"No folder of meshes is chosen"),
        ({"source": "FOLDER", "folder": "/no/such/folder"}, r"is no folder"),
        ({"more": "[1"}, r"no JSON"),
    ):
        with pytest.raises(RuntimeError, match=message):
            train(out, **options)
    select()
    with pytest.raises(RuntimeError, match=r"No object is selected"):
        train(out)
    select(pair[0])
    with pytest.raises(RuntimeError, match=r"needs two shapes or more, and 1 can be used"):
        train(out)
    alone = out.parent / "alone"
    alone.mkdir()
    for number, files in enumerate(("no", "1")):
        (alone / "read.me").touch()
        told = rf"two shapes or more, and {number} can be used.*holds {files} OBJ.*Add shapes"
        with pytest.raises(RuntimeError, match=told):
            train(out, source="FOLDER", folder=str(alone))
        (alone / "Mug.PLY").touch()
    assert not out.exists() or not list(out.iterdir())
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(RuntimeError, match=r"Go back to Object Mode"):
        train(out)
    bpy.ops.object.mode_set(mode="OBJECT")
    with pytest.raises(RuntimeError, match=r"is no folder of a training"):
        bpy.ops.meshsdf.train_resume(directory=str(out))


def test_an_output_relative_to_an_unsaved_file_is_refused(pair):
    with pytest.raises(RuntimeError, match=r"has not been saved"):
        train("//runs")


def test_runs_go_beside_a_saved_file_and_never_into_an_old_folder(pair, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    for folder in ("x", "x_2"):
        bpy.ops.meshsdf.train_space(name="x")
        assert (tmp_path / "meshsdf_training" / folder / "x.safetensors").is_file()


def test_runs_of_a_file_that_was_never_saved_outlive_the_extension(pair, home, part):
    """Blender removes the extension's own folder when the extension is uninstalled."""
    bpy.ops.meshsdf.train_space(name="x")
    assert (home / "MeshSDF" / "x" / "x.safetensors").is_file()
    own = Path(bpy.utils.extension_path_user(part("identity").ROOT_PACKAGE))
    # Copies of packed spaces may go with the extension: the .blend has them.
    assert {path.parent.name for path in own.rglob("*.safetensors")} <= {"packed"}


def test_runs_of_the_former_place_are_still_found_and_resumed(pair, home, part, tmp_path):
    browsed = part("training.training_folder").browsed
    assert browsed("") == home / "MeshSDF"
    old = Path(bpy.utils.extension_path_user(part("identity").ROOT_PACKAGE, path="training"))
    try:
        bpy.ops.meshsdf.train_space(name="old", output=str(old))
        assert browsed("") == old
        assert browsed("//runs") == old  # of an unsaved file
        assert bpy.ops.meshsdf.train_resume(directory=str(old / "old")) == {"FINISHED"}
        bpy.ops.meshsdf.train_space(name="new")
        assert browsed("") == home / "MeshSDF"
    finally:
        shutil.rmtree(old)


def test_the_panel_says_where_the_space_will_be_kept(scene, home, part, tmp_path):
    settings = scene.meshsdf_training
    panel = part("panels.training").MESHSDF_PT_train

    def told():
        return drawn(panel, scene, selected_objects=[1, 2])

    assert told().labels == [str(Path("~") / "MeshSDF")]
    assert ("output", "") in told().properties
    settings.output = "//runs"
    assert "has not been saved yet" in told().words
    settings.output = str(home / "here")
    assert told().labels == [str(Path("~") / "here")]
    settings.output = str(tmp_path / ("long" * 20) / "end")
    assert len(told().labels[0]) < 40
    assert told().labels[0].startswith("...")
    assert told().labels[0].endswith("end")
    assert not (home / "MeshSDF").exists()  # drawing makes nothing


def test_the_panel_says_that_one_shape_is_too_few(pair, scene, part):
    panel = part("panels.training").MESHSDF_PT_train
    settings = scene.meshsdf_training
    settings.source, settings.collection = "COLLECTION", new_collection("Lonely")
    assert "'Lonely' is empty" in drawn(panel, scene).words
    settings.collection.objects.link(pair[0])
    assert "needs two shapes or more, and 1 can be used" in drawn(panel, scene).words
    settings.collection.objects.link(pair[1])
    assert "two shapes" not in drawn(panel, scene).words


def test_a_full_disk_leaves_nothing_behind(pair, out, part, monkeypatch):
    plyfile = part("training.plyfile")
    write, written = plyfile.write_ply, []

    def second_is_too_much(path, vertices, faces):
        if written:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(path)
        write(path, vertices, faces)

    monkeypatch.setattr(plyfile, "write_ply", second_is_too_much)
    with pytest.raises(RuntimeError, match=r"The disk of .* is full\. Free some space"):
        train(out)
    assert not list(out.iterdir())
    assert part("training.training_run").current() is None


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("die_at_train_7", r"The worker stopped \(exit code 9\).*Resume Training goes on from"),
        ("half_preview", r"progress that cannot be read"),
        ("full_disk", r"The disk is full\. Free some space"),
    ],
)
def test_a_run_that_breaks_off_can_be_resumed(pair, part, fake, mode, words):
    fake(mode)
    out = Path(fake.space).parent / "runs"
    loaded = bpy.context.scene.meshsdf.loaded
    with pytest.raises(RuntimeError, match=words):
        train(out, name="Broken")
    assert part("training.training_run").current() is None
    assert part("training.training_run").last().resumable
    assert not loaded
    folder = out / "Broken"
    reached = json.loads((folder / "run.json").read_text("utf-8"))["step"]
    assert 1 < reached < 20
    fake("")
    assert bpy.ops.meshsdf.train_resume(directory=str(folder)) == {"FINISHED"}
    assert loaded[0].name == "Broken"
    assert not part("training.training_run").last().resumable


def test_the_shapes_worker_answers_while_a_space_is_trained(pair, fake, out, part):
    fake("slow")
    run = started(part, out)
    assert next_step(run).total == 20
    assert bpy.ops.meshsdf.shape_add(space=fake.space) == {"FINISHED"}
    workers = part("door")._started
    assert workers["training"].process.pid != workers["shapes"].process.pid
    with pytest.raises(RuntimeError, match=r"A training is running"):
        train(out)
    part("door").close("shapes")
    assert not next_step(run).finished
    run.abandon()


def next_step(run):
    end = time.monotonic() + LONGEST_SECONDS
    while (step := run.advance(0.1)) is None:
        assert time.monotonic() < end
    return step


def started(part, out):
    """A run of two empty meshes."""
    source = out / "source"
    source.mkdir(parents=True)
    for name in "ab":
        (source / f"{name}.ply").write_bytes(b"")
    folder = part("training.training_folder").fresh(str(out), "Run")
    return part("training.training_run").TrainingRun(
        folder, "Run", source=source, options={"name": "Run"}
    )


@pytest.fixture
def live(pair, out, part, monkeypatch):
    """A training beside the work: ``until(condition)`` and ``end()`` drive its timer."""
    module = part("training.training_live")
    run = started(part, out)
    bounds = np.array([[0, 0, 0.25], [4, 2, 1.0]])
    stand = part("training.training_preview").Stand.beside(bounds, 1.0, moved=True)
    module.begin(bpy.context, run, stand)

    class Live:
        preview = staticmethod(lambda: part("training.training_preview").find(str(run.folder)))

        def until(self, condition):
            end = time.monotonic() + LONGEST_SECONDS
            while not condition():
                assert time.monotonic() < end
                assert module.tick() is not None
                time.sleep(0.005)

        def end(self):
            self.until(lambda: not module._live)
            assert part("training.training_run").current() is None

    made = Live()
    made.run, made.module = run, module
    return made


def told():
    return bpy.context.window_manager.meshsdf_training


def test_a_live_training_shows_a_preview_beside_its_sources(live, scene):
    before = set(bpy.data.objects)
    live.until(lambda: live.preview() is not None)
    preview = live.preview()
    assert preview.name == "Run preview"
    assert preview.users_collection[0].name == "MeshSDF Training"
    first = len(preview.data.vertices)
    live.until(lambda: len(live.preview().data.vertices) != first)
    assert 0 < told().factor < 1
    assert told().text.startswith("Training: ")
    assert "Loss 0." in told().detail
    assert set(bpy.data.objects) - before == {preview}
    live.end()
    assert set(bpy.data.objects) == before
    assert "MeshSDF Training" not in bpy.data.collections
    assert scene.meshsdf.loaded[0].name == "Run"
    assert live.run.outcome.text == "Space 'Run' is ready"
    assert live.module.tick() is None


def corners_of(preview):
    bpy.context.view_layer.update()
    found = np.array([preview.matrix_world @ v.co for v in preview.data.vertices])
    return found.min(axis=0), found.max(axis=0)


def lift(vertices):
    """A taller shape whose foot lies lower, as another shape of a centred family."""
    return vertices * (1, 1, 1.5)


BALL = np.array([[0, 0, 0.5], [0, 0, -0.5], [0.5, 0, 0], [-0.5, 0, 0], [0, 0.5, 0], [0, -0.5, 0.0]])
EDGES = np.array([[0, 2, 4], [1, 3, 5]], dtype=np.int32)


def test_previews_of_centred_shapes_all_stand_on_the_familys_ground(scene, part):
    preview = part("training.training_preview")
    bounds = np.array([[0, 0, 0.25], [4, 2, 1.25]])
    stand = preview.Stand.beside(bounds, 1.0, moved=True)
    for vertices in (BALL, lift(BALL), np.add(BALL, (7, 0, 3))):
        preview.show(scene, "x", "run", vertices=vertices, faces=EDGES, stand=stand)
        low, high = corners_of(preview.find("run"))
        assert low[2] == pytest.approx(0.25)
        np.testing.assert_allclose((low + high)[:2] / 2, (4.65, 1), atol=1e-6)
    assert low[0] > 4


def test_previews_of_shapes_that_keep_their_place_stand_where_the_family_does(scene, part):
    """A lamp that hangs from the ceiling hangs in its preview too."""
    preview = part("training.training_preview")
    bounds = np.array([[-1, 0, 0], [4, 2, 3.0]])
    stand = preview.Stand.beside(bounds, 2.0, moved=False)
    for vertices in (BALL, np.add(lift(BALL), (0, 0, 2))):
        preview.show(scene, "x", "run", vertices=vertices, faces=EDGES, stand=stand)
        low, _ = corners_of(preview.find("run"))
        np.testing.assert_allclose(low, np.add(vertices.min(axis=0), (5.3, 0, 0)), atol=1e-6)


def test_a_preview_that_the_user_moved_stays_there_with_its_feet_on_its_ground(scene, part):
    preview = part("training.training_preview")
    stand = preview.Stand(np.zeros(3), moved=True)
    preview.show(scene, "x", "run", vertices=BALL, faces=EDGES, stand=stand)
    preview.find("run").location.x += 10
    preview.find("run").location.z += 1
    preview.show(scene, "x", "run", vertices=lift(BALL), faces=EDGES, stand=stand)
    low, high = corners_of(preview.find("run"))
    assert low[2] == pytest.approx(1)
    assert (low + high)[0] / 2 == pytest.approx(10)


def test_a_preview_of_meshes_that_are_not_in_the_scene_stands_at_the_cursor(pair, out, part):
    train = part("operators.train")
    bpy.context.scene.cursor.location = (1, 2, 3)
    stand = train._at_cursor(bpy.context, moved=True)
    np.testing.assert_allclose(stand.location(BALL), (1, 2, 3.5))
    folder = out / "run"
    folder.mkdir(parents=True)
    moves = part("training.training_folder").run_moves_each
    for alignment, moved in (({"centre": True}, True), ({"normalise": True}, True), ({}, False)):
        (folder / "run.json").write_text(json.dumps({"options": {"alignment": alignment}}))
        assert moves(folder) is moved


def test_the_panel_says_which_stage_the_time_left_is_of(live, part):
    step = part("training.training_run").TrainingStep(
        stage="sampling", done=11, total=40, message="mug", loss=None, seconds_left=60.0,
        finished=False, reason="", path="", preview_name="", vertices=None, faces=None,
    )  # fmt: skip
    live.run.stage = "sampling"
    live.module.show(live.module._live[0], step)
    assert told().text == "Sampling 12 of 40, 1 min left"
    assert told().detail == "Training comes next, mug"
    live.run.stage = "training"
    live.module.show(live.module._live[0], replace(step, stage="training", done=10))
    assert told().text == "Training: 25 %, 1 min left"
    assert told().detail == "mug"


def test_the_view_can_be_turned_to_the_preview(live, part):
    poll = bpy.ops.meshsdf.train_view.poll
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    with bpy.context.temp_override(window=window, area=area):
        assert not poll()
        live.until(lambda: live.preview() is not None)
        assert told().preview in {"a", "b"}
        assert poll()
        assert bpy.ops.meshsdf.train_view() == {"FINISHED"}
    view = area.spaces.active.region_3d
    bpy.context.view_layer.update()
    corners = np.array([live.preview().matrix_world @ v.co for v in live.preview().data.vertices])
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    np.testing.assert_allclose(view.view_location, middle, atol=1e-4)
    bpy.data.objects.remove(live.preview())
    with bpy.context.temp_override(window=window, area=area):
        assert not poll()
    live.until(lambda: not told().preview)


def test_the_panel_counts_meshes_and_tells_remarks_whole(addon, part):
    outcome = part("training.training_run").Outcome(
        "Mugs", "", lines=["a: closed", "b (2): closed"]
    )
    rows = part("panels.training").report_rows
    assert rows(outcome, 30) == ["2 meshes"]
    outcome.lines = ["Note: 'a' and 'c' are the same shape twice", "c: sealed (holes closed: 3)"]
    assert rows(outcome, 30, so_far=True) == [
        "1 mesh so far",
        "1 repaired",
        "Note: 'a' and 'c' are the same",
        "shape twice",
    ]
    outcome.lines = [f"{n}: refused: 'Mug {n}' has no faces" for n in range(6)]
    told = rows(outcome, 30)
    assert told[0] == "0 meshes, 6 refused"
    assert told[1:3] == ["'Mug 0' has no faces", "'Mug 1' has no faces"]
    assert told[-1] == "and 2 more"


def test_the_result_of_a_live_training_is_one_undo_step(live, scene):
    bpy.ops.ed.undo_push(message="base")
    live.end()
    assert len(scene.meshsdf.loaded) == 1
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.ed.undo()
    assert len(bpy.context.scene.meshsdf.loaded) == 0
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.ed.redo()
    assert len(bpy.context.scene.meshsdf.loaded) == 1


def test_stop_keeps_what_there_is_and_can_be_resumed(live, scene):
    live.until(lambda: told().factor > 0.2)
    assert bpy.ops.meshsdf.train_stop() == {"FINISHED"}
    with pytest.raises(RuntimeError, match=r"stops as soon as"):
        bpy.ops.meshsdf.train_stop()
    live.end()
    assert live.run.outcome.text == "Space 'Run' is ready (stopped early)"
    assert live.run.outcome.resumable
    assert len(scene.meshsdf.loaded) == 1
    assert bpy.ops.meshsdf.train_resume(directory=live.run.outcome.folder) == {"FINISHED"}
    assert len(scene.meshsdf.loaded) == 1
    with pytest.raises(RuntimeError, match=r"No training is running"):
        bpy.ops.meshsdf.train_stop()


def test_stop_before_the_worker_is_ready_ends_it(live):
    live.run.stop()
    live.end()
    assert live.run.outcome.text == "Stopped before it began"
    assert not Path(live.run.outcome.folder).exists()


def test_a_new_file_lets_the_training_go_on_and_gets_nothing_of_it(live):
    live.until(lambda: live.preview() is not None)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    live.until(lambda: told().factor > 0.5)
    live.end()
    assert not bpy.data.objects
    assert not bpy.context.scene.meshsdf.loaded
    assert live.run.outcome.path
    bpy.ops.meshsdf.shape_add(space=live.run.outcome.path)


def test_undo_while_it_trains_does_not_end_it(live):
    bpy.ops.ed.undo_push(message="base")
    sphere("Own")
    bpy.ops.ed.undo_push(message="Own")
    live.until(lambda: live.preview() is not None)
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.ed.undo()
    live.until(lambda: live.preview() is not None)
    live.end()
    assert live.preview() is None


def test_a_deleted_preview_stays_away_and_an_edited_one_is_left_alone(live, fake):
    live.until(lambda: live.preview() is not None)
    select(live.preview())
    bpy.ops.object.mode_set(mode="EDIT")
    before = len(live.preview().data.vertices)
    live.until(lambda: told().factor > 0.4)
    bpy.ops.object.mode_set(mode="OBJECT")
    assert len(live.preview().data.vertices) == before
    bpy.data.objects.remove(live.preview())
    live.until(lambda: told().factor > 0.9)
    assert live.preview() is None
    live.end()


def test_the_users_own_objects_of_our_names_are_not_touched(live, scene):
    own = sphere("Run preview", collection=new_collection("MeshSDF Training"))
    before = len(own.data.vertices)
    live.until(lambda: live.preview() is not None)
    assert live.preview() != own
    live.end()
    assert len(bpy.data.objects["Run preview"].data.vertices) == before
    assert "MeshSDF Training" in bpy.data.collections


def test_a_worker_that_dies_ends_a_live_training_with_words(live, scene, part):
    live.until(lambda: told().factor > 0.2)
    part("door")._started["training"].process.kill()
    live.end()
    assert "Resume Training goes on" in live.run.outcome.problem
    assert live.run.outcome.resumable
    assert part("door").status.state != "failed"
    assert live.preview() is None


def test_a_fault_of_ours_ends_it_once(live, monkeypatch):
    live.until(lambda: told().factor > 0.2)
    monkeypatch.setattr(live.module, "show", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        live.until(lambda: False)
    assert live.run.outcome.problem == "division by zero"
    assert live.module.tick() is None


def test_disabling_ends_a_training_which_can_be_resumed(live, part):
    live.until(lambda: told().factor > 0.2)
    process = part("door")._started["training"].process
    live.module.unregister()
    live.module.register()
    assert process.wait(5) is not None
    assert "training" not in part("door")._started
    assert (live.run.folder / "run.json").is_file()


def test_names_fit_every_file_system(part):
    stem = part("training.training_source").file_stem
    assert [stem(n) for n in ("a/b", "con", "Con.x", "..", " x. ", "ü", "a\nb")] == [
        "a_b", "_con", "_Con.x", "Shape", "x", "ü", "a_b",
    ]  # fmt: skip
    taken = set()
    names = [
        part("training.training_source")._stem(n, taken) for n in ("Cup", "cup", "CUP", "cup_2")
    ]
    assert len({n.casefold() for n in names}) == 4


def test_times_are_said_as_people_say_them(part):
    duration = part("training.training_live").duration
    assert [duration(s) for s in (-1, 7.4, 59, 90, 3600 * 2 + 300)] == [
        "0 s", "7 s", "59 s", "2 min", "2 h 5 min",
    ]  # fmt: skip
