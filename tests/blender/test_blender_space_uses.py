"""Whatever names a space follows it: meshes that were shapes as well as shapes, and the menus."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest

ROOT = Path(__file__).resolve().parents[2]
PAIR = ROOT / "spaces" / "bob_and_spot.safetensors"


@pytest.fixture
def former(scene, fake, tmp_path):
    """A regular mesh that was a shape of a space's own file, active; the fake worker."""
    path = tmp_path / "mine.safetensors"
    shutil.copy(PAIR, path)
    bpy.ops.meshsdf.space_load(filepath=str(path))
    bpy.ops.meshsdf.shape_add()
    ob = bpy.context.active_object
    bpy.ops.meshsdf.make_regular()
    return ob


def is_shape_again(ob):
    bpy.context.view_layer.objects.active = ob
    assert bpy.ops.meshsdf.make_shape() == {"FINISHED"}
    return bool(ob.meshsdf.space)


def packed_text():
    return next(text for text in bpy.data.texts if "meshsdf_space" in text)


def test_a_packed_space_that_was_unpacked_is_a_formers_too(former, scene, tmp_path):
    before = former.meshsdf.after.space
    bpy.ops.meshsdf.space_pack()
    space = scene.meshsdf.space
    assert former.meshsdf.after.space == space != before
    assert former.meshsdf.packed.text == packed_text()
    bpy.ops.meshsdf.space_unpack(space=space, filepath=str(tmp_path / "out.safetensors"))
    assert former.meshsdf.after.space == str(tmp_path / "out.safetensors")
    assert former.meshsdf.packed.text is None
    assert is_shape_again(former)


def test_an_appended_former_brings_its_packed_space(former, tmp_path):
    bpy.ops.meshsdf.space_pack()
    name = former.name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "source.blend"))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    append(tmp_path / "source.blend", name)
    assert is_shape_again(bpy.data.objects[name])


def test_a_space_found_again_is_found_by_formers(former, tmp_path):
    lost = Path(former.meshsdf.after.space)
    here = tmp_path / "here.safetensors"
    lost.rename(here)
    with pytest.raises(RuntimeError, match=r"is not there.*bpy\.ops\.meshsdf\.fix_space\(lost="):
        bpy.ops.meshsdf.make_shape()
    # Which one is lost, the active object says.
    assert bpy.ops.meshsdf.fix_space(filepath=str(here)) == {"FINISHED"}
    assert former.meshsdf.after.space == str(here)
    assert is_shape_again(former)


def test_a_built_in_space_is_found_by_its_name(former, scene):
    Path(former.meshsdf.after.space).unlink()
    assert bpy.ops.meshsdf.fix_space(filepath="builtin:bob_and_spot") == {"FINISHED"}
    assert former.meshsdf.after.space == scene.meshsdf.space == "builtin:bob_and_spot"
    assert is_shape_again(former)


def test_a_space_that_nothing_uses_is_no_lost_one(former):
    with pytest.raises(RuntimeError, match="Nothing in this file uses the space 'x'"):
        bpy.ops.meshsdf.fix_space(lost="x", filepath=former.meshsdf.after.space)
    former.meshsdf.after.space = ""
    with pytest.raises(RuntimeError, match="No lost space is named"):
        bpy.ops.meshsdf.fix_space(filepath=str(PAIR))


def test_a_shape_that_was_deleted_uses_no_space(former, scene, tmp_path, capfd):
    bpy.ops.meshsdf.make_shape()
    twin = former.copy()
    twin.data = former.data.copy()
    scene.collection.objects.link(twin)
    former.meshsdf.blend.first_object = twin
    scene.collection.objects.unlink(twin)
    lost, here = Path(former.meshsdf.space), tmp_path / "here.safetensors"
    lost.rename(here)
    bpy.context.view_layer.objects.active = former
    bpy.ops.meshsdf.fix_space(filepath=str(here))
    assert "for 1 shape" in "".join(capfd.readouterr())


def append(library, name, *, link=False):
    with bpy.data.libraries.load(str(library), link=link) as (_, wanted):
        wanted.objects = [name]
    ob = bpy.data.objects[name]
    bpy.context.scene.collection.objects.link(ob)
    return ob


@pytest.fixture
def elsewhere(former, tmp_path):
    """A library with a former beside its space, named by //; and another file in another folder."""
    library = tmp_path / "a.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(library))
    former.meshsdf.after.space = bpy.context.scene.meshsdf.space = "//mine.safetensors"
    bpy.context.scene.meshsdf_training.output = "//runs"
    name, scene = former.name, bpy.context.scene.name
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    (tmp_path / "b").mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "b" / "mine.blend"))
    return library, name, scene


@pytest.mark.skipif(bpy.app.version < (4, 4, 0), reason="Blender tells of it since 4.4")
def test_an_appended_former_finds_the_space_beside_its_file(elsewhere):
    library, name, _ = elsewhere
    ob = append(library, name)
    assert ob.meshsdf.after.space == "//../mine.safetensors"
    assert is_shape_again(ob)


@pytest.mark.skipif(bpy.app.version < (4, 4, 0), reason="Blender tells of it since 4.4")
def test_so_does_an_appended_scene(elsewhere):
    library, _, name = elsewhere
    with bpy.data.libraries.load(str(library), link=False) as (_, wanted):
        wanted.scenes = [name]
    settings = wanted.scenes[0].meshsdf
    assert settings.space == "//../mine.safetensors"
    assert wanted.scenes[0].meshsdf_training.output == "//../runs"


def test_a_linked_former_is_made_local_with_its_space(elsewhere, part):
    library, name, _ = elsewhere
    ob = append(library, name, link=True)
    bpy.context.view_layer.objects.active = ob
    with pytest.raises(RuntimeError, match="is linked from"):
        bpy.ops.meshsdf.make_shape()
    assert bpy.ops.meshsdf.fix_linked() == {"FINISHED"}
    local = bpy.context.active_object
    assert local.library is None
    assert local.meshsdf.after.space == "//../mine.safetensors"
    assert is_shape_again(local)


@pytest.mark.parametrize(
    ("space", "passive"),
    [
        ("builtin:heads", True),
        ("packed:mine@0123456789abcdef", True),
        ("/a/b.safetensors", True),
        ("/a/b.SAFETENSORS", True),
        ("//b.safetensors", True),
        ("", False),
        ("/a/ModelParameters/latest.pth", False),
        ("/a/experiment", False),
        ("/a/experiment/specs.json", False),
        ("/a/b.safetensors/latest.pth", False),
    ],
)
def test_what_may_be_read_though_nobody_asked(scene, part, space, passive):
    assert part("spaces.catalogue").is_passive(space) is passive


def test_another_machine_is_not_asked_unless_the_file_lies_there(scene, part, monkeypatch):
    catalogue, paths = part("spaces.catalogue"), part("blend_path")
    server = "/" + "/server/share/x.safetensors"
    monkeypatch.setattr(catalogue, "location", lambda space, library=None: space)
    for path in (server, server.replace("/", "\\"), "\\" + server[1:]):
        assert not catalogue.is_passive(path)
    assert not paths.is_elsewhere("C:/x.safetensors")
    here = SimpleNamespace(data=SimpleNamespace(filepath=r"\\SERVER\share\shots\a.blend"))
    monkeypatch.setattr(paths, "bpy", here)
    assert catalogue.is_passive(server)
    assert not catalogue.is_passive(server.replace("server", "other"))
