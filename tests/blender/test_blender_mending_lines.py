"""Lines that mend an error in a script, as far as they are run here: each literally."""

from __future__ import annotations

import bmesh
import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

KEY = "meshsdf_code"


@pytest.fixture
def egg(shape_object, part):
    part("trust.told").forget()
    return shape_object


@pytest.fixture
def side(scene):
    """A second camera."""
    camera = bpy.data.objects.new("Side Camera", bpy.data.cameras.new("Side"))
    scene.collection.objects.link(camera)
    return camera


def refused(call, **given):
    """What a call is refused with, as a script reads it."""
    with pytest.raises(RuntimeError) as raised:
        call(**given)
    return str(raised.value).strip()


def line_of(text):
    """The line of Python that a text says mends it."""
    return text.partition("In a script: ")[2]


def mended(call, line, **given):
    """A call is refused with that line, which makes it work."""
    assert line_of(refused(call, **given)) == line
    exec(line)
    assert call(**given) == {"FINISHED"}


def add_cube(name):
    bpy.ops.mesh.primitive_cube_add()
    bpy.context.active_object.name = name
    return bpy.context.active_object


# Cameras


def test_a_camera_is_named_in_any_case(egg, scene, side):
    bpy.ops.meshsdf.view_add(name="Front")
    bpy.ops.meshsdf.view_add(name="Side", camera="side CAMERA")
    assert scene.meshsdf.views[1].camera == side
    bpy.ops.meshsdf.fix_camera(how="USE", camera="SIDE camera", view=0)
    assert scene.meshsdf.views[0].camera == side


def test_a_wrong_camera_name_changes_no_view(egg, scene, side):
    bpy.ops.meshsdf.view_add(name="Front")
    told = refused(bpy.ops.meshsdf.view_add, name="Side", camera="Nope")
    assert "Its cameras are: Camera, Side Camera" in told
    assert not line_of(told)
    assert not line_of(refused(bpy.ops.meshsdf.fix_camera, how="USE", camera="Nope"))


def test_without_an_active_camera_a_view_is_added_by_making_one_active(egg, scene, side):
    bpy.ops.meshsdf.view_add(name="Side", camera="Side Camera")
    scene.camera = None
    told = refused(bpy.ops.meshsdf.view_add, name="Third")
    assert "name it: Camera, Side Camera" in told
    assert not line_of(told)
    bpy.data.objects.remove(side)
    line = "bpy.context.scene.camera = bpy.data.objects['Camera']"
    mended(bpy.ops.meshsdf.view_add, line, name="Third")
    assert scene.meshsdf.views[0].camera is None


def test_a_lens_is_mended_of_the_camera_that_has_it(egg, scene, side):
    bpy.ops.meshsdf.view_add(name="Front")
    side.data.type = "PANO"
    line = "bpy.data.objects['Side Camera'].data.type = 'PERSP'"
    mended(bpy.ops.meshsdf.view_add, line, camera="Side Camera")


def test_a_file_without_any_camera_gets_one(scene, fake):
    """Before there is a shape too: what it sees then is where shapes are added."""
    bpy.data.objects.remove(scene.camera)
    assert bpy.context.active_object is None
    mended(bpy.ops.meshsdf.view_add, "bpy.ops.meshsdf.fix_camera(how='ADD')")
    bpy.ops.meshsdf.shape_add(space=fake.space)
    egg, cube = bpy.context.active_object, add_cube("Cube")
    assert bpy.context.active_object == cube
    for made_before in (True, False):
        camera = scene.camera
        sides = [world_to_camera_view(scene, camera, Vector(v.co)) for v in egg.data.vertices]
        assert all(0 < x < 1 and 0 < y < 1 and z > 0 for x, y, z in sides), made_before
        bpy.data.objects.remove(camera)
        scene.meshsdf.views.clear()
        bpy.ops.meshsdf.fix_camera(how="ADD")


# Codes


def with_code(ob, code):
    del ob[KEY]
    if code is not None:
        ob[KEY] = code


@pytest.mark.parametrize(
    "code", [None, [0.0, float("nan"), 0.0], [0.0] * 7, "text"], ids=["lost", "nan", "long", "text"]
)
def test_a_broken_code_is_mended_without_undo(egg, code):
    with_code(egg, code)
    mended(bpy.ops.meshsdf.shape_update, f"bpy.ops.meshsdf.fix_code(object={egg.name!r})")


