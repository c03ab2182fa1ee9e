"""Overlapping closed parts made one closed surface, thickened where that is asked.

Generators build a chair of boards and bars that run through each other. Each part is mended
where a few edges are broken, and turned outward; manifold3d unites them exactly; hollows that no
way leads into are filled; faces that a plane would do for are joined. Only mended parts are put
on a grid: thin walls stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from manifold3d import Error, Manifold, Mesh64, OpType
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from tools.spaces.regrid import regridded

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Lengths at the scale of the unit sphere. Parts of less volume are leftovers of modelling.
LEAST_PART = 1e-5
# A part with more of its vertices than this at broken edges is open; with less, it is redrawn.
MOST_BROKEN = 0.02
# How far the finished surface may stray from the exact union.
TOLERANCE = 6e-4
# Vertices closer than this are one.
SAME_PLACE = 1e-7


class NotOneSolid(Exception):
    """The parts do not make one closed surface in one piece; the message says why."""


@dataclass(frozen=True)
class Solid:
    """A closed surface: ``vertices`` (V, 3), outward ``faces`` (F, 3), number of its tunnels."""

    vertices: FloatArray
    faces: IntArray
    genus: int


def solidify(
    vertices: FloatArray, faces: IntArray, *, thickness: float = 0.0, weld: float = 0.0
) -> Solid:
    """Unite the parts, thickened outward by ``thickness``, and bring them to the unit sphere.

    Parts that only touch the biggest are made to overlap it: their vertices within 3 x ``weld``
    of it are pushed out by ``weld``. Lengths are at the scale of the unit sphere.
    Raises NotOneSolid for an open part or for several pieces.
    """
    parts = outward_parts(unit_sphere(vertices, faces), faces)
    if weld:
        body = max(parts, key=lambda part: abs(volume(*part)))
        near = cKDTree(body[0])
        parts = [
            part
            if part is body
            else (
                pushed(*part, np.where(near.query(part[0])[0] < 3 * weld, weld, 0.0)),
                part[1],
            )
            for part in parts
        ]
    if thickness:
        parts = [(pushed(*part, np.array(thickness)), part[1]) for part in parts]
    united = Manifold.batch_boolean([manifold(*part) for part in parts], OpType.Add)
    return one_piece(united.simplify(TOLERANCE))


def one_piece(united: Manifold) -> Solid:
    """The one outer surface of ``united``, in the unit sphere; enclosed hollows are filled."""
    # Hollows face inward: their volume is negative.
    pieces = [part for part in surfaces(*arrays(united)) if volume(*part) > LEAST_PART]
    if len(pieces) != 1:
        raise NotOneSolid(f"{len(pieces)} pieces")
    vertices, faces = pieces[0]
    return Solid(unit_sphere(vertices, faces), faces, genus(vertices, faces))


def unit_sphere(vertices: FloatArray, faces: IntArray) -> FloatArray:
    """The vertices, their bounding box (of those in faces) centred, the largest radius 1."""
    used = vertices[np.unique(faces)]
    centre = (used.min(axis=0) + used.max(axis=0)) / 2
    moved: FloatArray = (vertices - centre) / np.linalg.norm(used - centre, axis=1).max()
    return moved


def sewn(vertices: FloatArray, faces: IntArray) -> IntArray:
    """The faces with boundary vertices that lie at one place made one.

    Inner vertices stay apart: sheets of a part that touch each other are not glued together.
    """
    edge = boundary(faces)
    places = np.round(vertices[edge] / SAME_PLACE).astype(np.int64)
    _, first, where = np.unique(places, axis=0, return_index=True, return_inverse=True)
    instead = np.arange(len(vertices))
    instead[edge] = edge[first[where.reshape(-1)]]
    joined = instead[faces]
    a, b, c = joined.T
    found: IntArray = joined[(a != b) & (b != c) & (c != a)]
    return found


def boundary(faces: IntArray) -> IntArray:
    """The vertices of edges that do not belong to two faces in opposite directions."""
    starts, ends = faces.reshape(-1), faces[:, [1, 2, 0]].reshape(-1)
    count = int(faces.max()) + 1
    open_edges = np.setxor1d(np.unique(starts * count + ends), np.unique(ends * count + starts))
    found: IntArray = np.unique(np.r_[open_edges // count, open_edges % count])
    return found


def surfaces(vertices: FloatArray, faces: IntArray) -> list[tuple[FloatArray, IntArray]]:
    """The parts of a mesh that no edge connects, each with its own vertices."""
    a, b, c = faces.T
    ends = (np.r_[a, b], np.r_[b, c])
    links = coo_matrix((np.ones(2 * len(faces)), ends), shape=(len(vertices),) * 2)
    _, part = connected_components(links, directed=False)
    found = []
    for number in np.unique(part[a]):
        used, compact = np.unique(faces[part[a] == number], return_inverse=True)
        found.append((vertices[used], compact.reshape(-1, 3).astype(np.int64)))
    return found


def outward_parts(vertices: FloatArray, faces: IntArray) -> list[tuple[FloatArray, IntArray]]:
    """The parts that hold volume, each turned outward. Raises NotOneSolid where one is open.

    Where a part is open, boundaries that lie at one place are sewn together.
    """
    kept = [mended(*part) for part in surfaces(vertices, faces) if abs(volume(*part)) > LEAST_PART]
    if not kept:
        raise NotOneSolid("nothing that holds volume")
    return kept


def mended(vertices: FloatArray, faces: IntArray) -> tuple[FloatArray, IntArray]:
    """A part sewn up or drawn anew where it is not quite closed, and turned outward."""
    if not closed(faces):
        faces = sewn(vertices, faces)
    faces = outward(vertices, faces)
    if closed(faces):
        return vertices, faces
    broken = len(boundary(faces))
    if broken > MOST_BROKEN * len(vertices):
        raise NotOneSolid(f"an open part: {broken} vertices on its edge")
    vertices, faces = regridded(vertices, faces)
    return vertices, outward(vertices, faces)


def outward(vertices: FloatArray, faces: IntArray) -> IntArray:
    """The faces, turned where they hold a negative volume."""
    return faces if volume(vertices, faces) > 0 else faces[:, ::-1]


def volume(vertices: FloatArray, faces: IntArray) -> float:
    """The volume within closed faces; negative when they face inward."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def closed(faces: IntArray) -> bool:
    """Whether every edge belongs to two faces that pass it in opposite directions."""
    starts, ends = faces.reshape(-1), faces[:, [1, 2, 0]].reshape(-1)
    count = int(faces.max()) + 1
    there, back = np.sort(starts * count + ends), np.sort(ends * count + starts)
    return bool((there == back).all() and (np.diff(there) > 0).all())


def genus(vertices: FloatArray, faces: IntArray) -> int:
    """Tunnels of a closed surface in one piece."""
    return 1 - (len(vertices) - len(faces) // 2) // 2


def pushed(vertices: FloatArray, faces: IntArray, by: FloatArray) -> FloatArray:
    """Each vertex moved along its normal by ``by`` (one length, or one a vertex)."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    across = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, faces[:, corner], across)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
    moved: FloatArray = vertices + normals * np.reshape(by, (-1, 1))
    return moved


def manifold(vertices: FloatArray, faces: IntArray) -> Manifold:
    """A closed part for manifold3d. Raises NotOneSolid where it will not have it."""
    solid = Manifold(Mesh64(np.ascontiguousarray(vertices), faces.astype(np.uint64)))
    if solid.status() != Error.NoError:
        raise NotOneSolid(f"a part that manifold3d refuses: {solid.status().name}")
    return solid


def arrays(solid: Manifold) -> tuple[FloatArray, IntArray]:
    """Vertices and faces of a manifold."""
    mesh = solid.to_mesh64()
    vertices = np.asarray(mesh.vert_properties, np.float64)[:, :3]
    return vertices, np.asarray(mesh.tri_verts, np.int64)
