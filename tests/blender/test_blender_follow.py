"""Meshes that follow their sliders as in a window, the timer's ticks given by hand.

What a mesh ought to be, the worker says anew each time: the fake's is a function of the code.
"""

from __future__ import annotations

import os
import random
import signal
import time
from types import SimpleNamespace

import bpy
import numpy as np
import pytest

LONGEST_SECONDS = 20.0
WALK_STEPS = 100
WHOLE = 48


def code_of(ob):
    return np.array(ob["meshsdf_code"])


def until(live, reached):
    end = time.monotonic() + LONGEST_SECONDS
    while not reached():
        assert time.monotonic() < end
        live.tick()
        time.sleep(0.002)


def settle(live):
    """Tick until all is at rest; how many cells were asked for on the way."""
    end, cells = time.monotonic() + LONGEST_SECONDS, []
    while True:
        cells += [asked.header["resolution"] for asked in live._asked]
        if live.tick() is None:
            return cells
        assert time.monotonic() < end
        time.sleep(0.002)


def until_whole_is_asked(live):
    until(live, lambda: any(not asked.header["draft"] for asked in live._asked))


def go(way):
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        assert getattr(bpy.ops.ed, way)() == {"FINISHED"}


def call(name, **options):
    """Run an operator as a button does: with an undo step of its own."""
    assert getattr(bpy.ops.meshsdf, name)("EXEC_DEFAULT", True, **options) == {"FINISHED"}


def test_a_dragged_slider_is_followed_coarsely_then_as_asked(egg, live, in_step):
    whole = len(egg.data.vertices)
    for step in range(1, 6):
        egg.meshsdf.slider_1 = 0.2 * step
        assert egg.meshsdf.draft
    until(live, lambda: len(egg.data.vertices) < whole)
    assert len(egg.data.vertices) > 0
    assert egg.meshsdf.slider_1 == pytest.approx(1.0)
    assert settle(live)[-1] == WHOLE
    assert in_step()


def test_a_coarse_mesh_is_shown_although_the_slider_went_on(egg, live, in_step):
    whole = len(egg.data.vertices)
    moves = 0
    while len(egg.data.vertices) == whole:  # never at rest, and every answer is of an older code
        moves += 1
        assert moves < 2000
        egg.meshsdf.slider_1 = moves / 1000
        live.tick()
    settle(live)
    assert in_step()


def test_the_object_may_be_removed_while_it_is_dragged(egg, live):
    egg.meshsdf.slider_1 = 0.5
    live.tick()
    bpy.data.objects.remove(egg)
    settle(live)
    assert not live.busy()


def test_requests_beside_a_drag_get_their_own_answers(egg, live, in_step, fake):
    egg.meshsdf.slider_1 = 0.5
    until(live, lambda: live._asked)
    # This waits for its own answer, of another code, and the drag's comes first.
    bpy.ops.meshsdf.shape_add(space=fake.space, shape="wide", resolution=WHOLE)
    wide = bpy.context.active_object
    assert wide.dimensions.y > 1.3
    settle(live)
    assert in_step()
    assert egg.meshsdf.slider_1 == pytest.approx(0.5)


@pytest.mark.parametrize("begin", ["fit", "encode"])
def test_a_run_that_begins_beside_a_drag_swallows_no_answer(egg, live, in_step, target, begin):
    bpy.context.scene.meshsdf.steps = 5
    egg.meshsdf.slider_1 = 1.5
    until(live, lambda: live._asked)
    if begin == "fit":
        bpy.context.view_layer.objects.active = egg
        assert bpy.ops.meshsdf.fit_step(steps=2) == {"FINISHED"}
    else:
        assert bpy.ops.meshsdf.encode(space=egg.meshsdf.space, resolution=WHOLE) == {"FINISHED"}
    settle(live)
    assert bpy.data.objects["Fake"].meshsdf.draft is False
    egg.meshsdf.slider_1 = -1.0
    settle(live)
    assert in_step()


def test_pictures_that_were_asked_for_before_a_fit_still_come(egg, part, target, scene):
    known, door = part("shapes.known_shapes"), part("door")
    known.nearest(egg)
    known.tick()
    assert known._asked
    bpy.context.view_layer.objects.active = egg
    scene.meshsdf.steps = 5
    run = part("fitting.fit_run").FitRun(bpy.context, egg)
    steps = []
    while not steps or not steps[-1].done:
        # What the timers do between two steps must not take the fit's frames either.
        known._asked[0].worker.answer(known._asked[0].identity + 1000)
        assert known.tick() == known.IDLE_SECONDS
        steps += [step for step in [run.advance(0.5)] if step is not None]
    run.finish(bpy.context, steps[-1])
    end = time.monotonic() + LONGEST_SECONDS
    while known.tick() is not None:
        assert time.monotonic() < end
    known.nearest(egg)
    assert not known._wanted
    assert door.ready_worker().request("space", {"path": egg.meshsdf.space})


