"""What a fit aims at: each camera with the settings of its target."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from ..errors import Refusal
from .camera import other_cameras


@dataclass(frozen=True)
class Aim:
    """A camera, the settings of what it should see, and how much that counts.

    ``name`` and ``index`` are the view's; empty and -1 where the scene has no views. Good for one
    operator's run only: it holds Blender's data.
    """

    name: str
    camera: bpy.types.Object | None
    settings: bpy.types.PropertyGroup
    weight: float = 1.0
    index: int = -1

    def named(self, refusal: Refusal) -> Refusal:
        """The refusal with the view's name before it, and with fixes that mend this view."""
        if self.index < 0:
            return refusal
        fixes = tuple(fix.for_view(self.index) for fix in refusal.fixes)
        problem = f"View '{self.name}': {refusal.problem}"
        return Refusal(problem, refusal.remedy, fixes=fixes, script=refusal.script)


def scene_aim(scene: bpy.types.Scene) -> Aim:
    """The scene's own: its active camera and its target."""
    return Aim("", scene.camera, scene.meshsdf)


def aim_of(scene: bpy.types.Scene, index: int) -> Aim:
    """One view, on or off; -1 is the one chosen in the list, or the scene's own without views.

    Raises Refusal where there is no such view.
    """
    settings = scene.meshsdf
    views = settings.views
    if index < 0:
        if not len(views):
            return scene_aim(scene)
        index = min(settings.view_index, len(views) - 1)
    if index >= len(views):
        there = ", ".join(f"{number} ({view.name})" for number, view in enumerate(views))
        raise Refusal(
            f"There is no view {index}",
            f"The scene's views are: {there}" if there else "The scene has none: leave it out",
        )
    view = views[index]
    return Aim(view.name, view.camera, view, view.weight, index)


def is_set(scene: bpy.types.Scene) -> bool:
    """Whether anything is set to aim at: a view that is on, or without views the scene's target.

    What is set may still be refused: a camera that is missing, an image that cannot be read.
    """
    settings, camera = scene.meshsdf, scene.camera
    if len(settings.views):
        return any(view.use for view in settings.views)
    if settings.target == "BACKGROUND":
        shows = camera is not None and camera.type == "CAMERA"
        return shows and len(camera.data.background_images) > 0
    chosen = {"IMAGE": settings.image, "OBJECT": settings.object, "MASK": settings.mask}
    return chosen.get(settings.target, settings) is not None


def scene_aims(scene: bpy.types.Scene) -> list[Aim]:
    """The views that are on; where there is none at all, the scene's own. Raises Refusal."""
    views = scene.meshsdf.views
    if not len(views):
        return [scene_aim(scene)]
    aims = [aim_of(scene, index) for index, view in enumerate(views) if view.use]
    if not aims:
        raise Refusal(
            "All views are off",
            "Turn on a view in the list, or remove them all",
            script="bpy.context.scene.meshsdf.views[0].use = True",
        )
    for aim in aims:
        # A deleted camera stays in the file while a view points to it.
        if aim.camera is None:
            raise aim.named(
                Refusal(
                    "Its camera is gone",
                    "Pick a camera for it, or turn it off",
                    fixes=other_cameras(scene),
                )
            )
        if scene.objects.get(aim.camera.name) != aim.camera:
            raise aim.named(
                Refusal(
                    f"Camera '{aim.camera.name}' is not in scene '{scene.name}'",
                    "Pick another camera for it, or turn it off",
                    fixes=other_cameras(scene),
                )
            )
    return aims
