"""The example scene: built beside the user's own, and fitted by the real worker."""

from __future__ import annotations

import shutil
from pathlib import Path

import bpy
import numpy as np
import pytest

from tests.blender.copied_script import copied, run_afresh

ROOT = Path(__file__).resolve().parents[2]
PAIR = ROOT / "spaces" / "bob_and_spot.safetensors"
LARGEST_PHOTO, LARGEST_CAR = 150_000, 60_000


@pytest.fixture
def real(scene, part):
    """The real worker, ended afterwards."""
    yield part("door")
    part("door").close()


def names():
    kinds = ("scenes", "objects", "meshes", "cameras", "lights", "images", "materials")
    return {kind: set(getattr(bpy.data, kind).keys()) for kind in kinds}


def test_the_example_stands_in_a_scene_of_its_own(scene, fake, part):
    before = names()
    mine = bpy.context.window.scene
    assert bpy.ops.meshsdf.example_load() == {"FINISHED"}
    example = bpy.context.window.scene
    assert example.name == "MeshSDF Example"
    assert mine.name in bpy.data.scenes
    assert before["objects"] == set(mine.objects.keys())
    ob = bpy.context.view_layer.objects.active
    assert ob.meshsdf.space == "builtin:vases"
    assert ob.name in example.objects
    image = example.camera.data.background_images[0].image
    assert image.packed_file is not None  # opens anywhere
    assert tuple(image.size) == (example.render.resolution_x, example.render.resolution_y)
    assert example.meshsdf.target == "BACKGROUND"
    assert part("example.example_scene").PHOTO.stat().st_size < LARGEST_PHOTO
    # Once more, from elsewhere: the one that is there, with its shape active.
    after = names()
    bpy.context.view_layer.objects.active = example.camera
    bpy.context.window.scene = mine
    assert bpy.ops.meshsdf.example_load() == {"FINISHED"}
    assert names() == after
    assert bpy.context.window.scene == example
    assert bpy.context.view_layer.objects.active == ob
    assert [each for each in example.objects if each.select_get()] == [ob]
    # Without its shape it is no example any more.
    bpy.data.objects.remove(ob)
    bpy.ops.meshsdf.example_load()
    assert bpy.context.window.scene.name == "MeshSDF Example.001"


def test_a_refused_example_leaves_nothing(scene, fake, part):
    before = names()
    fake("alien_error")
    with pytest.raises(RuntimeError, match="It broke"):
        bpy.ops.meshsdf.example_load()
    assert names() == before
    assert bpy.context.window.scene == scene


def test_undo_takes_the_example_away(scene, fake):
    bpy.ops.ed.undo_push(message="base")
    bpy.ops.meshsdf.example_load("EXEC_DEFAULT", True)
    window = bpy.context.window_manager.windows[0]
    assert window.scene.name == "MeshSDF Example"
    area = next((a for a in window.screen.areas if a.type == "VIEW_3D"), window.screen.areas[0])
    with bpy.context.temp_override(window=window, area=area):
        bpy.ops.ed.undo()
    assert "MeshSDF Example" not in bpy.data.scenes
    assert window.scene.name == "Scene"
    with bpy.context.temp_override(window=window, area=area):
        bpy.ops.ed.redo()
    assert "MeshSDF Example" in bpy.data.scenes


def test_the_next_click_is_fit_and_it_succeeds(real):
    """With the settings that the example comes with, which are the defaults."""
    bpy.ops.meshsdf.example_load()
    scene, ob = bpy.context.window.scene, bpy.context.view_layer.objects.active
    defaults = scene.meshsdf.bl_rna.properties
    for name in ("steps", "rate", "prior", "resolution", "pixels"):
        assert getattr(scene.meshsdf, name) == pytest.approx(defaults[name].default)
    assert bpy.ops.meshsdf.fit() == {"FINISHED"}
    told = ob.meshsdf
    print(f"example: IoU {told.fit_start:.3f} to {told.fit_iou:.3f} in {told.fit_steps} steps")
    assert told.fit_start < 0.85
    assert told.fit_iou > 0.9
    assert told.components == 1


def test_the_example_of_a_picture_stands_in_a_scene_of_its_own(scene, fake, part):
    mine = bpy.context.window.scene
    assert bpy.ops.meshsdf.example_load(what="PICTURE") == {"FINISHED"}
    example = bpy.context.window.scene
    assert example.name == "MeshSDF Picture Example"
    assert example.meshsdf.space == "builtin:cars"
    assert [ob.type for ob in example.objects] == ["CAMERA", "LIGHT"]
    image = example.camera.data.background_images[0].image
    assert image.packed_file is not None
    assert tuple(image.size) == (example.render.resolution_x, example.render.resolution_y)
    assert part("example.picture_scene").PHOTO.stat().st_size < LARGEST_CAR
    assert part("reconstruction.picture_source").of_camera(example) == image
    assert part("spaces.catalogue").chosen(example)[0] == "builtin:cars"
    after = names()
    bpy.context.window.scene = mine
    assert bpy.ops.meshsdf.example_load(what="PICTURE") == {"FINISHED"}
    assert names() == after
    assert bpy.context.window.scene == example
    # The other example is another scene.
    bpy.ops.meshsdf.example_load()
    assert bpy.context.window.scene.name == "MeshSDF Example"


