"""Adding, meshing, blending and letting go of shapes, with a worker that makes ellipsoids."""

from __future__ import annotations

import json
import struct
from pathlib import Path

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


@pytest.mark.parametrize("mean", ["", "Mean", "mean", "MEAN"])
def test_the_mean_may_be_written_in_any_case(scene, fake, mean):
    bpy.ops.meshsdf.shape_add(space=fake.space, shape=mean)
    assert code_of(bpy.context.active_object).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("names", "codes", "listed"),
    [
        (162, 162, r"are: n0, n1, n2, n3, n4, and 157 more; or a number from 0 to 161, or Mean\."),
        (2, 2, r"are: n0, n1; or a number from 0 to 1, or Mean\."),
        (0, 3, r"It takes a number from 0 to 2, or Mean\."),
        (0, 1, r"It takes the number 0, or Mean\."),
        (0, 0, r"It knows only Mean\."),
    ],
)
def test_the_list_of_known_shapes_ends(part, names, codes, listed):
    info = part("spaces.catalogue").SpaceInfo(
        name="Some",
        path="",
        code_length=4,
        shape_names=tuple(f"n{index}" for index in range(names)),
        codes=np.zeros((codes, 4)),
        mean=np.zeros(4),
        sliders=part("spaces.sliders").Sliders.of([], np.zeros((0, 4)), np.zeros(4)),
        card={},
        warnings=(),
        stamps=(),
    )
    with pytest.raises(part("errors").Refusal, match=rf"knows no shape 'tall'\. .*{listed}$"):
        info.code("tall")


def test_a_built_in_space_named_by_its_bare_name_is_hinted_at(scene, fake):
    with pytest.raises(RuntimeError, match=r"is not there.*builtin:heads"):
        bpy.ops.meshsdf.space_load(filepath="heads")


def test_a_resolution_beyond_the_limit_is_the_limit(shape_object, scene, part):
    largest = part("properties").LARGEST_RESOLUTION
    shape_object.meshsdf.resolution = scene.meshsdf.resolution = 5000
    assert shape_object.meshsdf.resolution == scene.meshsdf.resolution == largest
    bpy.ops.meshsdf.shape_add(space=shape_object.meshsdf.space, resolution=5000)
    assert bpy.context.active_object.meshsdf.resolution == largest


def test_a_missing_space_is_named(scene, fake):
    with pytest.raises(RuntimeError, match=r"nowhere.*is not there.*Name a file"):
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


@pytest.fixture
def experiment(tmp_path):
    """A DeepSDF folder with two snapshots, for the fake worker."""
    folder = tmp_path / "experiment"
    (folder / "ModelParameters").mkdir(parents=True)
    (folder / "specs.json").write_text("{}")
    for name in ("500.pth", "latest.pth"):
        (folder / "ModelParameters" / name).write_bytes(b"")
    return folder


def test_the_specs_of_a_deepsdf_folder_mean_the_folder_y_up(scene, fake, experiment):
    bpy.ops.meshsdf.space_load(filepath=str(experiment / "specs.json"))
    assert scene.meshsdf.space == str(experiment)
    assert scene.meshsdf.space_up == "Y"


def test_a_snapshot_of_a_deepsdf_folder_is_the_one_that_is_loaded(scene, fake, part, experiment):
    chosen = str(experiment / "ModelParameters" / "500.pth")
    bpy.ops.meshsdf.space_load(filepath=chosen)
    assert scene.meshsdf.space == chosen
    assert scene.meshsdf.space_up == "Y"
    assert part("spaces.catalogue").title(chosen) == "experiment 500"
    bpy.ops.meshsdf.shape_add()
    assert bpy.context.active_object.meshsdf.space == chosen


@pytest.mark.parametrize("changed", ["specs.json", "ModelParameters/latest.pth"])
def test_a_deepsdf_folder_that_was_trained_on_is_read_again(scene, fake, part, experiment, changed):
    info = part("spaces.catalogue").info
    first = info(str(experiment), "Y")
    assert info(str(experiment), "Y") is first
    (experiment / changed).write_bytes(b"{ }")
    assert info(str(experiment), "Y") is not first


def test_stamps_follow_the_space_of_a_run(part, tmp_path):
    ours = part("spaces.catalogue").stamps
    (tmp_path / "a.safetensors").write_bytes(b"1")
    before = ours(tmp_path)
    (tmp_path / "a.safetensors").write_bytes(b"12")
    assert ours(tmp_path) != before


def test_stamps_are_the_workers(part, experiment):
    """Judged as the worker judges its own cache, or one of them shows what the other forgot."""
    source = (Path(__file__).resolve().parents[2] / "core" / "worker" / "spacecache.py").read_text()
    start = source.index("def stamps(")
    theirs = {"Path": Path}
    exec(source[start : source.index("\n\n\n", start)], theirs)
    ours = part("spaces.catalogue").stamps
    inner = experiment / "ModelParameters" / "500.pth"
    for path in (experiment, inner, experiment / "specs.json", experiment / "no.safetensors"):
        assert ours(path) == theirs["stamps"](path)


