"""Messy meshes signed: closed forms, damaged in the ways of real ones, keep their inside."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import SampleError
from core.shapes import sealing
from core.shapes.distances import signed_distances
from core.shapes.geometry import FloatArray, IntArray, open_edges, signed_volumes
from core.shapes.meshes import ShapeMesh
from core.shapes.signing import Solid, solid

BOX_FACES = np.array(
    [
        [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1]],
        [[2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]],
    ]
).reshape(12, 3)
POINTS = np.random.default_rng(2).uniform(-1, 1, (6000, 3))


def box(
    middle: tuple[float, float, float], half: tuple[float, float, float]
) -> tuple[FloatArray, IntArray]:
    """A closed outward box of twelve faces."""
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    return corners * half + middle, BOX_FACES.copy()


def in_box(middle: tuple[float, float, float], half: tuple[float, float, float]) -> np.ndarray:
    return (np.abs(POINTS - middle) < half).all(axis=1)


def tube(around: int = 48, along: int = 24, major: float = 0.5, minor: float = 0.2):
    """A closed outward torus."""
    u, v = np.meshgrid(np.arange(around), np.arange(along), indexing="ij")
    a, b = u * 2 * np.pi / around, v * 2 * np.pi / along
    ring = major + minor * np.cos(b)
    vertices = np.stack([ring * np.cos(a), ring * np.sin(a), minor * np.sin(b)], axis=-1)

    def at(i: np.ndarray, j: np.ndarray) -> np.ndarray:
        return ((i % around) * along + j % along).ravel()

    corners = at(u, v), at(u + 1, v), at(u + 1, v + 1), at(u, v + 1)
    first = np.column_stack([corners[0], corners[1], corners[2]])
    second = np.column_stack([corners[0], corners[2], corners[3]])
    return vertices.reshape(-1, 3), np.concatenate([first, second])


def in_torus() -> np.ndarray:
    return np.hypot(np.linalg.norm(POINTS[:, :2], axis=1) - 0.5, POINTS[:, 2]) < 0.2


def joined(*meshes: tuple[FloatArray, IntArray]) -> tuple[FloatArray, IntArray]:
    starts = np.cumsum([0, *(len(v) for v, _ in meshes)])
    faces = [f + start for (_, f), start in zip(meshes, starts, strict=False)]
    return np.concatenate([v for v, _ in meshes]), np.concatenate(faces)


def signed(mesh: tuple[FloatArray, IntArray], **options: float) -> Solid:
    found = solid(ShapeMesh("thing", *mesh), **options)  # type: ignore[arg-type]
    assert not len(open_edges(found.faces))
    assert signed_volumes(found.vertices, found.faces).sum() > 0
    return found


def agreement(found: Solid, inside: np.ndarray) -> float:
    return float(((signed_distances(found.vertices, found.faces, POINTS) < 0) == inside).mean())


def flipped(mesh: tuple[FloatArray, IntArray], share: float) -> tuple[FloatArray, IntArray]:
    vertices, faces = mesh
    chosen = np.random.default_rng(4).random(len(faces)) < share
    return vertices, np.where(chosen[:, None], faces[:, ::-1], faces)


@pytest.fixture
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half as fine a grid, which is fine enough for big shapes and much faster."""
    monkeypatch.setattr(sealing, "CELLS", 64)


def test_a_closed_mesh_stays_as_it_is() -> None:
    vertices, faces = tube()
    found = signed((vertices, faces))
    assert found.report.kind == "closed"
    assert found.report.repairs == ()
    assert len(found.faces) == len(faces)
    assert agreement(found, in_torus()) > 0.995


def test_a_mesh_inside_out_is_turned() -> None:
    vertices, faces = tube()
    found = signed((vertices, faces[:, ::-1]))
    assert found.report.repairs == ("parts turned outward: 1",)
    assert agreement(found, in_torus()) > 0.995


def test_faces_flipped_at_random_are_turned_back() -> None:
    vertices, faces = flipped(tube(), 0.3)
    found = signed((vertices, faces))
    assert found.report.kind == "repaired"
    turned = int((faces != tube()[1]).any(axis=1).sum())
    assert found.report.repairs == (f"faces turned: {turned}",)
    assert agreement(found, in_torus()) > 0.995


