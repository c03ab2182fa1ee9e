"""The known shapes that are nearest to the active one, as pictures to go to."""

from __future__ import annotations

import bpy

from .. import running
from ..shapes import known_shapes
from ..trust import problems
from .tab import ShapeTab, draw_compared

PICTURE_SCALE = 3.4
BUTTON_PIXELS = 90  # of sidebar, a column


class MESHSDF_PT_known(ShapeTab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_known"
    bl_label = "Similar Known Shapes"
    bl_parent_id = "MESHSDF_PT_main"
    bl_order = 1
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, ob = self.layout, context.active_object
        known = known_shapes.nearest(ob)
        if not known:
            layout.operator("meshsdf.slider_show", icon="PLAY")
            return
        compared = draw_compared(layout, context)
        width = context.region.width / context.preferences.system.ui_scale
        grid = layout.grid_flow(
            row_major=True, columns=max(2, int(width / BUTTON_PIXELS)), even_columns=True
        )
        usable = not compared and running.current() is None
        grid.enabled = usable and problems.of_shape(ob) is None
        for shape in known:
            column = grid.column(align=True)
            column.template_icon(shape.icon, scale=PICTURE_SCALE)
            column.operator("meshsdf.known_shape", text=shape.name).shape = str(shape.number)


classes = (MESHSDF_PT_known,)
register, unregister = bpy.utils.register_classes_factory(classes)
