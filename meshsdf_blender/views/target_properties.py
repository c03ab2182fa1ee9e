"""What is stored of targets: the scene's own, and a list of views with one each."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, PointerProperty, StringProperty

from ..compat import DRAWN_TYPES

TARGETS = (
    ("BACKGROUND", "Background", "Fit to the background image of the camera, as drawn"),
    ("IMAGE", "Image", "Fit to an image that fills the camera's frame"),
    ("OBJECT", "Object", "Fit to the silhouette of another object"),
    ("MASK", "Mask", "Fit to the filled outline of a mask datablock"),
    ("OUTLINE", "Drawn Outline", "Fit to the inside of strokes drawn through the camera"),
    (
        "RENDER",
        "Scene Render",
        "Render all else that the camera would render, without the fitted shape, and fit to the "
        "silhouette of that. It takes the place of the last render result",
    ),
)
CHANNELS = (
    ("AUTO", "Automatic", "Use alpha where the image has any transparency, else brightness"),
    ("ALPHA", "Alpha", "Pixels that are more opaque than the threshold are inside"),
    ("LUMINANCE", "Brightness", "Pixels that are brighter than the threshold are inside"),
)


def _is_camera(view: bpy.types.PropertyGroup, ob: bpy.types.Object) -> bool:
    return ob.type == "CAMERA"


def _is_drawn(settings: bpy.types.PropertyGroup, ob: bpy.types.Object) -> bool:
    return ob.type in DRAWN_TYPES


class Targeted:
    """A target: of the scene where it has no views, and of each view."""

    target: EnumProperty(name="Target", description="What to fit to", items=TARGETS)
    image: PointerProperty(
        name="Image", description="An image that fills the camera's frame", type=bpy.types.Image
    )
    object: PointerProperty(
        name="Object", description="The object whose outline to follow", type=bpy.types.Object
    )
    mask: PointerProperty(
        name="Mask", description="A mask with a closed outline", type=bpy.types.Mask
    )
    outline: PointerProperty(
        name="Strokes",
        description="A Grease Pencil object that holds the outline; none: the scene's annotations",
        type=bpy.types.Object,
        poll=_is_drawn,
    )
    layer: StringProperty(
        name="Layer", description="The layer that holds the outline; empty takes all visible ones"
    )
    channel: EnumProperty(
        name="Read From", description="What tells inside from outside", items=CHANNELS
    )
    threshold: FloatProperty(
        name="Threshold",
        description="Values above it are inside",
        default=0.5,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    invert: BoolProperty(name="Invert", description="Swap inside and outside")


class FitView(Targeted, bpy.types.PropertyGroup):
    """One of ``Scene.meshsdf.views``: a camera, and what the shape should look like from it."""

    # Given here anew, so that the list's search finds views by it.
    name: StringProperty(name="Name", description="What to call this view")
    camera: PointerProperty(
        name="Camera",
        description="The camera that sees the target",
        type=bpy.types.Object,
        poll=_is_camera,
    )
    weight: FloatProperty(
        name="Weight",
        description="How much this view counts beside the others",
        default=1.0,
        min=0.01,
        soft_max=10.0,
        max=1000.0,
    )
    use: BoolProperty(
        name="Use", description="Fit to this view; off keeps it for later", default=True
    )
