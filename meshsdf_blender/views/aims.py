"""What a fit aims at: each camera with the settings of its target."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from ..errors import Refusal


@dataclass(frozen=True)
class Aim:
    """A camera, the settings of what it should see, and how much that counts.

    ``name`` is the view's, or empty where the scene has no views. Good for one operator's run
    only: it holds Blender's data.
    """

    name: str
    camera: bpy.types.Object | None
    settings: bpy.types.PropertyGroup
    weight: float = 1.0

    def named(self, refusal: Refusal) -> Refusal:
        """The refusal with the view's name before it."""
        if not self.name:
            return refusal
        return Refusal(f"View '{self.name}': {refusal.problem}", refusal.remedy)


def scene_aim(scene: bpy.types.Scene) -> Aim:
    """The scene's own: its active camera and its target."""
    return Aim("", scene.camera, scene.meshsdf)


def scene_aims(scene: bpy.types.Scene) -> list[Aim]:
    """The views that are on; where there is none at all, the scene's own. Raises Refusal."""
    views = scene.meshsdf.views
    if not len(views):
        return [scene_aim(scene)]
    aims = [Aim(view.name, view.camera, view, view.weight) for view in views if view.use]
    if not aims:
        raise Refusal("All views are off", "Turn on a view in the list, or remove them all")
    for aim in aims:
        # A deleted camera stays in the file while a view points to it.
        if aim.camera is None:
            raise aim.named(Refusal("Its camera is gone", "Pick a camera for it, or turn it off"))
        if scene.objects.get(aim.camera.name) != aim.camera:
            raise aim.named(
                Refusal(
                    f"Camera '{aim.camera.name}' is not in scene '{scene.name}'",
                    "Pick another camera for it, or turn it off",
                )
            )
    return aims
