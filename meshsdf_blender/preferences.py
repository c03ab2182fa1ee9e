"""The add-on's preferences: which Python runs the worker, on which device, with how many threads.

The interpreter's path is kept here and nowhere in a .blend, so that opening a file runs nothing.
"""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty

from . import door
from .identity import ROOT_PACKAGE
from .panels.status_box import draw_status


def _restart(preferences: bpy.types.AddonPreferences, context: bpy.types.Context) -> None:
    door.close("shapes")  # a training goes on with what it began with


class MeshSDFPreferences(bpy.types.AddonPreferences):
    bl_idname = ROOT_PACKAGE

    interpreter: StringProperty(
        name="Python",
        description="The Python that runs the worker; it needs torch 2.6 or newer, scikit-image "
        "and numpy. Empty: one is searched for",
        subtype="FILE_PATH",
        update=_restart,
    )
    device: EnumProperty(
        name="Device",
        description="Where the decoder is evaluated",
        items=(
            ("cpu", "CPU", "Every machine has one; small spaces are fastest there"),
            ("cuda", "CUDA", "An NVIDIA graphics card; needs a CUDA build of torch"),
            ("mps", "Metal", "The graphics of an Apple computer"),
        ),
        update=_restart,
    )
    threads: IntProperty(
        name="Threads",
        description="Processor threads that the worker may use; 0 leaves a core to Blender",
        default=0,
        min=0,
        soft_max=16,
        max=256,
        update=_restart,
    )

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        column = layout.column()
        column.use_property_split = True
        column.prop(self, "interpreter")
        column.prop(self, "device")
        column.prop(self, "threads")
        draw_status(layout)


classes = (MeshSDFPreferences,)
register, unregister = bpy.utils.register_classes_factory(classes)
