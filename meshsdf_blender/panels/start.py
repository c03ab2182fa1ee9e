"""The top of the tab: which space, and a new shape of it."""

from __future__ import annotations

import bpy

from ..shapes import shape
from ..spaces import catalogue
from .tab import Tab


class MESHSDF_PT_main(Tab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_main"
    bl_label = "MeshSDF"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        column = layout.column(align=True)
        row = column.row(align=True)
        space, up = catalogue.chosen(context.scene)
        title = catalogue.title(space) if space else "No Space"
        row.menu("MESHSDF_MT_spaces", text=title, icon="MESH_DATA")
        row.operator("meshsdf.space_load", text="", icon="FILEBROWSER")
        row = column.row(align=True)
        row.scale_y = 1.3
        add = row.operator("meshsdf.shape_add", icon="ADD")
        add.space, add.up = space, up
        row.menu("MESHSDF_MT_known", text="", icon="DOWNARROW_HLT")
        if not shape.is_shape(context.active_object):
            layout.label(text="Add or select a shape to go on", icon="INFO")


classes = (MESHSDF_PT_main,)
register, unregister = bpy.utils.register_classes_factory(classes)
