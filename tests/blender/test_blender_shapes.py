"""Adding, meshing, blending and letting go of shapes, with a worker that makes ellipsoids."""

from __future__ import annotations

import json
import struct

import bpy
import numpy as np
import pytest


def code_of(ob):
    return np.array(ob["meshsdf_code"], dtype=np.float32)


def extent(ob):
    bpy.context.view_layer.update()
    return np.array(ob.dimensions)


def test_a_shape_has_a_mesh_a_code_and_a_readout(shape_object, fake):
    assert shape_object.meshsdf.space == fake.space
    assert code_of(shape_object).tolist() == [0, 0, 0, 0]
    assert len(shape_object.data.polygons) == shape_object.meshsdf.faces > 100
    assert shape_object.meshsdf.watertight
    assert shape_object.meshsdf.genus == 0
    assert not shape_object.data.validate()
    np.testing.assert_allclose(extent(shape_object), [1, 1, 1], atol=0.05)


def test_a_known_shape_is_added_by_name_and_by_number(scene, fake):
    bpy.ops.meshsdf.shape_add(space=fake.space, shape="wide")
    assert code_of(bpy.context.active_object).tolist() == [0, 1, 0, 0]
    bpy.ops.meshsdf.shape_add(space=fake.space, shape="0")
    assert code_of(bpy.context.active_object).tolist() == [1, 0, 0, 0]


def test_an_unknown_shape_is_refused_and_nothing_is_added(scene, fake):
    before = len(bpy.data.objects), len(bpy.data.meshes)
    with pytest.raises(RuntimeError, match=r"knows no shape 'tall'.*long, wide"):
        bpy.ops.meshsdf.shape_add(space=fake.space, shape="tall")
    assert (len(bpy.data.objects), len(bpy.data.meshes)) == before


def test_a_missing_space_is_named(scene, fake):
    with pytest.raises(RuntimeError, match=r"nowhere.*is not there.*Put it back"):
        bpy.ops.meshsdf.shape_add(space="/nowhere/at.safetensors")
    with pytest.raises(RuntimeError, match="no built-in space 'dragons'"):
        bpy.ops.meshsdf.shape_add(space="builtin:dragons")


def test_load_offers_the_space_for_new_shapes(scene, fake):
    assert bpy.ops.meshsdf.space_load(filepath=fake.space) == {"FINISHED"}
    assert scene.meshsdf.space == fake.space
    assert scene.meshsdf.space_up == "FILE"
    assert [entry.name for entry in scene.meshsdf.loaded] == ["Fake"]
    bpy.ops.meshsdf.space_load(filepath=fake.space)
    assert len(scene.meshsdf.loaded) == 1
    bpy.ops.meshsdf.shape_add()
    assert bpy.context.active_object.meshsdf.space == fake.space


def test_a_file_inside_a_deepsdf_folder_means_the_folder_y_up(scene, fake, tmp_path):
    folder = tmp_path / "experiment"
    (folder / "ModelParameters").mkdir(parents=True)
    (folder / "specs.json").write_text("{}")
    inner = folder / "ModelParameters" / "latest.pth"
    inner.write_bytes(b"")
    bpy.ops.meshsdf.space_load(filepath=str(inner))
    assert scene.meshsdf.space == str(folder)
    assert scene.meshsdf.space_up == "Y"


def test_a_space_beside_a_saved_file_is_kept_relative(scene, fake, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "räume" / "datei.blend"))
    bpy.ops.meshsdf.space_load(filepath=fake.space)
    assert bpy.context.scene.meshsdf.space == "//fäke.safetensors"
    bpy.ops.meshsdf.shape_add()
    bpy.ops.meshsdf.shape_update()


def test_update_follows_code_and_resolution(shape_object):
    faces = len(shape_object.data.polygons)
    shape_object["meshsdf_code"] = [1.0, 0.0, -1.0, 0.0]
    shape_object.meshsdf.resolution = 32
    bpy.ops.meshsdf.shape_update()
    assert len(shape_object.data.polygons) < faces
    np.testing.assert_allclose(extent(shape_object), [1.4, 1.0, 0.6], atol=0.06)


def test_update_keeps_materials_modifiers_and_flat_shading(shape_object):
    shape_object.data.materials.append(bpy.data.materials.new("Clay"))
    shape_object.modifiers.new("Smooth", "SMOOTH")
    bpy.ops.object.shade_flat()
    shape_object.meshsdf.resolution = 40
    bpy.ops.meshsdf.shape_update()
    assert shape_object.data.materials[0].name == "Clay"
    assert shape_object.modifiers[0].name == "Smooth"
    assert not any(polygon.use_smooth for polygon in shape_object.data.polygons)


