"""A real mesh as a solid: a closed outward surface whose winding number tells inside from outside.

What is done, in this order, each step only where the ones before did not suffice: welding, turning
faces and parts outward, closing small holes, sealing. What changed the surface is reported.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import SampleError
from .geometry import FloatArray, IntArray, check_mesh, open_edges
from .holes import Parts, close_holes
from .meshes import ShapeMesh
from .orientation import orient, same_way, turned_faces
from .sealing import Walls, seal
from .visibility import visible_faces
from .voids import outer_faces
from .welding import single_faces, weld, weld_seams, without_area

VOIDS_FILLED = "filled the voids that no wide opening leads into"


@dataclass(frozen=True)
class Report:
    """What became of a mesh, and why: it was "closed", was "repaired", or was "sealed" anew."""

    name: str
    kind: str
    repairs: tuple[str, ...]


@dataclass(frozen=True)
class Solid:
    """A closed outward surface; inside is where the winding number exceeds 1/2."""

    name: str
    vertices: FloatArray
    faces: IntArray
    report: Report


def solid(mesh: ShapeMesh, *, thickness: float = 0.0, fill_voids: bool = False) -> Solid:
    """The solid that ``mesh`` (in the cube [-1, 1]^3) shows. Raises SampleError, by name.

    Surfaces that close, as they are or by small repairs, keep every face. Others are sealed: faces
    that cannot be seen are dropped, sheets seen from both sides become thin plates, and the surface
    is made anew on a grid, without enclosed voids. ``thickness`` is that of the plates, half on
    each side (at least as thick as the grid can show). ``fill_voids`` fills the voids that no wide
    opening leads into, such as the pocket behind a head's lips (see ``voids``).
    """
    try:
        found = _solid(mesh, thickness)
        return _without_voids(found) if fill_voids else found
    except SampleError as error:
        raise SampleError(f"'{mesh.name}': {error.problem}", error.remedy) from error


def _solid(mesh: ShapeMesh, thickness: float) -> Solid:
    check_mesh(mesh.vertices, mesh.faces)
    repairs: list[str] = []
    found = _parts(mesh.vertices, mesh.faces, repairs)
    vertices, faces, plates, simple = found.vertices, found.closed, found.sheets, True
    if len(faces):
        oriented = orient(vertices, faces)
        faces, simple = oriented.faces, oriented.simple
        repairs += _counted("parts turned outward", oriented.parts_turned)
        repairs += _counted("hidden parts dropped", oriented.parts_dropped)
        if not simple:
            repairs.append("overlapping parts made one")
    if len(found.sheets):
        seen = visible_faces(vertices, without_area(vertices, found.sheets), faces)
        repairs += _counted("faces turned outward", seen.turned)
        repairs += _counted("hidden faces dropped", seen.dropped)
        faces, plates = np.concatenate([faces, seen.faces[~seen.plate]]), seen.faces[seen.plate]
    if len(found.sheets) or not simple:
        return _sealed(mesh.name, Walls(vertices, faces, plates), thickness, repairs)
    report = Report(mesh.name, "repaired" if repairs else "closed", tuple(repairs))
    return Solid(mesh.name, *weld(vertices, faces), report)


def _without_voids(found: Solid) -> Solid:
    """The solid without the faces that line its voids, and the slits to them closed."""
    outer = outer_faces(found.vertices, found.faces)
    if len(outer) == len(found.faces):
        return found
    whole = close_holes(found.vertices, outer, largest=np.inf)
    former = found.report
    kind = "sealed" if former.kind == "sealed" else "repaired"
    report = Report(found.name, kind, (*former.repairs, VOIDS_FILLED))
    return Solid(found.name, *weld(whole.vertices, whole.closed), report)


def _parts(vertices: FloatArray, faces: IntArray, repairs: list[str]) -> Parts:
    """The mesh welded, its faces looking one way and small holes closed; adds to ``repairs``."""
    vertices, welded = weld(vertices, faces)
    faces = single_faces(vertices, welded)
    repairs += _counted("repeated faces dropped", len(welded) - len(faces))
    if not len(open_edges(faces)):
        return Parts(vertices, faces, faces[:0])
    turned, _ = same_way(faces)
    flips = turned_faces(faces, turned)
    if len(open_edges(turned)):
        joined = weld_seams(vertices, turned)
        if len(open_edges(joined)) < len(open_edges(turned)):
            repairs.append("seams closed")
        turned, _ = same_way(joined)
        flips += turned_faces(joined, turned)
    repairs += _counted("faces turned", flips)
    found = close_holes(vertices, turned)
    if found.holes:
        share = f"{100 * found.share:.2g} % of the surface"
        repairs.append(f"holes closed: {found.holes} ({share})")
    return found


def _sealed(name: str, walls: Walls, thickness: float, repairs: list[str]) -> Solid:
    sealed = seal(walls, thickness=thickness)
    repairs.append(f"sealed on a grid of {sealed.cell:.4f}")
    repairs += _counted("faces of open sheets made thin plates", len(walls.plates))
    if sealed.thickened > 0:
        repairs.append(f"thickened by {sealed.thickened:.4f}")
    repairs += _counted("crumbs dropped", sealed.crumbs)
    return Solid(name, sealed.vertices, sealed.faces, Report(name, "sealed", tuple(repairs)))


def _counted(what: str, count: int) -> list[str]:
    return [f"{what}: {count}"] if count else []
