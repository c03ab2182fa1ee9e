"""Enabling and disabling, the words of the interface, and what the door does with bad workers."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest

MODULE = "bl_ext.checkout.meshsdf"
CLOSED_SECONDS = 5.0


def our_classes():
    for base in (bpy.types.Operator, bpy.types.Panel, bpy.types.Menu, bpy.types.PropertyGroup):
        yield from (c for c in base.__subclasses__() if c.__module__.startswith(MODULE))
        for mixed in base.__subclasses__():
            yield from (c for c in mixed.__subclasses__() if c.__module__.startswith(MODULE))


def test_it_can_be_enabled_and_disabled_three_times(scene, fake, part):
    handlers = len(bpy.app.handlers.undo_pre), len(bpy.app.handlers.load_pre)
    for _ in range(3):
        bpy.ops.preferences.addon_disable(module=MODULE)
        assert not hasattr(bpy.types.Object, "meshsdf")
        assert not hasattr(bpy.types, "MESHSDF_OT_fit")
        bpy.ops.preferences.addon_enable(module=MODULE)
        assert hasattr(bpy.types.Object, "meshsdf")
    assert (len(bpy.app.handlers.undo_pre), len(bpy.app.handlers.load_pre)) == handlers
    import addon_utils

    assert addon_utils._extensions_warnings_get() == {}


def test_disabling_ends_the_worker(scene, fake, part):
    process = part("door").ready_worker().process
    bpy.ops.preferences.addon_disable(module=MODULE)
    try:
        assert process.wait(CLOSED_SECONDS) == 0
    finally:
        bpy.ops.preferences.addon_enable(module=MODULE)


def test_the_preferences_are_the_root_packages(part):
    assert part("identity").ROOT_PACKAGE == MODULE
    settings = part("identity").preferences()
    assert settings.device == "cpu"
    assert settings.interpreter == ""


def rna_of(cls):
    """What Blender shows of a class; an operator's own is that of its call."""
    if issubclass(cls, bpy.types.Operator):
        return getattr(bpy.ops.meshsdf, cls.bl_idname.split(".")[1]).get_rna_type()
    return cls.bl_rna


def test_labels_and_tooltips_follow_the_house_of_blender():
    small = {"a", "an", "and", "as", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to"}
    seen = 0
    for cls in our_classes():
        rna = rna_of(cls)
        texts = [(rna.name, rna.description)]
        own = set().union(*map(inspect.get_annotations, cls.__mro__))
        for item in rna.properties:
            if item.identifier in own and not item.is_hidden:
                texts.append((item.name, item.description))
                if item.type == "ENUM":
                    texts += [(e.name, e.description) for e in item.enum_items]
        for label, tooltip in texts:
            seen += 1
            words = [w for w in label.replace("-", " ").split() if w[0].isalpha()]
            wrong = [w for w in words[1:] if w not in small and not w[0].isupper()]
            assert words, (cls, label)
            assert words[0][0].isupper(), (cls, label)
            assert not wrong, (cls, label)
            assert not label.endswith("."), (cls, label)
            assert not tooltip.endswith("."), (cls, label, tooltip)
            assert tooltip != label, (cls, label, tooltip)
            assert not tooltip or tooltip[0].isupper() or "builtin:" in tooltip, (cls, tooltip)
    assert seen > 60


def test_every_operator_that_changes_data_can_be_undone():
    free = {"fit_stop", "worker_check", "choose_python", "copy_command", "copy_details"}
    free |= {"dismiss", "fit_preset_add", "fit_preset_remove", "fix_python"}
    free |= {"slider_show", "space_export", "target_preview", "train_stop"}
    free |= {"train_view", "teach_encoder", "teach_resume", "teach_stop"}
    operators = {c.bl_idname: c for c in our_classes() if issubclass(c, bpy.types.Operator)}
    assert len(operators) >= 12
    for name, cls in operators.items():
        undone = {"REGISTER", "UNDO"} <= getattr(cls, "bl_options", set())
        assert undone != (name.split(".")[1] in free), name


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("silent", r"stopped before it was ready.*exit code 1.*does not feel like it"),
        ("unready", r"torch does not load\. Install torch"),
        ("old_protocol", r"speaks protocol 999, this extension 1.*Reinstall"),
        ("alien_error", r"It broke\. Tell us"),
    ],
)
def test_a_worker_that_cannot_start_says_why(scene, fake, part, mode, message):
    fake(mode)
    with pytest.raises(RuntimeError, match=message):
        bpy.ops.meshsdf.shape_add(space=fake.space)
    assert not bpy.data.objects.get("Fake")
    status = part("door").status
    assert (status.state == "failed") == (mode != "alien_error")
    fake("")
    assert bpy.ops.meshsdf.shape_add(space=fake.space) == {"FINISHED"}
    assert status.state == "ready"


def test_no_folders_sockets_or_logs_are_left_behind(scene, fake, part, tmp_path, monkeypatch):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "t"))
    (tmp_path / "t").mkdir()
    part("door").ready_worker()
    assert [p.suffix for p in (tmp_path / "t").iterdir()] == [".log"]
    part("door").close()
    assert not list((tmp_path / "t").iterdir())


