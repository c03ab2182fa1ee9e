"""One picture to a shape, with a worker whose answers are known."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from tests.blender.copied_script import copied, lines, run_afresh, same, state
from tests.blender.drawn import Drawn, drawn


def reconstruct(fake, **options):
    assert bpy.ops.meshsdf.reconstruct(space=fake.space, **options) == {"FINISHED"}
    return bpy.context.active_object


def counts():
    blocks = (bpy.data.objects, bpy.data.meshes, bpy.data.cameras, bpy.data.images)
    return tuple(len(each) for each in blocks)


def pixels(image):
    values = np.empty(image.size[0] * image.size[1] * 4, dtype=np.float32)
    image.pixels.foreach_get(values)
    return values.reshape(image.size[1], image.size[0], 4)[::-1]


@pytest.fixture
def look(part):
    """The bytes that the worker would get of an image."""
    return lambda image: part("reconstruction.picture_source").read(image).rgba


# Where the shape and the camera go


def test_a_picture_alone_gets_a_camera_of_its_own(scene, fake, picture):
    old = scene.camera
    ob = reconstruct(fake, image=picture().name)
    assert ob.name == "Photo shape"
    assert ob["meshsdf_code"][0] == pytest.approx(0.5, abs=0.01)
    np.testing.assert_allclose(ob.matrix_world, np.eye(4))
    camera = scene.camera
    assert camera != old
    assert camera.name == "Photo camera"
    assert old.name in scene.objects
    np.testing.assert_allclose(camera.matrix_world.translation, (0, -4, 0))
    assert camera.data.lens == pytest.approx(2.0 * 36)
    assert (scene.render.resolution_x, scene.render.resolution_y) == (200, 150)
    background = camera.data.background_images[0]
    assert camera.data.show_background_images
    assert background.image.name == "Photo"
    assert (scene.meshsdf.target, scene.meshsdf.channel) == ("BACKGROUND", "AUTO")
    assert bpy.ops.meshsdf.fit_step() == {"FINISHED"}


@pytest.mark.parametrize("size", [(40, 80), (80, 40)])
def test_the_render_takes_the_pictures_proportions(scene, fake, picture, part, size):
    scene.render.pixel_aspect_x = 2.0
    reconstruct(fake, image=picture(size=size).name)
    frame = tuple(2.5 * side for side in size)
    assert (scene.render.resolution_x, scene.render.resolution_y) == frame
    view = part("views.camera").camera_view(scene, bpy.context.evaluated_depsgraph_get())
    # The fake's camera is 4 away, with a focal length of twice the picture's longer side.
    seen = view.matrix @ (1.0, 0.0, 0.5, 1.0)
    focal = 2.0 * 200
    expected = frame[0] / 2 + focal / 4, frame[1] / 2 - focal * 0.5 / 4
    np.testing.assert_allclose(seen[:2] / seen[3], expected, rtol=1e-4, atol=1e-3)


def test_the_cameras_background_is_the_picture_and_the_camera_stays(scene, fake, picture, behind):
    behind(picture())
    where = scene.camera.matrix_world.copy()
    before = len(bpy.data.cameras)
    ob = reconstruct(fake)
    assert len(bpy.data.cameras) == before
    assert scene.camera.matrix_world == where
    np.testing.assert_allclose(ob.matrix_world.translation, (0, 0, 0.25))
    assert scene.meshsdf.target == "BACKGROUND"
    reconstruct(fake, camera="GUESS")
    assert len(bpy.data.cameras) == before + 1


@pytest.mark.parametrize("change", ["place", "lens", "reopened"])
def test_a_camera_that_was_guessed_is_guessed_anew_until_it_is_changed(
    scene, fake, picture, tmp_path, change
):
    """So a picture that is reconstructed again comes out the same."""
    first = reconstruct(fake, image=picture().name)
    again = reconstruct(fake, image="Photo")
    assert bpy.context.scene.camera.name == "Photo camera.001"
    same(again, state(first) | {"name": again.name})
    if change == "reopened":
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
        reconstruct(fake, image="Photo")
        assert bpy.context.scene.camera.name == "Photo camera.002"
        return
    if change == "place":
        scene.camera.location.x += 0.01
        bpy.context.view_layer.update()
    else:
        scene.camera.data.lens += 0.5
    kept = reconstruct(fake, image="Photo")
    assert bpy.context.scene.camera.name == "Photo camera.001"
    assert kept.matrix_world.translation[2] == 0.25


def test_without_any_picture_it_says_how_to_get_one(scene, fake):
    with pytest.raises(RuntimeError, match=r"No picture is chosen.*drop its file"):
        bpy.ops.meshsdf.reconstruct(space=fake.space)
    scene.camera = None
    with pytest.raises(RuntimeError, match="No picture is chosen"):
        bpy.ops.meshsdf.reconstruct(space=fake.space)


def test_an_image_before_the_camera_has_to_fill_its_frame(scene, fake, picture):
    picture("Tall", (40, 80))
    with pytest.raises(RuntimeError, match=r"'Tall' is 40 x 80.*frame 200 x 150"):
        bpy.ops.meshsdf.reconstruct(space=fake.space, image="Tall", camera="KEEP")
    ob = reconstruct(fake, image=picture().name, camera="KEEP")
    assert ob.matrix_world.translation[2] == 0.25
    assert scene.meshsdf.target == "IMAGE"
    assert scene.meshsdf.image.name == "Photo mask"


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"frame_method": "FIT", "offset": (0.1, -0.05), "scale": 0.7},
        {"frame_method": "CROP", "rotation": 0.3},
        {"use_flip_x": True, "scale": 0.8},
        {"use_flip_y": True},
    ],
)
def test_the_pictures_view_is_the_cameras(scene, part, picture, behind, how):
    """A point that the frame's view puts somewhere lies where the image is drawn there."""
    image = picture(size=(60, 80))
    shown = behind(image, **how)
    source = part("reconstruction.picture_source").read(image)
    view = part("reconstruction.picture_view").picture_view(bpy.context, image, source)
    frame = part("views.camera").camera_view(scene, bpy.context.evaluated_depsgraph_get())
    place = part("views.background").placement(shown, scene.camera, scene, (60, 80), (200, 150))
    assert view.mirrored == bool(how.get("use_flip_x", False) ^ how.get("use_flip_y", False))
    for column, row in ((0.0, 0.0), (60.0, 80.0), (13.0, 60.0)):
        x, y = place @ (60 - column if view.mirrored else column, 80 - row, 1)
        # A point of the world that is seen there, from the inverse of the frame's view.
        seen = np.linalg.inv(frame.matrix) @ (x, 150 - y, 0.5, 1.0)
        found = view.matrix @ (seen / seen[3])
        np.testing.assert_allclose(found[:2] / found[3], (column, row), atol=1e-6)


