"""What is fitted to: the target, as one camera sees it."""

from __future__ import annotations

import bpy

from ..properties import SceneSettings


def draw_goal(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The target, above the button."""
    _draw_target(layout, context, context.scene.meshsdf)


def _draw_target(
    layout: bpy.types.UILayout, context: bpy.types.Context, settings: SceneSettings
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
    if settings.target in {"IMAGE", "BACKGROUND"}:
        layout.prop(settings, "channel")
        layout.prop(settings, "threshold")
    layout.prop(settings, "invert")
    camera = context.scene.camera
    if camera is None:
        layout.label(text="The scene has no active camera", icon="ERROR")
    elif settings.target == "BACKGROUND" and not _shows_background(camera):
        layout.label(text=f"'{camera.name}' shows no background image", icon="ERROR")


def _shows_background(camera: bpy.types.Object) -> bool:
    backgrounds = getattr(camera.data, "background_images", ())
    shown = getattr(camera.data, "show_background_images", False)
    return shown and any(b.show_background_image and (b.image or b.clip) for b in backgrounds)
