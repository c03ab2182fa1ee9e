"""Training, encoding and export with the worker of core, in real Blender: small, but the real way.

The draft of two shapes is cut short by Stop, so that it takes seconds.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import bpy
import numpy as np
import pytest

LONGEST_SECONDS = 900.0  # a busy machine takes its time


@pytest.fixture
def ready(scene, part):
    yield scene
    part("training.training_live").unregister()
    part("training.training_live").register()
    part("door").close()


def family():
    """A ball and a longer one, standing apart."""
    made = []
    for name, length, x in (("Ball", 1.0, 0.0), ("Egg", 1.5, 4.0)):
        bpy.ops.mesh.primitive_uv_sphere_add(segments=32, ring_count=16, location=(x, 0, 0))
        ob = bpy.context.active_object
        ob.name, ob.scale = name, (length, 1, 1)
        made.append(ob)
    bpy.context.view_layer.update()
    for ob in made:
        ob.select_set(True)
    return made


def train_a_while(part, run, *, steps):
    """Drive a run by the live timer until it trained some steps, then stop it."""
    live = part("training.training_live")
    stand = part("training.training_preview").Stand(np.zeros(3), moved=True)
    live.begin(bpy.context, run, stand)
    seen, end = set(), time.monotonic() + LONGEST_SECONDS
    trained = live.show

    def show(live, step):
        seen.add(step.stage)
        if step.stage == "training" and step.done >= steps and not run.stopping:
            run.stop()
        trained(live, step)

    live.show = show
    try:
        while live._live:
            assert time.monotonic() < end
            live.tick()
            time.sleep(0.02)
    finally:
        live.show = trained
    return seen


def prepared(part, out, name):
    """A run of the selected objects, as the operator prepares it."""
    source = part("training.training_source").from_objects(
        bpy.context, bpy.context.selected_objects
    )
    folder = part("training.training_folder").fresh(str(out), name)
    meshes = ((mesh.name, mesh.vertices, mesh.faces) for mesh in source.meshes())
    part("training.plyfile").write_folder(folder / "meshes", meshes)
    options = {"name": name, "preset": "draft", "centre": True, "seed": 1}
    return part("training.training_run").TrainingRun(
        folder, name, source=folder / "meshes", options=options
    )


def test_two_objects_train_stop_resume_encode_and_export(ready, part, tmp_path):
    _, egg = family()
    run = prepared(part, tmp_path / "läufe", "Eier")
    seen = train_a_while(part, run, steps=80)
    assert {"training"} <= seen
    outcome = run.outcome
    assert not outcome.problem, outcome.problem
    assert outcome.resumable
    assert Path(outcome.path).is_file()
    assert len(outcome.used) == 2
    report = json.loads((run.folder / "report.json").read_text("utf-8"))
    assert {mesh["name"] for mesh in report["meshes"]} == {"Ball", "Egg"}
    assert all("closed" in line for line in outcome.lines if line.startswith(("Ball", "Egg")))

    again = part("training.training_run").TrainingRun(run.folder, "Eier")
    train_a_while(part, again, steps=200)
    assert not again.outcome.problem, again.outcome.problem
    assert len(ready.meshsdf.loaded) == 1

    bpy.ops.meshsdf.shape_add(shape="Egg")
    shape = bpy.context.active_object
    assert shape.meshsdf.components == 1
    # Rough after so few steps, but at its real size: 3 x 2 x 2.
    np.testing.assert_allclose(shape.dimensions, (3, 2, 2), rtol=0.25)
    # Centre Each was on: it stands about its own origin, wherever the family stood.
    bpy.context.view_layer.update()
    corners = np.array([shape.matrix_world @ v.co for v in shape.data.vertices])
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    np.testing.assert_allclose(middle, shape.location, atol=0.3)

    bpy.context.view_layer.objects.active = egg
    egg.location = (7, 1, 0)
    assert bpy.ops.meshsdf.encode(placement="MATCH", steps=30) == {"FINISHED"}
    encoded = bpy.context.active_object
    bpy.context.view_layer.update()
    corners = np.array([encoded.matrix_world @ v.co for v in encoded.data.vertices])
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    np.testing.assert_allclose(middle, (7, 1, 0), atol=0.3)
    np.testing.assert_allclose(np.ptp(corners, axis=0), (3, 2, 2), rtol=0.3)

    folder = tmp_path / "als DeepSDF"
    assert bpy.ops.meshsdf.space_export(filepath=str(folder)) == {"FINISHED"}
    assert (folder / "specs.json").is_file()
    assert bpy.ops.meshsdf.space_load(filepath=str(folder)) == {"FINISHED"}
    assert bpy.ops.meshsdf.shape_add(shape="0") == {"FINISHED"}


def test_what_the_worker_cannot_use_is_refused_by_name(ready, part, tmp_path):
    meshes = tmp_path / "meshes"
    meshes.mkdir()
    for name in ("first", "second"):
        (meshes / f"{name}.ply").write_bytes(b"ply\nnothing of the kind")
    with pytest.raises(RuntimeError, match=r"first"):
        bpy.ops.meshsdf.train_space(
            source="FOLDER", folder=str(meshes), output=str(tmp_path / "runs"), preset="DRAFT"
        )
    assert part("training.training_run").current() is None
    # They are the artist's own files: mended, the run can go on.
    assert part("training.training_run").last().resumable


def test_copies_that_the_worker_cannot_use_are_not_kept(ready, part, tmp_path):
    for name in ("Flat", "Thin"):
        mesh = bpy.data.meshes.new(name)
        mesh.from_pydata([(0, 0, 0), (1, 0, 0), (2, 0, 0)], [], [(0, 1, 2)])
        ob = bpy.data.objects.new(name, mesh)
        bpy.context.collection.objects.link(ob)
        ob.select_set(True)
    with pytest.raises(RuntimeError, match=r"Flat"):
        bpy.ops.meshsdf.train_space(output=str(tmp_path / "runs"), preset="DRAFT")
    assert not part("training.training_run").last().resumable
    assert not list((tmp_path / "runs").glob("*"))
