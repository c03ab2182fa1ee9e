"""The mesh or points that are encoded, and how they lie in a space."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from ..errors import Refusal
from .training_source import MOST_FACES, somewhere, triangles

LEAST_POINTS = 10
NO_FACES = np.zeros((0, 3), dtype=np.int32)


@dataclass(frozen=True)
class EncodeSource:
    """``points`` ``(V, 3)`` and ``faces`` ``(F, 3)`` in the world; no faces for a point cloud.

    ``box`` ``(2, 3)`` is the whole object's, ``origin`` its origin's place.
    """

    name: str
    points: np.ndarray
    faces: np.ndarray
    box: np.ndarray
    origin: np.ndarray


@dataclass(frozen=True)
class Placement:
    """One similarity: ``local = (world - shift) / scale``."""

    scale: float
    shift: np.ndarray

    @property
    def matrix(self) -> np.ndarray:
        """Local to world, ``(4, 4)``."""
        matrix = np.diag([self.scale] * 3 + [1.0])
        matrix[:3, 3] = self.shift
        return matrix

    def local(self, points: np.ndarray) -> np.ndarray:
        """Points of the world in the space's local coordinates."""
        return (points - self.shift) / self.scale


def read(context: bpy.types.Context, ob: bpy.types.Object, *, selected: bool) -> EncodeSource:
    """The object with its modifiers, or its selected vertices as they are. Raises Refusal."""
    if ob.mode != "OBJECT":
        raise Refusal(
            f"Object '{ob.name}' is not in Object Mode",
            "Go back to Object Mode first",
            script="bpy.ops.object.mode_set(mode='OBJECT')",
        )
    context.view_layer.update()
    matrix = np.array(ob.matrix_world, dtype=np.float64)
    if ob.type == "POINTCLOUD":
        points, faces = _cloud(context, ob, matrix), NO_FACES
    else:
        points, faces = _mesh(context, ob, matrix)
    if len(faces) > MOST_FACES:
        raise Refusal(
            f"Object '{ob.name}' has {len(faces):,} triangles, more than {MOST_FACES:,}",
            "Give it a Decimate modifier",
        )
    whole = points
    if selected:
        points, faces = _selected(ob, matrix), NO_FACES
    if not somewhere(whole).all():
        raise Refusal(
            f"Object '{ob.name}' has vertices without a position (NaN or infinite)",
            "Delete them, or look at its modifiers",
        )
    if len(points) < LEAST_POINTS:
        what = "selected vertices" if selected else "vertices"
        raise Refusal(
            f"Object '{ob.name}' has {len(points)} {what}: too few to tell a shape",
            f"Give it {LEAST_POINTS} or more",
        )
    box = np.stack([whole.min(axis=0), whole.max(axis=0)])
    if np.ptp(box, axis=0).max() <= 0:
        raise Refusal(f"Object '{ob.name}' has no size", "Give it a scale above zero")
    return EncodeSource(ob.name, points, faces, box, matrix[:3, 3])


def placement(source: EncodeSource, mean: np.ndarray | None) -> Placement:
    """Where the source lies: matched to the mean shape's vertices ``(V, 3)``, or as it stands."""
    if mean is None:
        return Placement(1.0, source.origin)
    low, high = mean.min(axis=0).astype(np.float64), mean.max(axis=0).astype(np.float64)
    # By the diagonal: one side alone may be what the source is special in.
    scale = float(np.linalg.norm(np.ptp(source.box, axis=0)) / np.linalg.norm(high - low))
    return Placement(scale, source.box.mean(axis=0) - scale * (low + high) / 2)


def _mesh(
    context: bpy.types.Context, ob: bpy.types.Object, matrix: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    evaluated = ob.evaluated_get(context.evaluated_depsgraph_get())
    try:
        return triangles(evaluated.to_mesh(), matrix)
    finally:
        evaluated.to_mesh_clear()


def _cloud(context: bpy.types.Context, ob: bpy.types.Object, matrix: np.ndarray) -> np.ndarray:
    cloud = ob.evaluated_get(context.evaluated_depsgraph_get()).data
    local = np.empty((len(cloud.points), 3), dtype=np.float32)
    if len(local):
        cloud.attributes["position"].data.foreach_get("vector", local.ravel())
    return local @ matrix[:3, :3].T + matrix[:3, 3]


def _selected(ob: bpy.types.Object, matrix: np.ndarray) -> np.ndarray:
    """The selected vertices of the object's own mesh, in the world."""
    if ob.type != "MESH":
        raise Refusal(f"Object '{ob.name}' has no vertices to select", "Encode all of it")
    mesh: bpy.types.Mesh = ob.data  # type: ignore[assignment]
    local = np.empty((len(mesh.vertices), 3), dtype=np.float32)
    mesh.vertices.foreach_get("co", local.ravel())
    chosen = np.empty(len(mesh.vertices), dtype=bool)
    mesh.vertices.foreach_get("select", chosen)
    with np.errstate(all="ignore"):
        return local[chosen] @ matrix[:3, :3].T + matrix[:3, 3]
