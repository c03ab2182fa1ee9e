"""What a running training shows in the viewport: one mesh object in a collection of its own.

It is found by its custom property, never by its name alone, so that nothing of the user's is ever
written to; where it was made another's (linked, shared, in Edit Mode), it is left as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from ..errors import Refusal
from ..shapes import mesh_upload

COLLECTION = "MeshSDF Training"
KEY = "meshsdf_training"  # on the object and the collection: the run folder
PLACED = "meshsdf_placed"  # on the object: where it was put last, before the user moved it
GAP = 0.15  # between the sources and the preview, as a share of the largest shape


@dataclass(frozen=True)
class Stand:
    """Where previews stand, from the family's alignment.

    A space of shapes that were ``moved`` each (centred, scaled) knows nothing of their ground: each
    preview gets its feet to ``at`` ``(3,)``. Else a preview stands among the family by itself, and
    ``at`` is how far beside it is shown.
    """

    at: np.ndarray
    moved: bool

    @classmethod
    def beside(cls, bounds: np.ndarray, largest: float, *, moved: bool) -> Stand:
        """To the right of a family with these bounds ``(2, 3)``, on its ground."""
        gap = GAP * largest
        if not moved:
            return cls(np.array([np.ptp(bounds[:, 0]) + gap, 0.0, 0.0]), moved)
        right = bounds[1, 0] + gap + largest / 2
        return cls(np.array([right, bounds[:, 1].mean(), bounds[0, 2]]), moved)

    def location(self, vertices: np.ndarray) -> np.ndarray:
        """The location ``(3,)`` of an object with these vertices ``(V, 3)``."""
        if not self.moved:
            return self.at
        low, high = vertices.min(axis=0), vertices.max(axis=0)
        return self.at - np.array([*(low + high)[:2] / 2, low[2]])


def find(folder: str) -> bpy.types.Object | None:
    """The preview of a run, if there is one."""
    return next((ob for ob in bpy.data.objects if ob.get(KEY) == folder), None)


def show(
    scene: bpy.types.Scene,
    name: str,
    folder: str,
    *,
    vertices: np.ndarray,
    faces: np.ndarray,
    stand: Stand,
) -> None:
    """Make the preview this mesh, at its stand, or as far from it as the user has moved it."""
    ob = find(folder)
    if ob is None:
        ob = _add(scene, name, folder)
    try:
        mesh_upload.check_writable(ob)
    except Refusal:
        return
    mesh: bpy.types.Mesh = ob.data  # type: ignore[assignment]
    mesh_upload.upload(mesh, vertices, faces)
    location = stand.location(vertices)
    ob.location = (np.array(ob.location) + location - np.array(ob[PLACED])).tolist()
    ob[PLACED] = location.tolist()


def remove(folder: str) -> None:
    """Remove the preview of a run and its collection, where nothing else is in that."""
    ob = find(folder)
    if ob is not None:
        mesh = ob.data
        bpy.data.objects.remove(ob)
        if isinstance(mesh, bpy.types.Mesh) and not mesh.users:
            bpy.data.meshes.remove(mesh)
    for collection in [c for c in bpy.data.collections if c.get(KEY) is not None]:
        if not collection.all_objects and not collection.children:
            bpy.data.collections.remove(collection)


def _add(scene: bpy.types.Scene, name: str, folder: str) -> bpy.types.Object:
    title = f"{name} preview"
    ob = bpy.data.objects.new(title, bpy.data.meshes.new(title))
    ob[KEY], ob[PLACED] = folder, [0.0, 0.0, 0.0]
    _collection(scene).objects.link(ob)
    return ob


def _collection(scene: bpy.types.Scene) -> bpy.types.Collection:
    """Our collection in this scene; another's of the same name is not used."""
    for child in scene.collection.children:
        if child.get(KEY) is not None and child.library is None:
            return child
    made = bpy.data.collections.new(COLLECTION)
    made[KEY] = ""
    scene.collection.children.link(made)
    return made