def test_one_picture_that_cannot_be_drawn_leaves_the_others(egg, part, monkeypatch):
    known, refusal = part("shapes.known_shapes"), part("errors").Refusal
    known.nearest(egg)
    known.tick()
    _, *others = known._wanted
    with monkeypatch.context() as patched:
        refuse = lambda *_: (_ for _ in ()).throw(refusal("It broke"))  # noqa: E731
        patched.setattr(part("door.worker").Worker, "answer", refuse)
        assert known.tick() is not None
    assert list(known._wanted) == others
    known._forget()


def test_nothing_reads_the_connection_while_blender_renders(egg, part, live, monkeypatch):
    known = part("shapes.known_shapes")
    known.nearest(egg)
    known.tick()
    egg.meshsdf.slider_1 = 1.0
    assert known._asked
    assert live._asked
    app = SimpleNamespace(is_job_running=lambda kind: kind == "RENDER", timers=bpy.app.timers)
    read = []
    with monkeypatch.context() as patched:
        patched.setattr(part("door.worker").Worker, "answer", lambda *given: read.append(given))
        for module in (known, live):
            patched.setattr(module, "bpy", SimpleNamespace(app=app))
            assert module.tick() > 0
    assert not read


@pytest.mark.parametrize(
    "action",
    [("known_shape", {"shape": "wide"}), ("slider_reset", {}), ("randomise", {"seed": 3})],
    ids=lambda action: action[0],
)
@pytest.mark.parametrize("again", [False, True])
def test_a_late_mesh_is_not_written_over_a_newer_code(egg, live, in_step, action, again):
    egg.meshsdf.slider_1 = 1.5
    until_whole_is_asked(live)
    call(action[0], **action[1])
    code = code_of(egg)
    assert in_step()
    if again:  # the first answer is of a shape that was followed before
        egg.meshsdf.slider_2 = 0.75
        code = code_of(egg)
    settle(live)
    np.testing.assert_array_equal(code_of(egg), code)
    assert in_step()


def test_a_late_coarse_mesh_of_an_earlier_drag_is_not_shown(egg, live, in_step):
    egg.meshsdf.slider_1 = 1.5
    until(live, lambda: live._asked)
    call("known_shape", shape="wide")
    egg.meshsdf.slider_2 = 0.75
    whole = len(egg.data.vertices)
    until(live, lambda: len(egg.data.vertices) < whole)
    assert max(vertex.co.x for vertex in egg.data.vertices) < 0.51  # 0.65 before the known shape
    settle(live)
    assert in_step()


def test_a_frame_that_changes_the_code_is_not_written_over(egg, live, in_step, scene):
    for frame, value in ((1, 0.0), (5, 0.5)):
        egg["meshsdf_code"][0] = value
        egg.keyframe_insert('["meshsdf_code"]', frame=frame)
    scene.frame_set(1)
    egg.meshsdf.slider_2 = 1.0
    until_whole_is_asked(live)
    scene.frame_set(5)
    assert code_of(egg)[0] == pytest.approx(0.5)
    settle(live)
    assert in_step()


def test_a_code_that_a_script_writes_meanwhile_is_followed_too(egg, live, in_step):
    egg.meshsdf.slider_1 = 1.5
    until_whole_is_asked(live)
    egg["meshsdf_code"][1] = 0.5
    settle(live)
    assert in_step()


def test_other_settings_meanwhile_are_asked_for_again(egg, live, in_step):
    egg.meshsdf.slider_1 = 1.5
    until_whole_is_asked(live)
    egg.meshsdf.resolution = 64
    settle(live)
    assert egg.meshsdf.faces == len(egg.data.polygons)
    assert in_step()


def test_undo_and_redo_bring_no_coarse_mesh_back(egg, live, in_step):
    whole = len(egg.data.vertices)
    bpy.ops.ed.undo_push(message="base")
    codes = [code_of(egg)]
    for value in (1.0, 2.0):
        egg.meshsdf.slider_1 = value
        until(live, lambda: len(egg.data.vertices) < whole)
        bpy.ops.ed.undo_push(message="Slider")  # as the mouse's release does, before the whole mesh
        codes.append(code_of(egg))
    for way, code in (("undo", 1), ("redo", 2), ("undo", 1), ("undo", 0), ("redo", 1)):
        until_whole_is_asked(live) if live.busy() else None
        go(way)
        egg = bpy.data.objects["Fake"]
        np.testing.assert_array_equal(code_of(egg), codes[code])
        assert egg.meshsdf.draft == (code > 0)
        settle(live)
        np.testing.assert_array_equal(code_of(egg), codes[code])
        assert in_step()


