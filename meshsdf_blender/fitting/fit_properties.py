"""What is stored of a fit: its handles, the shape before it, and how its overlay is drawn."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, FloatProperty, PointerProperty, StringProperty


def _is_empty(handle: bpy.types.PropertyGroup, ob: bpy.types.Object) -> bool:
    return ob.type == "EMPTY" and ob != handle.id_data


def _picked(handle: ShapeHandle, _context: bpy.types.Context) -> None:
    """Let go of the empty that was added, or it would stay in the file after it is deleted."""
    if handle.made is not None and handle.made != handle.object:
        handle.made = None


class ShapeHandle(bpy.types.PropertyGroup):
    """One of ``Object.meshsdf.handles``: where the surface has to pass, see ``handles.py``.

    ``made`` is the empty that was added with the handle, and goes with it; None where another
    object was picked since.
    """

    # Given here anew, so that the list's search finds handles by it.
    name: StringProperty(name="Name", description="What to call this handle")
    object: PointerProperty(
        name="Empty",
        description="The empty that stands where the surface has to pass",
        type=bpy.types.Object,
        poll=_is_empty,
        update=_picked,
    )
    weight: FloatProperty(
        name="Weight",
        description="How strongly this handle draws the surface, beside the others and the views",
        default=1.0,
        min=0.01,
        soft_max=10.0,
        max=1000.0,
    )
    use: BoolProperty(
        name="Use", description="Fit to this handle; off keeps it for later", default=True
    )
    made: PointerProperty(
        name="Added",
        description="The empty that was added with it",
        type=bpy.types.Object,
        options={"HIDDEN"},
    )


class ShapeBefore(bpy.types.PropertyGroup):
    """``Object.meshsdf.before``: the shape that a fit began with, see ``before.py``."""

    mesh: PointerProperty(
        name="Other Mesh", description="The one of both that is not shown", type=bpy.types.Mesh
    )
    kept: StringProperty(
        name="Other Shape", description="Code, transform and readout of what is not shown, as JSON"
    )
    iou: FloatProperty(name="IoU Before", description="Overlap with the target before the fit")
    off: FloatProperty(
        name="Off Before",
        description="How far the surface was from its handles; -1: there were none",
        default=-1.0,
    )
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


classes = (ShapeHandle, ShapeBefore, OverlaySettings)
