"""New faces for a shape, by what Blender has: Quadriflow or Decimate, and nothing voxel-like.

Both carry UV maps, colours, attributes, vertex groups and materials over by themselves: Quadriflow
from the nearest place of the old surface, Decimate as it merges edges.
"""

from __future__ import annotations

from contextlib import suppress
from operator import itemgetter

import bmesh
import bpy
from mathutils import Vector

from ..errors import Refusal
from ..shapes import mesh_upload, shape
from ..shapes.hand_edits import OWN_LAYERS
from . import former

SUFFIX = "Retopology"
FEWEST = 20  # faces to ask for
FAR_OFF = 0.25  # of the faces asked for, from where a count is no longer about that
SHORTEST_EDGE = 3e-4  # in local units, of which the space's cube has two
# Shorter ones that have to stay become so long, for rounding a little longer, in so many rounds.
LENGTHENED, LENGTHENINGS = 1.05 * SHORTEST_EDGE, 8
NO_LENGTH = 1e-9
TRIANGLE = 3


def copy_of(context: bpy.types.Context, source: bpy.types.Object) -> bpy.types.Object:
    """A regular mesh beside a shape, active: with its transform, parent, modifiers, collections."""
    if not len(shape.mesh_of(source).polygons):
        raise Refusal(
            f"Object '{source.name}' has no faces",
            "Update its mesh first",
            script="bpy.ops.meshsdf.shape_update()" if shape.is_shape(source) else "",
        )
    ob = source.copy()
    ob.data = shape.mesh_of(source).copy()
    ob.name = ob.data.name = f"{source.name} {SUFFIX}"
    ob.shape_key_clear()
    former.forget(ob)
    if not _linked(ob, source):
        _remove(ob)
        raise Refusal(
            f"All collections of object '{source.name}' are linked or overridden",
            "Move it into a collection of this file",
        )
    _choose(context, ob)
    return ob


def remesh(
    context: bpy.types.Context,
    ob: bpy.types.Object,
    source: bpy.types.Object,
    *,
    quads: bool,
    faces: int,
    attributes: bool = True,
) -> int:
    """Give the active object about so many faces; how many it has then.

    Raises Refusal, in the name of the shape ``source``: the copy that cannot be made is removed.
    """
    if quads:
        _quadriflow(ob, source.name, faces, attributes=attributes)
    else:
        _decimate(context, ob, source.name, faces)
        if not attributes:
            _drop_layers(ob)
    return len(shape.mesh_of(ob).polygons)


def told(ob: bpy.types.Object, count: int, asked: int) -> tuple[bool, str]:
    """Whether the count is far off, and what came of it: where it is, with what to do."""
    if abs(count - asked) <= FAR_OFF * asked:
        return False, f"'{ob.name}': {count:,} faces"
    way = "more" if count < asked else "fewer"
    return True, (
        f"'{ob.name}': {count:,} faces, where {asked:,} were asked for: walls that are thin for "
        f"such faces make Quadriflow miss. Ask for {way}, or use Fewer Triangles (DECIMATE)"
    )


def discard(context: bpy.types.Context, ob: bpy.types.Object, source: bpy.types.Object) -> None:
    """Undo :func:`copy_of`."""
    _remove(ob)
    _choose(context, source)


def _quadriflow(ob: bpy.types.Object, name: str, faces: int, *, attributes: bool) -> None:
    mesh = shape.mesh_of(ob)
    bad = _merge_slivers(mesh)
    if bad:
        raise Refusal(
            f"Quadriflow cannot remesh object '{name}': {bad:,} of its edges have more than two "
            "faces, or faces that look opposite ways, or none, or next to no length",
            "Mend them (Edit Mode, Select > All by Trait > Non Manifold), or reduce triangles",
            script=_fewer_triangles(mesh, faces),
        )
    instead = _fewer_triangles(mesh, faces)
    before = _counts(mesh)
    done: set[str] = set()
    with suppress(RuntimeError):  # it reported an error: what it says is of no use to anybody
        done = bpy.ops.object.quadriflow_remesh(
            mode="FACES",
            target_faces=faces,
            use_preserve_boundary=True,
            preserve_attributes=attributes,
            smooth_normals=not mesh_upload.is_flat(mesh),
        )
    # The trap: Blender 4.2 says FINISHED where it failed, and leaves the mesh as it was.
    if done != {"FINISHED"} or _counts(shape.mesh_of(ob)) == before:
        raise Refusal(
            f"Blender's Quadriflow gave up on object '{name}'",
            "Ask for more faces, or reduce triangles (DECIMATE)",
            script=instead,
        )


def _counts(mesh: bpy.types.Mesh) -> tuple[int, int, int]:
    return len(mesh.vertices), len(mesh.edges), len(mesh.polygons)


