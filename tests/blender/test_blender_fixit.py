"""Every failure that a user can mend: it is found with a remedy, and its button mends it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest

ICONS = bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items


@pytest.fixture
def ready(shape_object, target, part):
    """A shape that can be fitted, active, with nothing wrong."""
    bpy.context.view_layer.objects.active = shape_object
    part("trust.told").forget()
    return shape_object


@pytest.fixture
def found(part):
    """What is shown at the top, and what keeps a fit from starting, after a look at the disk."""
    problems, presence = part("trust.problems"), part("trust.presence")

    def now():
        for _ in range(2):  # the first asks for what the look finds
            shown = [*problems.shown(bpy.context), problems.of_fit(bpy.context)]
            presence.look()
        return [problem for problem in shown if problem is not None]

    return now


def press(fix, **given):
    """Call what a button calls."""
    room, name = fix.operator.split(".")
    operator = getattr(getattr(bpy.ops, room), name)
    known = operator.get_rna_type().properties.keys()
    assert set(fix.properties) <= set(known)
    assert fix.icon in ICONS
    assert operator(**fix.properties, **given) == {"FINISHED"}


def picture(folder, name="bild.png", size=(200, 150)):
    """An image file with a white square in its middle, and nothing in Blender."""
    image = bpy.data.images.new("Made", *size)
    pixels = np.zeros((size[1], size[0], 4), dtype=np.float32)
    pixels[..., 3] = 1.0
    pixels[size[1] // 4 : -size[1] // 4, size[0] // 4 : -size[0] // 4, :3] = 1.0
    image.pixels.foreach_set(pixels.ravel())
    image.filepath_raw, image.file_format = str(folder / name), "PNG"
    image.save()
    bpy.data.images.remove(image)
    return str(folder / name)


def no_camera(ob, folder):
    bpy.context.scene.camera = None


def no_camera_at_all(ob, folder):
    bpy.data.objects.remove(bpy.context.scene.camera)


def an_empty_for_a_camera(ob, folder):
    empty = bpy.data.objects.new("Empty", None)
    bpy.context.scene.collection.objects.link(empty)
    bpy.context.scene.camera = empty


def panoramic(ob, folder):
    bpy.context.scene.camera.data.type = "PANO"


def a_region(ob, folder):
    bpy.context.scene.render.use_border = True


def stereo(ob, folder):
    bpy.context.scene.render.use_multiview = True


def no_background(ob, folder):
    bpy.context.scene.meshsdf.target = "BACKGROUND"


def hidden_background(ob, folder):
    no_background(ob, folder)
    data = bpy.context.scene.camera.data
    data.background_images.new().image = bpy.data.images.load(picture(folder))
    data.show_background_images = False


def unset_background(ob, folder):
    no_background(ob, folder)
    data = bpy.context.scene.camera.data
    data.background_images.new()
    data.show_background_images = True


def no_image(ob, folder):
    bpy.context.scene.meshsdf.target = "IMAGE"


def lost_image(ob, folder):
    no_image(ob, folder)
    path = Path(picture(folder, "weg.png"))
    bpy.context.scene.meshsdf.image = bpy.data.images.load(str(path))
    path.unlink()


def no_target(ob, folder):
    bpy.context.scene.meshsdf.object = None


def its_own_target(ob, folder):
    bpy.context.scene.meshsdf.object = ob


def no_mask(ob, folder):
    bpy.context.scene.meshsdf.target = "MASK"
    mask = bpy.data.masks.new("Mask")
    spline = mask.layers.new().splines.new()
    spline.points.add(3)
    spline.use_cyclic = True
    for point, at in zip(spline.points, ((0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7))):  # noqa: B905
        point.co = point.handle_left = point.handle_right = at


def editing(ob, folder):
    bpy.ops.object.mode_set(mode="EDIT")


def shape_keys(ob, folder):
    ob.shape_key_add(name="Basis")
    ob.shape_key_add(name="Smile")


def shared(ob, folder):
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Twin", ob.data))


def no_code(ob, folder):
    del ob["meshsdf_code"]


def broken_code(ob, folder):
    ob["meshsdf_code"] = [0.0, float("nan"), 0.0, 0.0]


def a_code_of_another_space(ob, folder):
    ob["meshsdf_code"] = [0.0, 0.0]


def moved_space(ob, folder):
    path = Path(ob.meshsdf.space)
    path.rename(folder / "jetzt hier.safetensors")


def unsaved(ob, folder):
    """Beside a file that has no place: saving it there mends it."""
    moved_space(ob, folder)
    ob.meshsdf.space = "//jetzt hier.safetensors"


# What goes wrong, words of the problem, which of its buttons, and what the file browser gives it.
CASES = [
    (no_camera, "has no active camera", 0, {}),
    (no_camera_at_all, "has no active camera", 0, {}),
    (no_camera, "has no active camera", 1, {}),
    (an_empty_for_a_camera, "is no camera", 0, {}),
    (panoramic, "has a panoramic lens", 0, {}),
    (a_region, "renders a region only", 0, {}),
    (stereo, "renders in stereo", 0, {}),
    (no_background, "shows no background image", 0, {"filepath": "bild.png"}),
    (hidden_background, "are turned off", 0, {}),
    (unset_background, "is not set", 0, {"filepath": "bild.png"}),
    (no_image, "No target image", 0, {"filepath": "bild.png"}),
    (lost_image, "cannot be read", 0, {"filepath": "bild.png"}),
    (no_target, "No target object", 0, {}),
    (its_own_target, "its own target", 0, {}),
    (no_mask, "No target mask", 0, {}),
    (editing, "in Edit Mode", 0, {}),
    (shape_keys, "has shape keys", 0, {}),
    (shared, "is shared with object 'Twin'", 0, {}),
    (no_code, "has no latent code", 1, {}),
    (broken_code, "holds nan", 1, {}),
    (a_code_of_another_space, "has 2 values", 1, {}),
    (moved_space, "is not there", 0, {"filepath": "jetzt hier.safetensors"}),
    (unsaved, "has not been saved", 0, {"filepath": "datei.blend"}),
]


@pytest.mark.parametrize(
    ("provoke", "words", "number", "chosen"), CASES, ids=lambda each: getattr(each, "__name__", "")
)
def test_a_failure_is_found_and_its_button_mends_it(
    ready, found, part, tmp_path, *, provoke, words, number, chosen
):
    assert found() == []
    provoke(ready, tmp_path)
    if "bild.png" in chosen.values():
        picture(tmp_path)
    part("trust.presence").forget()
    problem = next(p for p in found() if words in p.problem)
    assert problem.remedy
    with pytest.raises(RuntimeError):
        bpy.ops.meshsdf.fit_step()
    told = part("trust.report").details(bpy.context, str(problem))
    for needed in ("MeshSDF 0.", f"Blender {bpy.app.version_string}", str(problem), "Worker: "):
        assert needed in told
    press(problem.fixes[number], **{name: str(tmp_path / file) for name, file in chosen.items()})
    assert found() == []
    assert bpy.ops.meshsdf.fit_step() == {"FINISHED"}


def test_a_lost_code_comes_back_with_undo(ready, found):
    bpy.ops.ed.undo_push(message="base")
    code = list(ready["meshsdf_code"])
    del ready["meshsdf_code"]
    bpy.ops.ed.undo_push(message="lost")
    fix = found()[0].fixes[0]
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        press(fix)
    assert list(bpy.data.objects["Fake"]["meshsdf_code"]) == code
    assert found() == []


def test_an_added_camera_sees_the_whole_shape(ready, scene, part):
    ready.location, ready.scale = (5.0, 3.0, -2.0), (3.0, 3.0, 3.0)
    scene.render.resolution_x, scene.render.resolution_y = 100, 300
    bpy.context.view_layer.update()
    assert bpy.ops.meshsdf.fix_camera(how="ADD") == {"FINISHED"}
    view = part("views.camera").camera_view(scene, bpy.context.evaluated_depsgraph_get())
    world = np.array([[*(ready.matrix_world @ v.co), 1.0] for v in ready.data.vertices])
    seen = world @ view.matrix.T
    columns, rows = seen[:, 0] / seen[:, 3], seen[:, 1] / seen[:, 3]
    assert (seen[:, 3] > 0).all()
    assert columns.min() > 0
    assert columns.max() < 100
    assert np.ptp(columns) > 40
    assert abs(rows.mean() - 150) < 15


def test_an_image_of_other_proportions_offers_its_own(ready, scene, found, tmp_path):
    path = picture(tmp_path, size=(64, 64))
    scene.meshsdf.target, scene.meshsdf.image = "IMAGE", bpy.data.images.load(path)
    assert found() == []  # nobody reads pixels while drawing
    with pytest.raises(RuntimeError, match="is 64 x 64 but the camera's frame 200 x 150"):
        bpy.ops.meshsdf.fit_step()
    press(found()[0].fixes[0])
    assert (scene.render.resolution_x, scene.render.resolution_y) == (64, 64)
    assert found() == []
    assert bpy.ops.meshsdf.fit_step() == {"FINISHED"}


def test_a_transform_that_cannot_be_fitted_may_be_left_alone(ready, scene, found):
    scene.meshsdf.move, ready.scale = True, (1.0, 2.0, 1.0)
    with pytest.raises(RuntimeError, match="scaled unevenly"):
        bpy.ops.meshsdf.fit_step()
    press(found()[0].fixes[0])
    assert found() == []
    assert bpy.ops.meshsdf.fit_step() == {"FINISHED"}


def test_a_space_found_again_is_found_for_all_of_the_file(ready, scene, part, tmp_path, fake):
    bpy.ops.meshsdf.space_load(filepath=fake.space)
    bpy.ops.meshsdf.shape_add()
    lost = scene.meshsdf.space
    moved_space(ready, tmp_path)
    here = str(tmp_path / "jetzt hier.safetensors")
    assert bpy.ops.meshsdf.fix_space(lost=lost, filepath=here) == {"FINISHED"}
    shapes = [ob for ob in bpy.data.objects if ob.meshsdf.space]
    assert [ob.meshsdf.space for ob in shapes] == [here, here]
    assert scene.meshsdf.space == scene.meshsdf.loaded[0].path == here
    with pytest.raises(RuntimeError, match="is not there"):
        bpy.ops.meshsdf.fix_space(lost=here, filepath=str(tmp_path / "nowhere.safetensors"))
    assert shapes[0].meshsdf.space == here


def test_a_space_whose_codes_are_of_another_length_is_not_taken(ready, fake):
    ready["meshsdf_code"] = [0.0] * 7
    with pytest.raises(RuntimeError, match="so nothing is lost"):
        bpy.ops.meshsdf.fix_space(lost=ready.meshsdf.space, filepath=fake.space)
    ready.meshsdf.space = "/gone/animals.safetensors"
    with pytest.raises(RuntimeError, match="it is another space"):
        bpy.ops.meshsdf.fix_space(lost=ready.meshsdf.space, filepath=fake.space)
    assert ready.meshsdf.space == "/gone/animals.safetensors"


def test_nothing_sound_is_mended_away(ready):
    code = list(ready["meshsdf_code"])
    with pytest.raises(RuntimeError, match="is sound"):
        bpy.ops.meshsdf.fix_code()
    with pytest.raises(RuntimeError, match="has no shape keys"):
        bpy.ops.meshsdf.fix_shape_keys()
    assert list(ready["meshsdf_code"]) == code


@pytest.mark.parametrize("kind", ["linked", "overridden", "linked mesh"])
def test_a_linked_shape_becomes_local_with_its_space(scene, fake, found, tmp_path, kind):
    library = Path(fake.space).parent / "bibliothek.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(library))
    bpy.ops.meshsdf.shape_add(space="//fäke.safetensors")
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "mine.blend"))
    with bpy.data.libraries.load(str(library), link=True) as (_, to):
        to.objects = ["Fake"]
    ob = to.objects[0]
    bpy.context.scene.collection.objects.link(ob)
    if kind == "overridden":
        ob = ob.override_create(remap_local_usages=True)
    elif kind == "linked mesh":
        ob = ob.make_local()
        ob.meshsdf.space = fake.space
    bpy.context.view_layer.objects.active = ob
    problem = found()[0]
    assert "is linked from" in problem.problem or "is a library override" in problem.problem
    with pytest.raises(RuntimeError, match="Make it local first"):
        bpy.ops.meshsdf.shape_update()
    press(problem.fixes[0])
    local = bpy.context.active_object
    assert local.library is None
    assert local.data.library is None
    assert local.override_library is None
    assert local.name in bpy.context.view_layer.objects
    assert bpy.ops.meshsdf.shape_update() == {"FINISHED"}
    assert bpy.ops.meshsdf.slide(slider="Length", value=1.0) == {"FINISHED"}
    assert not [problem for problem in found() if "camera" not in problem.problem]


def stand_in(tmp_path, torch):
    """A stand-in for a Python with this torch."""
    said = {"python": [3, 12, 1], "torch": torch, "numpy": "2.0", "scikit-image": "0.26"}
    said |= {"scipy": "1.15", "safetensors": "0.5"}
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\necho '{json.dumps(said)}'\n")
    script.chmod(0o755)
    return str(script)


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
@pytest.mark.parametrize(
    ("torch", "words"),
    [(None, "has no torch"), ("2.1", "older than 2.6"), ("gone", "no such file")],
)
def test_a_python_that_cannot_run_the_worker(ready, found, part, tmp_path, *, torch, words):
    """The one in the preferences lacks torch, has an old one, or is gone."""
    door, settings = part("door"), part("identity").preferences()
    python = str(tmp_path / "gone") if torch == "gone" else stand_in(tmp_path, torch)
    settings.interpreter = python
    try:
        with pytest.raises(RuntimeError, match=words):
            bpy.ops.meshsdf.shape_update()
        [problem] = found()
        assert words in str(problem)
        labels = [fix.label for fix in problem.fixes]
        assert ("Copy Install Command" in labels) == (torch != "gone")
        assert {"Choose Python", "Check Again", "Find Another Python"} <= set(labels)
        details = part("trust.report").details(bpy.context, str(problem))
        assert words in details
        assert "Worker: failed" in details
        press(next(fix for fix in problem.fixes if fix.label == "Find Another Python"))
        assert settings.interpreter == ""
        assert door.status.state == "ready"
        assert found() == []
        assert bpy.ops.meshsdf.shape_update() == {"FINISHED"}
    finally:
        settings.interpreter = ""


def test_a_worker_that_does_not_start_is_started_by_the_button(ready, found, fake):
    fake("silent")
    with pytest.raises(RuntimeError, match="does not feel like it"):
        bpy.ops.meshsdf.shape_update()
    [problem] = found()
    fake("")
    assert "does not feel like it" in problem.problem
    again = next(fix for fix in problem.fixes if fix.label == "Check Again")
    press(again)
    assert found() == []
    assert bpy.ops.meshsdf.shape_update() == {"FINISHED"}


def test_the_last_refusal_stays_until_something_succeeds_or_it_is_dismissed(ready, found):
    def refused():
        with pytest.raises(RuntimeError, match="There is no slider 'Nose'"):
            bpy.ops.meshsdf.slide(slider="Nose", value=1.0)

    refused()
    assert [p.problem for p in found()] == ["There is no slider 'Nose'"]
    bpy.ops.meshsdf.copy_details(about="x")
    assert len(found()) == 1
    assert bpy.ops.meshsdf.dismiss() == {"FINISHED"}
    assert found() == []
    refused()
    assert bpy.ops.meshsdf.shape_update() == {"FINISHED"}
    assert found() == []
    refused()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert found() == []


def test_what_lasts_is_told_once_and_goes_when_it_is_mended_by_hand(ready, scene, found):
    camera, scene.camera = scene.camera, None
    with pytest.raises(RuntimeError, match="no active camera"):
        bpy.ops.meshsdf.fit_step()
    assert len(found()) == 1
    scene.camera = camera
    assert found() == []


def test_nothing_is_found_wrong_with_what_is_no_shape_or_while_a_fit_runs(ready, found, part):
    shape_keys(ready, None)
    ready.select_set(False)
    bpy.context.view_layer.objects.active = bpy.data.objects["Target"]
    assert found() == []
    bpy.context.view_layer.objects.active = ready
    ready.shape_key_clear()
    run = part("fitting.fit_run").FitRun(bpy.context, ready)
    part("trust.told").note(part("errors").Refusal("x"))
    assert part("trust.problems").shown(bpy.context) == []
    run.abandon()


def test_drawing_looks_at_no_disk(ready, part, monkeypatch, tmp_path):
    moved_space(ready, tmp_path)
    part("trust.presence").forget()

    def no_disk(*_):
        raise AssertionError("the disk was looked at")

    with monkeypatch.context() as patch:
        for name in ("exists", "stat", "is_file", "is_dir"):
            patch.setattr(Path, name, no_disk)
        assert part("trust.problems").shown(bpy.context) == []
    part("beside")._tick()
    monkeypatch.setattr(Path, "exists", no_disk)
    assert "is not there" in part("trust.problems").shown(bpy.context)[0].problem


class Layout:
    """A layout that notes its buttons and their properties."""

    def __init__(self):
        self.rows, self.buttons = [], []

    def box(self, **_):
        return self

    row = column = box

    def label(self, text="", icon="NONE"):
        assert icon in ICONS
        self.rows.append(text)

    def operator(self, name, text="", icon="NONE"):
        self.buttons.append((name, text, SimpleNamespace()))
        return self.buttons[-1][2]


def test_the_panel_draws_the_problem_its_buttons_and_copy_details(ready, part, monkeypatch):
    shape_keys(ready, None)
    monkeypatch.setattr(part("panels.fixit"), "characters", lambda context: 40)
    panel = part("panels.fixit").MESHSDF_PT_fixit
    assert panel.poll(bpy.context)
    layout = Layout()
    panel.draw(SimpleNamespace(layout=layout), bpy.context)
    assert any("shape keys" in row for row in layout.rows)
    assert [name for name, *_ in layout.buttons] == [
        "meshsdf.fix_shape_keys",
        "meshsdf.copy_details",
    ]
    assert "has shape keys" in layout.buttons[1][2].about
    assert bpy.ops.meshsdf.fix_shape_keys() == {"FINISHED"}
    assert not panel.poll(bpy.context)


def test_the_question_before_shape_keys_go_names_them(ready, part):
    for number in range(8):
        ready.shape_key_add(name=f"Key {number}")
    layout = Layout()
    operator = part("operators.fix_shape").MESHSDF_OT_fix_shape_keys
    operator.draw(SimpleNamespace(layout=layout), bpy.context)
    assert layout.rows[0].startswith("8 shape keys")
    assert layout.rows[1:] == [*(f"Key {number}" for number in range(6)), "and 2 more"]