def test_small_holes_are_closed_and_counted() -> None:
    vertices, faces = tube()
    middles = vertices[faces].mean(axis=1)
    kept = np.ones(len(faces), bool)
    for middle in ([0.7, 0, 0], [-0.5, 0, 0.2]):
        kept &= np.linalg.norm(middles - middle, axis=1) > 0.08
    found = signed((vertices, faces[kept]))
    assert found.report.kind == "repaired"
    assert found.report.repairs[0].startswith("holes closed: 2 (")
    assert agreement(found, in_torus()) > 0.99


def test_unwelded_faces_are_welded() -> None:
    vertices, faces = tube()
    found = signed((vertices[faces].reshape(-1, 3), np.arange(3 * len(faces)).reshape(-1, 3)))
    assert found.report.kind == "closed"
    assert len(found.vertices) == len(vertices)


def test_a_seam_is_closed() -> None:
    """Two halves of a box whose vertices miss each other by a hair."""
    vertices, faces = box((0, 0, 0), (0.6, 0.4, 0.3))
    split = vertices[faces].reshape(-1, 3)
    split[18:] += 3e-5
    found = signed((split, np.arange(36).reshape(-1, 3)))
    assert "seams closed" in found.report.repairs
    assert agreement(found, in_box((0, 0, 0), (0.6, 0.4, 0.3))) > 0.999


def test_doubled_faces_that_look_both_ways_are_one_surface() -> None:
    vertices, faces = tube()
    found = signed((vertices, np.concatenate([faces, faces[:, ::-1]])))
    assert found.report.repairs[0] == f"repeated faces dropped: {len(faces)}"
    assert agreement(found, in_torus()) > 0.995


def test_the_wall_between_two_boxes_goes() -> None:
    one, other = box((-0.3, 0, 0), (0.3, 0.3, 0.3)), box((0.3, 0, 0), (0.3, 0.3, 0.3))
    found = signed(joined(one, other))
    assert found.report.repairs == ("repeated faces dropped: 4",)
    assert len(found.faces) == 20
    assert agreement(found, in_box((0, 0, 0), (0.6, 0.3, 0.3))) == 1


def test_an_inner_box_is_dropped_and_a_cavity_is_kept() -> None:
    outer, (vertices, faces) = (
        box((0, 0, 0), (0.6, 0.6, 0.6)),
        box((0, 0, 0), (0.3, 0.3, 0.3)),
    )
    inside = in_box((0, 0, 0), (0.6, 0.6, 0.6))
    found = signed(joined(outer, (vertices, faces)))
    assert found.report.repairs == ("hidden parts dropped: 1",)
    assert agreement(found, inside) == 1
    hollow = joined(outer, (vertices, faces[:, ::-1]))
    kept = signed(hollow)
    assert kept.report.kind == "closed"
    assert agreement(kept, inside & ~in_box((0, 0, 0), (0.3, 0.3, 0.3))) == 1
    filled = signed(hollow, fill_voids=True)
    assert filled.report.repairs == ("filled the voids that no wide opening leads into",)
    assert agreement(filled, inside) == 1


def test_a_part_beside_another_is_turned_by_itself() -> None:
    one, (vertices, faces) = box((-0.5, 0, 0), (0.3, 0.3, 0.3)), box((0.5, 0, 0), (0.2, 0.2, 0.2))
    found = signed(joined(one, (vertices, faces[:, ::-1])))
    assert found.report.repairs == ("parts turned outward: 1",)
    inside = in_box((-0.5, 0, 0), (0.3, 0.3, 0.3)) | in_box((0.5, 0, 0), (0.2, 0.2, 0.2))
    assert agreement(found, inside) == 1


def test_overlapping_parts_become_one() -> None:
    found = signed(
        joined(box((-0.2, 0, 0), (0.4, 0.3, 0.2)), box((0.2, 0.1, 0.1), (0.4, 0.2, 0.2)))
    )
    assert found.report.kind == "sealed"
    assert "overlapping parts made one" in found.report.repairs
    inside = in_box((-0.2, 0, 0), (0.4, 0.3, 0.2)) | in_box((0.2, 0.1, 0.1), (0.4, 0.2, 0.2))
    assert agreement(found, inside) > 0.995


