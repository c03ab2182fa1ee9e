"""A .blend that carries its space: packing, opening elsewhere, what is damaged, unpacking."""

from __future__ import annotations

import shutil
from pathlib import Path

import bpy
import numpy as np
import pytest

from tests.blender.copied_script import copied, run_afresh, state

ROOT = Path(__file__).resolve().parents[2]
PAIR = ROOT / "spaces" / "bob_and_spot.safetensors"


@pytest.fixture
def mine(scene, fake, tmp_path):
    """A real space's file outside of the extension, and a shape of it, with the fake worker."""
    path = tmp_path / "mine.safetensors"
    shutil.copy(PAIR, path)
    bpy.ops.meshsdf.space_load(filepath=str(path))
    bpy.ops.meshsdf.shape_add()
    return path


def packed_text():
    return next(text for text in bpy.data.texts if "meshsdf_space" in text)


def cache_of(part):
    return Path(part("spaces.packed").location(bpy.context.scene.meshsdf.space))


def emptied(part):
    """No unpacked file is left, as on another machine."""
    part("spaces.packed_cache")._sound.clear()
    shutil.rmtree(cache_of(part).parent)


def test_what_names_the_space_follows(mine, scene, part):
    ob, other = bpy.context.active_object, bpy.data.scenes.new("Other")
    other.meshsdf.space = str(mine)
    assert bpy.ops.meshsdf.space_pack() == {"FINISHED"}
    space = ob.meshsdf.space
    assert space.startswith("packed:mine@")
    assert scene.meshsdf.space == other.meshsdf.space == space
    assert [entry.path for entry in scene.meshsdf.loaded] == [space]
    assert ob.meshsdf.packed.text == packed_text()
    assert part("spaces.catalogue").title(space) == "mine"
    assert part("spaces.packed").size_of(space) == mine.stat().st_size
    assert part("spaces.packed").read(space) == mine.read_bytes()
    # Known as before, so that the sliders stay.
    assert part("spaces.catalogue").known(space, "FILE") is not None
    assert dict(part("spaces.space_card").read(space))["Licence"]
    with pytest.raises(RuntimeError, match="packed already"):
        bpy.ops.meshsdf.space_pack()


def test_it_opens_where_the_original_is_gone(mine, part, tmp_path):
    bpy.ops.meshsdf.space_pack()
    data, folder = mine.read_bytes(), tmp_path / "other machine"
    folder.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    shutil.move(tmp_path / "a.blend", folder / "b.blend")
    mine.unlink()
    emptied(part)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert not [text for text in bpy.data.texts if "meshsdf_space" in text]
    bpy.ops.wm.open_mainfile(filepath=str(folder / "b.blend"))
    ob = next(ob for ob in bpy.data.objects if ob.meshsdf.space)
    bpy.context.view_layer.objects.active = ob
    assert not cache_of(part).exists()
    assert bpy.ops.meshsdf.shape_update() == {"FINISHED"}
    assert cache_of(part).read_bytes() == data
    assert len(cache_of(part).stem) == 64
    assert [p.name for p in cache_of(part).parent.iterdir()] == [cache_of(part).name]


def test_an_appended_shape_brings_its_space(mine, part, tmp_path):
    bpy.ops.meshsdf.space_pack()
    name = bpy.context.active_object.name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "source.blend"))
    for link in (False, True):
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        bpy.data.texts.new("mine.safetensors")  # takes the name
        with bpy.data.libraries.load(str(tmp_path / "source.blend"), link=link) as (_, wanted):
            wanted.objects = [name]
        ob = bpy.data.objects[name]
        found = part("spaces.packed")
        assert found.text_of(ob.meshsdf.space) == ob.meshsdf.packed.text
        assert found.read(ob.meshsdf.space) == mine.read_bytes()


def test_new_shapes_of_a_packed_space_hold_on_to_it(mine):
    bpy.ops.meshsdf.space_pack()
    bpy.ops.meshsdf.shape_add()
    assert bpy.context.active_object.meshsdf.packed.text == packed_text()


def test_an_unpacked_file_that_was_changed_is_written_anew(mine, part):
    bpy.ops.meshsdf.space_pack()
    data = mine.read_bytes()
    cache_of(part).write_bytes(data[:-1] + b"\x01")
    assert part("spaces.packed").unpacked(bpy.context.scene.meshsdf.space)
    assert cache_of(part).read_bytes() == data


def test_damage_and_loss_are_refused_by_name(mine, part):
    bpy.ops.meshsdf.space_pack()
    text = packed_text()
    words = np.array(text["meshsdf_space"], dtype=np.int32)
    words[40] += 1
    del text["meshsdf_space"]
    text["meshsdf_space"] = words
    emptied(part)
    with pytest.raises(RuntimeError, match=r"packed space 'mine' is damaged"):
        bpy.ops.meshsdf.shape_update()
    assert not cache_of(part).exists()
    bpy.data.texts.remove(text)
    with pytest.raises(RuntimeError, match=r"packed space 'mine' is not in this file any more"):
        bpy.ops.meshsdf.shape_update()


def test_a_crafted_digest_stays_in_our_folder(scene, part):
    packed = part("spaces.packed")
    text = bpy.data.texts.new("x")
    text["meshsdf_space_sha256"] = "../../../../etc/p" + "0" * 50
    place = Path(packed.location("packed:x@../../../../etc/"))
    assert place.parent.name == "packed"
    assert packed.name_of("packed:../../x@0123") == ".._.._x"
    text["meshsdf_space"], text["meshsdf_space_bytes"] = np.zeros(4, np.int32), 16
    with pytest.raises(part("errors").Refusal, match="damaged"):
        packed.unpacked("packed:x@../../../../etc/")


