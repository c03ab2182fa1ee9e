"""Adding a shape: a mesh object with a code of a space."""

from __future__ import annotations

import bpy
from bpy.props import StringProperty

from .. import hidden, in_scripts, naming
from ..errors import Refusal
from ..shapes import shape, shape_new
from ..spaces import catalogue, pictures, space_choice
from .from_space import NewShape, space_of, there
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
        space, up = there(self, context)
        info = catalogue.info(space, up)
        code = info.code(self.shape)
        name = self.shape if info.is_named(self.shape) else info.name
        ob = shape_new.add(context, space, up, code, name=name, resolution=self.resolution)
        ob.location = context.scene.cursor.location


class MESHSDF_OT_shape_select(InObjectMode, NeedsNoFit, bpy.types.Operator):
    bl_idname = "meshsdf.shape_select"
    bl_label = "Select Shape"
    bl_description = (
        "Make a shape of this scene the active object, so that the tab shows it; one that was "
        "hidden (H) is shown again"
    )
    bl_options = {"REGISTER", "UNDO"}

    name: StringProperty(
        name="Shape", description="The object's name, in any case; the first shape if empty"
    )

    def perform(self, context: bpy.types.Context) -> None:
        found = _shape_called(self.name, context)
        was_hidden = found.hide_get()
        found.hide_set(False)
        if not found.visible_get():
            self.report({"WARNING"}, f"'{found.name}' is still hidden: {hidden.advice(found)}")
        elif was_hidden:
            self.report({"INFO"}, f"'{found.name}' was hidden, and is shown again")
        for other in context.selected_objects:
            other.select_set(False)
        found.select_set(True)
        context.view_layer.objects.active = found


def _shape_called(name: str, context: bpy.types.Context) -> bpy.types.Object:
    """A shape that can be active, by its name in any case; the first without one. Refusal."""
    layer = context.view_layer.objects
    # The scene also has those in collections that the view layer leaves out: they come last.
    shapes = sorted(
        (ob for ob in context.scene.objects if shape.is_shape(ob)),
        key=lambda ob: layer.get(ob.name) != ob,
    )
    at = naming.place(name, [ob.name for ob in shapes]) if name else 0
    if not shapes or at is None:
        there = naming.listed(ob.name for ob in shapes)
        raise Refusal(
            f"There is no shape '{name}' in this scene" if name else "No shape is here",
            f"Its shapes are: {there}" if there else "Add one with Add Shape",
            script="" if there else "bpy.ops.meshsdf.shape_add()",
        )
    found = shapes[at]
    if layer.get(found.name) != found:
        show = hidden.advice(found)
        raise Refusal(
            f"Shape '{found.name}' is in a collection that is left out of the view layer",
            f"{show[0].upper()}{show[1:]}" if show else "Link it to this scene",
            script=in_scripts.showing(found),
        )
    return found


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