def test_the_next_click_is_reconstruct_and_it_succeeds(real, scene):
    """With the settings that the panel comes with, by a mask that is guessed."""
    bpy.ops.meshsdf.example_load(what="PICTURE")
    camera = bpy.context.window.scene.camera
    where = camera.location.copy(), camera.rotation_euler.copy(), camera.data.lens
    assert bpy.ops.meshsdf.reconstruct(resolution=48) == {"FINISHED"}
    assert bpy.context.scene.camera == camera
    assert (camera.location, camera.rotation_euler, camera.data.lens) == where
    ob = bpy.context.active_object
    assert (ob.name, ob.meshsdf.space) == ("Example Car shape", "builtin:cars")
    # The car stood upright at the origin.
    assert ob.matrix_world.translation.length < 0.5
    assert np.array(ob.matrix_world)[2, 2] > 0.95 * ob.scale[2]
    assert bpy.ops.meshsdf.fit_step(steps=1) == {"FINISHED"}
    assert ob.meshsdf.fit_start > 0.85


def test_the_script_of_a_reconstructed_example_says_what_brings_its_photo(scene, fake):
    bpy.ops.meshsdf.example_load(what="PICTURE")
    bpy.ops.meshsdf.reconstruct(space=fake.space)
    text = copied(bpy.context.view_layer.objects.active)
    brings = "(bpy.ops.meshsdf.example_load(what='PICTURE') brings it)"
    assert f"image 'Example Car' {brings}" in text
    run_afresh(text, lambda: bpy.ops.meshsdf.example_load(what="PICTURE"))


def test_a_packed_space_works_without_its_file(real, scene, part, tmp_path):
    """Meshed, moved by a slider and fitted in a file that was opened where the original is not."""
    path = tmp_path / "mine.safetensors"
    shutil.copy(PAIR, path)
    bpy.ops.meshsdf.space_load(filepath=str(path))
    bpy.ops.meshsdf.shape_add(shape="bob")
    bob = bpy.context.active_object.name
    bpy.ops.meshsdf.shape_add(shape="spot")
    spot = bpy.context.active_object.name
    bpy.ops.meshsdf.space_pack()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    part("door").close()
    cache = Path(part("spaces.packed").location(scene.meshsdf.space))
    for gone in (path, cache):
        gone.unlink()
    part("spaces.catalogue").forget()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    scene, target, ob = bpy.context.scene, bpy.data.objects[bob], bpy.data.objects[spot]
    bpy.context.view_layer.objects.active = ob
    scene.meshsdf.target, scene.meshsdf.object = "OBJECT", target
    scene.meshsdf.resolution = 32
    bpy.ops.meshsdf.shape_update()
    volume = ob.meshsdf.volume
    assert volume > 0.1
    assert bpy.ops.meshsdf.fit_step(steps=10) == {"FINISHED"}
    assert ob.meshsdf.fit_iou > ob.meshsdf.fit_start
    start = np.array(ob["meshsdf_code"])
    bpy.ops.meshsdf.slide(slider="Shape 1", value=0.5)
    assert np.abs(np.array(ob["meshsdf_code"]) - start).max() > 0.01
    assert cache.is_file()
    assert not path.exists()


def test_the_script_of_the_example_says_what_brings_its_photo(scene, fake):
    bpy.ops.meshsdf.example_load()
    ob = bpy.context.view_layer.objects.active
    text = copied(ob)
    assert "meshsdf_code" not in text  # it is at the mean, where a shape is added
    again = run_afresh(text)
    assert copied(again) == text
    bpy.ops.meshsdf.example_load()
    bpy.context.scene.meshsdf.steps = 2
    bpy.ops.meshsdf.fit()
    text = copied(bpy.context.view_layer.objects.active)
    brings = "(bpy.ops.meshsdf.example_load() brings it)"
    assert f"# The file has to have: image 'MeshSDF Example Photo' {brings}\n" in text
    assert "meshsdf_code" not in text
    with pytest.raises(RuntimeError, match="nothing called 'MeshSDF Example Photo'"):
        run_afresh(text)
    run_afresh(text, bpy.ops.meshsdf.example_load)


def test_the_script_says_which_images_are_packed(scene, fake, tmp_path):
    bpy.ops.meshsdf.shape_add(space=fake.space)
    image = bpy.data.images.new("Photo", 200, 150)
    image.pixels[:] = [1.0] * 60000 + [0.0] * 60000
    image.pack()
    scene.meshsdf.target, scene.meshsdf.image = "IMAGE", image
    scene.meshsdf.channel = "LUMINANCE"
    bpy.ops.meshsdf.fit_step(steps=1)
    text = copied(bpy.context.active_object)
    assert "image 'Photo' (packed in the file that this was copied from)" in text