def test_undo_drops_the_mesh_that_was_on_its_way(egg, live, in_step):
    bpy.ops.ed.undo_push(message="base")
    egg.meshsdf.slider_1 = 1.5
    bpy.ops.ed.undo_push(message="Slider")
    until_whole_is_asked(live)
    go("undo")
    settle(live)
    assert code_of(bpy.data.objects["Fake"])[0] == 0
    assert in_step()


def test_a_shape_that_is_refused_leaves_the_others(egg, live, in_step, fake):
    bpy.ops.meshsdf.shape_add(space=fake.space, resolution=WHOLE)
    other = bpy.context.active_object
    other.meshsdf.slider_1 = 1.0
    egg.meshsdf.slider_1 = 1.0
    egg.meshsdf.space = "//gone.safetensors"
    settle(live)
    assert egg.meshsdf.draft
    assert egg.meshsdf.message
    assert not other.meshsdf.message
    egg.meshsdf.space = fake.space
    egg.meshsdf.slider_1 = 0.5
    settle(live)
    assert in_step()


def test_a_mesh_that_may_not_be_written_leaves_the_others(egg, live, in_step, fake):
    bpy.ops.meshsdf.shape_add(space=fake.space, resolution=WHOLE)
    other = bpy.context.active_object
    other.meshsdf.slider_1 = 1.0
    egg.meshsdf.slider_1 = 1.0
    egg.shape_key_add(name="Basis")
    settle(live)
    assert "shape keys" in egg.meshsdf.message
    assert not other.meshsdf.draft
    assert not other.meshsdf.message


def test_a_worker_that_dies_leaves_the_code_and_the_next_one_goes_on(egg, live, in_step, part):
    egg.meshsdf.slider_1 = 1.0
    until(live, lambda: live._asked)
    part("door").worker().kill()
    settle(live)
    assert egg.meshsdf.slider_1 == pytest.approx(1.0)
    assert not egg.meshsdf.draft or "worker stopped" in egg.meshsdf.message
    egg.meshsdf.slider_1 = 0.5
    settle(live)
    assert in_step()


def test_a_worker_that_is_replaced_is_asked_no_more(egg, live, in_step, part):
    egg.meshsdf.slider_1 = 1.0
    until(live, lambda: live._asked)
    part("door").close()
    settle(live)
    assert not egg.meshsdf.message
    assert in_step()


def test_a_worker_that_does_not_start_is_told_on_every_shape(egg, live, fake):
    bpy.ops.meshsdf.shape_add(space=fake.space, resolution=WHOLE)
    other = bpy.context.active_object
    fake("silent")
    for ob in (egg, other):
        ob.meshsdf.slider_1 = 1.0
    settle(live)
    for ob in (egg, other):
        assert ob.meshsdf.slider_1 == pytest.approx(1.0)
        assert ob.meshsdf.draft
        assert ob.meshsdf.message


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="No process can be stopped here")
def test_a_worker_that_never_answers_is_ended(egg, live, in_step, part, monkeypatch):
    part("door").ready_worker()
    os.kill(part("door").worker().process.pid, signal.SIGSTOP)
    worker = part("door.worker").Worker
    ask = worker.ask
    with monkeypatch.context() as patched:
        patched.setattr(worker, "ask", lambda *given, **how: ask(*given, **{**how, "within": 0.2}))
        egg.meshsdf.slider_1 = 1.0
        settle(live)
    assert "did not answer in time" in egg.meshsdf.message
    egg.meshsdf.slider_1 = 0.5
    settle(live)
    assert in_step()


def test_a_shape_that_is_renamed_is_followed_on(egg, live, in_step, fake):
    egg.meshsdf.slider_1 = 1.0
    until(live, lambda: live._asked)
    egg.name = "Other"
    bpy.ops.meshsdf.shape_add(space=fake.space, resolution=WHOLE)  # takes the name
    assert bpy.context.active_object.name == "Fake"
    settle(live)
    assert egg.meshsdf.slider_1 == pytest.approx(1.0)
    assert in_step()


