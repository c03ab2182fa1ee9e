"""After a fit: the big button's label, seeing what was before, accepting it, and going back."""

from __future__ import annotations

from types import SimpleNamespace

import bpy
import numpy as np
import pytest

from tests.blender.drawn import Drawn, drawn


@pytest.fixture
def ready(shape_object, target, scene):
    """A shape that can be fitted in 5 steps, active."""
    bpy.context.view_layer.objects.active = shape_object
    scene.meshsdf.steps = 5
    return shape_object


@pytest.fixture
def fitted(ready):
    """A shape after its fit, which moved it too."""
    bpy.context.scene.meshsdf.move = True
    bpy.ops.meshsdf.fit()
    return ready


@pytest.fixture
def before(part):
    return part("fitting.before")


def seen(ob):
    """All that tells one shape from another."""
    co = np.empty(len(ob.data.vertices) * 3, dtype=np.float32)
    ob.data.vertices.foreach_get("co", co)
    told = ob.meshsdf
    readout = (told.faces, told.volume, told.fit_iou, told.fit_steps, told.fit_reason)
    return list(ob["meshsdf_code"]), co.tolist(), tuple(ob.location), readout


def undo(step="undo"):
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        getattr(bpy.ops.ed, step)()
    return bpy.data.objects["Fake"]


def label(part, ob):
    return part("fitting.fit_state").fit_state(ob).value


def test_the_label_follows_the_state(ready, part, monkeypatch):
    assert label(part, ready) == "Fit"
    bpy.ops.meshsdf.fit()
    assert label(part, ready) == "Continue"
    ready.meshsdf.fit_reason = part("wording").REASONS["converged"]
    assert label(part, ready) == "Accept"
    bpy.ops.meshsdf.fit_compare()
    assert label(part, ready) == "Show Fitted"
    bpy.ops.meshsdf.fit_compare()
    bpy.ops.meshsdf.shape_update()  # another mesh than the fit's
    assert label(part, ready) == "Fit"
    monkeypatch.setattr(part("running"), "current", SimpleNamespace)
    assert label(part, ready) == "Stop"


def test_before_and_after_change_places_without_loss(ready, before):
    start = seen(ready)
    bpy.context.scene.meshsdf.move = True
    bpy.ops.meshsdf.fit()
    end = seen(ready)
    assert start[0] != end[0]
    assert start[1] != end[1]
    assert start[2] != end[2]
    for _ in range(2):
        assert bpy.ops.meshsdf.fit_compare() == {"FINISHED"}
        assert before.shown(ready)
        assert seen(ready) == start
        assert bpy.ops.meshsdf.fit_compare() == {"FINISHED"}
        assert not before.shown(ready)
        assert seen(ready) == end


def test_continuing_keeps_the_first_before(ready, before):
    start = seen(ready)
    bpy.ops.meshsdf.fit()
    middle = ready.meshsdf.fit_iou
    bpy.ops.meshsdf.fit()
    assert ready.meshsdf.fit_iou > middle
    assert ready.meshsdf.before.iou == pytest.approx(0.75)
    bpy.ops.meshsdf.fit_back()
    assert seen(ready) == start
    assert not before.exists(ready)
    assert len(bpy.data.meshes) == 2  # its own and the target's
    assert ready.data.name == "Fake"


def test_going_back_from_before_shows_no_other_shape(fitted, before):
    bpy.ops.meshsdf.fit_compare()
    shown = seen(fitted)
    bpy.ops.meshsdf.fit_back()
    assert seen(fitted) == shown
    assert not before.exists(fitted)
    assert fitted.data.name == "Fake"


def test_accepting_keeps_the_shape_and_starts_anew(fitted, before):
    end = seen(fitted)
    assert bpy.ops.meshsdf.fit_accept() == {"FINISHED"}
    assert seen(fitted) == end
    assert not before.exists(fitted)
    assert len(bpy.data.meshes) == 2
    with pytest.raises(RuntimeError, match="No fit of the active object waits"):
        bpy.ops.meshsdf.fit_accept()
    bpy.ops.meshsdf.fit()
    bpy.ops.meshsdf.fit_back()
    assert seen(fitted)[:3] == end[:3]


