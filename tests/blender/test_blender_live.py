"""The live form of fits, encodings and reconstructions, by hand: invoke, timer events, Esc, cancel.

Without a window Blender has no events, so the operator's own functions are called with a stand-in
for the instance and for the window manager; everything they touch is real.
"""

from __future__ import annotations

import time
from types import SimpleNamespace

import bpy
import pytest

LONGEST_SECONDS = 30.0


class Manager:
    """The window manager, with timers and handlers that are only counted."""

    def __init__(self):
        self.timers, self.handlers = [], []

    def __getattr__(self, name):
        return getattr(bpy.context.window_manager, name)

    def event_timer_add(self, seconds, window):
        self.timers.append(object())
        return self.timers[-1]

    def event_timer_remove(self, timer):
        self.timers.remove(timer)

    def modal_handler_add(self, operator):
        self.handlers.append(operator)


class Context:
    """The context, with the manager above."""

    def __init__(self):
        self.window_manager = Manager()

    def __getattr__(self, name):
        return getattr(bpy.context, name)


@pytest.fixture
def drive(part, monkeypatch):
    """A function from the name of an operator's module and class to that operator, live.

    ``send(type)`` sends it an event, ``run_on()`` goes to the end; ``properties`` are its own.
    """
    rendering = SimpleNamespace(now=False)
    app = SimpleNamespace(background=False, is_job_running=lambda kind: rendering.now)

    def driven(name, cls, **properties):
        modules = part(name), part("operators.live")
        for module in (*modules, part("in_scripts")):
            monkeypatch.setattr(module, "bpy", SimpleNamespace(app=app))
        own = {n: v for n, v in vars(getattr(modules[0], cls)).items() if not n.startswith("__")}
        operator = type("StandIn", (modules[1].RunsLive,), {**own, **properties})()
        operator.reports = []
        operator.given = lambda name, context: getattr(operator, name)
        operator.report = lambda kind, text: operator.reports.append((*kind, text))
        context = Context()

        def send(kind="TIMER", value="NOTHING"):
            return operator.modal(context, SimpleNamespace(type=kind, value=value))

        def run_on():
            end = time.monotonic() + LONGEST_SECONDS
            while time.monotonic() < end:
                result = send()
                if result & {"FINISHED", "CANCELLED"}:
                    return result
                time.sleep(0.005)
            raise AssertionError("the run did not end")

        return SimpleNamespace(
            operator=operator,
            context=context,
            manager=context.window_manager,
            rendering=rendering,
            begin=lambda: operator.invoke(context, None),
            send=send,
            run_on=run_on,
            current=part("running").current,
            run=part("fitting.fit_run").FitRun,
        )

    return driven


@pytest.fixture
def live(shape_object, target, drive):
    """A live fit of 5 steps, which ``begin()`` starts."""
    bpy.context.view_layer.objects.active = shape_object
    bpy.context.scene.meshsdf.steps = 5
    return drive("operators.fit", "MESHSDF_OT_fit")


@pytest.fixture
def encoding(scene, fake, drive):
    """A live encoding of a ball, which ``begin()`` starts."""
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.5)
    bpy.context.active_object.name = "Ball"
    properties = {"space": fake.space, "up": "FILE", "resolution": 32, "steps": 0}
    how = {"placement": "KEEP", "partial": False, "selected": False}
    return drive("operators.encode", "MESHSDF_OT_encode", **properties, **how)


@pytest.fixture
def picturing(scene, fake, picture, drive):
    """A live reconstruction from a picture, which ``begin()`` starts."""
    properties = {"space": fake.space, "up": "FILE", "resolution": 32, "image": picture().name}
    how = {
        "filepath": "",
        "mask": "",
        "camera": "AUTO",
        "lens": 0.0,
        "guesses": 3,
        "steps": 12,
        "pose": True,
    }
    return drive("operators.reconstruct", "MESHSDF_OT_reconstruct", **properties, **how)


