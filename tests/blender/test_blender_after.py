"""Regular meshes that can be shapes again, and new faces that keep what was painted."""

from __future__ import annotations

import time
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from mathutils import Vector


def positions(mesh):
    values = np.empty((len(mesh.vertices), 3), dtype=np.float32)
    mesh.vertices.foreach_get("co", values.ravel())
    return values


def code_of(ob):
    return np.array(ob["meshsdf_code"])


@pytest.fixture
def egg(shape_object):
    """A shape with a code and settings of its own."""
    shape_object.meshsdf.resolution = 48
    bpy.ops.meshsdf.slide(slider="Length", value=1.0)
    return shape_object


def push(mesh):
    """Edit a mesh by hand."""
    mesh.vertices[0].co.x += 1.0
    mesh.update()


def test_a_regular_mesh_is_none_of_ours_until_it_is_a_shape_again(egg, fake):
    code, vertices = code_of(egg), positions(egg.data)
    egg.meshsdf.cap = True
    bpy.ops.meshsdf.make_regular()
    assert egg.meshsdf.space == ""
    np.testing.assert_array_equal(positions(egg.data), vertices)
    for refused in (bpy.ops.meshsdf.slide, bpy.ops.meshsdf.fit, bpy.ops.meshsdf.target_preview):
        with pytest.raises(RuntimeError, match=r"regular mesh now.*Make Shape Again"):
            refused()
    assert bpy.ops.meshsdf.make_shape() == {"FINISHED"}
    told = egg.meshsdf
    assert (told.space, told.resolution, told.cap) == (fake.space, 48, True)
    np.testing.assert_array_equal(code_of(egg), code)
    np.testing.assert_array_equal(positions(egg.data), vertices)
    assert told.slider_1 == pytest.approx(1.0)
    # Nothing was edited, so nothing is kept.
    assert [mesh.name for mesh in bpy.data.meshes] == [egg.data.name]


def test_the_tab_offers_a_regular_mesh_the_way_back(egg, part, scene):
    bpy.ops.meshsdf.make_regular()
    with pytest.raises(part("errors").Refusal) as raised:
        part("shapes.chosen").check_shape(egg)
    assert [fix.operator for fix in raised.value.fixes] == ["meshsdf.make_shape"]


def test_edits_by_hand_are_kept_under_another_name(egg):
    vertices, name = positions(egg.data), egg.data.name
    material = bpy.data.materials.new("Clay")
    egg.data.materials.append(material)
    bpy.ops.meshsdf.make_regular()
    push(egg.data)
    edited = positions(egg.data)
    assert bpy.ops.meshsdf.make_shape() == {"FINISHED"}
    np.testing.assert_array_equal(positions(egg.data), vertices)
    assert egg.data.name == name
    assert list(egg.data.materials) == [material]
    kept = bpy.data.meshes[f"{egg.name} Edited"]
    assert kept.use_fake_user
    np.testing.assert_array_equal(positions(kept), edited)


def paint(ob):
    ob.data.attributes.new("Paint", "FLOAT_COLOR", "POINT")


def unwrap(ob):
    ob.data.uv_layers.new(name="UV")


def group(ob):
    ob.vertex_groups.new(name="Top")


def key(ob):
    ob.shape_key_add(name="Basis")


@pytest.mark.parametrize("work", [paint, unwrap, group, key])
def test_what_was_added_to_a_regular_mesh_is_kept_too(egg, work):
    bpy.ops.meshsdf.make_regular()
    work(egg)
    bpy.ops.meshsdf.make_shape()
    assert f"{egg.name} Edited" in bpy.data.meshes
    assert egg.data.shape_keys is None
    assert bpy.ops.meshsdf.shape_update() == {"FINISHED"}


def test_flat_shading_stays(egg):
    egg.data.shade_flat()
    bpy.ops.meshsdf.make_regular()
    bpy.ops.meshsdf.make_shape()
    assert not any(face.use_smooth for face in egg.data.polygons)
    assert len(bpy.data.meshes) == 1


