"""The figures of quality against closed forms: spheres of two radii, boxes moved and turned."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from core.quality import QualityError, Surface, compare, jittered, volume_iou

Mesh = tuple[np.ndarray, np.ndarray]


def mesh(shape: trimesh.Trimesh) -> Mesh:
    return np.asarray(shape.vertices, np.float64), np.asarray(shape.faces, np.int64)


def sphere(radius: float) -> Mesh:
    return mesh(trimesh.creation.icosphere(subdivisions=4, radius=radius))


def box(extents: tuple[float, float, float], centre: tuple[float, float, float]) -> Mesh:
    vertices, faces = mesh(trimesh.creation.box(extents))
    return vertices + centre, faces


def rng() -> np.random.Generator:
    return np.random.default_rng(4)


@pytest.mark.parametrize("radius", [0.9, 0.99, 1.05])
def test_concentric_spheres(radius: float) -> None:
    """Distance |R - r| everywhere, parallel normals, IoU the cube of the radii's ratio."""
    found = compare(*sphere(radius), *sphere(1.0), rng=rng())
    gap = abs(1 - radius)
    assert found.chamfer == pytest.approx(gap, rel=0.02)
    assert found.chamfer_squared == pytest.approx(2 * gap**2 * 1000, rel=0.04)
    assert found.normal_consistency > 0.999
    assert found.volume_iou == pytest.approx(min(radius, 1 / radius) ** 3, abs=2e-3)
    assert found.whole
    assert found.genus == 0


def test_a_box_that_is_moved_overlaps_by_what_it_shares() -> None:
    """Two unit cubes, one moved by s along x: IoU (1 - s) / (1 + s)."""
    for shift in (0.0, 0.1, 0.5, 1.5):
        found = compare(*box((1, 1, 1), (shift, 0, 0)), *box((1, 1, 1), (0, 0, 0)), rng=rng())
        assert found.volume_iou == pytest.approx(max(0, (1 - shift) / (1 + shift)), abs=3e-3)


def test_thin_walls_count() -> None:
    """A plate of 1 x 1 x 0.02 against one 0.004 thicker: IoU 0.02 / 0.024, within a hundredth."""
    found = compare(*box((1, 1, 0.02), (0, 0, 0)), *box((1, 1, 0.024), (0, 0, 0)), rng=rng())
    assert found.volume_iou == pytest.approx(0.02 / 0.024, abs=0.01)
    assert found.chamfer == pytest.approx(0.002, rel=0.1)


def test_parallel_planes_far_apart_and_crossed_ones() -> None:
    """Faces that meet at right angles do not agree at all."""
    plate = box((4, 4, 1e-4), (0, 0, 0))
    upright = box((1e-4, 1e-2, 0.5), (0, 0, 1))
    found = Surface(*upright).towards(Surface(*plate), 2000, rng=rng())
    assert found.agreement < 0.05
    assert found.distance == pytest.approx(1.0, abs=0.02)
    assert found.squared == pytest.approx(1 + 0.5**2 / 12, abs=0.02)


def test_turning_a_mesh_inside_out_changes_its_volume_only() -> None:
    vertices, faces = sphere(1.0)
    found = compare(vertices, faces[:, ::-1], vertices, faces, rng=rng())
    assert found.normal_consistency > 0.999
    assert found.volume_iou == 0


def test_pieces_and_holes_are_told() -> None:
    vertices, faces = sphere(0.3)
    two = np.concatenate([vertices, vertices + np.array([1.0, 0, 0])])
    twice = np.concatenate([faces, faces + len(vertices)])
    found = compare(two, twice, vertices, faces, rng=rng(), volume_points=20_000)
    assert (found.components, found.watertight, found.whole) == (2, True, False)
    assert found.volume_iou == pytest.approx(0.5, abs=0.02)
    ring = mesh(trimesh.creation.torus(0.6, 0.2))
    assert compare(*ring, *ring, rng=rng(), volume_points=20_000).genus == 1
    opened = compare(vertices, faces[1:], vertices, faces, rng=rng(), volume_points=20_000)
    assert (opened.watertight, opened.genus, opened.whole) == (False, None, False)
    assert opened.volume_iou > 0.98


def test_more_points_come_closer() -> None:
    """The estimate of an IoU converges: the worst of several at 2,000 and at 200,000 points."""
    inner, outer = Surface(*sphere(0.9)), Surface(*sphere(1.0))
    worst = [
        max(
            abs(volume_iou(inner, outer, n, rng=np.random.default_rng(s)) - 0.9**3)
            for s in range(2)
        )
        for n in (500, 200_000)
    ]
    assert worst[1] < 2e-3 < worst[0]


def test_jittered_points_fill_their_box() -> None:
    low, high = np.array([-1.0, 0, 2]), np.array([1.0, 0.1, 2.5])
    points = jittered(low, high, 10_000, rng=rng())
    assert 10_000 <= len(points) < 12_500
    assert (points >= low).all()
    assert (points <= high).all()
    assert points.mean(axis=0) == pytest.approx((low + high) / 2, abs=0.01)


def test_what_cannot_be_compared_is_refused() -> None:
    vertices, faces = sphere(1.0)
    with pytest.raises(QualityError, match=r"mesh is empty"):
        compare(vertices, faces[:0], vertices, faces, rng=rng())
    broken = vertices.copy()
    broken[3] = np.nan
    with pytest.raises(QualityError, match=r"reference is empty, or holds"):
        compare(vertices, faces, broken, faces, rng=rng())
    with pytest.raises(QualityError, match=r"no area"):
        compare(vertices * 0, faces, vertices, faces, rng=rng())
