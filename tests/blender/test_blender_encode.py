"""Encoding and export through Blender with a worker whose answers are known."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from mathutils import Vector

from tests.blender.drawn import drawn


@pytest.fixture
def egg(scene, fake):
    """An ellipsoid of radii 0.7, 0.5, 0.5, which the fake knows as the code (1, 0, 0, 0)."""
    bpy.ops.mesh.primitive_uv_sphere_add(segments=32, ring_count=16, radius=0.5)
    ob = bpy.context.active_object
    ob.name = "Egg"
    ob.scale = (1.4, 1, 1)
    bpy.context.view_layer.update()
    return ob


def encode(fake, **options):
    assert bpy.ops.meshsdf.encode(space=fake.space, **options) == {"FINISHED"}
    return bpy.context.active_object


def box(ob):
    bpy.context.view_layer.update()
    corners = np.array([ob.matrix_world @ Vector(c) for c in ob.bound_box])
    return corners.min(axis=0), corners.max(axis=0)


def test_a_mesh_as_it_stands_becomes_a_shape_in_its_place(egg, fake):
    egg.location = (3, 1, 2)
    ob = encode(fake, placement="KEEP")
    assert ob.name == "Egg encoded"
    np.testing.assert_allclose(ob["meshsdf_code"], [1, 0, 0, 0], atol=1e-2)
    np.testing.assert_allclose(ob.location, (3, 1, 2))
    assert ob.meshsdf.space == fake.space
    assert egg.name in bpy.data.objects


def test_a_mesh_of_any_size_is_matched_to_the_mean_and_put_where_it_stands(egg, fake):
    egg.scale = (14, 10, 10)
    egg.location = (30, 0, 5)
    bpy.context.view_layer.update()
    ob = encode(fake, placement="MATCH", resolution=128)
    assert ob.scale[0] == pytest.approx(ob.scale[1])
    assert ob.scale[0] > 5
    low, high = box(ob)
    moved = 0.125 * ob.scale[0]  # by the fake
    np.testing.assert_allclose((low + high) / 2, (30 + moved, 0, 5), atol=0.2)
    np.testing.assert_allclose(high - low, (14, 10, 10), rtol=0.05)


def to_end(run):
    while (step := run.advance(0.1)) is None or not step.done:
        pass
    return step


def test_the_surface_error_is_a_share_of_the_sources_box(egg, fake, part):
    egg.scale = (14, 10, 10)
    bpy.context.view_layer.update()
    for placement, size in (("KEEP", 14.0), ("MATCH", 1.0)):
        run = part("training.encode_run").EncodeRun(
            bpy.context, egg, fake.space, "FILE",
            placement=placement, partial=False, selected=False,
        )  # fmt: skip
        _, error = run.finish(bpy.context, to_end(run), resolution=32)
        # The fake says 0.007 in the units in which it was sent.
        assert error == pytest.approx(0.007 / size, rel=0.25)


def test_selected_vertices_are_a_point_cloud(egg, fake):
    flags = np.array([v.co.x > 0 for v in egg.data.vertices])
    egg.data.vertices.foreach_set("select", flags)
    ob = encode(fake, placement="KEEP", partial=True, selected=True)
    assert ob["meshsdf_code"][3] == 1  # partial went through
    assert ob["meshsdf_code"][0] < 0  # half as long as the whole


PARTS = ({"partial": True}, {"selected": True}, {"partial": True, "selected": True})


@pytest.mark.parametrize("part_of_it", PARTS)
def test_a_part_is_taken_as_it_stands_and_never_matched_by_its_box(egg, fake, part_of_it):
    """Matched to the mean's diagonal, the half egg would come out as a whole of another size."""
    if "selected" in part_of_it:
        flags = np.array([v.co.x > 0 for v in egg.data.vertices])
        egg.data.vertices.foreach_set("select", flags)
    egg.location = (3, 1, 2)
    ob = encode(fake, **part_of_it)
    expected = [-0.75 if "selected" in part_of_it else 1, 0, 0]
    np.testing.assert_allclose(ob["meshsdf_code"][:3], expected, atol=0.06)
    np.testing.assert_allclose(ob.location, (3, 1, 2))
    assert ob.scale[0] == 1
    before = len(bpy.data.objects)
    bpy.context.view_layer.objects.active = egg
    with pytest.raises(RuntimeError, match=r"cannot be matched by its box.*As It Stands"):
        encode(fake, placement="MATCH", **part_of_it)
    assert len(bpy.data.objects) == before


