"""Buttons that mend what one of several views needs, and what they take where nothing is named."""

from __future__ import annotations

import bpy
import numpy as np
import pytest


@pytest.fixture
def ready(shape_object, target):
    """A shape that can be fitted, active."""
    bpy.context.view_layer.objects.active = shape_object
    return shape_object


@pytest.fixture
def views(ready, scene, target):
    """Two views of the scene's camera, Front and Side, with the target; the first is chosen."""
    for name in ("Front", "Side"):
        view = scene.meshsdf.views.add()
        view.name, view.camera, view.target, view.object = name, scene.camera, "OBJECT", target
    scene.meshsdf.view_index = 0
    return scene.meshsdf.views


def add_camera(scene, name):
    camera = bpy.data.objects.new(name, bpy.data.cameras.new(name))
    scene.collection.objects.link(camera)
    camera.matrix_world = scene.camera.matrix_world
    return camera


def picture(folder, size=(200, 150)):
    image = bpy.data.images.new("Made", *size)
    pixels = np.ones((size[1], size[0], 4), dtype=np.float32)
    pixels[:10, :, :3] = 0.0
    image.pixels.foreach_set(pixels.ravel())
    image.filepath_raw, image.file_format = str(folder / "bild.png"), "PNG"
    image.save()
    bpy.data.images.remove(image)
    return str(folder / "bild.png")


def problem(part):
    return part("trust.problems").of_fit(bpy.context)


def press(fix, **given):
    operator = getattr(bpy.ops.meshsdf, fix.operator.partition(".")[2])
    assert operator(**fix.properties, **given) == {"FINISHED"}


def lose_camera(view, scene):
    view.camera = None


def other_scene(view, scene):
    view.camera = bpy.data.objects.new("Far", bpy.data.cameras.new("Far"))


@pytest.mark.parametrize("lose", [lose_camera, other_scene])
def test_a_camera_is_mended_for_the_view_that_lacks_it(views, scene, part, lose):
    lose(views[1], scene)
    before = scene.camera
    scene.camera = None
    use, add = problem(part).fixes
    assert "View 'Side'" in problem(part).problem
    press(use)
    assert (views[1].camera, scene.camera) == (before, None)
    assert problem(part) is None
    lose(views[1], scene)
    press(add)
    assert views[1].camera not in {views[0].camera, None}
    assert scene.camera is None
    assert problem(part) is None
    assert bpy.ops.meshsdf.fit_step() == {"FINISHED"}


def test_a_lens_is_mended_where_the_view_looks_through_it(views, scene, part):
    views[1].camera = add_camera(scene, "Wide")
    views[1].camera.data.type = "PANO"
    assert "panoramic lens" in problem(part).problem
    assert "4x4" not in problem(part).problem
    press(problem(part).fixes[0])
    assert views[1].camera.data.type == "PERSP"
    assert problem(part) is None


def test_a_background_is_opened_and_shown_behind_the_views_camera(views, scene, part, tmp_path):
    views[1].camera, views[1].target = add_camera(scene, "Other"), "BACKGROUND"
    press(problem(part).fixes[0], filepath=picture(tmp_path))
    data = views[1].camera.data
    assert data.background_images[0].image is not None
    assert not scene.camera.data.background_images
    assert problem(part) is None
    data.show_background_images = False
    press(problem(part).fixes[0])
    assert data.show_background_images


def test_an_image_or_object_is_chosen_for_the_view(views, scene, part, target, tmp_path):
    views[1].target = "IMAGE"
    press(problem(part).fixes[0], filepath=picture(tmp_path))
    assert views[1].image is not None
    assert scene.meshsdf.image is None
    assert problem(part) is None
    views[1].target, views[1].object = "OBJECT", None
    scene.meshsdf.object = None
    press(problem(part).fixes[0])
    assert views[1].object == target
    assert scene.meshsdf.object is None
    # Without a view's number, the one that is chosen in the list.
    scene.meshsdf.view_index, views[0].object = 0, None
    assert bpy.ops.meshsdf.fix_target() == {"FINISHED"}
    assert views[0].object == target


def test_a_view_that_is_not_there_is_refused(views):
    with pytest.raises(RuntimeError, match="There is no view 2"):
        bpy.ops.meshsdf.fix_camera(how="LENS", view=2)


def test_the_only_camera_is_used_without_its_name(ready, scene):
    camera, scene.camera = scene.camera, None
    assert bpy.ops.meshsdf.fix_camera(how="USE") == {"FINISHED"}
    assert scene.camera == camera
    scene.camera = None
    other = bpy.data.objects.new("Two", bpy.data.cameras.new("Two"))
    scene.collection.objects.link(other)
    with pytest.raises(RuntimeError, match=r"2 cameras could be used. Name one"):
        bpy.ops.meshsdf.fix_camera(how="USE")
    assert scene.camera is None


def test_proportions_are_those_of_the_target_without_a_name(ready, scene, tmp_path):
    with pytest.raises(RuntimeError, match="No target image is set"):
        bpy.ops.meshsdf.fix_proportions()
    scene.meshsdf.image = bpy.data.images.load(picture(tmp_path, size=(64, 48)))
    assert bpy.ops.meshsdf.fix_proportions() == {"FINISHED"}
    assert (scene.render.resolution_x, scene.render.resolution_y) == (64, 48)


def test_a_target_is_chosen_of_the_kind_that_is_set(ready, scene, target, tmp_path):
    scene.meshsdf.object, scene.meshsdf.target = None, "IMAGE"
    with pytest.raises(RuntimeError, match="No images could be the target"):
        bpy.ops.meshsdf.fix_target()
    image = bpy.data.images.load(picture(tmp_path))
    assert bpy.ops.meshsdf.fix_target() == {"FINISHED"}
    assert scene.meshsdf.image == image
    assert scene.meshsdf.object is None
    scene.meshsdf.target = "BACKGROUND"
    with pytest.raises(RuntimeError, match=r"The target is Background.*Set Target to Object"):
        bpy.ops.meshsdf.fix_target()
    assert scene.meshsdf.object is None


def test_an_error_in_a_script_names_the_call_that_mends_it(ready, scene, part, monkeypatch):
    camera, scene.camera = scene.camera, None
    with pytest.raises(RuntimeError) as raised:
        bpy.ops.meshsdf.fit_step()
    call = str(raised.value).partition("In a script: ")[2].strip()
    assert call == f"bpy.ops.meshsdf.fix_camera(how='USE', camera={camera.name!r})"
    eval(call)  # it is to work as it stands
    assert bpy.ops.meshsdf.fit_step() == {"FINISHED"}
    # What the sidebar shows has a button instead.
    scene.camera = None
    with pytest.raises(RuntimeError):
        bpy.ops.meshsdf.fit_step()
    assert "bpy.ops" not in str(problem(part))
    assert "bpy.ops" not in str(part("trust.told").last())


def test_without_a_clipboard_the_details_are_printed(ready, capfd):
    assert bpy.ops.meshsdf.copy_details(about="What went wrong") == {"FINISHED"}
    told = capfd.readouterr().out
    assert "What went wrong" in told
    assert f"Blender {bpy.app.version_string}" in told
    assert "without a window there is no clipboard" in told
    assert "Copied" not in told
