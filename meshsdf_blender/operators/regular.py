"""From a shape to a regular mesh and back, and to one with fewer faces."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty

from ..after import former, retopology
from ..errors import Refusal
from ..shapes import chosen, shape
from .guarded import NeedsNoFit, NeedsShape
from .needs import NOT_COMPARED, OWN, Need

METHODS = (
    ("QUADRIFLOW", "Quads", "Lay a grid of quads over the surface, for subdividing and sculpting"),
    ("DECIMATE", "Fewer Triangles", "Merge the edges that matter least; takes open meshes too"),
)


class MESHSDF_OT_make_regular(NeedsShape, bpy.types.Operator):
    bl_idname = "meshsdf.make_regular"
    bl_label = "Make Regular Mesh"
    bl_description = (
        "Let the mesh be edited like any other; its code is kept, so that it can be a shape again"
    )
    bl_options = {"REGISTER", "UNDO"}

    forget: BoolProperty(
        name="Forget for Good",
        description="Drop code and settings too, so that there is no way back but undo",
    )

    def perform(self, context: bpy.types.Context) -> None:
        ob = context.active_object
        if self.forget:
            former.forget(ob)
        else:
            former.leave(ob)


def _is_or_was_shape(context: bpy.types.Context) -> None:
    ob = context.active_object
    if not (shape.is_shape(ob) or former.is_former(ob)):
        wanted = "Select a MeshSDF shape, or a regular mesh that was one"
        raise Refusal(wanted, script=chosen.selecting())


def _was_shape(context: bpy.types.Context) -> None:
    ob = context.active_object
    if shape.is_shape(ob):
        raise Refusal(f"Object '{ob.name}' is a shape already", "Nothing is to be made")
    if not former.is_former(ob):
        raise Refusal("Select a regular mesh that was a MeshSDF shape")


class NeedsMesh(NeedsNoFit):
    """An operator on the active shape, or on the regular mesh that it became."""

    needs = (
        Need("an active shape, or a regular mesh that was one", _is_or_was_shape),
        OWN,
        NOT_COMPARED,
    )


class MESHSDF_OT_make_shape(NeedsNoFit, bpy.types.Operator):
    bl_idname = "meshsdf.make_shape"
    bl_label = "Make Shape Again"
    bl_description = (
        "Replace the mesh by that of its code, with sliders and fits as before; "
        "a mesh that was edited stays in the file under another name"
    )
    bl_options = {"REGISTER", "UNDO"}

    needs = (Need("an active regular mesh that was a shape", _was_shape), OWN)

    def perform(self, context: bpy.types.Context) -> None:
        kept = former.back(context.active_object)
        if kept:
            self.report({"INFO"}, f"The edited mesh is kept as mesh '{kept}'")


class MESHSDF_OT_retopologise(NeedsMesh, bpy.types.Operator):
    bl_idname = "meshsdf.retopologise"
    bl_label = "Retopologise"
    bl_description = (
        "Add a regular mesh with an even flow of faces in the place of this one, "
        "which is hidden and stays as it is"
    )
    bl_options = {"REGISTER", "UNDO"}

    method: EnumProperty(name="Method", description="How the new faces are laid", items=METHODS)
    faces: IntProperty(
        name="Faces",
        description="How many there should be; what comes of it is near to that",
        default=2000,
        min=retopology.FEWEST,
        soft_min=200,
        soft_max=50000,
        max=1000000,
    )
    attributes: BoolProperty(
        name="Keep Attributes",
        description="Carry UV maps, colours, vertex groups and materials over to the new faces",
        default=True,
    )
    hide: BoolProperty(name="Hide the Shape", description="Show the new mesh alone", default=True)

    def perform(self, context: bpy.types.Context) -> None:
        source = context.active_object
        ob = retopology.copy_of(context, source)
        try:
            count = retopology.remesh(
                context,
                ob,
                source,
                quads=self.method == "QUADRIFLOW",
                faces=self.faces,
                attributes=self.attributes,
            )
        except BaseException:
            retopology.discard(context, ob, source)
            raise
        if self.hide:
            source.hide_set(True)
        far_off, told = retopology.told(ob, count, self.faces)
        self.report({"WARNING"} if far_off else {"INFO"}, told)


classes = (MESHSDF_OT_make_regular, MESHSDF_OT_make_shape, MESHSDF_OT_retopologise)
register, unregister = bpy.utils.register_classes_factory(classes)
