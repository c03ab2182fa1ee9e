"""Placing a family: one similarity, and the way back to the world."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from core.errors import TrainingError
from core.pose import transformed
from core.shapes.family import Alignment, Placement, bounds, place
from core.shapes.geometry import FloatArray
from core.shapes.meshes import ShapeMesh

FACES = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]])
SHAPE = np.array([[0.0, 0, 0], [2, 0, 0], [0, 1, 0], [0, 0, 3]])
FAMILY = [
    ShapeMesh("one", SHAPE + np.array([10, -4, 2]), FACES),
    ShapeMesh("other", 0.5 * SHAPE + np.array([14, -4, 2]), FACES),
]


def placed(alignment: Alignment) -> tuple[Placement, list[FloatArray], list[FloatArray]]:
    """The placement, the shapes in the cube, and those brought back by its frame."""
    placement = place((bounds(mesh, alignment) for mesh in FAMILY), alignment)
    inside = [placement.apply(mesh).vertices for mesh in FAMILY]
    matrix = placement.frame.matrix()
    return placement, inside, [transformed(matrix, torch.tensor(v)).numpy() for v in inside]


def test_without_options_shapes_come_back_where_they_were() -> None:
    _, inside, back = placed(Alignment())
    for mesh, points in zip(FAMILY, back, strict=True):
        np.testing.assert_allclose(points, mesh.vertices, atol=1e-12)
    reach = max(float(np.linalg.norm(points, axis=1).max()) for points in inside)
    assert 0.6 < reach <= 0.85 + 1e-12


def test_y_up_files_come_back_turned_as_blender_turns_them() -> None:
    _, _, back = placed(Alignment(up="Y"))
    x, y, z = FAMILY[0].vertices.T
    np.testing.assert_allclose(back[0], np.stack([x, -z, y], axis=1), atol=1e-12)


def test_a_mesh_that_knows_its_up_axis_is_not_turned() -> None:
    mesh = ShapeMesh("glb", SHAPE, FACES, upright=True)
    alignment = Alignment(up="Y")
    placement = place([bounds(mesh, alignment)], alignment)
    back = transformed(placement.frame.matrix(), torch.tensor(placement.apply(mesh).vertices))
    np.testing.assert_allclose(back.numpy(), SHAPE, atol=1e-12)


def test_centred_shapes_keep_their_sizes() -> None:
    _, inside, back = placed(Alignment(centre=True))
    for points in inside:
        np.testing.assert_allclose(points.min(axis=0) + points.max(axis=0), 0, atol=1e-12)
    assert np.linalg.norm(inside[0], axis=1).max() == pytest.approx(0.85)
    assert np.ptp(inside[0]) == pytest.approx(2 * np.ptp(inside[1]))
    np.testing.assert_allclose(np.ptp(back[0], axis=0), [2, 1, 3])
    # Moved alone, they have no place of their own: they stand about the space's origin.
    np.testing.assert_allclose(back[0].min(axis=0) + back[0].max(axis=0), 0, atol=1e-12)


def test_normalised_shapes_have_one_size() -> None:
    _, inside, back = placed(Alignment(centre=True, normalise=True, radius=0.9))
    for points in inside:
        assert np.linalg.norm(points, axis=1).max() == pytest.approx(0.9)
    # Back in the world at the geometric mean of 1 and 0.5 times the shape.
    np.testing.assert_allclose(np.ptp(back[0], axis=0), np.array([2, 1, 3]) * 0.5**0.5)


def test_normalised_without_centring_stays_in_the_cube() -> None:
    _, inside, _ = placed(Alignment(normalise=True))
    assert max(float(np.linalg.norm(points, axis=1).max()) for points in inside) <= 0.85 + 1e-12


def test_vertices_that_no_face_uses_do_not_count() -> None:
    stray = ShapeMesh("stray", np.vstack([SHAPE, [[1000, 0, 0]]]), FACES)
    assert bounds(stray, Alignment()).high == (2, 1, 3)


def test_a_placement_survives_json() -> None:
    placement, _, _ = placed(Alignment(up="Y", centre=True))
    assert Placement.from_json(json.loads(json.dumps(placement.to_json()))) == placement


def test_refusals() -> None:
    with pytest.raises(TrainingError, match="no shape"):
        place([], Alignment())
    with pytest.raises(TrainingError, match="Up axis 'X'"):
        Alignment(up="X")
    with pytest.raises(TrainingError, match=r"Radius 1\.5"):
        Alignment(radius=1.5)
    placement, _, _ = placed(Alignment())
    with pytest.raises(TrainingError, match="'third' was not among"):
        placement.apply(ShapeMesh("third", SHAPE, FACES))
