"""A real mesh as a solid: a closed outward surface whose winding number tells inside from outside.

What is done, in this order, each step only where the ones before did not suffice: welding, turning
faces and parts outward, closing holes, sealing. Every step that changed something is reported.
"""

from __future__ import annotations

from dataclasses import dataclass

from .geometry import FloatArray, IntArray, SampleError, check_mesh, open_edges
from .meshes import TrainingMesh
from .orientation import orient
from .voids import outer_faces
from .welding import single_faces, weld


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


def solid(mesh: TrainingMesh, *, thickness: float = 0.0, fill_voids: bool | None = None) -> Solid:
    """The solid that ``mesh`` (in the cube [-1, 1]^3) shows. Raises SampleError, by name."""
    try:
        return _solid(mesh, fill_voids=bool(fill_voids))
    except SampleError as error:
        raise SampleError(f"'{mesh.name}': {error.problem}", error.remedy) from error


def _solid(mesh: TrainingMesh, *, fill_voids: bool) -> Solid:
    check_mesh(mesh.vertices, mesh.faces)
    repairs: list[str] = []
    vertices, faces = weld(mesh.vertices, mesh.faces)
    faces = single_faces(vertices, faces)
    if len(open_edges(faces)):
        raise SampleError("It is not closed", "Close its holes")
    oriented = orient(vertices, faces)
    faces = oriented.faces
    if oriented.parts_turned:
        repairs.append(f"parts turned outward: {oriented.parts_turned}")
    if oriented.parts_dropped:
        repairs.append(f"hidden parts dropped: {oriented.parts_dropped}")
    if fill_voids:
        faces = outer_faces(vertices, faces)
    report = Report(mesh.name, "repaired" if repairs else "closed", tuple(repairs))
    return Solid(mesh.name, vertices, faces, report)