def test_failed_starts_leave_no_threads_behind(scene, fake, part):
    before = threading.active_count()
    for _ in range(3):
        fake("silent")
        with pytest.raises(part("errors").WorkerLost):
            part("door").ready_worker()
    assert threading.active_count() == before


def test_a_worker_closed_while_it_starts_is_lost_to_who_waits(ready_to_fit, fake, part):
    """As when the preferences change while a live fit waits for torch."""
    fake("dawdle")
    before = threading.active_count()
    run = part("fitting.fit_run").FitRun(bpy.context, ready_to_fit)
    assert run.advance(0.1) is None
    part("door").close()
    with pytest.raises(part("errors").WorkerLost, match=r"ended\. Try again: a new one starts"):
        run.advance(0.1)
    run.fail()
    assert threading.active_count() == before


def test_a_listener_may_be_closed_by_its_thread_at_any_moment(part):
    """The thread that accepted the call closes the listener while it is still alive."""
    launch = part("door.launch")
    launched = launch.launch(os.environ["MESHSDF_PYTHON"], [], device="cpu", threads=1)
    try:
        launched.stop_listening()
        launched.accepting = SimpleNamespace(is_alive=lambda: True, join=lambda seconds: None)
        launched.stop_listening()
    finally:
        launched.process.kill()
        launched.process.wait()
        launched.log.unlink(missing_ok=True)


@pytest.fixture
def ready_to_fit(shape_object, target):
    bpy.context.view_layer.objects.active = shape_object
    return shape_object


def test_a_long_temporary_path_falls_back_to_the_loopback(scene, fake, part, tmp_path, monkeypatch):
    import tempfile

    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    assert part("door").ready_worker().state == "ready"
    part("door").close()


