"""The triangles of an Infinigen object."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np


def triangles(asset: Any, *, twice: str = "") -> tuple[np.ndarray, np.ndarray]:
    """The object's triangles in the world, without a cup's printed label (an open sheet).

    The part whose polygons bear the attribute ``twice`` is there once more, half a turn about Z on.
    """
    mesh = asset.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    mesh.calc_loop_triangles()
    vertices = np.empty(len(mesh.vertices) * 3)
    mesh.vertices.foreach_get("co", vertices)
    vertices = vertices.reshape(-1, 3)
    count = len(mesh.loop_triangles)
    faces, polygons = np.empty(count * 3, np.int32), np.empty(count, np.int32)
    mesh.loop_triangles.foreach_get("vertices", faces)
    mesh.loop_triangles.foreach_get("polygon_index", polygons)
    faces = faces.reshape(-1, 3)
    kept = ~marked(mesh, "text")[polygons]
    if twice:
        again = faces[kept & marked(mesh, twice)[polygons]]
        faces = np.concatenate([faces[kept], again + len(vertices)])
        vertices = np.concatenate([vertices, vertices * (-1, -1, 1)])
    else:
        faces = faces[kept]
    world = np.array(asset.matrix_world)
    return vertices @ world[:3, :3].T + world[:3, 3], faces


def marked(mesh: Any, name: str) -> np.ndarray:
    """Which polygons bear the attribute ``name``."""
    values = np.zeros(len(mesh.polygons))
    attribute = mesh.attributes.get(name)
    if attribute is not None:
        attribute.data.foreach_get("value", values)
    return values > 0.5