# The mask, and the fit that goes on


def test_an_opaque_picture_leaves_its_mask_as_the_fits_target(scene, fake, picture):
    reconstruct(fake, image=picture(clear=False, red=1.0).name)
    settings = scene.meshsdf
    assert (settings.target, settings.channel) == ("IMAGE", "LUMINANCE")
    mask = settings.image
    assert mask.name == "Photo mask"
    assert mask.packed_file is not None
    assert mask.colorspace_settings.is_data
    inside = pixels(mask)[..., 0] > 0.5
    assert 0 < inside.mean() < 0.5
    np.testing.assert_array_equal(inside, pixels(bpy.data.images["Photo"])[..., 0] > 0.5)
    assert bpy.ops.meshsdf.fit_step() == {"FINISHED"}


def test_a_mask_that_is_given_is_used_and_kept(scene, fake, picture):
    picture("Cut Out", (160, 120), clear=False, red=1.0, grey=True)
    picture(clear=False, red=1.0)
    reconstruct(fake, image="photo", mask="cut out")
    assert scene.meshsdf.target == "IMAGE"
    assert tuple(scene.meshsdf.image.size) == (160, 120)
    picture("Wide", (90, 30))
    with pytest.raises(RuntimeError, match=r"Mask 'Wide' is 90 x 30, and the picture 80 x 60"):
        bpy.ops.meshsdf.reconstruct(space=fake.space, image="Photo", mask="Wide")
    with pytest.raises(RuntimeError, match="no image 'None'"):
        bpy.ops.meshsdf.reconstruct(space=fake.space, image="Photo", mask="None")