def test_the_way_back_survives_saving_and_duplicating(egg, tmp_path):
    name, vertices = egg.name, positions(egg.data)
    bpy.ops.meshsdf.make_regular()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "f.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "f.blend"))
    ob = bpy.data.objects[name]
    bpy.context.view_layer.objects.active = ob
    ob.select_set(True)
    bpy.ops.object.duplicate(linked=True)
    twin = bpy.context.active_object
    assert bpy.ops.meshsdf.make_shape() == {"FINISHED"}
    np.testing.assert_array_equal(positions(twin.data), vertices)
    assert ob.data != twin.data
    assert ob.meshsdf.space == ""
    push(ob.data)
    bpy.context.view_layer.objects.active = ob
    assert bpy.ops.meshsdf.make_shape() == {"FINISHED"}
    np.testing.assert_array_equal(positions(ob.data), vertices)


def test_a_way_back_that_fails_changes_nothing(egg, fake):
    bpy.ops.meshsdf.make_regular()
    push(egg.data)
    edited, mesh, code = positions(egg.data), egg.data, code_of(egg)
    space = egg.meshsdf.after.space
    egg.meshsdf.after.space = "/nowhere/x.safetensors"
    with pytest.raises(RuntimeError, match=r"'/nowhere/x.safetensors' is not there"):
        bpy.ops.meshsdf.make_shape()
    assert egg.data == mesh
    assert egg.meshsdf.space == ""
    assert len(bpy.data.meshes) == 1
    np.testing.assert_array_equal(positions(egg.data), edited)
    np.testing.assert_array_equal(code_of(egg), code)
    egg.meshsdf.after.space = space
    assert bpy.ops.meshsdf.make_shape() == {"FINISHED"}


def test_refusals_of_the_way_back(egg, scene):
    with pytest.raises(RuntimeError, match="is a shape already"):
        bpy.ops.meshsdf.make_shape()
    bpy.ops.meshsdf.make_regular(forget=True)
    assert "meshsdf_code" not in egg
    for operator in (bpy.ops.meshsdf.make_shape, bpy.ops.meshsdf.copy_script):
        with pytest.raises(RuntimeError, match="Select a"):
            operator()
    bpy.ops.mesh.primitive_cube_add()
    with pytest.raises(RuntimeError, match="Select a MeshSDF shape, or a regular mesh that was"):
        bpy.ops.meshsdf.retopologise()


def test_the_way_back_waits_for_object_mode(egg):
    bpy.ops.meshsdf.make_regular()
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(RuntimeError, match="Edit Mode"):
        bpy.ops.meshsdf.make_shape()
    bpy.ops.object.mode_set(mode="OBJECT")


def test_a_coarse_mesh_is_made_whole_before_it_is_left(egg, part, monkeypatch):
    monkeypatch.setattr(part("shapes.slide"), "in_script", lambda: False)
    live, whole = part("shapes.slider_live"), len(egg.data.vertices)
    egg.meshsdf.slider_1 = 0.5
    end = time.monotonic() + 20
    while len(egg.data.vertices) == whole:
        assert time.monotonic() < end
        live.tick()
    assert len(egg.data.vertices) < whole
    bpy.ops.meshsdf.make_regular()
    assert len(egg.data.vertices) == whole
    live.forget()


def test_undo_takes_the_way_back_back(egg):
    name = egg.name
    bpy.ops.ed.undo_push(message="base")
    bpy.ops.meshsdf.make_regular("EXEC_DEFAULT", True)
    window = bpy.context.window_manager.windows[0]
    with bpy.context.temp_override(window=window):
        bpy.ops.ed.undo()
        assert bpy.data.objects[name].meshsdf.space
        bpy.ops.ed.redo()
        assert not bpy.data.objects[name].meshsdf.space


