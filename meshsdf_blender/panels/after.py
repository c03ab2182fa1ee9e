"""What comes after a shape: a regular mesh and the way back, new faces, a script."""

from __future__ import annotations

import bpy

from ..after import former
from ..shapes import shape
from .tab import Tab


class MESHSDF_PT_after(Tab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_after"
    bl_label = "Finish"
    bl_parent_id = "MESHSDF_PT_main"
    bl_order = 5
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        ob = context.active_object
        return shape.is_shape(ob) or former.is_former(ob)

    def draw(self, context: bpy.types.Context) -> None:
        layout, ob = self.layout, context.active_object
        layout.use_property_split = True
        layout.use_property_decorate = False
        if former.is_former(ob):
            layout.label(text="A regular mesh, once a shape", icon="MESH_DATA")
            layout.prop(ob.meshsdf.after, "space")
            layout.operator("meshsdf.make_shape", icon="LOOP_BACK")
        else:
            layout.operator("meshsdf.make_regular", icon="MESH_DATA")
        column = layout.column(align=True)
        column.operator_context = "EXEC_DEFAULT"
        quads = column.operator(
            "meshsdf.retopologise", text="Retopologise to Quads", icon="MOD_REMESH"
        )
        quads.method = "QUADRIFLOW"
        fewer = column.operator("meshsdf.retopologise", text="Reduce Triangles", icon="MOD_DECIM")
        fewer.method = "DECIMATE"
        row = layout.row(align=True)
        row.operator("meshsdf.copy_script", icon="COPYDOWN").as_text = False
        row.operator("meshsdf.copy_script", text="", icon="TEXT").as_text = True


classes = (MESHSDF_PT_after,)
register, unregister = bpy.utils.register_classes_factory(classes)
