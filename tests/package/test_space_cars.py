"""The generator of cars: what training needs of every car, on three of them, coarsely."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh

from tools.spaces.cars import meshes
from tools.spaces.cars.draws import attributes, draw
from tools.spaces.cars.shape import surface
from tools.spaces.cars.styles import NAMES, STYLES, Car

COARSE = 4_000
SEEDS = (1000, 1001, 1002)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_car_is_one_closed_piece_without_tunnels(seed: int) -> None:
    made = surface(draw(seed), vertices=COARSE)
    mesh = trimesh.Trimesh(made.vertices, made.faces, process=False)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.volume > 0
    assert mesh.body_count == 1
    assert mesh.euler_number == 2


@pytest.mark.parametrize("seed", SEEDS)
def test_a_car_fills_the_unit_sphere_and_is_symmetric(seed: int) -> None:
    vertices = surface(draw(seed), vertices=COARSE).vertices
    assert np.linalg.norm(vertices, axis=1).max() == pytest.approx(1)
    assert vertices.min(axis=0) == pytest.approx(-vertices.max(axis=0))
    image = vertices * (-1, 1, 1)
    assert np.array_equal(np.unique(image + 0.0, axis=0), np.unique(vertices + 0.0, axis=0))


def test_a_seed_gives_the_same_car_and_another_seed_another() -> None:
    first, again, other = (surface(draw(seed), vertices=COARSE) for seed in (1000, 1000, 1001))
    assert np.array_equal(first.vertices, again.vertices)
    assert first.vertices.shape != other.vertices.shape or not np.allclose(
        first.vertices, other.vertices
    )


def test_the_bonnet_is_towards_minus_y() -> None:
    vertices = surface(Car(*STYLES["sedan"]), vertices=COARSE).vertices
    front, rear = (vertices[side * vertices[:, 1] > 0.7, 2].max() for side in (-1, 1))
    assert front < rear


@pytest.mark.parametrize("style", STYLES)
def test_a_style_names_every_measure(style: str) -> None:
    assert len(STYLES[style]) == len(NAMES)


def test_meshes_makes_only_what_is_missing(tmp_path: Path) -> None:
    folder = tmp_path / "cars" / "meshes"
    meshes(folder, count=2)
    kept, made = folder / "car_1000.ply", folder / "car_1001.ply"
    before = made.read_bytes()
    kept.write_bytes(b"kept")
    made.unlink()
    meshes(folder, count=2)
    assert kept.read_bytes() == b"kept"
    assert made.read_bytes() == before
    assert trimesh.load_mesh(made).is_watertight
    named = json.loads((folder.parent / "attributes.json").read_text())
    assert named == {"car_1000": attributes(draw(1000)), "car_1001": attributes(draw(1001))}
    assert json.loads((folder.parent / "sources.json").read_text())["licence"] == "CC0-1.0"