def test_a_relative_space_in_an_unsaved_file_is_refused_by_name(shape_object):
    assert not bpy.data.filepath
    shape_object.meshsdf.space = "//räume/köpfe.safetensors"
    message = r"'//räume/köpfe\.safetensors' is relative to this file, which has not been saved"
    with pytest.raises(RuntimeError, match=message):
        bpy.ops.meshsdf.shape_update()


def test_a_save_that_fails_leaves_the_session_whole(shape_object, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    code, vertices = code_of(shape_object).tolist(), len(shape_object.data.vertices)
    with pytest.raises(RuntimeError, match=r"annot open file|No such|Not a directory|Unable"):
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "file" / "scene.blend"))
    assert bpy.data.filepath == ""
    assert code_of(shape_object).tolist() == code
    assert len(shape_object.data.vertices) == vertices
    assert bpy.ops.meshsdf.shape_update() == {"FINISHED"}
    good = tmp_path / "scene.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(good))
    assert good.stat().st_size


def test_a_linked_collection_takes_no_shape_and_nothing_is_left(scene, fake, tmp_path):
    path = str(tmp_path / "library.blend")
    scene.collection.children.link(bpy.data.collections.new("Theirs"))
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with bpy.data.libraries.load(path, link=True) as (_, to):
        to.collections = ["Theirs"]
    layer = bpy.context.view_layer
    bpy.context.scene.collection.children.link(to.collections[0])
    layer.active_layer_collection = layer.layer_collection.children["Theirs"]
    before = len(bpy.data.objects), len(bpy.data.meshes)
    with pytest.raises(RuntimeError, match=r"Nothing can be added to collection 'Theirs'.*Select"):
        bpy.ops.meshsdf.shape_add(space=fake.space)
    assert (len(bpy.data.objects), len(bpy.data.meshes)) == before


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
        ([-3.0, 0.0, 0.0, 0.0], "has no shape so far out"),
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


@pytest.mark.parametrize(("factor", "share"), [(0.0, 0), (0.25, 0.15625), (0.5, 0.5), (1.0, 1)])
def test_a_smooth_blend_starts_and_arrives_gently(shape_object, factor, share):
    bpy.ops.meshsdf.interpolate(first="long", second="wide", factor=factor, method="SMOOTH")
    np.testing.assert_allclose(code_of(shape_object), [1 - share, share, 0, 0], atol=1e-6)


@pytest.mark.parametrize("method", ["LINEAR", "SPHERICAL", "SMOOTH"])
def test_the_paths_of_a_blend_are_named_as_the_other_choices_are(shape_object, method):
    bpy.ops.meshsdf.interpolate(first="long", second="wide", factor=1.0, method=method)
    np.testing.assert_allclose(code_of(shape_object), [0, 1, 0, 0], atol=1e-6)


def test_only_the_active_shape_is_shaded(shape_object, fake):
    bpy.ops.meshsdf.shape_add(space=fake.space)
    active, other = bpy.context.active_object, shape_object
    other.select_set(True)
    active.select_set(False)

    def flat(ob):
        sharp = ob.data.attributes.get("sharp_face")
        return sharp is not None and all(face.value for face in sharp.data)

    assert bpy.ops.meshsdf.shade(flat=True) == {"FINISHED"}
    assert (flat(active), flat(other)) == (True, False)
    bpy.ops.meshsdf.slide(slider="Length", value=1.0)
    assert flat(active)
    bpy.ops.meshsdf.shade()
    assert not flat(active)


def test_make_regular_keeps_only_the_mesh(shape_object):
    vertices = len(shape_object.data.vertices)
    bpy.ops.meshsdf.make_regular(forget=True)
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


def test_names_in_menus_need_neither_worker_nor_disk(scene, fake, part, tmp_path, monkeypatch):
    described = part("spaces.space_header").described
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
        assert tuple(described(path).get("shape_names", ())) == wanted
    catalogue = part("spaces.catalogue")
    monkeypatch.setattr(catalogue, "SPACES_FOLDER", tmp_path)
    catalogue.forget()
    assert catalogue.builtin_names() == ["0", "1", "2", "3", "4", "5"]
    (tmp_path / "1.safetensors").write_bytes(data)
    catalogue.forget()  # a failure is not kept for ever
    assert catalogue.shape_choices("builtin:1", "FILE") == ["Mean", "bob", "Ü"]
    for path in tmp_path.glob("*.safetensors"):
        path.unlink()  # drawing reads nothing
    assert catalogue.shape_choices("builtin:0", "FILE") == ["Mean", "bob", "Ü"]
    assert len(catalogue.builtin_names()) == 6
    assert part("door").status.state == "unknown"
