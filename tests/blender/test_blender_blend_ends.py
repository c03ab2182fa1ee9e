"""What a blend goes between: other objects, animated and renamed ones, and names as people type."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import bpy
import numpy as np
import pytest

from tests.blender.drawn import Drawn

LAST = 5


def add(fake, name):
    """A shape at the mean of the fake space, with that code stored as Round."""
    bpy.ops.meshsdf.shape_add(space=fake.space, resolution=32)
    ob = bpy.context.active_object
    ob.name = name
    bpy.ops.meshsdf.code_store(title="Round")
    return ob


def between(ob, first, second, factor=0.0):
    blend = ob.meshsdf.blend
    blend.first, blend.second, blend.factor, blend.mode = first, second, factor, "TWO"
    return blend


def straight(ob):
    action = ob.animation_data.action
    curves = getattr(action, "fcurves", None) or (action.layers[0].strips[0].channelbags[0].fcurves)
    for curve in curves:
        for point in curve.keyframe_points:
            point.interpolation = "LINEAR"


@pytest.fixture
def follower(scene, fake):
    """Named to come before every other object; made first, too."""
    scene.frame_start, scene.frame_end = 1, LAST
    return add(fake, "A Follower")


@pytest.fixture
def lead(follower, fake):
    """From Round to Long by keyframes of its factor."""
    ob = add(fake, "Z Lead")
    ob.meshsdf.slider_1 = 4.0
    bpy.ops.meshsdf.code_store(title="Long")
    blend = between(ob, "Round", "Long")
    for frame, blend.factor in ((1, 0.0), (LAST, 1.0)):
        blend.keyframe_insert("factor", frame=frame)
    straight(ob)
    return ob


def first_value(ob):
    return float(ob["meshsdf_code"][0])


def values(scene, ob):
    found = []
    for frame in (1, 2, 3, 4, 5, 1, 5):
        scene.frame_set(frame)
        found.append(first_value(ob))
    return found


RAMP = pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0, 0.0, 2.0], abs=1e-6)


def test_a_blend_of_an_animated_blend_is_of_this_frame(scene, follower, lead):
    between(follower, "Round", "Z Lead", 1.0)
    assert values(scene, follower) == RAMP
    assert values(scene, lead) == RAMP


def test_a_chain_of_blends_is_of_this_frame(scene, follower, lead, fake):
    middle = add(fake, "M Middle")
    between(middle, "Round", "Z Lead", 1.0)
    between(follower, "M Middle", "Round", 0.0)
    assert values(scene, follower) == RAMP
    assert values(scene, middle) == RAMP


def test_a_blend_of_a_keyed_code_is_of_this_frame(scene, follower, lead):
    lead.meshsdf.blend.mode = "NONE"
    lead.animation_data_clear()
    for frame, lead["meshsdf_code"][0] in ((1, 0.0), (LAST, 2.0)):
        lead.keyframe_insert('["meshsdf_code"]', frame=frame)
    straight(lead)
    between(follower, "Round", "Z Lead", 1.0)
    assert values(scene, follower) == RAMP


@pytest.mark.parametrize("keyed", ["blend", "code"])
def test_renders_show_a_blend_of_an_animated_object(scene, follower, lead, keyed, tmp_path):
    """A render evaluates copies: the lead itself stays as it was."""
    if keyed == "code":
        lead.meshsdf.blend.mode = "NONE"
        lead.animation_data_clear()
        for frame, lead["meshsdf_code"][0] in ((1, 0.0), (LAST, 2.0)):
            lead.keyframe_insert('["meshsdf_code"]', frame=frame)
    between(follower, "Round", "Z Lead", 1.0)
    scene.frame_set(1)
    lead.location.x = 50.0
    render = scene.render
    render.engine, scene.cycles.samples, scene.cycles.device = "CYCLES", 1, "CPU"
    render.resolution_x = render.resolution_y = 48
    render.film_transparent = True
    render.filepath, scene.frame_step = str(tmp_path / "frame"), LAST - 1
    bpy.ops.render.render(animation=True)
    covered = []
    for path in sorted(tmp_path.iterdir()):
        image = bpy.data.images.load(str(path))
        covered.append(float((np.array(image.pixels[:])[3::4] > 0.5).sum()))
    assert covered[1] > 1.3 * covered[0]


def test_blends_of_each_other_are_refused(scene, follower, lead, capfd):
    between(follower, "Round", "Z Lead", 0.5)
    before = first_value(lead)
    lead.meshsdf.blend.second = "A Follower"
    assert "is blended of itself" in lead.meshsdf.message
    assert first_value(lead) == before
    scene.frame_set(3)
    assert "is blended of itself" in follower.meshsdf.message
    assert "Traceback" not in "".join(capfd.readouterr())
    lead.meshsdf.blend.second = "Long"
    assert lead.meshsdf.message == ""
    scene.frame_set(4)
    assert follower.meshsdf.message == ""


def test_an_end_that_many_blends_share_is_looked_at_once(scene, follower, fake, part):
    """Each of both ends: without that it were 2 to the power of the chain's length."""
    chain = [follower]
    for number in range(20):
        ob = follower.copy()
        ob.data = follower.data.copy()
        ob.name = f"Link {number}"
        bpy.context.collection.objects.link(ob)
        chain.append(ob)
    for ob, after in itertools.pairwise(chain):
        between(ob, after.name, after.name, 0.5)
    code = part("blending.blended").code(follower, bpy.context.evaluated_depsgraph_get())
    np.testing.assert_allclose(code, np.zeros(4), atol=1e-6)
    assert part("blending.frames").is_moving(follower) is False