def test_a_mask_is_read_by_its_transparency_where_it_has_any(scene, fake, picture, part):
    source = part("reconstruction.picture_source")
    read, photo = source.read_mask, source.read(picture(clear=False, red=1.0))
    disc = photo.rgba[..., 0] > 127
    # A dark, coloured cut-out on clear white, of bytes and of floats.
    for name, how in (("Cut", {}), ("Float", {"float_buffer": True})):
        cut = picture(name, red=0.15, **how)
        values = pixels(cut)[::-1].copy()
        values[values[..., 3] == 0, :3] = 1.0 if not how else 0.0
        cut.pixels.foreach_set(values.ravel())
        np.testing.assert_array_equal(read(cut, photo) > 127, disc)
    # Without any transparency, or with the same all over, by its brightness.
    for alpha in (1.0, 0.25):
        grey = picture("Grey", clear=False, red=1.0, grey=True)
        values = pixels(grey)[::-1].copy()
        values[..., 3] = alpha
        grey.pixels.foreach_set(values.ravel())
        np.testing.assert_array_equal(read(grey, photo) > 127, disc)
    reconstruct(fake, image="Photo", mask="Cut")
    np.testing.assert_array_equal(pixels(scene.meshsdf.image)[..., 0] > 0.5, disc)


def test_a_background_that_fills_no_frame_gives_a_mask_that_does(scene, fake, picture, behind):
    behind(picture(clear=False, red=1.0), scale=0.5, offset=(0.2, 0.0), use_flip_x=True)
    reconstruct(fake)
    inside = pixels(scene.meshsdf.image)[..., 0] > 0.5
    assert inside.shape == (150, 200)
    rows, columns = np.nonzero(inside)
    middle = columns.mean() / 200, rows.mean() / 150
    np.testing.assert_allclose(middle, (0.7, 0.5), atol=0.01)
    assert np.ptp(rows) == pytest.approx(0.5 * 150 * 2 / 3, abs=3)


def test_views_are_turned_off_for_one_of_the_picture(scene, fake, picture):
    bpy.ops.meshsdf.view_add()
    reconstruct(fake, image=picture().name)
    views = scene.meshsdf.views
    assert [view.use for view in views] == [False, True]
    assert views[1].camera == scene.camera
    assert views[1].target == "BACKGROUND"


# Pictures of every kind


def test_bytes_are_sent_as_they_are_and_linear_ones_as_srgb(picture, look):
    rgba = look(picture(red=0.5))
    assert rgba.shape == (60, 80, 4)
    assert tuple(rgba[30, 40]) == (128, 26, 26, 255)
    assert rgba[0, 0, 3] == 0
    linear = look(picture("Linear", red=0.214, float_buffer=True))
    assert abs(int(linear[30, 40, 0]) - 128) <= 1  # 0.214 of the light is half of the signal
    data = picture("Data", red=0.5, float_buffer=True, is_data=True)
    assert abs(int(look(data)[30, 40, 0]) - 128) <= 1


def test_row_0_is_the_top(picture, look):
    image = picture()
    values = np.zeros((60, 80, 4), np.float32)
    values[-1] = 1.0  # the last row of Blender's is the upper one
    image.pixels.foreach_set(values.ravel())
    rgba = look(image)
    assert rgba[0].min() == 255
    assert rgba[1:].max() == 0


