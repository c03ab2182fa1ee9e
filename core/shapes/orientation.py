"""Which way a closed surface looks: parts turned inside out are turned, hidden ones dropped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .geometry import (
    BoolArray,
    FloatArray,
    IntArray,
    face_areas,
    face_normals,
    libigl,
    signed_volumes,
    winding_numbers,
)
from .welding import parts

# How far from a face its outside is tried, as a share of the mesh's diagonal.
PROBE = 1e-4
# Places tried, besides one on the largest face of each part.
PROBES = 6_000
# Less than this share of the area may lie inside the solid: slivers and touching parts.
OVERLAP_ALLOWED = 1e-3


@dataclass(frozen=True)
class Oriented:
    """A closed surface, its parts outward where that is the question.

    ``overlap`` is the share of its area that lies inside other parts or itself, or is inside out.
    """

    faces: IntArray
    parts_turned: int
    parts_dropped: int
    overlap: float

    @property
    def simple(self) -> bool:
        """Whether every face has the solid on one side only: the surface is the solid's."""
        return self.overlap <= OVERLAP_ALLOWED


def orient(vertices: FloatArray, faces: IntArray) -> Oriented:
    """Turn the parts of a closed surface outward; a cavity's wall goes on looking into the cavity.

    The surface must have no open edges: its winding number is whole everywhere.
    """
    label = parts(faces)
    count = int(label.max()) + 1
    volumes = np.bincount(label, weights=signed_volumes(vertices, faces), minlength=count)
    turned = np.zeros(count, bool)
    if volumes.sum() < 0:
        turned[:] = True
        volumes = -volumes
        faces = faces[:, ::-1]
    probes, places = _probes(vertices, faces, label)
    if (volumes < 0).any():
        outside = _outside(vertices, faces, probes, places)
        # Beyond its faces an inward part itself counts -1: what is left is due to the others.
        alone = (volumes < 0) & (_mean(outside, label[probes], count) + 1 < 0.5)
        turned ^= alone
        faces = np.where(alone[label][:, None], faces[:, ::-1], faces)
    outside = _outside(vertices, faces, probes, places)
    hidden = _mean((outside >= 1).astype(np.int64), label[probes], count) == 1
    # Two equal parts hide each other; then the overlap is left to who joins them.
    dropped = hidden if not hidden.all() else np.zeros(count, bool)
    if dropped.any():
        kept = ~dropped[label]
        probed = kept[probes]
        probes, places = (np.cumsum(kept) - 1)[probes[probed]], places[probed]
        faces = faces[kept]
        outside = _outside(vertices, faces, probes, places)
    # The probes lie evenly by area, but for one in each part, which must not count as much.
    even = slice(0, max(1, len(probes) - (count - int(dropped.sum()))))
    return Oriented(
        faces, int(turned.sum()), int(dropped.sum()), float((outside[even] != 0).mean())
    )


def same_way(faces: IntArray) -> tuple[IntArray, IntArray]:
    """``faces`` with neighbours looking the same way, and the sheet that each belongs to ``(F,)``.

    Sheets end at open edges and where more than two faces meet.
    """
    turned, sheet = libigl().bfs_orient(np.ascontiguousarray(faces))
    turned, sheet = np.asarray(turned, np.int64), np.asarray(sheet, np.int64)
    # The way of a sheet is that of most of its faces.
    changed = np.bincount(sheet, _turned(faces, turned)) > 0.5 * np.bincount(sheet)
    return np.where(changed[sheet][:, None], turned[:, ::-1], turned), sheet


def turned_faces(before: IntArray, after: IntArray) -> int:
    """How many faces look the other way now."""
    return int(_turned(before, after).sum())


def _turned(before: IntArray, after: IntArray) -> BoolArray:
    start = np.argmax(after == before[:, :1], axis=1)
    following = np.take_along_axis(after, ((start + 1) % 3)[:, None], axis=1)[:, 0]
    return np.asarray(following != before[:, 1])


def _probes(vertices: FloatArray, faces: IntArray, label: IntArray) -> tuple[IntArray, FloatArray]:
    """Faces to try, and where on them ``(N, 3)``: evenly by area, and each part's largest face."""
    areas = face_areas(vertices, faces)
    by_size = np.argsort(-areas, kind="stable")
    _, first = np.unique(label[by_size], return_index=True)
    largest = by_size[first]
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(faces), PROBES, p=areas / areas.sum())
    weights = rng.dirichlet((1, 1, 1), PROBES)
    even = np.einsum("ni,nij->nj", weights, vertices[faces[chosen]])
    places = np.concatenate([even, vertices[faces[largest]].mean(axis=1)])
    return np.concatenate([chosen, largest]), places


def _outside(
    vertices: FloatArray, faces: IntArray, probes: IntArray, places: FloatArray
) -> IntArray:
    """The winding number just beyond the faces ``probes``: zero where they are outward surface."""
    diagonal = float(np.linalg.norm(np.ptp(vertices, axis=0)))
    beyond = places + PROBE * diagonal * face_normals(vertices, faces[probes])
    return np.rint(winding_numbers(vertices, faces, beyond)).astype(np.int64)


def _mean(values: IntArray, label: IntArray, count: int) -> FloatArray:
    """Mean of ``values`` over each part; zero for a part without any."""
    sums = np.bincount(label, weights=values.astype(np.float64), minlength=count)
    return np.asarray(sums / np.maximum(np.bincount(label, minlength=count), 1))