def test_moving_vertices_moves_the_bounding_box(shape_object):
    shape_object["meshsdf_code"] = [2.0, 0.0, 0.0, 0.0]
    bpy.ops.meshsdf.shape_update()
    np.testing.assert_allclose(extent(shape_object), [1.8, 1.0, 1.0], atol=0.05)


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ([0.0, 0.0], "has 2 values, its space's codes have 4"),
        ([0.0, float("nan"), 0.0, 0.0], "holds nan at index 1"),
        ([0.0, 0.0, 0.0, float("inf")], "holds inf at index 3"),
        ("soup", "is no list of numbers"),
        (None, "has no latent code"),
        ([-3.0, 0.0, 0.0, 0.0], "no surface.*all outside"),
    ],
)
def test_a_bad_code_is_refused_and_the_mesh_stays(shape_object, stored, message):
    vertices = len(shape_object.data.vertices)
    del shape_object["meshsdf_code"]
    if stored is not None:
        shape_object["meshsdf_code"] = stored
    with pytest.raises(RuntimeError, match=message):
        bpy.ops.meshsdf.shape_update()
    assert len(shape_object.data.vertices) == vertices


def test_blending_known_shapes_the_mean_and_objects(shape_object, fake):
    first = shape_object
    bpy.ops.meshsdf.shape_add(space=fake.space)
    ob = bpy.context.active_object
    bpy.ops.meshsdf.interpolate(first="long", second="wide", factor=0.25)
    np.testing.assert_allclose(code_of(ob), [0.75, 0.25, 0, 0])
    np.testing.assert_allclose(extent(ob), [1.3, 1.1, 1.0], atol=0.06)
    first["meshsdf_code"] = [0.0, 0.0, 1.0, 0.0]
    bpy.ops.meshsdf.interpolate(first=first.name, second="Mean", factor=0.5)
    np.testing.assert_allclose(code_of(ob), [0, 0, 0.5, 0])


def test_make_regular_keeps_only_the_mesh(shape_object):
    vertices = len(shape_object.data.vertices)
    bpy.ops.meshsdf.make_regular()
    assert "meshsdf_code" not in shape_object
    assert shape_object.meshsdf.space == ""
    assert len(shape_object.data.vertices) == vertices
    with pytest.raises(RuntimeError, match="is no MeshSDF shape"):
        bpy.ops.meshsdf.shape_update()


def test_undo_and_redo_keep_mesh_and_code_in_step(shape_object):
    name = shape_object.name
    bpy.ops.ed.undo_push(message="base")
    before = len(shape_object.data.polygons)
    shape_object["meshsdf_code"] = [0.0, 0.0, 0.0, 1.0]
    shape_object.meshsdf.resolution = 32
    bpy.ops.ed.undo_push(message="settings")
    bpy.ops.meshsdf.interpolate("EXEC_DEFAULT", True, first="long", second="wide", factor=0.0)
    after = len(bpy.data.objects[name].data.polygons)
    assert after != before
    window = bpy.context.window_manager.windows[0]
    with bpy.context.temp_override(window=window):
        bpy.ops.ed.undo()
        ob = bpy.data.objects[name]
        assert code_of(ob).tolist() == [0, 0, 0, 1]
        assert len(ob.data.polygons) == before
        bpy.ops.ed.redo()
        ob = bpy.data.objects[name]
        assert code_of(ob).tolist() == [1, 0, 0, 0]
        assert len(ob.data.polygons) == after


def test_names_in_menus_need_no_worker(scene, fake, part, tmp_path):
    names = part("space_header").shape_names
    header = json.dumps({"__metadata__": {"meshsdf": json.dumps({"shape_names": ["bob", "Ü"]})}})
    data = struct.pack("<Q", len(header)) + header.encode()
    for number, (content, wanted) in enumerate(
        [
            (data, ("bob", "Ü")),
            (data[:30], ()),
            (b"", ()),
            (struct.pack("<Q", 1 << 62) + b"{}", ()),
            (struct.pack("<Q", 2) + b"{}", ()),
            (struct.pack("<Q", 4) + b"null", ()),
        ]
    ):
        path = tmp_path / f"{number}.safetensors"
        path.write_bytes(content)
        assert names(str(path)) == wanted
    choices = part("catalogue").shape_choices(str(tmp_path / "0.safetensors"), "FILE")
    assert choices == ["Mean", "bob", "Ü"]
    assert part("door").status.state == "unknown"