def test_a_flat_sheet_becomes_a_thin_plate() -> None:
    corners = np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0.0]])
    found = signed((corners, np.array([[0, 1, 2], [0, 2, 3]])))
    assert found.report.kind == "sealed"
    assert "faces of open sheets made thin plates: 2" in found.report.repairs
    thickness = np.ptp(found.vertices[:, 2])
    assert 0.01 < thickness < 0.03
    assert np.ptp(found.vertices[:, 0]) == pytest.approx(1 + thickness, abs=0.005)


@pytest.mark.usefixtures("coarse")
def test_an_open_cup_keeps_its_inside() -> None:
    """A box without lid, a single sheet: its cavity stays, its walls become plates."""
    vertices, faces = box((0, 0, 0), (0.5, 0.5, 0.5))
    lid = (vertices[faces][:, :, 2] > 0.4).all(axis=1)
    assert lid.sum() == 2
    found = signed((vertices, faces[~lid]))
    assert found.report.kind == "sealed"
    middle = signed_distances(found.vertices, found.faces, np.array([[0, 0, 0.0], [0, 0, 0.4]]))
    assert (middle > 0.3).all()


@pytest.mark.usefixtures("coarse")
def test_loose_faces_are_sealed() -> None:
    """No two faces share a vertex, and a third look inward."""
    vertices, faces = tube(60, 30)
    apart = vertices[faces].reshape(-1, 3)
    apart += np.random.default_rng(3).normal(scale=3e-4, size=apart.shape)
    found = signed(flipped((apart, np.arange(len(apart)).reshape(-1, 3)), 0.3))
    assert found.report.kind == "sealed"
    assert agreement(found, in_torus()) > 0.99


def test_a_sheet_becomes_as_thick_as_asked_for() -> None:
    corners = np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0.0]])
    found = signed((corners, np.array([[0, 1, 2], [0, 2, 3]])), thickness=0.1)
    assert np.ptp(found.vertices[:, 2]) == pytest.approx(0.1, abs=1e-3)
    assert found.vertices[:, 2].mean() == pytest.approx(0, abs=1e-3)


def test_the_thickness_is_that_of_open_surfaces_only() -> None:
    vertices, faces = box((0, 0, 0), (0.3, 0.3, 0.3))
    alone = signed((vertices, faces), thickness=0.1)
    assert alone.report.repairs == ()
    np.testing.assert_array_equal(alone.vertices, signed((vertices, faces)).vertices)
    # A sheet beside it becomes a plate, and the box stays as large as it was.
    corners = np.array([[0.6, -0.3, -0.3], [0.6, 0.3, -0.3], [0.6, 0.3, 0.3], [0.6, -0.3, 0.3]])
    sheet = corners, np.array([[0, 1, 2], [0, 2, 3]])
    both = signed(joined((vertices, faces), sheet), thickness=0.1).vertices
    of_box = both[both[:, 0] < 0.45]
    np.testing.assert_allclose(np.ptp(of_box, axis=0), 0.6, atol=0.01)
    assert np.ptp(both[both[:, 0] > 0.45][:, 0]) == pytest.approx(0.1, abs=2e-3)


def test_thin_walls_are_thickened_and_said_so() -> None:
    """Two overlapping boards, both together thinner than a cell and between the grid's nodes."""
    boards = joined(
        box((0, 0, 0.105), (0.6, 0.5, 0.002)),
        box((0.1, 0, 0.106), (0.5, 0.5, 0.002)),
        box((0, 0, 0), (0.02, 0.02, 0.4)),
    )
    found = signed(boards)
    assert any(repair.startswith("thickened by 0.00") for repair in found.report.repairs)
    # Nothing of the boards is missing.
    middles = np.array([[x, y, 0.105] for x in (-0.5, 0, 0.5) for y in (-0.4, 0.2, 0.4)])
    assert (signed_distances(found.vertices, found.faces, middles) < 0).all()


@pytest.mark.parametrize(
    ("vertices", "says"),
    [
        (np.zeros((4, 3)), "'thing': The mesh has no area"),
        (np.full((4, 3), np.nan), "'thing': 4 vertices of the mesh are no numbers"),
    ],
)
def test_what_cannot_be_signed_is_refused_by_name(vertices: FloatArray, says: str) -> None:
    with pytest.raises(SampleError, match=says):
        solid(ShapeMesh("thing", vertices, np.array([[0, 1, 2], [0, 2, 3]])))
