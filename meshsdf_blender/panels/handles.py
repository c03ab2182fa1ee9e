"""The handles of a shape: where its surface has to pass."""

from __future__ import annotations

import bpy

from .. import running
from ..fitting import handles
from ..fitting.fit_properties import ShapeHandle
from ..properties import ObjectSettings
from .tab import ShapeTab, draw_compared


class MESHSDF_UL_handles(bpy.types.UIList):
    bl_idname = "MESHSDF_UL_handles"

    def draw_item(  # noqa: PLR0917  # Blender gives them by place
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: ObjectSettings,
        item: ShapeHandle,
        icon: int,
        active_data: ObjectSettings,
        active_property: str,
        index: int = 0,
        flt_flag: int = 0,
    ) -> None:
        row = layout.row(align=True)
        row.prop(item, "use", text="")
        row = row.row(align=True)
        row.active = item.use
        problem = handles.wrong(context.scene, item)
        row.prop(item, "name", text="", emboss=False, icon="ERROR" if problem else "NONE")
        row.label(text=problem or (f"{item.weight:.3g} x" if item.weight != 1.0 else ""))


class MESHSDF_PT_handles(ShapeTab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_handles"
    bl_label = "Handles"
    bl_parent_id = "MESHSDF_PT_fit"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.active_object.meshsdf
        compared = draw_compared(layout, context)
        layout = layout.column()
        layout.enabled = running.current() is None and not compared
        row = layout.row()
        rows = 4 if len(settings.handles) else 2
        row.template_list(
            "MESHSDF_UL_handles", "", settings, "handles", settings, "handle_index", rows=rows
        )
        column = row.column(align=True)
        column.operator("meshsdf.handle_add", text="", icon="ADD")
        column.operator("meshsdf.handle_remove", text="", icon="REMOVE")
        handle = handles.active(context.active_object)
        if handle is None:
            layout.label(text="Add one, drag it, and Fit follows", icon="INFO")
            return
        layout.operator("meshsdf.handle_select", icon="RESTRICT_SELECT_OFF")
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(handle, "object")
        column.prop(handle, "weight")


classes = (MESHSDF_UL_handles, MESHSDF_PT_handles)
register, unregister = bpy.utils.register_classes_factory(classes)