@pytest.fixture
def painted(egg):
    """A finely meshed shape with colours, weights, UVs and materials that tell the position."""
    egg.meshsdf.resolution = 128
    bpy.ops.meshsdf.shape_update()
    mesh, where = egg.data, positions(egg.data)
    colours = np.c_[where * 0.5 + 0.5, np.ones(len(where))].astype(np.float32)
    layer = mesh.attributes.new("Paint", "FLOAT_COLOR", "POINT")
    layer.data.foreach_set("color", colours.ravel())
    corners = np.empty(len(mesh.loops), dtype=np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    uv = mesh.uv_layers.new(name="UV")
    uv.data.foreach_set("uv", np.ascontiguousarray(where[corners, :2]).ravel())
    weights = egg.vertex_groups.new(name="Up")
    for index, height in enumerate(where[:, 2]):
        weights.add([index], float(height * 0.5 + 0.5), "REPLACE")
    for name in ("Lower", "Upper"):
        mesh.materials.append(bpy.data.materials.new(name))
    upper = np.array([face.center.z > 0 for face in mesh.polygons], dtype=np.int32)
    mesh.polygons.foreach_set("material_index", upper)
    egg.location, egg.rotation_euler = (1, 2, 3), (0.1, 0.2, 0.3)
    egg.modifiers.new("Bevel", "BEVEL")
    bpy.context.view_layer.update()
    return egg


@pytest.mark.parametrize(("method", "most"), [("QUADRIFLOW", 0.06), ("DECIMATE", 0.06)])
def test_new_faces_keep_what_was_painted(painted, method, most):
    before, code = positions(painted.data), code_of(painted)
    assert bpy.ops.meshsdf.retopologise(method=method, faces=400) == {"FINISHED"}
    ob = bpy.context.active_object
    mesh, where = ob.data, positions(ob.data)
    assert 200 < len(mesh.polygons) < 700
    quads = np.mean([len(face.vertices) == 4 for face in mesh.polygons])
    assert quads == 1.0 if method == "QUADRIFLOW" else quads == 0.0
    told = np.empty(len(where) * 4, dtype=np.float32)
    mesh.attributes["Paint"].data.foreach_get("color", told)
    assert np.abs(told.reshape(-1, 4)[:, :3] - (where * 0.5 + 0.5)).max() < most
    corners = np.empty(len(mesh.loops), dtype=np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    uv = np.empty(len(corners) * 2, dtype=np.float32)
    mesh.uv_layers["UV"].data.foreach_get("uv", uv)
    assert np.abs(uv.reshape(-1, 2) - where[corners, :2]).max() < 2 * most
    index = ob.vertex_groups["Up"].index
    weights = [g.weight for v in mesh.vertices for g in v.groups if g.group == index]
    assert np.abs(np.array(weights) - (where[:, 2] * 0.5 + 0.5)).max() < most
    assert [m.name for m in mesh.materials] == ["Lower", "Upper"]
    right = [bool(f.material_index) == (f.center.z > 0) for f in mesh.polygons]
    assert np.mean(right) > 0.95
    # Beside the shape, which stays.
    assert ob != painted
    assert ob.matrix_world == painted.matrix_world
    assert [m.name for m in ob.modifiers] == ["Bevel"]
    assert ob.modifiers[0].show_viewport
    assert set(ob.users_collection) == set(painted.users_collection)
    assert not ob.meshsdf.space
    assert not ob.meshsdf.after.space
    assert "meshsdf_code" not in ob
    assert painted.hide_get()
    np.testing.assert_array_equal(positions(painted.data), before)
    np.testing.assert_array_equal(code_of(painted), code)


@pytest.mark.parametrize("method", ["QUADRIFLOW", "DECIMATE"])
def test_attributes_can_be_left_behind(painted, method):
    bpy.ops.meshsdf.retopologise(method=method, faces=400, attributes=False, hide=False)
    ob = bpy.context.active_object
    assert not {"Paint", "UV"} & {a.name for a in ob.data.attributes}
    assert not any(v.groups for v in ob.data.vertices)
    assert not painted.hide_get()


def test_a_former_shape_gets_new_faces_too(egg):
    bpy.ops.meshsdf.make_regular()
    push(egg.data)
    assert bpy.ops.meshsdf.retopologise(method="DECIMATE", faces=60) == {"FINISHED"}
    assert len(bpy.context.active_object.data.polygons) <= 60


def test_refusals_of_new_faces_leave_nothing_behind(egg):
    blocks = len(bpy.data.objects), len(bpy.data.meshes)
    told = rf"'{egg.name}' has [0-9,]+ triangles, and 999,999 are asked for\. Ask for fewer"
    with pytest.raises(RuntimeError, match=told):
        bpy.ops.meshsdf.retopologise(method="DECIMATE", faces=999999)
    # Three faces at one edge.
    mesh = egg.data
    mesh.clear_geometry()
    mesh.from_pydata(
        [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, -1, 0)],
        [],
        [(0, 1, 2), (0, 1, 3), (0, 1, 4)],
    )
    told = rf"remesh object '{egg.name}': 1 of its edges have more.*, or reduce triangles"
    with pytest.raises(RuntimeError, match=told):
        bpy.ops.meshsdf.retopologise(method="QUADRIFLOW")
    assert (len(bpy.data.objects), len(bpy.data.meshes)) == blocks
    assert bpy.context.active_object == egg
    assert not egg.hide_get()
    mesh.clear_geometry()
    with pytest.raises(RuntimeError, match="has no faces"):
        bpy.ops.meshsdf.retopologise()


def test_slivers_go_without_gluing_what_is_apart(part):
    """A tube with three corners, whose waist has one side of next to no length: merged, the waist
    would be an edge with four faces, which Quadriflow refuses. Above it a side that can be merged.
    """
    waist, other = [(0, 0, 0), (1e-5, 0, 0), (0, 1, 0)], [(1, 0), (-1, 1), (-1, -1)]
    rings = [[(x, y, -1) for x, y in other], waist, [(x, y, 1) for x, y in other]]
    corners = [corner for ring in rings for corner in ring]
    faces = [(2, 1, 0), (6, 7, 8)]
    for below in (0, 3):
        for side in range(3):
            a, b = below + side, below + (side + 1) % 3
            faces += [(a, b, b + 3), (a, b + 3, a + 3)]
    corners.append((1 + 1e-5, 0, 1))  # at the corner of the upper lid
    faces.remove((6, 7, 8))
    faces += [(6, 9, 8), (9, 7, 8), (6, 7, 9)]
    mesh = bpy.data.meshes.new("Tube")
    mesh.from_pydata(corners, [], faces)
    assert part("after.retopology")._merge_slivers(mesh) == 0
    where = positions(mesh)
    ends = np.array([edge.vertices[:] for edge in mesh.edges])
    assert np.linalg.norm(where[ends[:, 0]] - where[ends[:, 1]], axis=1).min() > 1e-4
    assert len(mesh.vertices) == 9
    assert np.unique(np.sort(ends, axis=1), axis=0).shape == (21, 2)  # V - E + F = 2, F = 14


def edge_lengths(mesh):
    where = positions(mesh)
    ends = np.array([edge.vertices[:] for edge in mesh.edges])
    return np.linalg.norm(where[ends[:, 0]] - where[ends[:, 1]], axis=1)


# Surfaces whose short edge, from the first corner to the second, has to stay.
SHORT = [(0, 0, 0), (1e-5, 0, 0)]
TETRAHEDRON = [*SHORT, (0, 1, 0), (0, 0, 1)], [(0, 2, 1), (0, 1, 3), (1, 2, 3), (2, 0, 3)]
HOURGLASS = (
    [*SHORT, (0, 1, 0), (0, -1, 0), (-1, 1, 0), (1, 1, 0), (-1, -1, 0), (1, -1, 0)],
    [(0, 1, 2), (1, 0, 3), (0, 2, 4), (2, 1, 5), (3, 0, 6), (1, 3, 7)],
)
LONE_TRIANGLE = [*SHORT, (0, 1, 0)], [(0, 1, 2)]
PILLOW = [(0, 0, 0), (0, 0, 0), (0, 1, 0)], [(0, 1, 2), (1, 0, 2)]
# A quad and a triangle at the edge, and a corner across from neither that both its ends know.
HALF_QUADS = (
    [*SHORT, (0, 1, 0), (0, -1, 0), (1, -1, 0), (0, 0, 1)],
    [(0, 1, 2), (1, 0, 3, 4), (0, 2, 5), (2, 1, 5)],
)
# Two rows of short edges, side by side, along a box.
BOX = (
    [(x, y, z) for x in (0, 2e-4, 4e-4) for y, z in ((0, 0), (1, 0), (1, 1), (0, 1))],
    [(3, 2, 1, 0), (8, 9, 10, 11)]
    + [(a + s, a + (s + 1) % 4, a + 4 + (s + 1) % 4, a + 4 + s) for a in (0, 4) for s in range(4)],
)


@pytest.mark.parametrize(
    "surface", [TETRAHEDRON, HOURGLASS, LONE_TRIANGLE, PILLOW, HALF_QUADS, BOX]
)
def test_a_short_edge_that_holds_the_surface_together_is_drawn_out(part, surface):
    mesh = bpy.data.meshes.new("Held")
    mesh.from_pydata(surface[0], [], surface[1])
    before = len(mesh.vertices), len(mesh.edges), len(mesh.polygons)
    assert part("after.retopology")._merge_slivers(mesh) == 0
    assert (len(mesh.vertices), len(mesh.edges), len(mesh.polygons)) == before
    assert edge_lengths(mesh).min() > 2.99e-4


def test_an_edge_that_cannot_be_drawn_out_is_told(part):
    """So far out that Blender's numbers do not tell its ends apart."""
    corners, faces = TETRAHEDRON
    mesh = bpy.data.meshes.new("Far")
    mesh.from_pydata([[at + 1e5 for at in corner] for corner in corners], [], faces)
    assert part("after.retopology")._merge_slivers(mesh) == 1


def test_ends_without_a_way_between_them_or_a_normal_come_apart(part):
    ends = [SimpleNamespace(co=Vector((0, 1, 0)), normal=Vector()) for _ in range(2)]
    part("after.retopology")._lengthen(SimpleNamespace(verts=ends))
    assert (ends[0].co - ends[1].co).length == pytest.approx(3.15e-4, rel=1e-3)


def test_a_short_edge_at_a_boundary_goes(part):
    corners = [*SHORT, (0, 1, 0), (1, 1, 0), (-1, 1, 0)]
    mesh = bpy.data.meshes.new("Fan")
    mesh.from_pydata(corners, [], [(0, 1, 2), (1, 3, 2), (0, 2, 4)])
    assert part("after.retopology")._merge_slivers(mesh) == 0
    assert (len(mesh.vertices), len(mesh.edges), len(mesh.polygons)) == (4, 5, 2)


def test_a_count_of_faces_far_from_the_one_asked_for_is_said(egg, part, monkeypatch, capfd):
    """Thin walls make Quadriflow miss: here it leaves the mesh as it is."""
    monkeypatch.setattr(part("after.retopology"), "_quadriflow", lambda *_, **__: None)
    count = len(egg.data.polygons)
    for asked, word in ((3 * count // 2, "more"), (count // 2, "fewer")):
        bpy.ops.meshsdf.retopologise(faces=asked, hide=False)
        told = capfd.readouterr().out
        assert f"Warning: '{bpy.context.active_object.name}': {count:,} faces, where" in told
        assert f"{asked:,} were asked for" in told
        assert f"Ask for {word}, or use Fewer Triangles (DECIMATE)" in told
        bpy.context.view_layer.objects.active = egg
    bpy.ops.meshsdf.retopologise(faces=round(count * 1.2))
    told = capfd.readouterr().out
    assert f"{count:,} faces" in told
    assert "Warning" not in told