@pytest.mark.parametrize("size", [(1500, 1000), (1025, 700), (2048, 30), (3000, 2)])
def test_large_pictures_are_made_smaller_by_means(picture, look, size):
    image = picture("Large", size, clear=False, red=1.0)
    source = pixels(image)
    rgba = look(image)
    assert max(rgba.shape[:2]) == 1024
    assert rgba.shape[0] == max(min(8, size[1]), round(1024 / size[0] * size[1]))
    np.testing.assert_allclose(rgba.mean(axis=(0, 1)) / 255, source.mean(axis=(0, 1)), atol=0.003)


def test_means_are_exact(part):
    source = part("reconstruction.picture_source")
    values = np.arange(10, dtype=np.float32)[:, None]
    np.testing.assert_allclose(
        source._means(values, 5, 0)[:, 0], values[:, 0].reshape(5, 2).mean(1)
    )
    np.testing.assert_allclose(source._means(values, 4, 0)[:, 0], (0.8, 3.2, 5.8, 8.2), rtol=1e-6)
    np.testing.assert_allclose(source._means(values.T, 1, 1), [[4.5]])


def test_what_no_number_is_does_no_harm(picture, look):
    image = picture("Broken", float_buffer=True)
    values = np.full((60, 80, 4), np.nan, np.float32)
    values[:30], values[0] = 1.0, np.inf
    image.pixels.foreach_set(values.ravel())
    rgba = look(image)
    assert rgba[:30].max() == 0
    assert rgba[30:].min() == 255


def saved(image, path, **how):
    image.filepath_raw = str(path)
    image.file_format = path.suffix[1:].upper().replace("JPG", "JPEG").replace("TIF", "TIFF")
    image.save()
    bpy.data.images.remove(image)
    return str(path)


@pytest.mark.parametrize("name", ["a.png", "ä ö.jpg", "b.tif", "c.bmp"])
def test_a_file_is_opened_and_reconstructed(scene, fake, picture, tmp_path, name):
    path = saved(picture(red=0.9, clear=False), tmp_path / name)
    ob = reconstruct(fake, filepath=path)
    assert ob["meshsdf_code"][0] == pytest.approx(0.9, abs=0.02)
    assert bpy.data.images[name].filepath == path
    assert scene.camera.name == f"{name} camera"


def test_a_lens_is_given_or_noted_by_the_file(scene, fake, picture, tmp_path, capfd):
    path = saved(picture(clear=False), tmp_path / "noted.jpg")
    reconstruct(fake, filepath=path)
    assert scene.camera.data.lens == pytest.approx(35.0)
    assert "a camera guessed, but for its lens of 35 mm" in capfd.readouterr().out
    reconstruct(fake, image="noted.jpg", lens=40.0)
    assert scene.camera.data.lens == pytest.approx(40.0)
    # What is in the .blend has no file whose notes could be read.
    bpy.data.images["noted.jpg"].pack()
    reconstruct(fake, image="noted.jpg")
    assert scene.camera.data.lens == pytest.approx(72.0)
    assert "lens of" not in capfd.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("mode", "depth"), [("BW", "8"), ("BW", "16"), ("RGB", "16"), ("RGBA", "16")]
)
def test_grey_and_deep_files_are_read(picture, look, tmp_path, mode, depth):
    scene = bpy.context.scene
    settings = scene.render.image_settings
    settings.file_format, settings.color_mode, settings.color_depth = "PNG", mode, depth
    scene.view_settings.view_transform = "Raw"
    path = str(tmp_path / "deep.png")
    picture(red=0.5).save_render(path, scene=scene)
    image = bpy.data.images.load(path)
    rgba = look(image)
    assert rgba.shape == (60, 80, 4)
    assert 0 < rgba[30, 40, 0] < 255
    assert rgba[..., 3].min() == (0 if mode == "RGBA" else 255)