def step_until(live, number):
    """Send timer events until the step of that number is shown."""
    end = time.monotonic() + LONGEST_SECONDS
    while bpy.context.window_manager.meshsdf.step < number:
        assert time.monotonic() < end
        assert live.send() == {"PASS_THROUGH"}
        time.sleep(0.005)


def code():
    return list(bpy.data.objects["Fake"]["meshsdf_code"])


def test_a_live_fit_runs_on_timer_events_and_is_one_undo_step(live):
    bpy.ops.ed.undo_push(message="base")
    assert live.begin() == {"RUNNING_MODAL"}
    assert live.manager.handlers == [live.operator]
    assert live.send("MOUSEMOVE") == {"PASS_THROUGH"}
    step_until(live, 2)
    assert code()[0] > 0  # it is shown while it runs
    assert live.run_on() == {"FINISHED"}
    assert code()[0] == pytest.approx(1 - 0.8**5, abs=1e-6)
    assert live.manager.timers == []
    assert live.current() is None
    assert live.operator.reports[0][0] == "INFO"
    bpy.ops.ed.undo_push(message="Fit")  # what Blender does after {"FINISHED"}
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.ed.undo()
    assert code() == [0, 0, 0, 0]


def test_escape_keeps_the_best(live, fake):
    fake("slow")
    bpy.context.scene.meshsdf.steps = 500
    live.begin()
    step_until(live, 2)
    assert live.send("ESC", "PRESS") == {"RUNNING_MODAL"}
    assert live.run_on() == {"FINISHED"}
    assert 0 < code()[0] < 1
    assert bpy.data.objects["Fake"].meshsdf.fit_reason == "Stopped"
    assert live.manager.timers == []


def test_escape_before_the_worker_is_ready_changes_nothing(live, fake):
    fake("")
    live.begin()
    assert live.send("ESC", "PRESS") == {"RUNNING_MODAL"}
    assert live.send() == {"CANCELLED"}
    assert code() == [0, 0, 0, 0]
    assert live.current() is None


def test_blender_may_cancel_it(live):
    live.begin()
    step_until(live, 1)
    live.operator.cancel(live.context)
    assert live.current() is None
    assert live.manager.timers == []


def test_a_run_that_ended_elsewhere_ends_the_operator_once(live):
    live.begin()
    live.current().abandon()
    assert live.send() == {"CANCELLED"}
    live.operator.cancel(live.context)
    assert live.manager.timers == []


def test_a_refusal_at_the_start_is_reported(live):
    bpy.context.scene.meshsdf.object = None
    assert live.begin() == {"CANCELLED"}
    assert live.operator.reports == [
        ("ERROR", "No target object is set. Pick one under Fit > Object.")
    ]
    assert live.manager.timers == []


@pytest.mark.parametrize("fault", [ZeroDivisionError, KeyboardInterrupt])
def test_a_fault_of_ours_puts_the_shape_back_and_locks_nothing(live, monkeypatch, fault):
    live.begin()
    step_until(live, 1)
    monkeypatch.setattr(live.run, "advance", lambda *_: (_ for _ in ()).throw(fault()))
    with pytest.raises(fault):
        live.send()
    assert live.current() is None
    assert live.manager.timers == []
    assert code() == [0, 0, 0, 0]
    assert live.send() == {"CANCELLED"}
    monkeypatch.undo()
    assert bpy.ops.meshsdf.fit_step() == {"FINISHED"}


def test_a_frame_without_a_field_ends_it_with_a_report(live, fake):
    fake("no_vertices")
    live.begin()
    assert live.run_on() == {"CANCELLED"}
    assert live.operator.reports[-1][0] == "ERROR"
    assert "a step that cannot be read ('vertices')" in live.operator.reports[-1][1]
    assert code() == [0, 0, 0, 0]
    assert live.current() is None


