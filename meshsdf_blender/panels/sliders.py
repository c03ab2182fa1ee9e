"""A shape's sliders, each with its reset and its lock."""

from __future__ import annotations

import bpy

from .. import running
from ..properties import ObjectSettings
from ..shapes import slide
from ..spaces import space_sliders
from ..trust import problems
from .tab import ShapeTab, draw_compared

FIRST = 6  # sliders that are shown at once, so that Fit stays in sight
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
        compared = draw_compared(layout, context)
        usable = not compared and running.current() is None and problems.of_shape(ob) is None
        row = layout.row(align=True)
        row.enabled = usable
        row.operator("meshsdf.randomise", icon="FILE_REFRESH")
        row.prop(context.scene.meshsdf, "changed_only", text="", icon="FILTER")
        row.operator("meshsdf.slider_reset", text="", icon="LOOP_BACK").slider = ""
        column = layout.column(align=True)
        column.enabled = usable
        values, settings = slide.values(ob), context.scene.meshsdf
        listed = known.named[: len(values)]
        for number, named in enumerate(listed):
            changed = bool(abs(values[number]) > CHANGED)  # not NumPy's: RNA refuses it
            if changed if settings.changed_only else number < FIRST or settings.all_sliders:
                _draw_slider(column, ob.meshsdf, number, named.name, changed=changed)
        if len(listed) > FIRST and not settings.changed_only:
            text = "Show Fewer" if settings.all_sliders else f"Show All {len(listed)}"
            layout.prop(settings, "all_sliders", text=text, toggle=True)


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