def test_what_is_no_picture_is_refused_and_nothing_is_left(scene, fake, tmp_path):
    text = tmp_path / "text.png"
    text.write_text("no picture")
    before = counts()
    with pytest.raises(RuntimeError, match="is no image"):
        bpy.ops.meshsdf.reconstruct(space=fake.space, filepath=str(text))
    with pytest.raises(RuntimeError, match="is not there"):
        bpy.ops.meshsdf.reconstruct(space=fake.space, filepath=str(tmp_path / "none.png"))
    with pytest.raises(RuntimeError, match="no image 'none'"):
        bpy.ops.meshsdf.reconstruct(space=fake.space, image="none")
    assert counts() == before


def test_a_picture_that_is_too_large_is_refused(scene, fake, picture, part, monkeypatch):
    monkeypatch.setattr(part("views.image_pixels"), "MOST_PIXELS", 1000)
    picture()
    with pytest.raises(RuntimeError, match=r"80 x 60 pixels, too many"):
        bpy.ops.meshsdf.reconstruct(space=fake.space, image="Photo")


def test_refusals_of_the_worker_leave_everything_as_it_was(scene, fake, picture, tmp_path):
    path = saved(picture(red=0.0, clear=False), tmp_path / "black.png")
    before, camera = counts(), scene.camera
    with pytest.raises(RuntimeError, match="No object was found"):
        bpy.ops.meshsdf.reconstruct(space=fake.space, filepath=path)
    assert counts() == before
    fake("no_encoder")
    picture()
    before = counts()
    with pytest.raises(RuntimeError, match=r"has no encoder. Teach one"):
        bpy.ops.meshsdf.reconstruct(space=fake.space, image="Photo")
    fake("no_surface")
    with pytest.raises(RuntimeError, match="has no surface"):
        bpy.ops.meshsdf.reconstruct(space=fake.space, image="Photo")
    assert counts() == before
    assert scene.camera == camera


def test_a_space_that_is_gone_is_refused(scene, tmp_path, picture):
    with pytest.raises(RuntimeError, match=r"a built-in space"):
        bpy.ops.meshsdf.reconstruct(space=str(tmp_path / "x.safetensors"), image=picture().name)


def test_remarks_are_warnings_and_stay_with_the_shape(scene, fake, picture, capfd):
    fake("far")
    ob = reconstruct(fake, image=picture().name)
    said = "The object is cut off at the left: a guess there"
    assert f"Warning: {said}" in capfd.readouterr().out
    assert ob.meshsdf.message == said


# The panel, undo, scripts


def test_a_picture_is_undone_and_redone_as_one_step(scene, fake, picture):
    picture()
    bpy.ops.ed.undo_push(message="base")
    before = counts()
    call = bpy.ops.meshsdf.reconstruct
    assert call("EXEC_DEFAULT", True, space=fake.space, image="Photo") == {"FINISHED"}
    after = counts()
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.ed.undo()
        assert counts() == before
        assert bpy.context.scene.camera.name == "Camera"
        assert bpy.context.scene.meshsdf.image is None
        bpy.ops.ed.redo()
    assert counts() == after
    assert bpy.context.scene.camera.name == "Photo camera"
    assert bpy.data.objects["Photo shape"]["meshsdf_code"][0] == pytest.approx(0.5, abs=0.01)


def test_a_picture_from_a_file_is_reconstructed_again_by_its_script(scene, fake, picture, tmp_path):
    path = saved(picture(clear=False, red=1.0), tmp_path / "photo.png")
    ob = reconstruct(fake, filepath=path, resolution=32)
    text, was = copied(ob), state(ob)
    assert "camera='GUESS'" in lines(text)[0] or 'camera="GUESS"' in lines(text)[0]
    assert "has to have" not in text
    same(run_afresh(text), was)
    assert bpy.context.scene.camera.name == "photo.png camera"


