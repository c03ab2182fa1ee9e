"""What is fitted to: a target, or a list of cameras with a target each."""

from __future__ import annotations

import bpy

from .. import compat, running
from ..properties import SceneSettings
from ..views.target_properties import FitView
from ..views.view_list import active_view
from ..wording import counted
from .tab import ShapeTab


def draw_goal(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Above the button: the scene's target, or how many views there are."""
    settings = context.scene.meshsdf
    if len(settings.views):
        used = sum(view.use for view in settings.views)
        layout.label(
            text=f"{used} of {counted(len(settings.views), 'view')} on", icon="CAMERA_DATA"
        )
        return
    _draw_target(layout, context.scene, settings)


def _draw_target(
    layout: bpy.types.UILayout,
    scene: bpy.types.Scene,
    settings: SceneSettings | FitView,
) -> None:
    layout.use_property_split = True
    layout.use_property_decorate = False
    layout.prop(settings, "target")
    if settings.target == "IMAGE":
        layout.template_ID(settings, "image", open="image.open")
    elif settings.target == "OBJECT":
        layout.prop(settings, "object")
    elif settings.target == "MASK":
        layout.prop(settings, "mask")
    elif settings.target == "OUTLINE":
        _draw_outline(layout, scene, settings)
    if settings.target in {"IMAGE", "BACKGROUND"}:
        layout.prop(settings, "channel")
        layout.prop(settings, "threshold")
    layout.prop(settings, "invert")


def _draw_outline(
    layout: bpy.types.UILayout, scene: bpy.types.Scene, settings: SceneSettings | FitView
) -> None:
    layout.prop(settings, "outline")
    holder = settings.outline
    data = holder.data if holder is not None else compat.annotation(scene)
    if data is not None:
        layout.prop_search(settings, "layer", data, "layers", icon="OUTLINER_DATA_GP_LAYER")
    layout.operator("meshsdf.outline_draw", icon="GREASEPENCIL")


class MESHSDF_UL_views(bpy.types.UIList):
    bl_idname = "MESHSDF_UL_views"

    def draw_item(  # noqa: PLR0917  # Blender gives them by place
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: SceneSettings,
        item: FitView,
        icon: int,
        active_data: SceneSettings,
        active_property: str,
        index: int = 0,
        flt_flag: int = 0,
    ) -> None:
        row = layout.row(align=True)
        row.prop(item, "use", text="")
        row = row.row(align=True)
        row.active = item.use
        row.prop(
            item, "name", text="", emboss=False, icon="ERROR" if item.camera is None else "NONE"
        )
        kind = item.bl_rna.properties["target"].enum_items[item.target].name
        row.label(text=kind)


class MESHSDF_PT_views(ShapeTab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_views"
    bl_label = "Views"
    bl_parent_id = "MESHSDF_PT_fit"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.meshsdf
        layout.enabled = running.current() is None
        row = layout.row()
        rows = 5 if len(settings.views) else 2
        row.template_list(
            "MESHSDF_UL_views", "", settings, "views", settings, "view_index", rows=rows
        )
        column = row.column(align=True)
        column.operator("meshsdf.view_add", text="", icon="ADD")
        column.operator("meshsdf.view_remove", text="", icon="REMOVE")
        view = active_view(context.scene)
        if view is None:
            layout.label(text="Fits to the active camera alone", icon="INFO")
            return
        column.separator()
        column.operator("meshsdf.view_duplicate", text="", icon="DUPLICATE")
        column.operator("meshsdf.view_move", text="", icon="TRIA_UP").direction = "UP"
        column.operator("meshsdf.view_move", text="", icon="TRIA_DOWN").direction = "DOWN"
        layout.operator("meshsdf.view_look", icon="OUTLINER_OB_CAMERA")
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(view, "camera")
        column.prop(view, "weight")
        _draw_target(column, context.scene, view)


classes = (MESHSDF_UL_views, MESHSDF_PT_views)
register, unregister = bpy.utils.register_classes_factory(classes)