def _fewer_triangles(mesh: bpy.types.Mesh, faces: int) -> str:
    """The call that reduces triangles to ``faces`` at most; empty where there are too few."""
    mesh.calc_loop_triangles()
    fewer = max(FEWEST, min(faces, len(mesh.loop_triangles) // 2))
    if fewer >= len(mesh.loop_triangles):
        return ""
    return f"bpy.ops.meshsdf.retopologise(method='DECIMATE', faces={fewer})"


def _merge_slivers(mesh: bpy.types.Mesh) -> int:
    """Collapse the shortest edges; how many edges are left that Quadriflow takes for broken.

    It calls every mesh with an edge below 1e-4 non-manifold, and a grid's surface has some.
    """
    whole = bmesh.new()
    try:
        whole.from_mesh(mesh)
        while merged := _mergeable(whole):
            bmesh.ops.weld_verts(whole, targetmap=merged)
        left = _slivers(whole)
        for _ in range(LENGTHENINGS):  # to draw one longer may make another shorter
            for edge in left:
                _lengthen(edge)
            left = _slivers(whole)
            if not left:
                break
        whole.to_mesh(mesh)
        broken = {e for e in whole.edges if not (e.is_contiguous or e.is_boundary)}
        return len(broken | set(left))
    finally:
        whole.free()


def _slivers(whole: bmesh.types.BMesh) -> list[bmesh.types.BMEdge]:
    """Edges that are too short, the shortest first."""
    lengths = ((edge.calc_length(), edge) for edge in whole.edges)
    short = [(length, edge) for length, edge in lengths if length < SHORTEST_EDGE]
    return [edge for _, edge in sorted(short, key=itemgetter(0))]


def _mergeable(whole: bmesh.types.BMesh) -> dict[bmesh.types.BMVert, bmesh.types.BMVert]:
    """Vertices that can go at once, and those that they become."""
    merged: dict[bmesh.types.BMVert, bmesh.types.BMVert] = {}
    taken: set[bmesh.types.BMVert] = set()
    for edge in _slivers(whole):
        kept, gone = edge.verts
        near = _ring(kept) | _ring(gone)
        if not taken & near and _can_go(edge):
            merged[gone] = kept
            taken |= near
    return merged


def _can_go(edge: bmesh.types.BMEdge) -> bool:
    """Whether the surface stays what it is where the ends of an edge are merged.

    The trap: where both have more in common than the corners across from the edge, two sides of
    the surface are glued together (the link condition; Dey et al., 1999). So they are where both
    lie on the boundary and the edge does not. Beside quads, which hand edits make, none goes.
    """
    first, second = edge.verts
    if any(len(face.verts) != TRIANGLE for face in edge.link_faces):
        return False
    across = {corner for face in edge.link_faces for corner in face.verts} - {first, second}
    if len(across) != len(edge.link_faces) or _ring(first) & _ring(second) != across:
        return False
    if {frozenset(face.verts) - {first} for face in first.link_faces} & {
        frozenset(face.verts) - {second} for face in second.link_faces
    }:  # one face across from both, as in a tetrahedron
        return False
    if edge.is_boundary:  # a triangle alone would be a mere edge
        return not all(side.is_boundary for face in edge.link_faces for side in face.edges)
    return not (first.is_boundary and second.is_boundary)


def _ring(vertex: bmesh.types.BMVert) -> set[bmesh.types.BMVert]:
    """Its neighbours."""
    return {edge.other_vert(vertex) for edge in vertex.link_edges}


def _lengthen(edge: bmesh.types.BMEdge) -> None:
    """Draw the ends of an edge apart that cannot be merged."""
    first, second = (end.co for end in edge.verts)
    middle, along = (first + second) / 2, second - first
    ways = along, edge.verts[0].normal.orthogonal(), Vector((1.0, 0.0, 0.0))
    # One end upon the other has no way between them, and what is folded flat no normal.
    way = next(each for each in ways if each.length > NO_LENGTH)
    half = way.normalized() * LENGTHENED / 2
    edge.verts[0].co, edge.verts[1].co = middle - half, middle + half


def _decimate(context: bpy.types.Context, ob: bpy.types.Object, name: str, faces: int) -> None:
    """Decimate the mesh as it is below the object's own modifiers."""
    mesh = shape.mesh_of(ob)
    mesh.calc_loop_triangles()
    count = len(mesh.loop_triangles)
    if faces >= count:
        raise Refusal(
            f"Object '{name}' has {count:,} triangles, and {faces:,} are asked for",
            "Ask for fewer faces",
        )
    shown = [(modifier, modifier.show_viewport) for modifier in ob.modifiers]
    for modifier, _ in shown:
        modifier.show_viewport = False
    decimate = ob.modifiers.new("MeshSDF", "DECIMATE")
    try:
        decimate.ratio = faces / count
        graph = context.evaluated_depsgraph_get()
        fewer = bpy.data.meshes.new_from_object(
            ob.evaluated_get(graph), preserve_all_data_layers=True, depsgraph=graph
        )
    finally:
        ob.modifiers.remove(decimate)
        for modifier, visible in shown:
            modifier.show_viewport = visible
    called = mesh.name
    ob.data = fewer
    bpy.data.meshes.remove(mesh)
    fewer.name = called


def _drop_layers(ob: bpy.types.Object) -> None:
    """Remove what is more than positions and faces."""
    mesh = shape.mesh_of(ob)
    own = OWN_LAYERS | {"material_index"}
    for name in [a.name for a in mesh.attributes if a.name not in own and not a.is_required]:
        layer: bpy.types.Attribute = mesh.attributes.get(name)
        if layer is not None:
            mesh.attributes.remove(layer)
    ob.vertex_groups.clear()


def _linked(ob: bpy.types.Object, source: bpy.types.Object) -> bool:
    """Whether the object could be put into one of the source's collections, or more."""
    done = False
    for collection in source.users_collection:
        try:
            collection.objects.link(ob)
            done = True
        except RuntimeError:  # a collection of a library
            continue
    return done


def _choose(context: bpy.types.Context, ob: bpy.types.Object) -> None:
    for other in context.selected_objects:
        other.select_set(False)
    ob.select_set(True)
    context.view_layer.objects.active = ob


def _remove(ob: bpy.types.Object) -> None:
    mesh = shape.mesh_of(ob)
    bpy.data.objects.remove(ob)
    bpy.data.meshes.remove(mesh)