def test_a_fit_after_a_picture_is_repeated_with_its_camera(scene, fake, picture, tmp_path):
    path = saved(picture(clear=False, red=1.0), tmp_path / "photo.png")
    ob = reconstruct(fake, filepath=path, resolution=32)
    bpy.ops.meshsdf.fit_step(steps=2)
    text, was = copied(ob), state(ob)
    assert "has to have" not in text
    same(run_afresh(text), was)
    assert [each.name for each in bpy.data.cameras] == ["photo.png camera"]


def test_a_picture_behind_the_camera_comes_with_it(scene, fake, picture, behind, tmp_path):
    path = saved(picture(clear=False, red=1.0), tmp_path / "photo.png")
    behind(bpy.data.images.load(path), scale=0.8)
    scene.camera.location.x = 0.3
    ob = reconstruct(fake, resolution=32)
    bpy.ops.meshsdf.fit_step(steps=2)
    text, was = copied(ob), state(ob)
    assert "has to have" not in text
    same(run_afresh(text), was)
    camera = bpy.context.scene.camera
    assert camera.location.x == pytest.approx(0.3)
    assert camera.data.background_images[0].scale == pytest.approx(0.8)


def test_a_packed_picture_is_what_the_file_has_to_have(scene, fake, picture):
    cut = picture("Cut", clear=False, red=1.0, grey=True)
    text = copied(reconstruct(fake, image=picture().name, mask=cut.name))
    assert "image 'Photo' (packed in" in text
    assert "image 'Cut'" in text


class Panel(Drawn):
    def template_ID(self, settings, name, **_):  # noqa: N802  # as Blender calls it
        self.properties.append((name, getattr(settings, name)))


@pytest.fixture
def panel(part, scene):
    """What the panel shows."""
    module = part("panels.picture")

    def draw():
        return drawn(
            module.MESHSDF_PT_picture,
            scene,
            layout=Panel(),
            active_object=bpy.context.active_object,
            window_manager=bpy.context.window_manager,
        )

    return draw


def test_the_panel_passes_on_what_is_chosen_and_says_what_came_of_it(
    scene, fake, picture, behind, panel
):
    told = panel()
    assert "Open a picture, or drop its file" in told.words
    assert told.passed["meshsdf.example_load"].what == "PICTURE"
    behind(picture())
    told = panel()
    assert "meshsdf.example_load" not in told.passed
    assert "The camera's background: Photo" in told.words
    assert told.passed["meshsdf.reconstruct"].image == ""
    settings = scene.meshsdf_picture
    settings.image, settings.mask = picture("Other", clear=False, red=1.0), picture("Mask")
    settings.camera, settings.steps = "GUESS", 3
    call = panel().passed["meshsdf.reconstruct"]
    assert (call.image, call.mask, call.camera, call.steps) == ("Other", "Mask", "GUESS", 3)
    reconstruct(fake, image="Other")
    words = panel().words
    assert "'Other shape' with a camera guessed: IoU 0.900" in words
    assert "Fit goes on from here" in words
    bpy.context.view_layer.objects.active = scene.camera
    assert "IoU" not in panel().words


def test_a_dropped_picture_is_reconstructed(scene, fake, picture, tmp_path):
    """What Blender does with a file that is dropped: the handler's operator, given the path."""
    handler = bpy.types.MESHSDF_FH_picture
    assert handler.bl_label == "Reconstruct from Image"
    module, name = handler.bl_import_operator.split(".")
    operator = getattr(getattr(bpy.ops, module), name)
    assert ".webp" in handler.bl_file_extensions.split(";")
    path = saved(picture(), tmp_path / "photo.png")
    scene.meshsdf.space = fake.space
    assert operator("INVOKE_DEFAULT", filepath=path) == {"FINISHED"}
    assert bpy.context.active_object.name == "photo shape"