@pytest.mark.parametrize("which", ["first", "second"])
def test_an_object_that_is_renamed_stays_an_end(follower, lead, tmp_path, which):
    other = "second" if which == "first" else "first"
    blend = follower.meshsdf.blend
    setattr(blend, which, "Z Lead")
    setattr(blend, other, "Round")
    blend.mode = "TWO"
    lead.name = "Leader"
    blend.factor = 0.25
    assert follower.meshsdf.message == ""
    assert getattr(blend, which) == "Leader"
    share = 0.75 if which == "first" else 0.25
    assert first_value(follower) == pytest.approx(2.0 * share)
    path = str(tmp_path / "kept.blend")
    lead.name = "Chief"
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    ob = bpy.data.objects["A Follower"]
    bpy.data.objects["Chief"].name = "Head"
    ob.meshsdf.blend.factor = 0.5
    assert ob.meshsdf.message == ""
    assert first_value(ob) == pytest.approx(1.0)
    assert getattr(ob.meshsdf.blend, which) == "Head"


def test_an_end_that_was_an_object_can_be_set_to_something_else(follower, lead):
    blend = between(follower, "Z Lead", "Round", 0.0)
    assert first_value(follower) == pytest.approx(2.0)
    blend.first = "Mean"
    assert first_value(follower) == pytest.approx(0.0)
    blend.first = "Z Lead"
    bpy.data.objects.remove(lead)
    blend.factor = 0.5
    assert blend.first == "Z Lead"
    assert "'Z Lead', which was deleted" in follower.meshsdf.message


def delete(ob):
    """As the artist does it; an end keeps it in the file."""
    bpy.ops.object.select_all(action="DESELECT")
    ob.select_set(True)
    bpy.ops.object.delete()


def go(way):
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        assert getattr(bpy.ops.ed, way)() == {"FINISHED"}


GONE = "The blend of object 'A Follower' goes to 'Z Lead', which was deleted or taken out of every"


@pytest.mark.parametrize("how", ["delete", "remove"])
@pytest.mark.parametrize("instead", ["object", "code", "nothing"])
def test_an_object_that_is_gone_is_no_other_end(follower, lead, fake, how, instead):
    """Whatever has its name now."""
    scene = bpy.context.scene
    blend = between(follower, "Round", "Z Lead", 0.5)
    before = first_value(follower)
    scene.collection.objects.unlink(lead) if how == "delete" else bpy.data.objects.remove(lead)
    if instead == "object":
        if how == "delete":
            lead.name = "Away"
        other = add(fake, "Z Lead")
        other.meshsdf.slider_1 = 6.0
        assert other.name == "Z Lead"
    elif instead == "code":
        blend.codes.add().name = "Z Lead"
    gone = GONE.replace("Z Lead", blend.second)
    for name, value in (("factor", 1.0), ("method", "SMOOTH")):
        follower.meshsdf.message = ""
        setattr(blend, name, value)
        assert gone in follower.meshsdf.message
        assert first_value(follower) == before
    scene.frame_set(4)
    assert first_value(follower) == before
    blend.second = "Long"
    assert follower.meshsdf.message == ""
    assert first_value(follower) == pytest.approx(1.0)


