"""Mesh files: four formats give the same mesh, and bad ones are refused by name, early."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from core.errors import SampleError, TrainingError
from core.shapes.meshes import mesh_files, read_mesh

VERTICES = np.array([[0.0, 0, 0], [2, 0, 0], [0, 1, 0], [0, 0, 3]])
FACES = np.array([[0, 2, 1], [0, 3, 2], [0, 1, 3], [1, 2, 3]])


def write(path: Path) -> Path:
    import trimesh

    # As another program would: a GLB is written Y-up.
    x, y, z = VERTICES.T
    points = np.stack([x, z, -y], axis=1) if path.suffix == ".glb" else VERTICES
    trimesh.Trimesh(points, FACES, process=False).export(path)
    return path


@pytest.mark.parametrize("suffix", ["obj", "ply", "stl", "glb"])
def test_a_shape_is_the_same_from_each_format(tmp_path: Path, suffix: str) -> None:
    mesh = read_mesh(write(tmp_path / f"thing.{suffix}"))
    assert mesh.name == "thing"
    assert mesh.upright == (suffix == "glb")
    found, expected = (
        np.sort(m.reshape(-1, 9), axis=0) for m in (mesh.vertices[mesh.faces], VERTICES[FACES])
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_polygons_become_triangles_and_no_other_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "quad.obj"
    path.write_text("mtllib /etc/passwd\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nusemtl x\nf 1 2 3 4\n")
    mesh = read_mesh(path)
    assert len(mesh.faces) == 2


def test_scenes_are_joined_with_their_transforms(tmp_path: Path) -> None:
    import trimesh

    scene = trimesh.Scene()
    part = trimesh.creation.box((1, 1, 1))
    scene.add_geometry(part, transform=trimesh.transformations.translation_matrix([0, 5, 0]))
    scene.add_geometry(part, transform=np.diag([2.0, 2, 2, 1]))
    path = tmp_path / "scene.glb"
    path.write_bytes(scene.export(file_type="glb"))
    mesh = read_mesh(path)
    assert len(mesh.faces) == 24
    # +Y of the file is up.
    np.testing.assert_allclose(mesh.vertices.min(axis=0), [-1, -1, -1])
    np.testing.assert_allclose(mesh.vertices.max(axis=0), [1, 1, 5.5])


def glb(tree: object) -> bytes:
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    return struct.pack("<4sIIII", b"glTF", 2, 20 + len(text), len(text), 0x4E4F534A) + text


MESH = {"primitives": [{"attributes": {"POSITION": 0}}]}
TREE = {
    "asset": {"version": "2.0"},
    "scene": 0,
    "scenes": [{"nodes": [0]}],
    "meshes": [MESH],
    "accessors": [{"componentType": 5126, "count": 3_000, "type": "VEC3"}],
}
PLY = "ply\nformat ascii 1.0\nelement vertex {}\n"
PLY += "property float x\nproperty float y\nproperty float z\n"
PLY += "element face {}\nproperty list uchar int vertex_indices\nend_header\n"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.ply", PLY.format(3, 10**10).encode()),
        ("a.ply", PLY.format(10**11, 1).encode()),
        ("a.stl", b"\0" * 80 + struct.pack("<I", 101) + b"\0" * 5050),
        ("a.stl", b"solid\n" + b"endfacet\n" * 101),
        ("a.obj", b"v 0 0 0\n" + b"f 1 1 1\n" * 101),
        ("a.glb", glb(TREE | {"nodes": [{"mesh": 0}]})),
        ("a.glb", glb(TREE | {"nodes": [{"mesh": 0, "children": [1]}, {"mesh": 0}],
                              "accessors": [{"componentType": 5126, "count": 200}]})),
    ],
)  # fmt: skip
def test_too_many_faces_are_refused_before_they_are_read(
    tmp_path: Path, name: str, data: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(SampleError, match=rf"'{name}' is refused: it has .* faces.*Decimate"):
        read_mesh(path, most_faces=100)


def test_a_node_with_two_parents_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.glb"
    path.write_bytes(glb(TREE | {"nodes": [{"children": [1, 1]}, {"mesh": 0}]}))
    with pytest.raises(SampleError, match=r"'bomb\.glb'.*two parents"):
        read_mesh(path)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.ply", PLY.format(3, 1).encode() + b"0 0 0\n1 0 0\n0 1 0\n3 0 1 7\n", "names vertex 7"),
        ("a.ply", PLY.format(3, 1).encode() + b"nan 0 0\n1 0 0\n0 1 0\n3 0 1 2\n", "no numbers"),
        ("a.ply", PLY.format(3, 1).encode() + b"0 0 0\n1 0 0\n2 0 0\n3 0 1 2\n", "no area"),
        ("a.ply", PLY.format(3, 0).encode() + b"0 0 0\n1 0 0\n0 1 0\n", "no faces"),
        ("a.ply", b"", "cannot be read as PLY"),
        ("a.stl", b"\0" * 200, "cannot be read as STL"),
        ("a.glb", b"glTF\2\0\0\0", "cannot be read as GLB"),
        ("a.obj", b"", "a.obj"),
        ("a.fbx", b"", "no mesh file"),
    ],
)
def test_bad_files_are_refused_by_name(tmp_path: Path, name: str, data: bytes, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(SampleError, match=name) as caught:
        read_mesh(path)
    assert says in str(caught.value)


def test_a_folder_is_listed_by_name(tmp_path: Path) -> None:
    for name in ("b.ply", "a.obj", "c.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in mesh_files(tmp_path)] == ["a.obj", "b.ply"]
    assert mesh_files(tmp_path / "b.ply") == [tmp_path / "b.ply"]
    (tmp_path / "a.STL").touch()
    with pytest.raises(TrainingError, match=r"'a\.STL' and 'a\.obj' would be one"):
        mesh_files(tmp_path)


def test_a_folder_without_meshes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no mesh in"):
        mesh_files(tmp_path)
    with pytest.raises(TrainingError, match="no folder"):
        mesh_files(tmp_path / "nowhere")
