"""A real Blender (the bpy wheel) with the extension of this checkout enabled in it.

The checkout is linked into an extension repository of a user folder of its own, so that package
names, preferences and relative imports are those of an installed extension.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
CHECKPOINTS = Path(os.environ.get("MESHSDF_CHECKPOINTS") or ROOT.parent / "shared" / "checkpoints")
FAKE_ROOT = Path(__file__).parent / "fake_root"
PARTS = ("__init__.py", "blender_manifest.toml", "meshsdf_blender", "core", "spaces")
MODULE = "bl_ext.checkout.meshsdf"

_user = Path(tempfile.mkdtemp(prefix="meshsdf-test-"))
atexit.register(shutil.rmtree, _user, ignore_errors=True)
os.environ["BLENDER_USER_RESOURCES"] = str(_user)
# Trainings of files that were never saved are kept in the user's home.
os.environ["HOME"] = os.environ["USERPROFILE"] = str(_user / "home")
# The Python that runs the tests has what the worker needs; no other one is searched for.
os.environ.setdefault("MESHSDF_PYTHON", sys.executable)
import bpy  # noqa: E402  # after the folder that it reads its settings from


def _link_checkout() -> None:
    package = _user / "checkout" / "meshsdf"
    package.mkdir(parents=True)
    for part in PARTS:
        (package / part).symlink_to(ROOT / part)
    bpy.context.preferences.extensions.repos.new(
        name="Checkout", module="checkout", custom_directory=str(package.parent)
    )


def enable() -> None:
    bpy.ops.preferences.addon_enable(module=MODULE)
    assert MODULE in bpy.context.preferences.addons


def disable() -> None:
    # Whatever is left registered at exit hangs or crashes the wheels of 4.2 and 4.5.
    bpy.ops.preferences.addon_disable(module=MODULE)


@pytest.fixture(scope="session", autouse=True)
def _extension():
    _link_checkout()
    enable()
    yield
    disable()


@pytest.fixture
def home():
    """The user's home folder, empty."""
    folder = Path.home()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


@pytest.fixture
def addon(_extension):
    """The package meshsdf_blender of the enabled extension."""
    return sys.modules[f"{MODULE}.meshsdf_blender"]


@pytest.fixture
def part(addon):
    """A function from a module's name to that module of meshsdf_blender."""
    import importlib

    return lambda name: importlib.import_module(f"{addon.__name__}.{name}")


@pytest.fixture
def checkpoint():
    """A function from a name to the published checkpoint's folder; skips where it is not there."""

    def folder(name: str) -> Path:
        if not (CHECKPOINTS / name).is_dir():
            pytest.skip(f"MESHSDF_CHECKPOINTS names no folder with {name}: {CHECKPOINTS}")
        return CHECKPOINTS / name

    return folder


@pytest.fixture
def scene(_extension):
    """An empty file with a camera that looks along +Y from (0, -4, 0), 200 x 150 pixels."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    data = bpy.data.cameras.new("Camera")
    camera = bpy.data.objects.new("Camera", data)
    scene.collection.objects.link(camera)
    camera.location = (0.0, -4.0, 0.0)
    camera.rotation_euler = (1.5707963267948966, 0.0, 0.0)
    scene.camera = camera
    scene.render.resolution_x, scene.render.resolution_y = 200, 150
    bpy.context.view_layer.update()
    return scene


@pytest.fixture(scope="session")
def idle(_extension):
    """A well-behaved fake worker from one test to the next: starting one takes half a second."""
    kept = []
    yield kept
    for worker in kept:
        worker.close()


@pytest.fixture
def fake(monkeypatch, part, tmp_path, idle):
    """A worker of fake_root in place of the real one; call it with a misbehaviour to restart it.

    Its value's ``space`` is a file that the fake takes for a space.
    """
    door = part("door")

    class Fake:
        space = str(tmp_path / "räume" / "fäke.safetensors")
        behaves = True

        def __call__(self, mode: str) -> None:
            door.close()
            monkeypatch.setenv("FAKE_WORKER", mode)
            self.behaves = False

    Path(Fake.space).parent.mkdir()
    Path(Fake.space).write_bytes(b"fake")
    monkeypatch.setattr(door, "ROOT_FOLDER", FAKE_ROOT)
    door.close()
    if idle:
        door._started["shapes"] = idle.pop()
    value = Fake()
    yield value
    part("running").abandon_current()
    if value.behaves and is_idle(door._started.get("shapes"), part("errors").Refusal):
        idle.append(door._started.pop("shapes"))
    door.close()
    part("spaces.catalogue").forget()


def is_idle(worker, refusal) -> bool:
    """Whether a worker lives and answers at once, so that no fit of a test goes on in it."""
    if worker is None or worker.state != "ready" or worker.process.poll() is not None:
        return False
    try:
        worker.request("space", {"path": "any"}, wait=2.0)
    except refusal:
        return False
    return True


@pytest.fixture
def shape_object(scene, fake):
    """A shape at the mean code of the fake space, active."""
    bpy.ops.meshsdf.shape_add(space=fake.space)
    return bpy.context.active_object


@pytest.fixture
def target(scene):
    """An ellipsoid beside nothing, set as the scene's target object."""
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.6)
    ob = bpy.context.active_object
    ob.name = "Target"
    ob.scale = (1.4, 1.0, 1.0)
    bpy.context.view_layer.update()
    scene.meshsdf.target = "OBJECT"
    scene.meshsdf.object = ob
    return ob