def test_nothing_is_written_while_blender_renders(live):
    live.begin()
    step_until(live, 1)
    before = code()
    live.rendering.now = True
    for _ in range(20):
        assert live.send() == {"PASS_THROUGH"}
    assert code() == before
    live.rendering.now = False
    assert live.run_on() == {"FINISHED"}


def test_leaving_object_mode_ends_it_with_what_is_shown(live, shape_object):
    live.begin()
    step_until(live, 1)
    bpy.ops.object.mode_set(mode="EDIT")
    assert live.send() == {"FINISHED"}
    bpy.ops.object.mode_set(mode="OBJECT")
    assert code()[0] > 0
    assert live.current() is None


def test_stop_ends_a_run_that_nobody_drives_any_more(live, part, monkeypatch):
    live.begin()
    step_until(live, 1)
    assert live.current().unseen_seconds < 5
    monkeypatch.setattr(part("operators.fit"), "GONE_SECONDS", -1.0)
    assert bpy.ops.meshsdf.fit_stop() == {"FINISHED"}
    assert live.current() is None
    assert bpy.ops.meshsdf.shape_update() == {"FINISHED"}


def test_a_live_encoding_adds_its_shape_at_the_end(encoding):
    assert encoding.begin() == {"RUNNING_MODAL"}
    assert encoding.manager.handlers == [encoding.operator]
    encoding.rendering.now = True
    for _ in range(20):
        assert encoding.send() == {"PASS_THROUGH"}
    encoding.rendering.now = False
    assert "Ball encoded" not in bpy.data.objects
    assert encoding.run_on() == {"FINISHED"}
    assert "Ball encoded" in bpy.data.objects
    assert encoding.operator.reports[0][0] == "INFO"
    assert encoding.manager.timers == []
    assert encoding.current() is None


def test_escape_keeps_the_encoding_so_far(encoding, fake):
    fake("slow")
    encoding.begin()
    end = time.monotonic() + LONGEST_SECONDS
    while not bpy.context.window_manager.meshsdf.text.startswith("Encoding"):
        assert time.monotonic() < end
        assert encoding.send() == {"PASS_THROUGH"}
        time.sleep(0.005)
    assert encoding.send("ESC", "PRESS") == {"RUNNING_MODAL"}
    assert encoding.run_on() == {"FINISHED"}
    assert "Ball encoded" in bpy.data.objects


def test_an_encoding_that_breaks_off_adds_nothing_and_locks_nothing(encoding, fake):
    fake("")
    encoding.begin()
    encoding.operator._run.advance = lambda *_: 1 / 0
    with pytest.raises(ZeroDivisionError):
        encoding.send()
    assert encoding.current() is None
    assert encoding.manager.timers == []
    encoding.begin()
    encoding.operator.cancel(encoding.context)
    assert encoding.current() is None
    assert "Ball encoded" not in bpy.data.objects


def test_escape_is_one_undo_step_with_the_shape_before_in_it(live, fake, part):
    before = part("fitting.before")
    bpy.ops.ed.undo_push(message="base")
    fake("slow")
    bpy.context.scene.meshsdf.steps = 500
    live.begin()
    step_until(live, 2)
    live.send("ESC", "PRESS")
    live.run_on()
    best = code()
    assert before.exists(bpy.data.objects["Fake"])
    bpy.ops.ed.undo_push(message="Fit")
    window = bpy.context.window_manager.windows[0]
    with bpy.context.temp_override(window=window):
        bpy.ops.ed.undo()
    assert code() == [0, 0, 0, 0]
    assert not before.exists(bpy.data.objects["Fake"])
    with bpy.context.temp_override(window=window):
        bpy.ops.ed.redo()
    assert code() == best
    bpy.ops.meshsdf.fit_back()
    assert code() == [0, 0, 0, 0]


