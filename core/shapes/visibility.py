"""Which sides of a surface's faces can be seen from outside: by rays that escape.

For meshes that no other rule orients: a face seen from one side bounds a solid on its other side,
one seen from neither is inside, and a sheet seen from both is a thin plate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from .geometry import BoolArray, FloatArray, IntArray, face_areas, face_normals, libigl
from .orientation import same_way, turned_faces

# Rays from each place and side, and places at the most: other faces take after the nearest place.
RAYS = 24
PLACES = 10_000
# Rays start so far from the face, as a share of the mesh's diagonal.
START = 1e-4
# A side is seen if more than this share of its rays escapes.
SEEN = 0.03
# A sheet is a plate if its lesser seen side is seen this much as well as the other: of an open cup
# as wide as high, the inside is seen 0.2 times as well. A loose face must show more, for its few
# rays may have slipped through the gaps around it; a sheet is loose below this share of the area.
PLATE = 0.15
LOOSE_PLATE = 0.5
LOOSE = 1e-3
# How far a unit normal is worth as much as a distance, in diagonals, for "nearest place".
NORMAL_WEIGHT = 0.1


@dataclass(frozen=True)
class Visible:
    """``faces`` that can be seen, turned to the side where they are; ``plate`` where it is both.

    ``plate`` ``(F,)`` bool, parallel to faces; ``turned`` and ``dropped`` count faces.
    """

    faces: IntArray
    plate: BoolArray
    turned: int
    dropped: int


def visible_faces(vertices: FloatArray, faces: IntArray, others: IntArray) -> Visible:
    """Sort the faces of any surface by what can be seen of them; ``others`` are in the way too."""
    consistent, sheet = same_way(faces)
    front, back = escapes(vertices, consistent, np.concatenate([consistent, others]))
    count = int(sheet.max()) + 1
    areas = face_areas(vertices, consistent)
    seen = np.maximum(front, back) > SEEN
    # A sheet is judged as a whole, by its seen part: single rays are noise.
    in_front = np.bincount(sheet, areas * front * seen, count)
    behind = np.bincount(sheet, areas * back * seen, count)
    backward = behind > in_front
    lesser, greater = np.minimum(in_front, behind), np.maximum(in_front, behind)
    loose = np.bincount(sheet, areas, count) < LOOSE * areas.sum()
    plates = lesser > np.where(loose, LOOSE_PLATE, PLATE) * greater
    outward = np.where(backward[sheet][:, None], consistent[:, ::-1], consistent)
    kept = outward[seen]
    return Visible(kept, plates[sheet][seen], turned_faces(faces[seen], kept), int((~seen).sum()))


def escapes(
    vertices: FloatArray, faces: IntArray, obstacles: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Share of rays into the half space before and behind each face that meet nothing: 2 x (F,)."""
    areas, normals = face_areas(vertices, faces), face_normals(vertices, faces)
    middles = vertices[faces].mean(axis=1)
    places = np.arange(len(faces))
    if len(faces) > PLACES:
        # Evenly along the faces sorted by size: the large ones are all there.
        large = np.argsort(-areas)[: PLACES // 2]
        places = np.unique(
            np.concatenate([large, np.arange(0, len(faces), 2 * len(faces) // PLACES)])
        )
    diagonal = float(np.linalg.norm(np.ptp(vertices, axis=0)))
    shares = []
    for side in (1.0, -1.0):
        ways = np.ascontiguousarray(side * normals[places])
        starts = np.ascontiguousarray(middles[places] + START * diagonal * ways)
        blocked = libigl().ambient_occlusion(
            np.ascontiguousarray(vertices), np.ascontiguousarray(obstacles), starts, ways, RAYS
        )
        shares.append(1 - np.asarray(blocked, np.float64))
    if len(places) < len(faces):
        keys = np.hstack([middles / diagonal, NORMAL_WEIGHT * normals])
        _, nearest = cKDTree(keys[places]).query(keys)
        shares = [share[nearest] for share in shares]
    return shares[0], shares[1]
