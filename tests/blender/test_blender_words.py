"""What scripts are told: the line that mends a refusal, one text for one thing, and names."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest

SPACES = Path(__file__).resolve().parents[2] / "spaces"


@pytest.fixture
def egg(shape_object, part):
    part("trust.told").forget()
    return shape_object


def refused(call, *arguments, **given):
    """What a call is refused with, as a script reads it."""
    with pytest.raises(RuntimeError) as raised:
        call(*arguments, **given)
    return str(raised.value).strip()


def line_of(text):
    """The line of Python that a text says mends it."""
    return text.partition("In a script: ")[2]


def add_cube(name):
    bpy.ops.mesh.primitive_cube_add()
    bpy.context.active_object.name = name
    return bpy.context.active_object


def mended(call, line, **given):
    """A call is refused with that line, which makes it work."""
    assert line_of(refused(call, **given)) == line
    exec(line)
    assert call(**given) == {"FINISHED"}


# The line that mends it


def test_a_regular_mesh_that_was_a_shape(egg):
    bpy.ops.meshsdf.make_regular()
    mended(bpy.ops.meshsdf.shape_update, "bpy.ops.meshsdf.make_shape()")


def test_edit_mode(egg):
    bpy.ops.object.mode_set(mode="EDIT")
    mended(bpy.ops.meshsdf.shape_update, "bpy.ops.meshsdf.fix_mode()")
    bpy.context.view_layer.objects.active = add_cube("Cube")
    bpy.ops.object.mode_set(mode="EDIT")
    line = "bpy.ops.object.mode_set(mode='OBJECT')"
    mended(bpy.ops.meshsdf.shape_select, line)


def test_the_shape_before_a_fit(egg, target):
    bpy.context.view_layer.objects.active = egg
    bpy.ops.meshsdf.fit_step()
    bpy.ops.meshsdf.fit_compare()
    mended(bpy.ops.meshsdf.slide, "bpy.ops.meshsdf.fit_compare()", slider="1", value=1.0)
    bpy.ops.meshsdf.fit_step()
    egg.meshsdf.before.kept = "broken"
    assert line_of(refused(bpy.ops.meshsdf.fit_compare)) == "bpy.ops.meshsdf.fit_accept()"
    bpy.ops.meshsdf.fit_accept()
    assert line_of(refused(bpy.ops.meshsdf.fit_accept)) == "bpy.ops.meshsdf.fit()"


def test_a_hidden_object(egg, scene):
    scene.frame_start, scene.frame_end = 1, 2
    for frame in (1, 2):
        bpy.ops.meshsdf.slide(slider="1", value=float(frame))
        egg.keyframe_insert('["meshsdf_code"]', frame=frame)
    egg.hide_set(True)
    mended(bpy.ops.meshsdf.bake_frames, "bpy.data.objects['Fake'].hide_set(False)")
    egg.hide_set(False)
    egg.hide_viewport = True
    bpy.context.view_layer.objects.active = egg
    line = line_of(refused(bpy.ops.meshsdf.bake_frames))
    assert line == "bpy.data.objects['Fake'].hide_viewport = False"


def test_hidden_meshes_of_a_training(egg, tmp_path):
    cubes = [add_cube(name) for name in ("A", "B")]
    collection = bpy.data.collections.new("Mugs")
    bpy.context.scene.collection.children.link(collection)
    for cube in cubes:
        collection.objects.link(cube)
    cubes[1].hide_set(True)
    told = refused(
        bpy.ops.meshsdf.train_space,
        source="COLLECTION",
        collection="Mugs",
        output=str(tmp_path),
    )
    assert line_of(told) == "bpy.data.objects['B'].hide_set(False)"
    told = refused(bpy.ops.meshsdf.train_space, source="COLLECTION", collection="Cups")
    assert "no collection 'Cups'" in told
    assert "Mugs" in told


def test_no_shape_is_active(egg):
    cube = add_cube("Cube")
    for active in (cube, None):
        bpy.context.view_layer.objects.active = active
        mended(bpy.ops.meshsdf.shape_update, "bpy.ops.meshsdf.shape_select()")
    bpy.data.objects.remove(egg)
    assert line_of(refused(bpy.ops.meshsdf.shape_update)) == "bpy.ops.meshsdf.shape_add()"


def test_lists_with_nothing_in_them(egg, scene):
    bpy.context.view_layer.objects.active = egg
    mended(bpy.ops.meshsdf.code_apply, "bpy.ops.meshsdf.code_store()")
    mended(bpy.ops.meshsdf.view_move, "bpy.ops.meshsdf.view_add()", direction="UP")
    scene.meshsdf.views[0].use = False
    told = refused(bpy.ops.meshsdf.fit_step)
    assert line_of(told) == "bpy.context.scene.meshsdf.views[0].use = True"


def test_nothing_may_change_in_a_fit(egg, target, scene):
    bpy.context.view_layer.objects.active = egg
    scene.meshsdf.fit_code = False
    mended(bpy.ops.meshsdf.fit_step, "bpy.ops.meshsdf.fit_change(what='SHAPE')")


def test_a_view_whose_camera_is_gone(egg, scene):
    bpy.ops.meshsdf.view_add()
    scene.meshsdf.views[0].camera = None
    line = f"bpy.ops.meshsdf.fix_camera(how='USE', camera={scene.camera.name!r})"
    mended(bpy.ops.meshsdf.view_look, line)


def test_a_stored_code_of_another_space(egg):
    bpy.ops.meshsdf.code_store(title="Long")
    egg.meshsdf.blend.codes[0].mark = "another"
    told = refused(bpy.ops.meshsdf.code_apply)
    assert line_of(told) == "bpy.ops.meshsdf.code_remove(code='Long')"


def test_a_lost_packed_space_is_found_again(egg, scene, fake):
    now = f"packed:egg@{'0' * 16}"
    egg.meshsdf.space = now
    line = line_of(refused(bpy.ops.meshsdf.shape_update))
    assert line == f"bpy.ops.meshsdf.fix_space(lost={now!r}, filepath=...)"
    bpy.ops.meshsdf.fix_space(lost=now, filepath=fake.space)
    assert egg.meshsdf.space == fake.space
    bpy.ops.meshsdf.shape_update()


def test_a_path_in_a_file_without_a_place(egg):
    told = refused(bpy.ops.meshsdf.space_load, filepath="//a.safetensors")
    assert line_of(told) == "bpy.ops.wm.save_as_mainfile(filepath=...)"


def test_buttons_for_people_are_no_lines(part):
    fix, refusal = part("errors").Fix, part("errors").Refusal
    text = part("in_scripts").text
    alone = refusal("No Python", fixes=(fix("meshsdf.choose_python", "Choose"),))
    assert text(alone) == str(alone)
    both = refusal("No Python", fixes=(*alone.fixes, fix("meshsdf.worker_check", "Again")))
    assert line_of(text(both)) == "bpy.ops.meshsdf.worker_check()"


def test_in_a_window_there_are_buttons_instead(egg, part, monkeypatch):
    bpy.ops.meshsdf.make_regular()
    in_scripts, chosen = part("in_scripts"), part("shapes.chosen")
    with pytest.raises(part("errors").Refusal) as raised:
        chosen.check_shape(egg)
    assert line_of(in_scripts.text(raised.value)) == "bpy.ops.meshsdf.make_shape()"
    window = SimpleNamespace(app=SimpleNamespace(background=False))
    monkeypatch.setattr(in_scripts, "bpy", window)
    assert in_scripts.text(raised.value) == str(raised.value)


def test_live_runs_report_the_line_too(egg, part):
    refusal = part("errors").Refusal("It is hidden", script="show(it)")
    reports = []

    def action(context):
        raise refusal

    run = SimpleNamespace(fail=lambda: None)
    pressed = SimpleNamespace(
        _run=run,
        report=lambda kind, text: reports.append(text),
        over=lambda context, result: result,
    )
    guard = part("operators.live").RunsLive._guard
    assert guard(pressed, bpy.context, action) == {"CANCELLED"}
    assert reports == ["It is hidden. In a script: show(it)"]


def test_a_training_that_does_not_start_reports_the_line(egg, part):
    refusal, reports = part("errors").Refusal("It is hidden", script="show(it)"), []

    def prepare(context):
        raise refusal

    cursor = SimpleNamespace(cursor_modal_set=str, cursor_modal_restore=str)
    pressed = SimpleNamespace(prepare=prepare, report=lambda kind, text: reports.append(text))
    begin = part("operators.train")._Trains.begin
    assert begin(pressed, SimpleNamespace(window=cursor)) == {"CANCELLED"}
    assert reports == ["It is hidden. In a script: show(it)"]


def test_a_fit_that_cannot_be_stopped_reports_the_line(egg, part, monkeypatch):
    def stop():
        raise part("errors").Refusal("The worker is gone", script="mend()")

    run = SimpleNamespace(unseen_seconds=0.0, stop=stop, abandon=lambda: None)
    monkeypatch.setattr(part("running"), "_running", [run])
    assert line_of(refused(bpy.ops.meshsdf.fit_stop)) == "mend()"


def test_a_training_that_breaks_off(egg, fake, scene, tmp_path):
    collection = bpy.data.collections.new("Mugs")
    scene.collection.children.link(collection)
    for name in ("A", "B"):
        collection.objects.link(add_cube(name))
    fake("die_at_train_7")
    given = {"source": "COLLECTION", "collection": "Mugs", "output": str(tmp_path)}
    line = line_of(refused(bpy.ops.meshsdf.train_space, **given))
    assert line == f"bpy.ops.meshsdf.train_resume(directory={str(tmp_path / 'Mugs')!r})"
    fake("")
    exec(line)
    assert scene.meshsdf.space == str(tmp_path / "Mugs" / "Mugs.safetensors")


# One text for one thing


def test_a_slider_of_a_regular_mesh_says_what_the_operator_says(egg, capfd):
    bpy.ops.meshsdf.make_regular()
    egg.meshsdf.slider_1 = 1.0
    told = capfd.readouterr().err.strip().removeprefix("MeshSDF: ")
    assert "regular mesh now" in told
    assert refused(bpy.ops.meshsdf.slide, slider="1", value=1.0).endswith(told)
    assert egg.meshsdf.message + " In a script: bpy.ops.meshsdf.make_shape()" == told


def test_sliders_of_an_opened_file_read_at_once_in_a_script(scene, part, tmp_path):
    bpy.ops.meshsdf.shape_add(space="builtin:bob_and_spot", shape="spot", resolution=16)
    value = bpy.context.active_object.meshsdf.slider_1
    assert abs(value) > 0.1
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "f.blend"))
    part("door").close()
    part("spaces.catalogue").forget()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "f.blend"))
    ob = bpy.context.active_object
    assert ob.meshsdf.slider_1 == pytest.approx(value)
    assert not part("door")._started  # nothing but the file was read
    part("spaces.catalogue").forget()
    part("spaces.space_sliders").forget()
    ob.meshsdf.slider_1 = 0.5  # nor need a value be read first
    assert ob.meshsdf.slider_1 == pytest.approx(0.5)
    part("door").close()


def test_drawing_still_reads_no_file(scene, part, monkeypatch):
    bpy.ops.meshsdf.shape_add(space="builtin:bob_and_spot", shape="spot", resolution=16)
    ob, slide = bpy.context.active_object, part("shapes.slide")
    part("spaces.catalogue").forget()
    part("spaces.space_sliders").forget()
    monkeypatch.setattr(slide, "in_script", lambda: False)
    assert ob.meshsdf.slider_1 == 0
    monkeypatch.undo()
    assert ob.meshsdf.slider_1 != 0
    part("door").close()


# Names


def test_a_blend_without_names_is_refused_with_those_there_are(egg):
    code = list(egg["meshsdf_code"])
    for given, label in (({"second": "long"}, "From (first)"), ({"first": "long"}, "To (second)")):
        told = refused(bpy.ops.meshsdf.interpolate, **given)
        assert re.search(rf"{re.escape(label)}' names nothing.*long.*Mean", told)
    assert list(egg["meshsdf_code"]) == code
    assert bpy.ops.meshsdf.interpolate(first="Mean", second="long", factor=1.0) == {"FINISHED"}


def test_the_button_of_a_blend_asks_for_names_first(part):
    operator = part("operators.blend").MESHSDF_OT_interpolate
    asked = []
    manager = SimpleNamespace(invoke_props_dialog=lambda op: asked.append(op) or {"RUNNING_MODAL"})
    context = SimpleNamespace(window_manager=manager)
    pressed = SimpleNamespace(first="", second="long", execute=lambda context: {"FINISHED"})
    assert operator.invoke(pressed, context, None) == {"RUNNING_MODAL"}
    assert asked == [pressed]
    pressed.first = "Mean"
    assert operator.invoke(pressed, context, None) == {"FINISHED"}


@pytest.fixture
def vase(scene, part):
    assert bpy.ops.meshsdf.shape_add(space="builtin:vases", resolution=16) == {"FINISHED"}
    yield bpy.context.active_object
    part("door").close()


def test_names_on_the_card_are_names_of_known_shapes(vase, part):
    catalogue = part("spaces.catalogue")
    info = catalogue.info("builtin:vases", "FILE")
    urn = info.codes[info.shape_names.index("vase_1054")]
    for call in (
        lambda: bpy.ops.meshsdf.known_shape(shape="Urn"),
        lambda: bpy.ops.meshsdf.known_shape(shape="urn"),
        lambda: bpy.ops.meshsdf.interpolate(first="Mean", second="Urn", factor=1.0),
    ):
        bpy.ops.meshsdf.known_shape(shape="Mean")
        assert call() == {"FINISHED"}
        np.testing.assert_allclose(vase["meshsdf_code"], urn, atol=1e-6)
    bpy.ops.meshsdf.shape_add(space="builtin:vases", shape="Urn", resolution=16)
    added = bpy.context.active_object
    assert added.name == "Urn"
    np.testing.assert_allclose(added["meshsdf_code"], urn, atol=1e-6)
    added["meshsdf_code"] = [0.5 * float(value) for value in urn]
    blend = vase.meshsdf.blend
    blend.first, blend.second, blend.factor = "Mean", "Urn", 1.0
    blend.mode = "TWO"  # an object goes before the card
    np.testing.assert_allclose(vase["meshsdf_code"], 0.5 * urn, atol=1e-6)
    assert blend.second_object == added
    assert "Urn" in refused(bpy.ops.meshsdf.known_shape, shape="nobody")
    assert "Urn" in catalogue.shape_choices("builtin:vases", "FILE")
    catalogue.forget()
    assert "Urn" in catalogue.shape_choices("builtin:vases", "FILE")


def test_the_names_are_those_of_the_command_line(vase, part):
    pytest.importorskip("torch")
    from core.codetext import _known_names
    from core.loading import load_space

    info = part("spaces.catalogue").info("builtin:vases", "FILE")
    named = _known_names(load_space(SPACES / "vases.safetensors"))
    assert {**info.examples, **{name: name for name in info.shape_names}} == named


def test_a_card_may_hold_anything(part):
    examples = part("spaces.catalogue")._examples
    names = ("one", "two")
    for card in ({}, {"examples": 3}, {"examples": [1, {}, {"name": 2, "shape": "one"}]}):
        assert examples(card, names) == {}
    odd = [{"name": "One", "shape": []}, {"name": "one", "shape": "two"}]
    assert examples({"examples": odd}, names) == {}
    good = [{"name": "Uno", "shape": "one"}, {"name": "Uno", "shape": "two"}]
    assert examples({"examples": good}, names) == {"Uno": "one"}


def test_built_in_spaces_are_found_in_any_case_and_kept_as_they_are_called(scene, part, tmp_path):
    called, odd = "builtin:bob_and_spot", "Builtin:Bob_and_Spot"
    settings = scene.meshsdf
    assert bpy.ops.meshsdf.shape_add(space=odd, resolution=16) == {"FINISHED"}
    ob = bpy.context.active_object
    assert (ob.meshsdf.space, ob.name) == (called, "Bob And Spot")
    assert bpy.ops.meshsdf.space_choose(space=odd) == {"FINISHED"}
    assert settings.space == called
    settings.space = ""
    assert bpy.ops.meshsdf.space_load(filepath=odd) == {"FINISHED"}
    assert (settings.space, settings.space_up, len(settings.loaded)) == (called, "FILE", 0)
    settings.space = odd  # as a script writes it
    assert bpy.ops.meshsdf.shape_add(resolution=16) == {"FINISHED"}
    assert bpy.context.active_object.meshsdf.space == called
    ob.meshsdf.space = odd
    bpy.context.view_layer.objects.active = ob
    assert bpy.ops.meshsdf.shape_update() == {"FINISHED"}
    assert bpy.ops.meshsdf.known_shape(shape="Bob") == {"FINISHED"}
    lost = str(tmp_path / "weg.safetensors")
    ob.meshsdf.space = lost
    assert bpy.ops.meshsdf.fix_space(lost=lost, filepath=odd) == {"FINISHED"}
    assert ob.meshsdf.space == called
    ob.meshsdf.space = odd
    assert bpy.ops.meshsdf.space_pack(space=odd) == {"FINISHED"}
    packed = ob.meshsdf.space
    assert packed.startswith("packed:bob_and_spot@")
    assert bpy.ops.meshsdf.space_unpack(space=packed) == {"FINISHED"}
    assert ob.meshsdf.space == called
    part("door").close()


def test_a_built_in_space_that_is_not_there_is_refused_with_those_that_are(scene, fake):
    told = refused(bpy.ops.meshsdf.shape_add, space="BUILTIN:Horses")
    assert "no built-in space 'Horses'" in told
    assert "vases" in told
    assert "builtin:vases" in refused(bpy.ops.meshsdf.space_load, filepath="Vases")


def test_wrong_names_of_what_mends_are_told_what_there_is(egg, scene, tmp_path):
    camera = scene.camera.name
    bpy.ops.meshsdf.view_add(name="Front")
    told = refused(bpy.ops.meshsdf.fix_camera, how="USE", camera="Nope")
    assert f"no camera 'Nope' in this scene. Its cameras are: {camera}" in told
    assert f"Its cameras are: {camera}" in refused(bpy.ops.meshsdf.view_add, camera="Nope")
    assert "views are: 0 (Front)" in refused(bpy.ops.meshsdf.fix_camera, how="LENS", view=3)
    bpy.data.images.new("Photo", 8, 8)
    told = refused(bpy.ops.meshsdf.fix_proportions, image="Nope")
    assert "no image 'Nope'. The images of this file are: Photo" in told
    told = refused(bpy.ops.meshsdf.fix_image, use="FIND", image="Nope", filepath=str(tmp_path))
    assert "The images of this file are: Photo" in told
    told = refused(bpy.ops.meshsdf.fix_space, lost="/weg/a", filepath="builtin:bob_and_spot")
    assert f"It uses: {egg.meshsdf.space}" in told
    told = refused(bpy.ops.meshsdf.shape_select, name="Nope")
    assert f"Its shapes are: {egg.name}" in told


def test_several_that_could_be_meant_are_named(egg, scene):
    other = bpy.data.objects.new("Second", bpy.data.cameras.new("Second"))
    scene.collection.objects.link(other)
    scene.camera = None
    assert "Second" in refused(bpy.ops.meshsdf.fix_camera, how="USE")
    for name in ("Left", "Right"):
        add_cube(name).select_set(False)
        bpy.data.images.new(f"{name} Photo", 8, 8)
    bpy.context.view_layer.objects.active = egg
    scene.meshsdf.target = "OBJECT"
    assert "could be the target: Left, Right" in refused(bpy.ops.meshsdf.fix_target)
    scene.meshsdf.target = "IMAGE"
    assert "could be the target: Left Photo, Right Photo" in refused(bpy.ops.meshsdf.fix_target)


def test_a_blend_from_a_menu_forgets_the_names_of_the_last_one(egg):
    known = bpy.ops.meshsdf.interpolate.get_rna_type().properties
    assert all(known[name].is_skip_save for name in ("first", "second"))
