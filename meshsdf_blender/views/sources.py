"""Which of Blender's data a target is read from: when one of them changes, so does the target."""

from __future__ import annotations

import bpy

from .. import compat
from .aims import Aim


def sources(scene: bpy.types.Scene, aim: Aim) -> frozenset[int]:
    """Their identities in this session, as far as Blender tells of their changes.

    None for a render, of which all in the scene is part: to follow it would be to render at every
    change.
    """
    settings, found = aim.settings, list[bpy.types.ID | None]()
    if settings.target == "BACKGROUND" and aim.camera is not None:
        data = aim.camera.data
        found = [data, *(each.image for each in getattr(data, "background_images", ()))]
    elif settings.target == "IMAGE":
        found = [settings.image]
    elif settings.target == "OBJECT":
        found = [settings.object]
    elif settings.target == "MASK":
        found = [settings.mask]
    elif settings.target == "OUTLINE":
        holder = settings.outline
        found = [compat.annotation(scene)] if holder is None else [holder, holder.data]
    return frozenset(each.session_uid for each in found if each is not None)
