"""Teaching an encoder through Blender with a worker whose every step is known."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest

from tests.blender.drawn import Drawn, drawn

LONGEST_SECONDS = 30.0
FEW = {"pictures": 50, "steps": 7, "seed": 3}


@pytest.fixture
def space(scene, fake, part):
    """The fake space, chosen in the sidebar; ``encoder`` and ``run`` are what lies beside it."""
    scene.meshsdf.space = fake.space
    path = Path(fake.space)
    folder = path.parent / "encoders"
    yield SimpleNamespace(
        path=fake.space,
        encoder=folder / path.name,
        record=folder / f"{path.stem}.teaching" / "teaching.json",
    )
    part("reconstruction.teach_live").unregister()
    part("training.training_live").unregister()
    part("training.training_live").register()
    part("reconstruction.encoder_place").forget()
    part("door").close()


def test_a_space_is_taught_in_one_call(space, part, capfd):
    assert bpy.ops.meshsdf.teach_encoder(**FEW) == {"FINISHED"}
    assert json.loads(space.encoder.read_text()) == {**FEW, "step": 8}
    assert not space.record.parent.exists()
    assert part("reconstruction.teach_run").current() is None
    assert "training" not in part("door")._started  # it is not left with torch in memory
    said = capfd.readouterr().out
    assert "has an encoder" in said
    assert str(space.encoder) in said


def test_it_teaches_as_the_worker_does_unless_it_is_told(space, part):
    pytest.importorskip("torch")
    from core.reconstruction import encoderfile, teachrun

    bpy.ops.meshsdf.teach_encoder(space=space.path)
    asked = json.loads(space.encoder.read_text())
    del asked["step"]
    assert asked == vars(teachrun.Lesson())
    place = part("reconstruction.encoder_place")
    for path in (space.path, "/a/run", "/a/b.c/2000.pth", "/a/b.c.safetensors"):
        assert place.encoder_path(path) == encoderfile.encoder_path(Path(path))
        assert place.run_folder(path) == teachrun.run_folder(Path(path))
    assert place.RECORD == teachrun.RECORD


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("die_at_teach_4", r"The worker stopped \(exit code 9\).*Resume Teaching goes on from"),
        ("half_progress", r"progress that cannot be read"),
        ("full_disk", r"The disk is full\. Free some space"),
    ],
)
def test_one_that_breaks_off_goes_on_as_it_was_begun(space, fake, part, mode, words):
    space.encoder.parent.mkdir()
    space.encoder.write_text("an older one")
    fake(mode)
    with pytest.raises(RuntimeError, match=words) as raised:
        bpy.ops.meshsdf.teach_encoder(**FEW)
    assert f"bpy.ops.meshsdf.teach_resume(space={fake.space!r}, up='FILE')" in str(raised.value)
    assert part("reconstruction.teach_run").current() is None
    assert space.encoder.read_text() == "an older one"
    reached = json.loads(space.record.read_text())["step"]
    assert 1 < reached < 8
    fake("")
    assert bpy.ops.meshsdf.teach_resume(space=fake.space) == {"FINISHED"}
    assert json.loads(space.encoder.read_text()) == {**FEW, "step": 8}
    with pytest.raises(RuntimeError, match=r"No teaching of 'fäke' was stopped.*teach_encoder\("):
        bpy.ops.meshsdf.teach_resume(space=fake.space)


def test_what_cannot_be_taught_is_refused_and_leaves_nothing(space, fake, tmp_path):
    with pytest.raises(RuntimeError, match=r"'Vases' is built in.*space_export\("):
        bpy.ops.meshsdf.teach_encoder(space="builtin:vases")
    with pytest.raises(RuntimeError, match=r"packed.*Unpack the space first"):
        bpy.ops.meshsdf.teach_encoder(space=packed(tmp_path))
    with pytest.raises(RuntimeError, match=r"is not there"):
        bpy.ops.meshsdf.teach_encoder(space="/no/such.safetensors")
    fake("one_shape")
    with pytest.raises(RuntimeError, match=r"fewer than two known shapes\. Use a space of several"):
        bpy.ops.meshsdf.teach_encoder(space=fake.space)
    assert not space.encoder.parent.exists()


def packed(tmp_path):
    source = Path(__file__).resolve().parents[2] / "spaces" / "bob_and_spot.safetensors"
    path = tmp_path / "pair.safetensors"
    path.write_bytes(source.read_bytes())
    bpy.ops.meshsdf.space_load(filepath=str(path))
    bpy.ops.meshsdf.space_pack()
    return bpy.context.scene.meshsdf.space


def test_a_folder_that_cannot_be_written_to_is_said(space, part, monkeypatch):
    monkeypatch.setattr(part("reconstruction.encoder_place").os, "access", lambda *_: False)
    with pytest.raises(RuntimeError, match=r"cannot be written to\. Copy the space to a folder"):
        bpy.ops.meshsdf.teach_encoder()


def test_a_picture_without_an_encoder_names_what_teaches_one(space, fake, picture, part):
    fake("no_encoder")
    with pytest.raises(RuntimeError, match="has no encoder") as raised:
        bpy.ops.meshsdf.reconstruct(image=picture().name)
    line = str(raised.value).partition("In a script: ")[2].strip()
    assert line == f"bpy.ops.meshsdf.teach_encoder(space={fake.space!r}, up='FILE')"
    (fix,) = part("trust.told").last().fixes
    assert (fix.operator, fix.label) == ("meshsdf.teach_encoder", "Teach Encoder")
    fake("")
    exec(line)
    assert space.encoder.is_file()
    assert part("trust.told").last() is None


# Beside the artist's work


@pytest.fixture
def live(space, fake, part):
    """A teaching beside the work: ``until(condition)`` and ``end()`` drive its timer."""
    fake("slow")
    module = part("reconstruction.teach_live")
    run = part("reconstruction.teach_run").TeachRun(fake.space, "FILE", dict(FEW))
    module.begin(bpy.context, run)

    class Live:
        def until(self, condition):
            end = time.monotonic() + LONGEST_SECONDS
            while not condition():
                assert time.monotonic() < end
                assert module.tick() is not None
                time.sleep(0.005)

        def end(self):
            self.until(lambda: not module._live)
            assert part("reconstruction.teach_run").current() is None

    made = Live()
    made.run, made.module = run, module
    return made


def told():
    return bpy.context.window_manager.meshsdf_teaching


def test_a_live_teaching_says_how_far_it_is_and_the_time_left(live, space, fake):
    live.until(lambda: told().text.startswith("Drawing Pictures: 25 %"))
    assert not told().detail
    live.until(lambda: told().text == "Learning Shapes: 50 %, 2 min left")
    assert told().factor == 0.5
    assert told().detail == "Code error 0.50, rotation off by 12\u00b0"
    # The worker of the shapes answers meanwhile, and there is no second one beside it.
    assert bpy.ops.meshsdf.shape_add(space=fake.space) == {"FINISHED"}
    for call in (bpy.ops.meshsdf.teach_encoder, bpy.ops.meshsdf.teach_resume):
        with pytest.raises(RuntimeError, match=r"An encoder is being taught.*teach_stop\(\)"):
            call()
    with pytest.raises(RuntimeError, match="An encoder is being taught"):
        bpy.ops.meshsdf.train_space()
    live.end()
    assert space.encoder.is_file()
    assert live.run.outcome.text == "'fäke' has an encoder: mask IoU 0.90"
    assert live.module.tick() is None


def test_stop_keeps_what_was_learnt(live, space):
    live.until(lambda: told().factor >= 0.25)
    assert bpy.ops.meshsdf.teach_stop() == {"FINISHED"}
    with pytest.raises(RuntimeError, match="stops as soon as"):
        bpy.ops.meshsdf.teach_stop()
    live.end()
    assert live.run.outcome.text == "Stopped before the encoder was done"
    assert live.run.outcome.resumable
    assert not space.encoder.exists()
    assert bpy.ops.meshsdf.teach_resume() == {"FINISHED"}
    assert json.loads(space.encoder.read_text())["pictures"] == 50
    with pytest.raises(RuntimeError, match="No encoder is being taught"):
        bpy.ops.meshsdf.teach_stop()


def test_stop_before_the_worker_is_ready_ends_it(live, space):
    live.run.stop()
    live.end()
    assert live.run.outcome.text == "Stopped before it began"
    assert not space.record.exists()


def test_new_files_and_undo_let_it_go_on(live, space):
    bpy.ops.ed.undo_push(message="base")
    live.until(lambda: told().factor > 0.1)
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.ed.undo_push(message="Cube")
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.ed.undo()
    live.until(lambda: told().factor > 0.3)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    live.end()
    assert space.encoder.is_file()


def test_a_worker_that_dies_ends_it_with_words(live, space, part):
    live.until(lambda: told().factor > 0.2)
    part("door")._started["training"].process.kill()
    live.end()
    assert "Resume Teaching goes on" in live.run.outcome.problem
    assert live.run.outcome.resumable
    assert part("door").status.state != "failed"


def test_a_fault_of_ours_ends_it_once(live, monkeypatch):
    live.until(lambda: told().factor > 0.2)
    monkeypatch.setattr(live.module, "show", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        live.until(lambda: False)
    assert live.run.outcome.problem == "division by zero"
    assert live.module.tick() is None


def test_disabling_ends_it_and_it_can_be_gone_on_with(live, space, part):
    live.until(lambda: told().factor > 0.2)
    process = part("door")._started["training"].process
    live.module.unregister()
    assert process.wait(5) is not None
    assert space.record.is_file()


# The panel


class Panel(Drawn):
    def template_ID(self, settings, name, **_):  # noqa: N802  # as Blender calls it
        self.properties.append((name, getattr(settings, name)))


@pytest.fixture
def panel(part, scene):
    """What the panel shows, once the disk was looked at."""
    module, place = part("panels.picture"), part("reconstruction.encoder_place")

    def draw():
        place.forget()
        for _ in range(2):
            shown = drawn(
                module.MESHSDF_PT_picture,
                bpy.context.scene,
                layout=Panel(),
                active_object=bpy.context.active_object,
                window_manager=bpy.context.window_manager,
            )
            place.look()
        return shown

    return draw


def test_the_panel_offers_to_teach_where_an_encoder_is_missing(space, panel, scene, part):
    shown = panel()
    assert "fäke has no encoder yet, which tells its shapes from pictures" in shown.words
    call = shown.passed["meshsdf.teach_encoder"]
    assert (call.space, call.up) == (space.path, "FILE")
    assert "meshsdf.teach_resume" not in shown.passed
    bpy.ops.meshsdf.teach_encoder(**FEW)
    shown = panel()
    assert "'fäke' has an encoder" in shown.words
    # A trial was short, or the space goes on being trained: another one may be wanted.
    assert "meshsdf.teach_encoder" in shown.passed
    scene.meshsdf.space = "builtin:cars"
    assert "encoder" not in panel().words
    # A built-in space has it from us, or not at all.
    monkey = part("reconstruction.encoder_place")
    monkey._seen._look, look = (lambda _: monkey.Seen(False, False)), monkey._seen._look
    try:
        shown = panel()
    finally:
        monkey._seen._look = look
    assert "Cars comes without an encoder" in shown.words
    assert "meshsdf.teach_encoder" not in shown.passed


def test_the_panel_shows_a_teaching_and_how_it_ended(live, panel):
    live.until(lambda: told().factor == 0.5)
    shown = panel()
    assert "The encoder of fäke" in shown.labels
    assert "Learning Shapes: 50 %, 2 min left" in shown.labels
    assert "meshsdf.teach_stop" in shown.passed
    assert "meshsdf.teach_encoder" not in shown.passed
    bpy.ops.meshsdf.teach_stop()
    live.end()
    shown = panel()
    assert "Stopped before the encoder was done" in shown.words
    assert {"meshsdf.teach_resume", "meshsdf.teach_encoder"} <= set(shown.passed)


def test_a_stopped_teaching_is_offered_after_blender_was_closed(space, fake, panel, part):
    fake("die_at_teach_4")
    with pytest.raises(RuntimeError, match="Resume Teaching"):
        bpy.ops.meshsdf.teach_encoder(**FEW)
    part("reconstruction.teach_run").forget()
    recorded = part("reconstruction.encoder_place").recorded
    assert recorded(space.path) == FEW  # which the dialog begins with
    shown = panel()
    assert "has no encoder yet" in shown.words
    assert shown.passed["meshsdf.teach_resume"].space == space.path
    for damaged in ("{", "[]", '{"pictures": "many", "more": 1}'):
        space.record.write_text(damaged)
        assert recorded(space.path) == {}
    assert recorded("/no/such.safetensors") == {}
