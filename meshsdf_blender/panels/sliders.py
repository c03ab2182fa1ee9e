"""A shape's sliders, each with its reset and its lock."""

from __future__ import annotations

import bpy

from .. import running
from ..properties import ObjectSettings
from ..shapes import mesh_upload, slide
from ..spaces import space_sliders
from .tab import ShapeTab, draw_compared

CHANGED = 5e-3  # a slider that shows 0.00 is at rest


class MESHSDF_PT_sliders(ShapeTab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_sliders"
    bl_label = "Sliders"
    bl_parent_id = "MESHSDF_PT_main"
    bl_order = 0

    def draw(self, context: bpy.types.Context) -> None:
        layout, ob = self.layout, context.active_object
        known = slide.of(ob)
        if known is None:
            space_sliders.want(ob.meshsdf.space, ob.meshsdf.up, ob.library)
            layout.operator("meshsdf.slider_show", icon="PLAY")
            return
        draw_compared(layout, context)
        row = layout.row(align=True)
        row.operator("meshsdf.randomise", icon="FILE_REFRESH")
        row.prop(context.scene.meshsdf, "changed_only", text="", icon="FILTER")
        row.operator("meshsdf.slider_reset", text="", icon="LOOP_BACK").slider = ""
        column = layout.column(align=True)
        column.enabled = running.current() is None and mesh_upload.is_editable(ob)
        values = slide.values(ob)
        for number, named in enumerate(known.named[: len(values)]):
            changed = bool(abs(values[number]) > CHANGED)  # not NumPy's: RNA refuses it
            if changed or not context.scene.meshsdf.changed_only:
                _draw_slider(column, ob.meshsdf, number, named.name, changed=changed)


def _draw_slider(
    layout: bpy.types.UILayout, settings: ObjectSettings, number: int, name: str, *, changed: bool
) -> None:
    row = layout.row(align=True)
    row.prop(settings, f"slider_{number + 1}", text=name, slider=True)
    reset = row.row(align=True)
    reset.enabled = changed
    reset.operator("meshsdf.slider_reset", text="", icon="LOOP_BACK").slider = str(number + 1)
    locked = settings.locks[number]
    row.prop(settings, "locks", index=number, text="", icon="LOCKED" if locked else "UNLOCKED")


classes = (MESHSDF_PT_sliders,)
register, unregister = bpy.utils.register_classes_factory(classes)