@pytest.mark.parametrize("part_of_it", PARTS)
def test_the_panel_shows_and_passes_on_the_placement_that_a_part_gets(scene, part, part_of_it):
    panel = part("panels.training").MESHSDF_PT_encode
    settings = scene.meshsdf_encoding
    whole = drawn(panel, scene)
    assert whole.properties[0] == ("placement", "MATCH")
    assert whole.passed["meshsdf.encode"].placement == "MATCH"
    for name, value in part_of_it.items():
        setattr(settings, name, value)
    told = drawn(panel, scene)
    assert told.properties[0] == ("placement_used", "KEEP")
    assert settings.bl_rna.properties["placement_used"].is_readonly
    assert told.words == "A part is taken as it stands: its box is not the whole shape's"
    assert told.passed["meshsdf.encode"].placement == "KEEP"
    assert settings.placement == "MATCH"  # it comes back with the whole


def test_what_the_worker_warns_of_an_encoding_stays_with_the_shape(egg, fake, capfd):
    ob = encode(fake, placement="KEEP")
    assert ob.meshsdf.message == ""
    fake("far")
    bpy.context.view_layer.objects.active = egg
    ob = encode(fake, placement="KEEP")
    assert ob.meshsdf.message == "The code lies 4.0 deviations away"
    assert "Warning: The code lies 4.0 deviations away" in capfd.readouterr().out
    ob["meshsdf_code"] = [0.0, 0.0, 0.0, 0.0]
    assert bpy.ops.meshsdf.shape_update() == {"FINISHED"}
    assert ob.meshsdf.message == ""  # another code


def no_vertices(ob):
    ob.data.clear_geometry()


def no_number(ob):
    ob.data.vertices[3].co.y = float("inf")
    ob.data.update()


def no_size(ob):
    ob.scale = (0, 0, 0)


def no_mesh(ob):
    bpy.ops.object.camera_add()


def editing(ob):
    bpy.ops.object.mode_set(mode="EDIT")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (no_vertices, r"'Egg' has 0 vertices: too few"),
        (no_number, r"'Egg' has vertices without a position"),
        (no_size, r"'Egg' has no size"),
        (no_mesh, r"Select the mesh or point cloud to encode"),
        (editing, r"Go back to Object Mode"),
    ],
)
def test_what_cannot_be_encoded_is_refused_and_adds_nothing(egg, fake, change, message):
    change(egg)
    before = len(bpy.data.objects), len(bpy.data.meshes)
    with pytest.raises(RuntimeError, match=message):
        bpy.ops.meshsdf.encode(space=fake.space)
    assert (len(bpy.data.objects), len(bpy.data.meshes)) == before


def test_too_many_triangles_are_refused_before_anything_is_sent(egg, fake, part, monkeypatch):
    monkeypatch.setattr(part("training.encode_source"), "MOST_FACES", 3)
    with pytest.raises(RuntimeError, match=r"'Egg' has \d+ triangles, more than 3.*Decimate"):
        bpy.ops.meshsdf.encode(space=fake.space)


def test_too_few_selected_vertices_are_refused(egg, fake):
    egg.data.vertices.foreach_set("select", [False] * len(egg.data.vertices))
    with pytest.raises(RuntimeError, match=r"has 0 selected vertices"):
        bpy.ops.meshsdf.encode(space=fake.space, selected=True)


def test_encoding_keeps_others_off_the_worker_and_can_be_stopped(egg, fake, part):
    fake("slow")
    run = part("training.encode_run").EncodeRun(
        bpy.context, egg, fake.space, "FILE", placement="MATCH", partial=False, selected=False
    )
    while run.advance(0.1) is None:
        pass
    with pytest.raises(RuntimeError, match=r"A fit is running"):
        bpy.ops.meshsdf.shape_add(space=fake.space)
    assert bpy.ops.meshsdf.fit_stop() == {"FINISHED"}
    step = to_end(run)
    assert step.step < 5
    run.finish(bpy.context, step, resolution=32)
    assert part("running").current() is None


def test_every_note_on_an_exported_space_is_a_warning(scene, fake, tmp_path, capfd):
    export = {"space": fake.space, "filepath": str(tmp_path / "folder")}
    assert bpy.ops.meshsdf.space_export(**export) == {"FINISHED"}
    said = capfd.readouterr().out
    assert "Warning: DeepSDF cannot load this" in said
    assert "Warning: Its output has no tanh" in said


def test_a_space_is_exported_into_a_new_folder_only(scene, fake, tmp_path):
    folder = tmp_path / "für DeepSDF"
    export = bpy.ops.meshsdf.space_export
    assert export(space=fake.space, filepath=str(folder)) == {"FINISHED"}
    assert (folder / "specs.json").is_file()
    with pytest.raises(RuntimeError, match=r"is there already"):
        export(space=fake.space, filepath=str(folder))
    with pytest.raises(RuntimeError, match=r"No folder is chosen"):
        export(space=fake.space)
    with pytest.raises(RuntimeError, match=r"is not there"):
        export(space=str(tmp_path / "none.safetensors"), filepath=str(tmp_path / "x"))