@pytest.mark.parametrize("kind", ["folder", "pth", "large", "foreign"])
def test_what_may_not_be_packed_is_refused(mine, part, tmp_path, monkeypatch, kind):
    path = mine
    if kind == "folder":
        path = tmp_path / "experiment"
        path.mkdir()
    elif kind == "pth":
        path = tmp_path / "latest.pth"
        path.write_bytes(b"a pickle")
    elif kind == "foreign":
        mine.write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    else:
        monkeypatch.setattr(part("spaces.packed"), "MOST_BYTES", 1000)
    words = {"large": "too many", "foreign": "no shape space"}.get(kind, "only .safetensors")
    with pytest.raises(RuntimeError, match=words):
        bpy.ops.meshsdf.space_pack(space=str(path))
    assert not [text for text in bpy.data.texts if "meshsdf_space" in text]
    assert bpy.context.active_object.meshsdf.space == str(mine)


def test_unpacking_writes_a_file_or_finds_the_built_in(mine, scene, part, tmp_path):
    ob = bpy.context.active_object
    bpy.ops.meshsdf.space_pack()
    with pytest.raises(RuntimeError, match="not been saved"):
        bpy.ops.meshsdf.space_unpack()
    assert ob.meshsdf.space.startswith("packed:")
    target = tmp_path / "out" / "copy.safetensors"
    target.parent.mkdir()
    target.write_bytes(b"something else")
    with pytest.raises(RuntimeError, match="there already"):
        bpy.ops.meshsdf.space_unpack(filepath=str(target))
    target.unlink()
    assert bpy.ops.meshsdf.space_unpack(filepath=str(target)) == {"FINISHED"}
    assert target.read_bytes() == mine.read_bytes()
    assert ob.meshsdf.space == scene.meshsdf.space == str(target)
    assert ob.meshsdf.packed.text is None
    assert not [text for text in bpy.data.texts if "meshsdf_space" in text]
    scene.meshsdf.space = "builtin:bob_and_spot"
    bpy.ops.meshsdf.space_pack()
    assert part("spaces.catalogue").title(scene.meshsdf.space) == "Bob And Spot"
    bpy.ops.meshsdf.space_unpack()
    assert scene.meshsdf.space == "builtin:bob_and_spot"
    assert [entry.path for entry in scene.meshsdf.loaded] == [str(target)]


def test_a_snapshot_of_a_packed_shape_can_be_put_back(mine, part):
    """A fit keeps one of every setting: an ID among them would not be copied."""
    bpy.ops.meshsdf.space_pack()
    ob = bpy.context.active_object
    snapshot = part("shapes.shape_state").Snapshot(ob)
    snapshot.restore(ob, pose=True)
    snapshot.free()
    assert ob.meshsdf.packed.text == packed_text()


def test_a_folder_that_cannot_be_written_leaves_nothing_packed(mine, part, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr(
        part("spaces.packed_cache"), "_folder", lambda **_: str(tmp_path / "file" / "x")
    )
    with pytest.raises(RuntimeError, match="cannot be written"):
        bpy.ops.meshsdf.space_pack()
    assert not [text for text in bpy.data.texts if "meshsdf_space" in text]
    assert bpy.context.active_object.meshsdf.space == str(mine)


def test_a_copied_script_finds_a_packed_space_by_what_names_it(mine, part):
    bpy.ops.meshsdf.space_pack()
    bpy.ops.meshsdf.slide(slider="1", value=0.5)
    ob = bpy.context.active_object
    text = copied(ob)
    assert "# The file has to have: the space 'mine', packed in it\n" in text
    assert f"shape_add(space={ob.meshsdf.space!r}" in text
    assert cache_of(part).name not in text
    emptied(part)  # as on another machine
    was = state(ob)
    exec(compile(text, "copied", "exec"), {"__name__": "__main__"})
    again = bpy.context.active_object
    assert again != ob
    np.testing.assert_allclose(state(again)["mesh"], was["mesh"], atol=1e-5)
    assert again.meshsdf.packed.text == packed_text()
    assert copied(again).replace(repr(again.name), repr(ob.name)) == text
    with pytest.raises(RuntimeError, match="'mine' is not in this file"):
        run_afresh(text)


def test_a_copied_script_of_a_packed_built_in_space_takes_that(scene, fake, part):
    bpy.ops.meshsdf.shape_add(space="builtin:bob_and_spot")
    bpy.ops.meshsdf.space_pack(space="builtin:bob_and_spot")
    ob = bpy.context.active_object
    assert ob.meshsdf.space.startswith("packed:")
    text = copied(ob)
    assert "shape_add(space='builtin:bob_and_spot'" in text
    assert "packed" not in text
    assert copied(run_afresh(text)) == text


def test_a_space_called_like_a_built_in_one_stays_packed(scene, fake, tmp_path):
    path = tmp_path / "heads.safetensors"
    shutil.copy(PAIR, path)
    bpy.ops.meshsdf.shape_add(space=str(path))
    bpy.ops.meshsdf.space_pack(space=str(path))
    assert "shape_add(space='packed:heads@" in copied(bpy.context.active_object)
