"""What an artist does to a mesh by hand: told from what our code made, and kept from it.

A coarse mesh that is taken into Edit Mode, or another one, is no longer ours to replace unseen: its
fingerprint of then says later whether anything was done to it. It is kept with the mesh, so that
undo, saving and duplicating take it along.
"""

from __future__ import annotations

import hashlib

import bpy
import numpy as np

from .shape import BEHIND, EDITED, mesh_of

# What every mesh of ours has. Any other layer is the artist's work.
OWN_LAYERS = {"position", ".edge_verts", ".corner_vert", ".corner_edge", "sharp_face"}
VIEW_LAYERS = (".select", ".hide", ".sculpt")
TAKEN = BEHIND + " "  # before the fingerprint of a coarse mesh that the artist took in hand
# Of layers of these types the values count: the name of a value, and how many numbers it is.
VALUES = {
    "FLOAT": ("value", 1),
    "INT": ("value", 1),
    "BOOLEAN": ("value", 1),
    "FLOAT2": ("vector", 2),
    "FLOAT_VECTOR": ("vector", 3),
    "FLOAT_COLOR": ("color", 4),
    "BYTE_COLOR": ("color", 4),
}


def digest(mesh: bpy.types.Mesh) -> str:
    """Vertices, faces and their shading as a short text that changes with them."""
    told = hashlib.blake2b(digest_size=16)
    for elements, name, width, kind in (
        (mesh.vertices, "co", 3, "f4"),
        (mesh.loops, "vertex_index", 1, "i4"),
        (mesh.polygons, "loop_start", 1, "i4"),
        (mesh.polygons, "use_smooth", 1, "?"),
    ):
        values = np.empty(len(elements) * width, dtype=kind)
        elements.foreach_get(name, values)
        told.update(values.tobytes())
    return told.hexdigest()


def more_layers(mesh: bpy.types.Mesh) -> set[str]:
    """Names of the layers that no mesh of ours has."""
    return {a.name for a in mesh.attributes if not a.name.startswith(VIEW_LAYERS)} - OWN_LAYERS


def take(ob: bpy.types.Object) -> None:
    """Note what the coarse mesh of a shape is like, where the artist has it in another mode."""
    mesh = mesh_of(ob)
    if ob.mode == "OBJECT" or not ob.meshsdf.draft or mesh.library is not None:
        return
    if mesh.meshsdf_of != EDITED and not mesh.meshsdf_of.startswith(TAKEN):
        with_values = ob.mode != "EDIT"  # there Blender shows layers without their values
        mesh.meshsdf_of = TAKEN + _fingerprint(mesh, with_values=with_values)


def left_alone(ob: bpy.types.Object) -> bool:
    """Whether a coarse mesh was changed by hand: then it counts as whole, and its message says so.

    Whatever the artist does next with the shape meshes it anew, as it does with any edited mesh.
    """
    mesh, was = mesh_of(ob), mesh_of(ob).meshsdf_of
    if not was.startswith(TAKEN):
        return False
    if was[len(TAKEN) :] in {_fingerprint(mesh, with_values=each) for each in (True, False)}:
        return False
    mesh.meshsdf_of = EDITED
    ob.meshsdf.draft = False
    ob.meshsdf.message = (
        "The mesh was edited while it was coarse, so it stays as it is. "
        "Update Mesh drops the edit (bpy.ops.meshsdf.shape_update())."
    )
    return True


def _fingerprint(mesh: bpy.types.Mesh, *, with_values: bool) -> str:
    """All that can be done to a mesh by hand, as a text that changes with it."""
    told = hashlib.blake2b(digest(mesh).encode(), digest_size=16)
    for name in sorted(more_layers(mesh)) if with_values else ():
        told.update(_values(mesh.attributes[name]))
    for vertex in mesh.vertices:
        for each in vertex.groups:
            told.update(f"{vertex.index} {each.group} {each.weight}".encode())
    return told.hexdigest()


def _values(layer: bpy.types.Attribute) -> bytes:
    """A layer's name with its values; nothing where all of them are 0, as modes make some."""
    if layer.data_type not in VALUES:
        return layer.name.encode()
    name, width = VALUES[layer.data_type]
    values = np.empty(len(layer.data) * width, dtype=bool if layer.data_type == "BOOLEAN" else "f4")
    layer.data.foreach_get(name, values)
    return layer.name.encode() + values.tobytes() if values.any() else b""