def test_the_stop_button_ends_it_as_escape_does(live, fake, part):
    fake("slow")
    bpy.context.scene.meshsdf.steps = 500
    live.begin()
    step_until(live, 2)
    assert part("fitting.overlay").current() is not None
    assert bpy.ops.meshsdf.fit_stop() == {"FINISHED"}
    assert live.run_on() == {"FINISHED"}
    assert bpy.data.objects["Fake"].meshsdf.fit_reason == "Stopped"
    assert part("fitting.fit_state").fit_state(bpy.data.objects["Fake"]).value == "Continue"


def objects():
    return {ob.name for ob in bpy.data.objects}


def test_a_live_reconstruction_shows_each_step_and_keeps_the_last(picturing, scene):
    bpy.ops.ed.undo_push(message="base")
    assert picturing.begin() == {"RUNNING_MODAL"}
    assert bpy.context.window_manager.meshsdf.text == "Looking at the picture"
    assert objects() == {"Camera"}
    step_until(picturing, 2)
    assert objects() == {"Camera", "Photo shape", "Photo camera"}
    assert scene.camera.name == "Photo camera"
    nearer = scene.camera.matrix_world.translation[1]
    assert nearer > -6
    assert bpy.context.window_manager.meshsdf.text.startswith("Refining: step 2 of 12, IoU 0.7")
    picturing.rendering.now = True
    for _ in range(20):
        assert picturing.send() == {"PASS_THROUGH"}
    assert scene.camera.matrix_world.translation[1] == nearer
    picturing.rendering.now = False
    assert picturing.run_on() == {"FINISHED"}
    assert scene.camera.matrix_world.translation[1] == -4
    assert picturing.operator.reports[-1][1].startswith("'Photo shape' with a camera guessed")
    assert picturing.manager.timers == []
    assert picturing.current() is None


def test_escape_keeps_the_reconstruction_so_far(picturing, fake):
    fake("slow")
    picturing.begin()
    step_until(picturing, 1)
    assert picturing.send("ESC", "PRESS") == {"RUNNING_MODAL"}
    assert picturing.run_on() == {"FINISHED"}
    assert "Photo shape" in objects()
    assert bpy.context.scene.meshsdf.target == "BACKGROUND"


def test_escape_before_the_worker_is_there_adds_nothing(picturing, fake):
    fake("dawdle")
    picturing.begin()
    picturing.send("ESC", "PRESS")
    assert picturing.run_on() == {"CANCELLED"}
    assert objects() == {"Camera"}
    assert bpy.data.images.keys() == ["Photo"]


@pytest.mark.parametrize("step", [0, 2, 4])
def test_a_worker_that_dies_takes_along_what_was_added(picturing, fake, scene, step):
    fake(f"die_at_picture_{step}")
    bpy.ops.mesh.primitive_cube_add()
    old = scene.camera
    picturing.begin()
    assert picturing.run_on() == {"CANCELLED"}
    assert objects() == {"Camera", "Cube"}
    assert bpy.context.active_object.name == "Cube"
    assert scene.camera == old
    assert (scene.render.resolution_x, scene.render.resolution_y) == (200, 150)
    assert len(bpy.data.cameras) == len(bpy.data.meshes) == 1
    assert picturing.current() is None
    assert picturing.operator.reports[0][0] == "ERROR"


def test_undo_during_a_reconstruction_ends_it(picturing, fake):
    fake("slow")
    for name in ("base", "latest"):
        bpy.ops.ed.undo_push(message=name)
    picturing.begin()
    step_until(picturing, 1)
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.ed.undo()
    assert picturing.run_on() == {"CANCELLED"}
    assert "Photo shape" not in objects()
    assert picturing.current() is None


def test_a_shape_that_is_deleted_meanwhile_ends_its_reconstruction(picturing, fake, scene):
    fake("slow")
    picturing.begin()
    step_until(picturing, 1)
    bpy.data.objects.remove(bpy.data.objects["Photo shape"])
    assert picturing.run_on() == {"CANCELLED"}
    assert objects() == {"Camera"}
    assert scene.camera.name == "Camera"
    assert "is gone" in picturing.operator.reports[0][1]