def test_the_panel_says_at_once_that_an_end_is_gone(scene, follower, lead, part):
    blend = between(follower, "Round", "Z Lead", 0.5)
    assert "deleted" not in blend_panel(part, scene, follower)
    delete(lead)
    assert GONE in blend_panel(part, scene, follower)
    blend.second = "Long"
    assert "deleted" not in blend_panel(part, scene, follower)


def blend_panel(part, scene, ob):
    """What the panel says of a shape's blend."""
    layout = Lists()
    preferences = SimpleNamespace(system=SimpleNamespace(ui_scale=1))
    given = SimpleNamespace(scene=scene, region=None, preferences=preferences, active_object=ob)
    part("panels.blend").MESHSDF_PT_blend.draw(SimpleNamespace(layout=layout), given)
    return layout.words


class Lists(Drawn):
    def template_list(self, *_, **__):
        pass

    template_icon = separator = template_list


@pytest.mark.parametrize("how", ["delete", "remove"])
def test_undo_brings_back_an_end(follower, lead, scene, tmp_path, how):
    blend = between(follower, "Round", "Z Lead", 1.0)
    lead.animation_data_clear()
    bpy.ops.ed.undo_push(message="Before")
    if how == "delete":
        delete(lead)
    else:
        bpy.data.objects.remove(lead)
    bpy.ops.ed.undo_push(message="Deleted")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "deleted.blend"), copy=True)
    blend.factor = 0.5
    assert GONE in follower.meshsdf.message
    go("undo")
    ob, back = bpy.data.objects["A Follower"], bpy.data.objects["Z Lead"]
    assert ob.meshsdf.blend.second_object == back
    assert back.name in bpy.context.scene.objects
    back.name = "Leader"
    ob.meshsdf.blend.factor = 0.25
    assert ob.meshsdf.message == ""
    assert ob.meshsdf.blend.second == "Leader"
    go("redo")
    bpy.data.objects["A Follower"].meshsdf.blend.factor = 0.75
    assert "was deleted" in bpy.data.objects["A Follower"].meshsdf.message


def test_a_deleted_end_is_not_saved(follower, lead, tmp_path):
    blend = between(follower, "Round", "Z Lead", 1.0)
    delete(lead)
    assert blend.second_object == lead
    path = str(tmp_path / "deleted.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    assert blend.second_object == lead
    bpy.ops.wm.open_mainfile(filepath=path)
    assert "Z Lead" not in bpy.data.objects
    ob = bpy.data.objects["A Follower"]
    ob.meshsdf.blend.factor = 0.5
    assert GONE in ob.meshsdf.message


def test_a_save_within_a_save_loses_no_end(follower, lead, scene, tmp_path):
    """As add-ons that keep backups do it."""
    blend = between(follower, "Round", "Z Lead", 1.0)
    bpy.ops.ed.undo_push(message="Before")
    delete(lead)
    bpy.ops.ed.undo_push(message="Deleted")

    def backup(*_):
        bpy.app.handlers.save_pre.remove(backup)
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "backup.blend"), copy=True)

    bpy.app.handlers.save_pre.append(backup)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "file.blend"), copy=True)
    assert blend.second_object == lead
    assert blend.second == "Z Lead"


def test_an_object_that_was_put_aside_is_still_blended_to(follower, lead, tmp_path):
    between(follower, "Round", "Z Lead", 0.5)
    bpy.context.scene.collection.objects.unlink(lead)
    lead.use_fake_user = True
    follower.meshsdf.blend.factor = 1.0
    assert follower.meshsdf.message == ""
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "aside.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "aside.blend"))
    assert bpy.data.objects["A Follower"].meshsdf.blend.second_object.name == "Z Lead"


def test_a_deleted_object_can_be_named_nowhere(follower, lead):
    between(follower, "Round", "Z Lead", 1.0)
    delete(lead)
    bpy.context.view_layer.objects.active = follower
    with pytest.raises(RuntimeError, match="Object 'Z Lead' was deleted"):
        bpy.ops.meshsdf.interpolate(first="Round", second="Z Lead")


def test_an_object_of_another_scene_or_collection_is_not_gone(scene, follower, lead):
    blend = between(follower, "Round", "Z Lead", 1.0)
    lead.animation_data_clear()
    for place in (bpy.data.scenes.new("Other").collection, bpy.data.collections.new("Kept")):
        place.objects.link(lead)
        scene.collection.objects.unlink(lead) if lead.name in scene.collection.objects else None
        for factor in (0.25, 0.75):
            blend.factor = factor
            assert follower.meshsdf.message == ""
            assert first_value(follower) == pytest.approx(2.0 * factor)
        place.objects.unlink(lead)
    blend.factor = 0.5
    assert GONE in follower.meshsdf.message


