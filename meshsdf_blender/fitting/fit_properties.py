"""What is stored of a fit: the shape before it, and how its overlay is drawn."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, FloatProperty, PointerProperty, StringProperty


class ShapeBefore(bpy.types.PropertyGroup):
    """``Object.meshsdf.before``: the shape that a fit began with, see ``before.py``."""

    mesh: PointerProperty(
        name="Other Mesh", description="The one of both that is not shown", type=bpy.types.Mesh
    )
    kept: StringProperty(
        name="Other Shape", description="Code, transform and readout of what is not shown, as JSON"
    )
    iou: FloatProperty(name="IoU Before", description="Overlap with the target before the fit")
    shown: BoolProperty(name="Before", description="Whether the shape before the fit is shown")


class OverlaySettings(bpy.types.PropertyGroup):
    """``Scene.meshsdf.overlay``."""

    show: BoolProperty(
        name="Show Overlay",
        description="Draw the outlines of target and shape over the camera's view, from Preview "
        "or the start of a fit until it is accepted",
        default=True,
    )
    opacity: FloatProperty(
        name="Opacity",
        description="How strongly areas are tinted where target and shape disagree",
        default=0.35,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )


classes = (ShapeBefore, OverlaySettings)