@pytest.mark.parametrize("code", [None, [0.0, float("nan"), 0.0], [0.0] * 7, "text"])
def test_the_broken_code_of_another_object_is_mended_there(egg, fake, code):
    code_before = np.array(egg[KEY])
    bpy.ops.meshsdf.shape_add(space=fake.space)
    other = bpy.context.active_object
    other.name = "Other's"
    with_code(other, code)
    bpy.ops.meshsdf.shape_select(name=egg.name)
    given = {"first": "Other's", "second": "Mean", "factor": 0.0}
    mended(bpy.ops.meshsdf.interpolate, 'bpy.ops.meshsdf.fix_code(object="Other\'s")', **given)
    assert bpy.context.active_object == egg
    np.testing.assert_allclose(egg[KEY], other[KEY])
    assert len(other[KEY]) == len(code_before)


def test_a_code_is_mended_of_a_shape_that_is_there(egg):
    told = refused(bpy.ops.meshsdf.fix_code, object="Nope")
    assert f"There is no shape 'Nope'. This file's shapes are: {egg.name}" in told
    assert "is sound" in refused(bpy.ops.meshsdf.fix_code, object=egg.name.upper())


@pytest.mark.parametrize("bad", ["nan", "long", "text"])
def test_a_broken_stored_code_is_removed_and_the_shape_left_alone(egg, part, bad):
    """It says what mends it: a line that gave the shape the mean would lose what is sound."""
    stored = part("blending.stored")
    for name in ("Good", "Bad"):
        bpy.ops.meshsdf.code_store(title=name)
    entries = egg.meshsdf.blend.codes
    length = len(egg[KEY])
    wrong = {"nan": np.full(length, np.nan), "long": np.zeros(length + 1)}
    entries["Bad"].code = stored.code_text(wrong[bad]) if bad in wrong else "no text of a code"
    told = refused(bpy.ops.meshsdf.code_apply, code="Bad")
    assert "Remove that code, and store it again" in told
    assert line_of(told) == "bpy.ops.meshsdf.code_remove(code='Bad')"
    was = np.array(egg[KEY])
    exec(line_of(told))
    assert [entry.name for entry in entries] == ["Good"]
    np.testing.assert_array_equal(egg[KEY], was)
    assert bpy.ops.meshsdf.code_apply() == {"FINISHED"}


@pytest.mark.parametrize("call", ["shape_update", "slide", "slider_reset"])
def test_a_code_where_no_shape_is_gives_way_to_the_mean(egg, call):
    with_code(egg, [-50.0] * len(egg[KEY]))
    given = {} if call == "shape_update" else {"slider": "Width"}
    line = "bpy.ops.meshsdf.known_shape(shape='Mean')"
    mended(getattr(bpy.ops.meshsdf, call), line, **given)


def test_a_slider_moved_too_far_costs_no_shape(egg):
    assert not line_of(refused(bpy.ops.meshsdf.slide, slider="Length", value=-6.0))


def test_a_value_that_is_no_number_is_refused_and_not_the_code(egg):
    was = np.array(egg[KEY])
    told = refused(bpy.ops.meshsdf.slide, slider="Length", value=float("nan"))
    assert "nan is no value for slider 'Length'" in told
    assert not line_of(told)
    np.testing.assert_array_equal(egg[KEY], was)


# New faces


def test_new_faces_that_quadriflow_cannot_lay(egg):
    # A thin tube, of which no twenty quads make a surface.
    tube = bmesh.new()
    bmesh.ops.create_cone(tube, cap_ends=False, segments=24, radius1=0.5, radius2=0.5, depth=1.0)
    bmesh.ops.solidify(tube, geom=tube.faces[:], thickness=0.02)
    bmesh.ops.triangulate(tube, faces=tube.faces[:])
    tube.to_mesh(egg.data)
    tube.free()
    blocks = len(bpy.data.objects), len(bpy.data.meshes)
    told = refused(bpy.ops.meshsdf.retopologise, faces=5)
    assert (
        f"Quadriflow gave up on object '{egg.name}'. Ask for more faces, or reduce triangles"
        in told
    )
    assert "Traceback" not in told
    assert (len(bpy.data.objects), len(bpy.data.meshes)) == blocks
    assert bpy.context.active_object == egg
    assert line_of(told) == "bpy.ops.meshsdf.retopologise(method='DECIMATE', faces=20)"
    exec(line_of(told))
    assert len(bpy.context.active_object.data.polygons) < 40


def test_a_shape_is_a_shape_already(egg):
    assert f"'{egg.name}' is a shape already" in refused(bpy.ops.meshsdf.make_shape)


@pytest.mark.parametrize("use", ["BACKGROUND", "TARGET"])
def test_an_image_that_is_not_set_is_opened_by_its_line(egg, scene, tmp_path, use):
    photo = bpy.data.images.new("Photo", 8, 8)
    photo.filepath_raw, photo.file_format = str(tmp_path / "PHOTO.png"), "PNG"
    photo.save()
    bpy.data.images.remove(photo)
    scene.meshsdf.target = {"TARGET": "IMAGE"}.get(use, use)
    line = line_of(refused(bpy.ops.meshsdf.fit))
    assert line == f"bpy.ops.meshsdf.fix_image(use={use!r}, filepath='PHOTO.png')"
    exec(line.replace("PHOTO.png", str(tmp_path / "PHOTO.png")))
    assert "PHOTO.png" in bpy.data.images