@pytest.fixture
def saved_coarse(egg, live, tmp_path):
    """A function that saves the file with a coarse mesh in it, and gives its path."""

    def save(space=""):
        whole, path = len(egg.data.vertices), str(tmp_path / "coarse.blend")
        egg.meshsdf.slider_1 = 1.0
        until(live, lambda: len(egg.data.vertices) < whole)
        if space:
            egg.meshsdf.space = space
        bpy.ops.wm.save_as_mainfile(filepath=path)
        return path

    return save


def test_a_coarse_mesh_of_a_file_is_made_whole_when_that_is_opened(saved_coarse, live, in_step):
    path = saved_coarse()
    bpy.ops.wm.open_mainfile(filepath=path)
    assert live.busy()
    settle(live)
    assert bpy.data.objects["Fake"].meshsdf.slider_1 == pytest.approx(1.0)
    assert in_step()


def test_a_foreign_space_is_not_read_before_the_artist_acts(saved_coarse, live, tmp_path, part):
    foreign = tmp_path / "theirs.pth"
    foreign.write_bytes(b"fake")
    path = saved_coarse(str(foreign))
    part("door").close()
    bpy.ops.wm.open_mainfile(filepath=path)
    assert not live.busy()
    assert not part("door")._started
    ob = bpy.data.objects["Fake"]
    assert ob.meshsdf.draft
    bpy.context.view_layer.objects.active = ob
    bpy.ops.meshsdf.slider_show()
    ob.meshsdf.slider_1 = 0.5
    settle(live)
    assert not ob.meshsdf.draft


def test_a_script_that_opens_such_a_file_starts_no_worker(saved_coarse, live, part, monkeypatch):
    path = saved_coarse()
    part("door").close()
    monkeypatch.setattr(part("shapes.slide"), "in_script", lambda: True)
    bpy.ops.wm.open_mainfile(filepath=path)
    assert not live.busy()
    assert not part("door")._started
    assert bpy.data.objects["Fake"].meshsdf.draft


@pytest.mark.skipif(bpy.app.version < (4, 4, 0), reason="Blender tells of an append since 4.4")
def test_a_coarse_mesh_that_is_appended_is_made_whole(saved_coarse, live, in_step):
    path = saved_coarse()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.wm.append(filename="Fake", directory=f"{path}/Object/")
    assert live.busy()
    settle(live)
    assert in_step()


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_any_walk_with_meshes_on_their_way_ends_in_step(egg, live, in_step, target, seed):
    """A model of the undo stack beside Blender's, moves between ticks, and rests now and then."""
    draw = random.Random(seed)
    bpy.ops.meshsdf.shape_add(space=egg.meshsdf.space, resolution=40)
    uids = [egg.session_uid, bpy.context.active_object.session_uid]
    bpy.ops.ed.undo_push(message="base")

    def shapes():
        return {ob.session_uid: ob for ob in bpy.data.objects if ob.session_uid in uids}

    def state():
        return {uid: (ob.name, *code_of(ob).tolist()) for uid, ob in shapes().items()}

    def drag():
        ob = bpy.context.active_object
        for _ in range(draw.randrange(1, 4)):
            setattr(ob.meshsdf, f"slider_{draw.randrange(1, 3)}", draw.uniform(-2, 2))
            wander()
        bpy.ops.ed.undo_push(message="Slider")

    def rename():
        bpy.context.active_object.name = f"Egg {draw.randrange(9)}"
        bpy.ops.ed.undo_push(message="Rename")

    def wander():
        for _ in range(draw.randrange(6)):
            live.tick()
            time.sleep(draw.choice([0.0, 0.002, 0.02]))

    moves = {
        "known": lambda: call("known_shape", shape=draw.choice(["long", "wide"])),
        "reset": lambda: call("slider_reset", slider=draw.choice(["", "Length"])),
        "step": lambda: call("fit_step", steps=1),
        "drag": drag,
        "pull": drag,
        "rename": rename,
    }
    states, at = [state()], 0
    for _ in range(WALK_STEPS):
        wander()
        bpy.context.view_layer.objects.active = shapes()[draw.choice(uids)]
        room = len(states) < bpy.context.preferences.edit.undo_steps - 2
        choices = ["undo"] * 3 * (at > 0) + ["redo"] * 3 * (at < len(states) - 1) + ["rest"]
        move = draw.choice(choices + list(moves) * (room or at < len(states) - 2))
        if move == "rest":
            settle(live)
            assert in_step()
        elif move in moves:
            moves[move]()
            del states[at + 1 :]
            states.append(state())
            at += 1
        else:
            go(move)
            at += 1 if move == "redo" else -1
        assert state() == states[at], move
    settle(live)
    assert in_step()
    assert state() == states[at]
