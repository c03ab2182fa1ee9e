"""Adding a shape: a mesh object with a code of a space."""

from __future__ import annotations

import bpy
from bpy.props import StringProperty

from .. import naming
from ..errors import Refusal
from ..shapes import shape, shape_new
from ..spaces import catalogue, pictures, space_choice
from .from_space import NewShape, space_of
from .guarded import InObjectMode, NeedsNoFit

MOST_IN_MENU = 40


def _known_shapes(
    operator: MESHSDF_OT_shape_add, context: bpy.types.Context, edit: str
) -> list[str]:
    space, up = space_of(operator, context)
    return catalogue.shape_choices(space, up)


class MESHSDF_OT_shape_add(NewShape, InObjectMode, NeedsNoFit, bpy.types.Operator):
    bl_idname = "meshsdf.shape_add"
    bl_label = "Add Shape"
    bl_description = "Add a mesh that a latent code of the chosen space drives"
    bl_options = {"REGISTER", "UNDO"}

    shape: StringProperty(
        name="Start from",
        description="A known shape by name or number; the mean of all where empty",
        search=_known_shapes,
    )

    def perform(self, context: bpy.types.Context) -> None:
        space, up = space_of(self, context)
        info = catalogue.info(space, up)
        code = info.code(self.shape)
        name = self.shape if info.is_named(self.shape) else info.name
        ob = shape_new.add(context, space, up, code, name=name, resolution=self.resolution)
        ob.location = context.scene.cursor.location


class MESHSDF_OT_shape_select(InObjectMode, NeedsNoFit, bpy.types.Operator):
    bl_idname = "meshsdf.shape_select"
    bl_label = "Select Shape"
    bl_description = "Make a shape of this scene the active object, so that the tab shows it"
    bl_options = {"REGISTER", "UNDO"}

    name: StringProperty(name="Shape", description="The object's name; the first shape if empty")

    def perform(self, context: bpy.types.Context) -> None:
        shapes = [ob for ob in context.view_layer.objects if shape.is_shape(ob)]
        found = next((ob for ob in shapes if self.name in {"", ob.name}), None)
        if found is None:
            there = naming.listed(ob.name for ob in shapes)
            raise Refusal(
                f"There is no shape '{self.name}' in this scene"
                if self.name
                else "No shape is here",
                f"Its shapes are: {there}" if there else "Add one with Add Shape",
                script="" if there else "bpy.ops.meshsdf.shape_add()",
            )
        found.hide_set(False)
        for other in context.selected_objects:
            other.select_set(False)
        found.select_set(True)
        context.view_layer.objects.active = found


class MESHSDF_MT_add(bpy.types.Menu):
    bl_idname = "MESHSDF_MT_add"
    bl_label = "MeshSDF Shape"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.operator_context = "EXEC_REGION_WIN"
        for space, up, title in space_choice.spaces(context.scene):
            add = layout.operator("meshsdf.shape_add", text=title, icon_value=pictures.icon(space))
            add.space, add.up = space, up


class MESHSDF_MT_known(bpy.types.Menu):
    bl_idname = "MESHSDF_MT_known"
    bl_label = "Add Known Shape"

    def draw(self, context: bpy.types.Context) -> None:
        space, up = catalogue.chosen(context.scene)
        layout = self.layout
        layout.operator_context = "EXEC_REGION_WIN"
        for name in catalogue.shape_choices(space, up)[:MOST_IN_MENU]:
            add = layout.operator("meshsdf.shape_add", text=name)
            add.space, add.up, add.shape = space, up, name


def _menu(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    menu.layout.menu(MESHSDF_MT_add.bl_idname, icon="OUTLINER_OB_MESH")


classes = (MESHSDF_OT_shape_add, MESHSDF_OT_shape_select, MESHSDF_MT_add, MESHSDF_MT_known)
_register, _unregister = bpy.utils.register_classes_factory(classes)


def register() -> None:
    _register()
    bpy.types.VIEW3D_MT_mesh_add.append(_menu)


def unregister() -> None:
    bpy.types.VIEW3D_MT_mesh_add.remove(_menu)
    _unregister()