# Of shapes whose sliders are dragged: here, for a fixture that is imported from another file keeps
# that one's bpy alive, and 4.2 ends with a segmentation fault then.


@pytest.fixture
def live(part, monkeypatch):
    """The sliders' timer; slider moves are followed as in a window."""
    monkeypatch.setattr(part("shapes.slide"), "in_script", lambda: False)
    monkeypatch.setattr(part("shapes.followed"), "REST_SECONDS", 0.05)
    yield part("shapes.slider_live")
    part("shapes.slider_live").forget()


@pytest.fixture
def egg(scene, fake):
    """A shape of the fake space, whose sliders add 0.5 to one number of the code each."""
    assert bpy.ops.meshsdf.shape_add(space=fake.space, resolution=48) == {"FINISHED"}
    return bpy.context.active_object


@pytest.fixture
def in_step(part):
    """Whether mesh, code and sliders of every shape belong together, and no mesh is coarse."""
    shape, codes = part("shapes.shape"), part("shapes.codes")
    upload, door = part("shapes.mesh_upload"), part("door")

    def check():
        for ob in filter(shape.is_shape, bpy.data.objects):
            code = codes.read(ob)
            header = shape.mesh_header(ob, ob.meshsdf.resolution)
            _, told = door.ready_worker().request("mesh", header, {"code": code})
            vertices, faces = upload.read(ob.data)
            shown = [getattr(ob.meshsdf, f"slider_{n + 1}") for n in range(2)]
            np.testing.assert_allclose(shown, 2 * code[:2], atol=1e-5)
            assert np.array_equal(faces, told["faces"])
            np.testing.assert_allclose(vertices, told["vertices"], atol=1e-6)
            assert not ob.meshsdf.draft
        return True

    return check


# Of pictures that shapes are reconstructed from.


@pytest.fixture
def picture(scene):
    """A function that makes an image: a red disc, clear around it, or on black where it is opaque.

    ``scene`` comes first: it empties the file.
    """

    def made(name="Photo", size=(80, 60), *, clear=True, red=0.5, grey=False, **how):
        wide, high = size
        image = bpy.data.images.new(name, wide, high, alpha=True, **how)
        rows, columns = np.mgrid[0:high, 0:wide]
        inside = np.hypot(columns - wide / 2 + 0.5, rows - high / 2 + 0.5) < min(size) / 3
        values = np.zeros((high, wide, 4), np.float32)
        values[inside] = (red, *(red if grey else 0.1,) * 2, 1.0)
        if not clear:
            values[..., 3] = 1.0
        image.pixels.foreach_set(values.ravel())
        image.pack()
        return image

    return made


@pytest.fixture
def behind(scene):
    """A function that shows an image behind what the scene's camera sees."""

    def shown(image, **how):
        data = scene.camera.data
        data.show_background_images = True
        background = data.background_images.new()
        background.image = image
        for name, value in how.items():
            setattr(background, name, value)
        return background

    return shown


@pytest.fixture
def seen(part):
    """A function from an object and a camera's view to the object's silhouette: bool ``(H, W)``."""

    def silhouette(ob, view):
        bpy.context.view_layer.update()
        vertices, faces = part("shapes.mesh_upload").read(ob.data)
        matrix = np.array(ob.matrix_world)
        world = vertices @ matrix[:3, :3].T + matrix[:3, 3]
        return part("views.silhouette").mesh_silhouette(world, faces, view)

    return silhouette


@pytest.fixture
def told_encoder(tmp_path):
    """A function that writes an encoder beside a space, which always has the same one guess.

    See :mod:`tests.blender.told_encoder`, which the worker's Python runs: this one may lack torch.
    """

    def write(path, **known):
        given = tmp_path / "told.npz"
        np.savez(given, **known)
        program = [os.environ["MESHSDF_PYTHON"], "-m", "tests.blender.told_encoder", path, given]
        subprocess.run(program, cwd=ROOT, check=True)

    return write
