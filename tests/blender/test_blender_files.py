"""Shapes that are copied, appended, renamed, saved elsewhere, seen in two scenes; and the end."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest

MODULE = "bl_ext.checkout.meshsdf"


@pytest.fixture
def ready(shape_object, target):
    """A shape that can be fitted, active."""
    bpy.context.view_layer.objects.active = shape_object
    return shape_object


@pytest.fixture
def saved(scene, fake):
    """The folder of a file that was saved where the fake space is, with a shape of it."""
    folder = Path(fake.space).parent
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "datei.blend"))
    bpy.ops.meshsdf.space_load(filepath="//fäke.safetensors")
    bpy.ops.meshsdf.shape_add()
    bpy.ops.wm.save_mainfile()
    return folder


def reopen(path, name="Fake"):
    bpy.ops.wm.open_mainfile(filepath=str(path))
    return activate(name)


def activate(name):
    ob = bpy.data.objects[name]
    bpy.context.view_layer.objects.active = ob
    return ob


def volume(ob):
    return tuple(ob.dimensions)


def selected(ob):
    for other in bpy.context.selected_objects:
        other.select_set(False)
    ob.select_set(True)
    bpy.context.view_layer.objects.active = ob


# Copies


def test_a_duplicate_is_a_shape_of_its_own(shape_object):
    selected(shape_object)
    before = np.array(shape_object["meshsdf_code"])
    assert bpy.ops.object.duplicate(linked=False) == {"FINISHED"}
    copy = bpy.context.active_object
    assert copy != shape_object
    assert copy.data != shape_object.data
    assert bpy.ops.meshsdf.slide(slider="Length", value=2.0) == {"FINISHED"}
    assert copy["meshsdf_code"][0] == pytest.approx(1.0)
    assert np.array_equal(shape_object["meshsdf_code"], before)
    bpy.context.view_layer.update()
    assert copy.dimensions.x > 1.2 * shape_object.dimensions.x


def test_a_linked_duplicate_is_refused_until_its_mesh_is_its_own(shape_object):
    selected(shape_object)
    assert bpy.ops.object.duplicate(linked=True) == {"FINISHED"}
    copy = bpy.context.active_object
    assert copy.data == shape_object.data
    with pytest.raises(RuntimeError, match=r"is shared with object 'Fake'"):
        bpy.ops.meshsdf.slide(slider="Length", value=2.0)
    copy.meshsdf.slider_1 = 2.0  # dragged: nothing moves
    assert copy["meshsdf_code"][0] == 0.0
    assert bpy.ops.meshsdf.fix_shared() == {"FINISHED"}
    assert bpy.ops.meshsdf.slide(slider="Length", value=2.0) == {"FINISHED"}
    assert shape_object["meshsdf_code"][0] == 0.0
    bpy.context.view_layer.update()
    assert copy.dimensions.x > 1.2 * shape_object.dimensions.x


# Other files


def into_another(tmp_path):
    (tmp_path / "anderswo").mkdir(exist_ok=True)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "anderswo" / "mine.blend"))


@pytest.mark.parametrize("operator", [True, False], ids=["wm.append", "libraries.load"])
def test_an_appended_shape_finds_its_space(saved, tmp_path, operator, part):
    library = saved / "datei.blend"
    into_another(tmp_path)
    if operator:
        inside = f"{library}/Object/"
        bpy.ops.wm.append(filepath=inside + "Fake", directory=inside, filename="Fake")
    else:
        with bpy.data.libraries.load(str(library), link=False) as (_, to):
            to.objects = ["Fake"]
        bpy.context.scene.collection.objects.link(to.objects[0])
    ob = activate("Fake")
    assert ob.library is None
    if not hasattr(bpy.app.handlers, "blend_import_post"):
        # Blender before 4.4 tells nobody: the fix-it panel finds it, and its button mends it.
        with pytest.raises(RuntimeError, match="is not there"):
            bpy.ops.meshsdf.shape_update()
        here = str(saved / "fäke.safetensors")
        bpy.ops.meshsdf.fix_space(lost=ob.meshsdf.space, filepath=here)
    assert ob.meshsdf.space == "//../räume/fäke.safetensors"
    assert bpy.ops.meshsdf.slide(slider="Length", value=1.0) == {"FINISHED"}


def test_a_linked_shape_reads_the_space_beside_its_library(saved, tmp_path, part):
    library = saved / "datei.blend"
    into_another(tmp_path)
    inside = f"{library}/Object/"
    bpy.ops.wm.link(filepath=inside + "Fake", directory=inside, filename="Fake")
    ob = bpy.data.objects["Fake"]
    assert ob.library is not None
    assert ob.meshsdf.space == "//fäke.safetensors"
    header = part("shapes.shape").source(ob)
    assert Path(header["path"]) == saved / "fäke.safetensors"
    info = part("spaces.catalogue").info(ob.meshsdf.space, ob.meshsdf.up, ob.library)
    assert info.code_length == 4
    assert part("shapes.slide").values(ob).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("remap", [True, False])
def test_save_as_elsewhere_keeps_the_space(saved, tmp_path, remap):
    (tmp_path / "neu" / "tief").mkdir(parents=True)
    new = tmp_path / "neu" / "tief" / "datei.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(new), relative_remap=remap)
    scene = bpy.context.scene.meshsdf
    moved = "//../../räume/fäke.safetensors"
    assert activate("Fake").meshsdf.space == scene.space == scene.loaded[0].path == moved
    assert bpy.ops.meshsdf.shape_update() == {"FINISHED"}
    ob = reopen(new)
    assert ob.meshsdf.space == moved
    assert bpy.ops.meshsdf.shape_update() == {"FINISHED"}
    # The first file is as it was.
    assert reopen(saved / "datei.blend").meshsdf.space == "//fäke.safetensors"
    assert bpy.ops.meshsdf.shape_update() == {"FINISHED"}


def test_a_copy_saved_elsewhere_has_its_own_path_and_the_open_file_keeps_its(saved, tmp_path):
    (tmp_path / "kopie").mkdir()
    copy = tmp_path / "kopie" / "datei.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(copy), copy=True)
    assert activate("Fake").meshsdf.space == "//fäke.safetensors"
    assert bpy.context.scene.meshsdf.space == "//fäke.safetensors"
    assert bpy.ops.meshsdf.shape_update() == {"FINISHED"}
    assert reopen(copy).meshsdf.space == "//../räume/fäke.safetensors"
    assert bpy.ops.meshsdf.shape_update() == {"FINISHED"}


def test_a_save_elsewhere_that_fails_changes_no_path(saved, tmp_path):
    with pytest.raises(RuntimeError):
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "no such folder" / "x.blend"))
    assert activate("Fake").meshsdf.space == "//fäke.safetensors"
    assert bpy.ops.meshsdf.shape_update() == {"FINISHED"}


def test_saving_in_the_same_folder_changes_no_path(saved):
    bpy.ops.wm.save_as_mainfile(filepath=str(saved / "zweite.blend"))
    assert reopen(saved / "zweite.blend").meshsdf.space == "//fäke.safetensors"


def test_folders_of_a_training_move_along(saved, tmp_path):
    bpy.context.scene.meshsdf_training.output = "//läufe"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "x.blend"))
    assert bpy.context.scene.meshsdf_training.output == "//räume/läufe"


# During a fit


@pytest.fixture
def fitting(ready, fake, part):
    """A slow fit that has shown two steps."""
    fake("slow")
    run = part("fitting.fit_run").FitRun(bpy.context, ready)
    show(run, 2)
    yield run
    run.abandon()


def show(run, count):
    """Write so many steps as the live form does; the last frame ends it."""
    while count:
        step = run.advance(0.5)
        if step is not None:
            if step.done:
                run.finish(bpy.context, step)
                return
            run.write(bpy.context, step)
            count -= 1


def test_a_fit_goes_on_with_a_renamed_shape(fitting, ready, part):
    ready.name, ready.data.name = "Neuer Name", "Netz"
    show(fitting, 1)
    fitting.stop()
    show(fitting, 99)
    assert part("running").current() is None
    assert ready.meshsdf.fit_iou > ready.meshsdf.fit_start
    assert ready.meshsdf.fit_reason == "Stopped"


def test_a_shape_deleted_during_its_fit_ends_it_clean(fitting, ready, part, fake):
    selected(ready)
    assert bpy.ops.object.delete() == {"FINISHED"}
    with pytest.raises(part("errors").Refusal, match="is gone, so the fit ended"):
        show(fitting, 99)
    fitting.fail()
    assert part("running").current() is None
    assert bpy.ops.meshsdf.shape_add(space=fake.space) == {"FINISHED"}


def test_a_new_file_during_a_fit_ends_it_and_frees_the_worker(fitting, part, fake):
    process = part("door").ready_worker().process.pid
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert part("running").current() is None
    assert bpy.ops.meshsdf.shape_add(space=fake.space) == {"FINISHED"}
    assert part("door").ready_worker().process.pid == process  # the same one, free again


def test_saving_elsewhere_during_a_fit_lets_it_go_on(fitting, ready, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "x.blend"))
    show(fitting, 1)
    fitting.stop()
    show(fitting, 99)
    assert ready.meshsdf.fit_reason == "Stopped"


# Scenes and windows


def test_settings_are_the_scenes_own(ready, scene):
    other = bpy.data.scenes.new("Other")
    scene.meshsdf.steps, other.meshsdf.steps = 5, 9
    scene.meshsdf.space = "builtin:heads"
    assert (scene.meshsdf.steps, other.meshsdf.steps) == (5, 9)
    assert other.meshsdf.space == ""


def test_a_fit_goes_on_with_what_it_was_started_with_in_another_scene(ready, scene, fake, part):
    """The other scene has neither camera nor target, and the shape may be in both."""
    fake("slow")
    other = bpy.data.scenes.new("Other")
    other.collection.objects.link(ready)
    run = part("fitting.fit_run").FitRun(bpy.context, ready)
    show(run, 1)
    window = bpy.context.window_manager.windows[0]
    window.scene = other
    try:
        assert bpy.context.scene == other
        show(run, 2)
        run.stop()
        show(run, 99)
        assert ready.meshsdf.fit_iou > ready.meshsdf.fit_start
        assert part("trust.problems").of_fit(bpy.context) is None or bpy.context.scene == other
    finally:
        window.scene = scene
    assert bpy.ops.meshsdf.fit_step() == {"FINISHED"}


def test_a_pose_fit_goes_on_where_its_shape_is_not(ready, scene, fake, part):
    """The scene that is shown meanwhile does not have the object at all."""
    scene.meshsdf.move = True
    fake("slow")
    other = bpy.data.scenes.new("Other")
    run = part("fitting.fit_run").FitRun(bpy.context, ready)
    show(run, 1)
    window = bpy.context.window_manager.windows[0]
    window.scene = other
    try:
        show(run, 2)
        run.stop()
        show(run, 99)
    finally:
        window.scene = scene
    assert ready.location.x > 0.05
    assert ready.meshsdf.fit_reason == "Stopped"


class Area:
    def __init__(self, kind):
        self.type, self.tagged = kind, 0
        self.spaces = SimpleNamespace(active=SimpleNamespace(text=None, top=9))

    def tag_redraw(self):
        self.tagged += 1


def a_window(*kinds, workspace=None, operators=()):
    """A window with areas of these kinds, in which these operators run."""
    return SimpleNamespace(
        screen=SimpleNamespace(areas=[Area(kind) for kind in kinds]),
        workspace=workspace,
        modal_operators=[SimpleNamespace(bl_idname=name) for name in operators],
    )


def test_progress_is_shown_in_every_window(part):
    """Two windows with a 3D view each, and one without."""
    windows = [a_window("VIEW_3D", "OUTLINER"), a_window("VIEW_3D"), a_window("IMAGE_EDITOR")]
    context = SimpleNamespace(window_manager=SimpleNamespace(windows=windows))
    part("redraw").redraw(context)
    assert [[a.tagged for a in w.screen.areas] for w in windows] == [[1, 0], [1], [0]]


@pytest.fixture
def lines(part, monkeypatch):
    """The status lines by the workspaces' names; Blender writes to the context's, as here."""
    redraw, now, told = part("redraw"), {"window": None, "workspace": None}, {}

    class Workspace:
        def __init__(self, name):
            told[name], self.name = None, name

        def status_text_set(self, text):
            window = now["window"]
            assert window is not None  # else Blender crashes, or does nothing
            told[(now["workspace"] or window.workspace).name] = text

    @contextmanager
    def override(**members):
        before = dict(now)
        # A workspace beside a window is ignored.
        now.update({**members, "workspace": None} if "window" in members else members)
        yield
        now.update(before)

    workspaces = [Workspace(name) for name in ("Layout", "Modeling", "Shading")]
    stand_in = SimpleNamespace(
        context=SimpleNamespace(temp_override=override), data=SimpleNamespace(workspaces=workspaces)
    )
    monkeypatch.setattr(redraw, "bpy", stand_in)
    return SimpleNamespace(workspaces=workspaces, told=told)


def test_the_status_line_of_every_window_tells_and_is_given_back(part, lines):
    layout, modeling, shading = lines.workspaces
    first = a_window(workspace=layout, operators=["TRANSFORM_OT_translate"])
    second = a_window(workspace=modeling, operators=["MESHSDF_OT_fit"])
    tell, manager = part("redraw").tell_status, SimpleNamespace(windows=[first, second])
    tell(manager, "Step 1", keys="Esc: stop")
    assert list(lines.told.values()) == ["Step 1", "Step 1   Esc: stop", None]
    second.workspace = shading
    tell(manager, "Step 2", keys="Esc: stop")
    assert list(lines.told.values()) == ["Step 2", "Step 1   Esc: stop", "Step 2   Esc: stop"]
    tell(manager, None)
    assert list(lines.told.values()) == [None, None, None]
    tell(manager, "Trained")
    assert list(lines.told.values()) == ["Trained", None, "Trained"]
    tell(SimpleNamespace(windows=[]), None)


def test_a_report_goes_to_the_text_editor_of_any_window(part, monkeypatch):
    report, text = part("operators.train_report"), object()
    opened = []
    ops = SimpleNamespace(wm=SimpleNamespace(window_new=lambda: opened.append(1)))
    monkeypatch.setattr(report, "bpy", SimpleNamespace(ops=ops))
    windows = [a_window("VIEW_3D"), a_window("TEXT_EDITOR")]
    context = SimpleNamespace(
        screen=windows[0].screen, window_manager=SimpleNamespace(windows=windows)
    )
    report._show(context, text)
    assert not opened
    assert windows[1].screen.areas[0].spaces.active.text is text


# The end


@pytest.mark.parametrize("state", ["fit", "failed worker", "drawn"])
def test_it_is_disabled_and_enabled_three_times_whatever_goes_on(
    ready, fake, part, state, monkeypatch
):
    """The modules are loaded anew each time, so everything is looked up again."""

    def ours(name):
        return sys.modules[f"{MODULE}.meshsdf_blender.{name}"]

    handlers = {n: len(h) for n, h in vars_of(bpy.app.handlers)}
    for _ in range(3):
        process = None
        if state == "fit":
            run = ours("fitting.fit_run").FitRun(bpy.context, activate("Fake"))
            show(run, 1)
            process = ours("door").ready_worker().process
        elif state == "failed worker":
            fake("silent")
            with pytest.raises(RuntimeError, match="does not feel like it"):
                bpy.ops.meshsdf.shape_update()
        else:
            activate("Fake")
            monkeypatch.setattr(ours("panels.fixit"), "characters", lambda context: 40)
            assert ours("trust.problems").shown(bpy.context) == []
            assert bpy.app.timers.is_registered(ours("beside")._tick)
        tick = ours("beside")._tick
        bpy.ops.preferences.addon_disable(module=MODULE)
        assert not bpy.app.timers.is_registered(tick)
        assert not hasattr(bpy.types, "MESHSDF_PT_fixit")
        if process is not None:
            assert process.wait(5.0) is not None
        bpy.ops.preferences.addon_enable(module=MODULE)
        assert ours("running").current() is None
        monkeypatch.setattr(ours("door"), "ROOT_FOLDER", Path(__file__).parent / "fake_root")
        fake("")
        activate("Fake")
        assert bpy.ops.meshsdf.shape_update() == {"FINISHED"}
    assert {n: len(h) for n, h in vars_of(bpy.app.handlers)} == handlers


def vars_of(handlers):
    """The lists of handlers by name."""
    names = [name for name in dir(handlers) if isinstance(getattr(handlers, name), list)]
    return [(name, getattr(handlers, name)) for name in names]