# Spaces


def test_a_space_that_only_the_call_names_is_not_lost(egg):
    told = refused(bpy.ops.meshsdf.shape_add, space="/nope/x.safetensors")
    assert "is not there. Name a file that is there, or a built-in space: " in told
    assert not line_of(told)
    assert not line_of(refused(bpy.ops.meshsdf.space_pack, space="/nope/x.safetensors"))
    egg.meshsdf.space = "/nope/x.safetensors"
    line = line_of(refused(bpy.ops.meshsdf.shape_add, space="/nope/x.safetensors"))
    assert line == "bpy.ops.meshsdf.fix_space(lost='/nope/x.safetensors', filepath=...)"


def test_a_built_in_space_is_named_alone_where_no_file_is(scene, fake, part, tmp_path, monkeypatch):
    named = part("spaces.catalogue").named
    assert named("Heads") == "builtin:heads"
    assert named("//heads") == "//heads"
    assert bpy.ops.meshsdf.shape_add(space="heads") == {"FINISHED"}
    assert bpy.context.active_object.meshsdf.space == "builtin:heads"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "heads").mkdir()
    assert named("heads") == "heads"


# Hidden shapes


@pytest.fixture
def shelf(egg, scene):
    """The collection that alone holds the shape."""
    collection = bpy.data.collections.new("Shelf")
    scene.collection.children.link(collection)
    collection.objects.link(egg)
    scene.collection.objects.unlink(egg)
    return collection


def layer_of(collection):
    return bpy.context.view_layer.layer_collection.children[collection.name]


IN_LAYER = "bpy.context.view_layer.layer_collection.children['Shelf']"


@pytest.mark.parametrize("how", ["layer", "collection", "excluded"])
def test_what_hides_a_shape_is_named(egg, scene, shelf, part, how):
    if how == "layer":
        layer_of(shelf).hide_viewport = True
        line, words = f"{IN_LAYER}.hide_viewport = False", "show collection 'Shelf' (its eye)"
    elif how == "collection":
        shelf.hide_viewport = True
        line = "bpy.data.collections['Shelf'].hide_viewport = False"
        words = "turn on collection 'Shelf' for viewports"
    else:
        layer_of(shelf).exclude = True
        line, words = f"{IN_LAYER}.exclude = False", "include collection 'Shelf' in the view layer"
    assert not egg.visible_get()
    assert part("in_scripts").showing(egg) == line
    assert part("hidden").advice(egg) == words
    exec(line)
    bpy.context.view_layer.update()
    assert egg.visible_get()
    assert part("in_scripts").showing(egg) == ""


def test_a_shape_in_a_collection_that_is_left_out_is_selected_once_it_is_not(egg, shelf):
    layer_of(shelf).exclude = True
    line = f"{IN_LAYER}.exclude = False"
    called = refused(bpy.ops.meshsdf.shape_update)
    assert line_of(called) == "bpy.ops.meshsdf.shape_select()"
    mended(bpy.ops.meshsdf.shape_select, line)
    assert bpy.context.active_object == egg


def test_selecting_a_shape_says_what_it_shows(egg, capfd, shelf):
    egg.hide_set(True)
    assert bpy.ops.meshsdf.shape_select(name=egg.name.upper()) == {"FINISHED"}
    assert not egg.hide_get()
    assert "was hidden, and is shown again" in capfd.readouterr().out
    shelf.hide_viewport = True
    bpy.ops.meshsdf.shape_select()
    assert "still hidden: turn on collection 'Shelf' for viewports" in capfd.readouterr().out


# Small things


def test_an_end_that_is_not_named_is_called_as_the_argument_is(egg):
    assert "'From (first)' names nothing" in refused(bpy.ops.meshsdf.interpolate, second="Mean")
    assert "'To (second)' names nothing" in refused(bpy.ops.meshsdf.interpolate, first="Mean")


def test_any_object_leaves_its_mode(egg):
    cube = add_cube("Cube")
    bpy.ops.object.mode_set(mode="EDIT")
    assert bpy.ops.meshsdf.fix_mode() == {"FINISHED"}
    assert cube.mode == "OBJECT"


def test_a_preset_is_built_in_in_any_case(scene):
    told = refused(bpy.ops.meshsdf.fit_preset_add, name="draft")
    assert "Preset 'Draft' is built in" in told


def test_the_locks_of_a_draw_say_how_many_they_are(scene):
    locks = bpy.ops.meshsdf.randomise.get_rna_type().properties["locks"]
    assert "twelve booleans, in the order of the sliders" in locks.description
