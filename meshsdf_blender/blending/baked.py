"""A baked shape in Blender's data: one object whose nodes show the mesh of the frame.

All frames lie in a collection of their own that is in no scene; Geometry Nodes of Blender's own
pick one of it by the scene's time. So renders, exports and farms need no add-on, and an Alembic
export writes each frame with its own faces.
"""

from __future__ import annotations

from typing import Protocol

import bpy

from ..compat import channel_lists, own_action
from ..shapes import mesh_upload, shape
from . import channels
from .mesh_cache import Key, Meshed

MODIFIER = "Baked Frames"


class Frames(Protocol):
    """What was baked: a key for each frame, and the mesh of each key."""

    start: int
    step: int
    keys: list[Key]
    meshes: dict[Key, Meshed]


def add(layer: bpy.types.ViewLayer, ob: bpy.types.Object, found: Frames) -> bpy.types.Object:
    """A copy of the shape that shows its baked frames, active; the shape itself gets hidden.

    It keeps transform, parents, modifiers and materials, and whatever of these is animated.
    """
    name = f"{ob.name} Baked"
    meshes = {
        known: _mesh(ob, f"{name} {number:04d}", meshed)
        for number, (known, meshed) in enumerate(found.meshes.items(), 1)
    }
    collection = bpy.data.collections.new(f"{name} Frames")
    for number, known in enumerate(found.keys):  # the nodes take them in the order of their names
        frame = bpy.data.objects.new(f"{name} {number:06d}", meshes[known])
        collection.objects.link(frame)
    copy = _plain_copy(ob, name, meshes[found.keys[0]])
    nodes = _nodes(name, collection, found)
    modifier = copy.modifiers.new(MODIFIER, "NODES")
    modifier.node_group = nodes
    copy.modifiers.move(len(copy.modifiers) - 1, 0)
    for place in ob.users_collection:
        if place.library is None and place.override_library is None:
            place.objects.link(copy)
    ob.hide_render = True
    ob.hide_set(True, view_layer=layer)
    ob.select_set(False, view_layer=layer)
    copy.select_set(True, view_layer=layer)
    layer.objects.active = copy
    return copy


def _mesh(ob: bpy.types.Object, name: str, meshed: Meshed) -> bpy.types.Mesh:
    """A mesh with the materials and the shading of the shape's."""
    mesh: bpy.types.Mesh = shape.mesh_of(ob).copy()
    mesh.name = name
    mesh_upload.upload(mesh, meshed.vertices, meshed.faces)
    return mesh


def _plain_copy(ob: bpy.types.Object, name: str, mesh: bpy.types.Mesh) -> bpy.types.Object:
    """The object as it is, without what makes it a shape of ours."""
    copy: bpy.types.Object = ob.copy()
    copy.name = name
    copy.data = mesh
    shape.forget(copy)
    action = own_action(copy)
    for owner, curves in channel_lists(copy):
        if owner in (copy, action):  # strips share theirs; without a code they do nothing
            for curve in [each for each in curves if channels.moves_code(each.data_path)]:
                curves.remove(curve)
    return copy


def _nodes(
    name: str, collection: bpy.types.Collection, found: Frames
) -> bpy.types.GeometryNodeTree:
    """Nodes that show one object of the collection, by the scene's time.

    The trap: since 5.1 the mesh of a lone instance keeps its own name when it is made real, and an
    Alembic export takes another name for another object. A loose point that is joined to it, and
    removed again, makes all frames one object.
    """
    tree: bpy.types.GeometryNodeTree = bpy.data.node_groups.new(name, "GeometryNodeTree")  # type: ignore[assignment]
    tree.is_modifier = True
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    chain = _Chain(tree)
    place = chain.add("GeometryNodeInputSceneTime").outputs["Frame"]
    place = chain.maths("SUBTRACT", place, float(found.start))
    place = chain.maths("DIVIDE", place, float(found.step))
    place = chain.maths("FLOOR", place)
    place = chain.maths("MAXIMUM", place, 0.0)
    place = chain.maths("MINIMUM", place, float(len(found.keys) - 1))
    shown = chain.maths("COMPARE", chain.add("GeometryNodeInputIndex").outputs[0], place)
    every = chain.add("GeometryNodeCollectionInfo")
    every.inputs["Collection"].default_value = collection
    every.inputs["Separate Children"].default_value = True
    every.inputs["Reset Children"].default_value = True
    one = chain.add("GeometryNodeSeparateGeometry", every.outputs[0], domain="INSTANCE")
    tree.links.new(shown, one.inputs["Selection"])
    point = chain.add("GeometryNodeMeshLine")
    point.inputs["Count"].default_value = 1
    real = chain.add("GeometryNodeRealizeInstances", one.outputs["Selection"])
    # The part that is linked last comes first, and gives its name to the whole.
    both = chain.add("GeometryNodeJoinGeometry", real.outputs[0])
    tree.links.new(point.outputs[0], both.inputs[0])
    around = chain.add("GeometryNodeInputMeshVertexNeighbors").outputs["Face Count"]
    loose = chain.maths("COMPARE", around, 0.0)
    clean = chain.add("GeometryNodeDeleteGeometry", both.outputs[0], domain="POINT")
    tree.links.new(loose, clean.inputs["Selection"])
    chain.add("NodeGroupOutput", clean.outputs[0])
    return tree


class _Chain:
    """Nodes that are added one after the other, from left to right."""

    def __init__(self, tree: bpy.types.GeometryNodeTree) -> None:
        self._tree = tree

    def add(
        self, kind: str, given: bpy.types.NodeSocket | None = None, **settings: str
    ) -> bpy.types.Node:
        """A node; ``given`` goes into its first socket."""
        node = self._tree.nodes.new(kind)
        node.location = (180 * len(self._tree.nodes), 0)
        for name, value in settings.items():
            setattr(node, name, value)
        if given is not None:
            self._tree.links.new(given, node.inputs[0])
        return node

    def maths(
        self,
        operation: str,
        value: bpy.types.NodeSocket,
        other: bpy.types.NodeSocket | float | None = None,
    ) -> bpy.types.NodeSocket:
        """A number of one or two; COMPARE tells whether two whole numbers are the same."""
        node = self.add("ShaderNodeMath", value, operation=operation)
        if isinstance(other, float):
            node.inputs[1].default_value = other
        elif other is not None:
            self._tree.links.new(other, node.inputs[1])
        if operation == "COMPARE":
            node.inputs[2].default_value = 0.25
        return node.outputs[0]