def test_comparing_accepting_and_going_back_are_undone_and_redone(fitted, before):
    end = seen(fitted)
    bpy.ops.ed.undo_push(message="Fitted")
    for name in ("fit_compare", "fit_back", "fit_accept"):
        getattr(bpy.ops.meshsdf, name)("EXEC_DEFAULT", True)
        changed = seen(bpy.data.objects["Fake"])
        exists = before.exists(bpy.data.objects["Fake"])
        back = undo()
        assert before.exists(back)
        assert not before.shown(back)
        assert seen(back) == end
        again = undo("redo")
        assert seen(again) == changed
        assert before.exists(again) == exists
        undo()


def test_what_is_shown_as_before_is_not_written_to(fitted, part):
    bpy.ops.meshsdf.fit_compare()
    shown = seen(fitted)
    for refused in ("fit", "fit_step", "shape_update", "randomise", "make_regular", "fit_accept"):
        with pytest.raises(RuntimeError, match="'Fake' is shown as it was before the fit"):
            getattr(bpy.ops.meshsdf, refused)()
    fitted.meshsdf.slider_1 = 1.5
    assert seen(fitted) == shown
    assert not part("shapes.mesh_upload").is_editable(fitted)


def test_both_are_saved_and_read_while_before_is_shown(fitted, before, tmp_path):
    end = seen(fitted)
    bpy.ops.meshsdf.fit_compare()
    start = seen(fitted)
    path = str(tmp_path / "compared.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    ob = bpy.data.objects["Fake"]
    assert before.shown(ob)
    assert seen(ob) == start
    bpy.ops.meshsdf.fit_compare()
    assert seen(ob) == end


def test_a_duplicate_compares_for_itself(fitted, before):
    end = seen(fitted)
    bpy.ops.object.select_all(action="DESELECT")
    fitted.select_set(True)
    bpy.ops.object.duplicate()
    twin = bpy.context.active_object
    assert twin is not fitted
    bpy.ops.meshsdf.fit_compare()
    assert before.shown(twin)
    assert seen(fitted) == end
    bpy.ops.meshsdf.fit_back()
    bpy.context.view_layer.objects.active = fitted
    bpy.ops.meshsdf.fit_compare()
    assert seen(fitted)[1] == seen(twin)[1]
    bpy.ops.meshsdf.fit_compare()
    assert seen(fitted) == end


def test_a_shared_mesh_is_refused_by_name(fitted):
    fitted.copy().name = "Sharer"
    end = seen(fitted)
    with pytest.raises(RuntimeError, match="is shared with object 'Sharer'"):
        bpy.ops.meshsdf.fit_compare()
    assert seen(fitted) == end


def test_an_object_that_is_deleted_while_compared_leaves_nothing(fitted, tmp_path):
    bpy.ops.meshsdf.fit_compare()
    bpy.data.objects.remove(fitted)
    path = str(tmp_path / "deleted.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    assert [mesh.name for mesh in bpy.data.meshes] == [bpy.data.objects["Target"].data.name]


def test_a_kept_mesh_that_somebody_removed_ends_the_comparison(fitted, before, part):
    bpy.data.meshes.remove(fitted.meshsdf.before.mesh)
    assert not before.exists(fitted)
    assert label(part, fitted) == "Fit"
    bpy.ops.meshsdf.fit()
    assert before.exists(fitted)


def test_a_kept_text_that_somebody_broke_is_refused(fitted):
    fitted.meshsdf.before.kept = "{}"
    end = seen(fitted)
    with pytest.raises(RuntimeError, match="before the fit cannot be read"):
        bpy.ops.meshsdf.fit_compare()
    assert seen(fitted) == end


def test_a_fit_that_fails_keeps_no_before(ready, before, fake, part):
    fake("bad_mesh")
    run = part("fitting.fit_run").FitRun(bpy.context, ready)

    def show_all():
        while True:
            step = run.advance(0.1)
            if step is not None:
                run.write(bpy.context, step)

    with pytest.raises(part("errors").Refusal):
        show_all()
    assert before.exists(ready)
    run.fail()
    assert not before.exists(ready)
    assert len(bpy.data.meshes) == 2


def test_a_regular_mesh_keeps_no_before(fitted, before):
    bpy.ops.meshsdf.make_regular()
    assert not before.exists(fitted)


def test_the_panel_offers_what_can_be_done(ready, part, scene):
    def offered():
        context = {"active_object": ready, "window_manager": bpy.context.window_manager}
        layout = drawn(part("panels.fit").MESHSDF_PT_fit, scene, region_data=None, **context)
        return {name.partition(".")[2] for name in layout.passed}, layout.words

    assert offered()[0] == {"target_preview", "fit", "fit_step"}
    bpy.ops.meshsdf.fit()
    names, words = offered()
    assert names == {"target_preview", "fit", "fit_step", "fit_accept", "fit_compare", "fit_back"}
    assert "IoU 0.750 to 0.918" in words
    bpy.ops.meshsdf.fit_compare()
    names, words = offered()
    assert names == {"target_preview", "fit_compare", "fit_back"}
    assert "Before the fit: IoU 0.750" in words


def test_the_panel_of_another_shape_has_no_overlap_of_this_one(ready, part, scene):
    def words(ob):
        context = {"active_object": ob, "window_manager": bpy.context.window_manager}
        view = SimpleNamespace(view_perspective="CAMERA")
        return drawn(part("panels.fit").MESHSDF_PT_fit, scene, region_data=view, **context).words

    bpy.ops.meshsdf.target_preview()
    assert "as it is shown" in words(ready)
    bpy.ops.meshsdf.shape_add(space=ready.meshsdf.space)
    assert "as it is shown" not in words(bpy.context.active_object)


def test_showing_before_is_no_trouble(fitted, part):
    problems, errors = part("trust.problems"), part("errors")
    part("trust.told").forget()
    bpy.ops.meshsdf.fit_compare()
    assert problems.shown(bpy.context) == []
    with pytest.raises(errors.Refusal, match="as it was before the fit") as refused:
        part("shapes.mesh_upload").check_writable(fitted)
    buttons = {fix.label: fix.operator.partition(".")[2] for fix in refused.value.fixes}
    assert buttons == {"Show Fitted": "fit_compare", "Go Back": "fit_back"}
    for name in buttons.values():  # each of them mends it
        bpy.ops.ed.undo_push(message="Compared")
        getattr(bpy.ops.meshsdf, name)("EXEC_DEFAULT", True)
        part("shapes.mesh_upload").check_writable(bpy.data.objects["Fake"])
        undo()
    bpy.data.objects["Fake"].shape_key_add(name="Basis")  # what else is wrong is said
    assert "has shape keys" in problems.shown(bpy.context)[0].problem


class Told(Drawn):
    """A layout whose rows and columns are greyed out each by itself, as Blender's are."""

    def __init__(self, outer=None):
        super().__init__()
        self.outer, self.enabled, self.all = outer, True, outer.all if outer else []
        self.all.append(self)

    def row(self, **_):
        return Told(self)

    box = column = grid_flow = row

    def template_list(self, *_, **__):
        pass

    template_icon = separator = template_list

    @property
    def is_enabled(self):
        return self.enabled and (self.outer is None or self.outer.is_enabled)


PANELS = [
    ("sliders", "MESHSDF_PT_sliders"),
    ("known", "MESHSDF_PT_known"),
    ("shape", "MESHSDF_PT_shape"),
    ("shape", "MESHSDF_PT_advanced"),
    ("blend", "MESHSDF_PT_blend"),
]


@pytest.mark.parametrize(("module", "name"), PANELS)
def test_controls_are_greyed_out_while_before_is_shown_and_say_why(fitted, part, module, name):
    bpy.ops.meshsdf.slider_show()

    def told():
        layout = Told()
        preferences = SimpleNamespace(system=SimpleNamespace(ui_scale=1))
        region = SimpleNamespace(width=300)
        given = {"active_object": fitted, "region": region, "preferences": preferences}
        context = SimpleNamespace(scene=bpy.context.scene, **given)
        getattr(part(f"panels.{module}"), name).draw(SimpleNamespace(layout=layout), context)
        free = [prop for each in layout.all if each.is_enabled for prop in each.properties]
        words = " ".join(word for each in layout.all for word in each.labels)
        return {prop for prop, _ in free} - {"changed_only"}, words

    assert module == "known" or told()[0]
    assert "before the fit" not in told()[1]
    bpy.ops.meshsdf.fit_compare()
    free, words = told()
    assert not free
    if name != "MESHSDF_PT_advanced":  # below the panel that says it
        assert "This is the shape before the fit. Show Fitted or Go Back" in words