def test_the_workers_environment_is_clean_and_safe(part, monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    monkeypatch.setenv("PYTHONPATH", "/foreign")
    monkeypatch.setenv("__PYVENV_LAUNCHER__", "x")
    environment = part("door.launch").clean_environment(["/root", "/wheels"])
    assert "PYTHONHOME" not in environment
    assert "__PYVENV_LAUNCHER__" not in environment
    assert environment["PYTHONPATH"] == os.pathsep.join(["/root", "/wheels"])
    assert environment["PYTHONSAFEPATH"] == environment["PYTHONNOUSERSITE"] == "1"


def python_that_says(tmp_path, **versions):
    """A stand-in for a Python: answers the probe with these versions."""
    said = {
        "python": [3, 12, 1],
        "torch": "2.13.0",
        "numpy": "2.0",
        "scikit-image": "0.26",
        "scipy": "1.15",
        "safetensors": "0.5",
    } | {key.replace("_", "-"): value for key, value in versions.items()}
    script = tmp_path / f"python{len(list(tmp_path.iterdir()))}"
    script.write_text(f"#!/bin/sh\necho '{json.dumps(said)}'\n")
    script.chmod(0o755)
    return str(script)


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
@pytest.mark.parametrize(
    ("versions", "problem"),
    [
        ({}, ""),
        ({"torch": "2.6.0+cu124"}, ""),
        ({"torch": "2.5.1"}, "torch 2.5.1 is older than 2.6"),
        ({"torch": "1.13"}, "torch 1.13 is older than 2.6"),
        ({"torch": None}, "has no torch"),
        ({"torch": None, "scikit_image": None}, "has no torch and no scikit-image"),
        ({"python": [3, 9, 2]}, "older than Python 3.11"),
    ],
)
def test_a_python_is_judged_by_what_it_has(part, tmp_path, versions, problem):
    interpreter = part("door.interpreter")
    found = interpreter.probe(python_that_says(tmp_path, **versions), "a test")
    assert problem in found.problem
    assert found.usable == (not problem)
    if "has no" in problem:
        assert "-m pip install" in found.remedy


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
def test_bundled_wheels_help_a_python_that_lacks_torch(part, tmp_path, monkeypatch):
    interpreter = part("door.interpreter")
    version = list(sys.version_info[:3])
    plain = python_that_says(tmp_path, torch=None, python=version)
    full = python_that_says(tmp_path, python=version)
    both = tmp_path / "python-with-wheels"
    both.write_text(f'#!/bin/sh\n[ "$PYTHONPATH" = /wheels ] && exec {full}\nexec {plain}\n')
    both.chmod(0o755)
    assert "has no torch" in interpreter.probe(str(both), "before").problem
    monkeypatch.setattr(interpreter, "bundled_packages", lambda: "/wheels")
    found = interpreter.probe(str(both), "after")
    assert found.usable
    assert found.packages == "/wheels"


def test_a_chosen_python_is_the_only_one_tried(part, tmp_path, monkeypatch):
    interpreter = part("door.interpreter")
    monkeypatch.setenv("MESHSDF_PYTHON", str(tmp_path / "named"))
    assert [found.problem for found in interpreter.find("")] == ["no such file"]
    monkeypatch.delenv("MESHSDF_PYTHON")
    tried = interpreter.find(str(tmp_path / "none"))
    assert [found.problem for found in tried] == ["no such file"]
    found = interpreter.find("")
    # The Python that runs the tests stands for Blender's own, and need not have torch.
    assert found[0].executable == sys.executable


def test_without_a_python_the_panel_gets_a_remedy(scene, fake, part, tmp_path, monkeypatch):
    monkeypatch.setenv("MESHSDF_PYTHON", python_that_says(tmp_path, torch=None))
    fake("")
    with pytest.raises(RuntimeError, match=r"No Python with torch 2.6.*pip install"):
        bpy.ops.meshsdf.worker_check()
    status = part("door").status
    assert status.state == "failed"
    assert status.command.endswith("whl/cpu") == (sys.platform == "linux")
    assert "has no torch" in part("door").report()
    bpy.ops.meshsdf.copy_details()
    bpy.ops.meshsdf.copy_command()


class Layout:
    """A layout that notes which operators it offers."""

    def __init__(self):
        self.offered = []

    def row(self, **_):
        return self

    box = column = row

    def label(self, **_):
        pass

    def operator(self, name, **_):
        self.offered.append(name)
        return SimpleNamespace()


@pytest.mark.parametrize("mode", ["", "silent"])
def test_the_details_can_be_copied_whether_or_not_there_is_a_worker(scene, fake, part, mode):
    fake(mode)
    door = part("door")
    if mode:
        with pytest.raises(part("errors").WorkerLost):
            door.ready_worker()
    else:
        with door.ready_worker()._launched.log.open("a") as log:
            log.write("a warning of torch\n")
        assert "a warning of torch" in door.report()
    layout = Layout()
    part("panels.status_box").draw_status(layout)
    assert {"meshsdf.copy_details", "meshsdf.worker_check"} <= set(layout.offered)


def test_no_text_names_a_button_that_is_not_there(addon):
    labels = {c.bl_label for c in our_classes() if issubclass(c, bpy.types.Operator)}
    for path in Path(addon.__file__).parent.rglob("*.py"):
        for name in re.findall(r"[Pp]ress ([A-Z]\w+(?: [A-Z]\w+)*)", path.read_text("utf-8")):
            assert name in labels, (path, name)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks the worker up in /proc")
def test_killing_blender_ends_the_worker(tmp_path):
    """A process that opens a door as Blender does, then dies without a word."""
    script = tmp_path / "opens.py"
    package = str(Path(sys.modules[f"{MODULE}.meshsdf_blender"].__file__).parent)
    fake_root = str(Path(__file__).parent / "fake_root")
    script.write_text(
        "import os, sys, types\n"
        "for name, path in (('m', ''), ('m.door', '/door')):\n"
        "    sys.modules[name] = types.ModuleType(name)\n"
        f"    sys.modules[name].__path__ = [{package!r} + path]\n"
        "from m.door.worker import Worker\n"
        f"w = Worker(sys.executable, [{fake_root!r}])\n"
        "w.wait_ready(); print(w.process.pid, flush=True); os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False
    )
    pid = int(done.stdout)
    end = time.monotonic() + CLOSED_SECONDS
    while time.monotonic() < end and Path(f"/proc/{pid}").exists():
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()


def contents(mesh):
    """All that makes a mesh, element by element; ``unit_test_compare`` also reads selections."""
    for elements, name, width, kind in (
        (mesh.vertices, "co", 3, "f4"),
        (mesh.edges, "vertices", 2, "i4"),
        (mesh.loops, "vertex_index", 1, "i4"),
        (mesh.loops, "edge_index", 1, "i4"),
        (mesh.polygons, "loop_start", 1, "i4"),
        (mesh.polygons, "use_smooth", 1, "?"),
        (mesh.corner_normals, "vector", 3, "f4"),
    ):
        values = np.empty(len(elements) * width, dtype=kind)
        elements.foreach_get(name, values)
        yield values


def test_meshes_arrive_exactly_as_from_pydata(part, scene):
    rng = np.random.default_rng(3)
    upload = part("shapes.mesh_upload").upload
    bpy.ops.mesh.primitive_ico_sphere_add(subdivisions=3)
    vertices, faces = part("shapes.mesh_upload").read(bpy.context.active_object.data)
    mesh, plain = bpy.data.meshes.new("Fast"), bpy.data.meshes.new("Plain")
    for moved in (vertices, vertices + rng.normal(0, 0.01, vertices.shape).astype("f4")):
        upload(mesh, moved, faces)
        plain.clear_geometry()
        plain.from_pydata(moved.tolist(), [], faces.tolist(), shade_flat=False)
        assert not mesh.validate()
        for drawn, told in zip(contents(mesh), contents(plain), strict=True):
            assert np.array_equal(drawn, told)
    upload(mesh, np.zeros((0, 3), "f4"), np.zeros((0, 3), "i4"))
    assert len(mesh.vertices) == 0
