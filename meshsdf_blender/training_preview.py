"""What a running training shows in the viewport: one mesh object in a collection of its own.

It is found by its custom property, never by its name alone, so that nothing of the user's is ever
written to; where it was made another's (linked, shared, in Edit Mode), it is left as it is.
"""

from __future__ import annotations

import bpy
import numpy as np

from . import mesh_upload
from .errors import Refusal

COLLECTION = "MeshSDF Training"
KEY = "meshsdf_training"  # on the object and the collection: the run folder
GAP = 0.15  # between the sources and the preview, as a share of the preview's width


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
    beside: np.ndarray | None,
) -> None:
    """Make the preview this mesh. A new one stands to the right of the bounds ``beside``."""
    ob = find(folder)
    if ob is None:
        ob = _add(scene, name, folder)
        if beside is not None and len(vertices):
            ob.location = _place(vertices, beside).tolist()
        elif beside is None:
            ob.location = scene.cursor.location
    try:
        mesh_upload.check_writable(ob)
    except Refusal:
        return
    mesh: bpy.types.Mesh = ob.data  # type: ignore[assignment]
    mesh_upload.upload(mesh, vertices, faces)


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
    ob[KEY] = folder
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


def _place(vertices: np.ndarray, beside: np.ndarray) -> np.ndarray:
    """Where the preview's origin goes, so that it stands on the sources' ground, to their right."""
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    width = high[0] - low[0]
    left = beside[1, 0] + GAP * width
    middle = beside[:, 1].mean() - (low[1] + high[1]) / 2
    return np.array([left - low[0], middle, beside[0, 2] - low[2]])