def test_an_object_that_is_no_shape_any_more_is_no_end(follower, lead):
    blend = between(follower, "Round", "Z Lead", 0.5)
    lead.animation_data_clear()
    bpy.context.view_layer.objects.active = lead
    bpy.ops.meshsdf.make_regular()
    blend.factor = 0.25
    assert "'Z Lead', which is no MeshSDF shape now" in follower.meshsdf.message


def test_an_appended_blend_brings_its_end(follower, lead, tmp_path):
    between(follower, "Round", "Z Lead", 1.0)
    path = tmp_path / "source.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.wm.append(directory=f"{path}/Object/", filename="A Follower")
    ob = bpy.data.objects["A Follower"]
    ob.meshsdf.blend.factor = 0.5
    assert ob.meshsdf.message == ""


def test_a_typo_is_kept_with_the_mode_and_told(follower):
    blend, before = follower.meshsdf.blend, first_value(follower)
    blend.first, blend.second = "Mean", "Lng"
    blend.mode = "TWO"
    blend.factor = 0.5
    bpy.context.scene.frame_set(2)
    bpy.ops.meshsdf.shape_update()
    assert (blend.first, blend.second, blend.mode) == ("Mean", "Lng", "TWO")
    assert first_value(follower) == before
    blend.factor = 0.6
    assert "knows no shape 'Lng'" in follower.meshsdf.message
    blend.second = "LONG"
    assert follower.meshsdf.message == ""
    assert first_value(follower) == pytest.approx(0.6)


def test_a_stored_code_that_gets_an_objects_name_does_not_take_its_place(follower, lead):
    blend = between(follower, "Z Lead", "Mean", 0.0)
    blend.codes["Round"].name = "Z Lead"
    blend.method = "SMOOTH"
    assert first_value(follower) == pytest.approx(2.0)
    blend.codes["Z Lead"].name = "Ball"
    assert blend.first == "Z Lead"


def test_names_are_found_in_any_case_and_exact_ones_first(follower, lead):
    apply, blend = bpy.ops.meshsdf.interpolate, follower.meshsdf.blend
    bpy.context.view_layer.objects.active = follower
    for name, wanted in (("z lead", 2.0), ("ROUND", 0.0), ("MEAN", 0.0), ("LONG", 1.0)):
        apply(first=name, second=name)
        assert first_value(follower) == pytest.approx(wanted), name
        blend.first = blend.second = name
        blend.mode = "TWO"
        bpy.ops.meshsdf.shape_update()
        assert first_value(follower) == pytest.approx(wanted), name
        blend.mode = "NONE"
    bpy.ops.meshsdf.known_shape(shape="LONG")
    assert first_value(follower) == pytest.approx(1.0)
    bpy.ops.meshsdf.code_apply(code="rOUND")
    assert first_value(follower) == pytest.approx(0.0)
    bpy.ops.meshsdf.slide(slider="1", value=4.0)
    bpy.ops.meshsdf.code_store(title="round")
    apply(first="round", second="round")
    assert first_value(follower) == pytest.approx(2.0)
    apply(first="Round", second="Round")
    assert first_value(follower) == pytest.approx(0.0)


def test_a_wrong_name_is_told_what_there_is(follower, lead):
    bpy.context.view_layer.objects.active = follower
    told = r"no shape 'Lng'.*Stored codes: Round\. Its shapes are: .*long.*Objects: Z Lead"
    with pytest.raises(RuntimeError, match=told) as raised:
        bpy.ops.meshsdf.interpolate(first="Round", second="Lng")
    blend = between(follower, "Round", "Lng", 0.5)
    assert follower.meshsdf.message in str(raised.value)
    assert (blend.second, blend.mode) == ("Lng", "TWO")
    blend.second = "Round"  # the code that it has: the message goes all the same
    assert follower.meshsdf.message == ""
    for number in range(9):
        bpy.ops.meshsdf.code_store(title=f"Take {number}")
    with pytest.raises(RuntimeError, match=r"Take 0, Take 1, Take 2, Take 3, and 5 more"):
        bpy.ops.meshsdf.code_apply(code="Lng")
