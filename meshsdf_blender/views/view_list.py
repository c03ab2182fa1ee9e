"""The scene's list of views: its entries added, copied and looked through."""

from __future__ import annotations

import bpy

from ..errors import Refusal
from .camera import check_camera, other_cameras
from .target_properties import FitView, Targeted

OF_A_VIEW = ("camera", "weight", "use")


def active_view(scene: bpy.types.Scene) -> FitView | None:
    """The view that is chosen in the list, or None where the list is empty."""
    settings = scene.meshsdf
    if not len(settings.views):
        return None
    return settings.views[min(settings.view_index, len(settings.views) - 1)]


def active_target(scene: bpy.types.Scene) -> bpy.types.PropertyGroup:
    """Where the target is set: the chosen view, or the scene where there are no views."""
    return active_view(scene) or scene.meshsdf


def chosen_view(scene: bpy.types.Scene) -> FitView:
    """The view that is chosen in the list. Raises Refusal where there is none."""
    view = active_view(scene)
    if view is None:
        raise Refusal("There are no views: add one first", script="bpy.ops.meshsdf.view_add()")
    return view


def add(scene: bpy.types.Scene, name: str = "", camera: bpy.types.Object | None = None) -> FitView:
    """A view of ``camera``, or else the active one, with the target that is set now."""
    camera = check_camera(scene, camera)
    copied = _targets(active_target(scene))
    view = _appended(scene, name or camera.name)
    _write(view, {**copied, "camera": camera})
    return view


def duplicate(scene: bpy.types.Scene) -> FitView:
    """A copy of the chosen view, at the end of the list. Raises Refusal."""
    source = chosen_view(scene)
    # Read first: adding an entry may move the others in memory.
    copied = _targets(source) | {name: getattr(source, name) for name in OF_A_VIEW}
    view = _appended(scene, source.name)
    _write(view, copied)
    return view


def remove(scene: bpy.types.Scene) -> None:
    """Take the chosen view out. Raises Refusal."""
    chosen_view(scene)
    settings = scene.meshsdf
    settings.views.remove(min(settings.view_index, len(settings.views) - 1))
    settings.view_index = max(0, min(settings.view_index, len(settings.views) - 1))


def move(scene: bpy.types.Scene, by: int) -> None:
    """Move the chosen view in the list, as far as there is room. Raises Refusal."""
    chosen_view(scene)
    settings = scene.meshsdf
    last = len(settings.views) - 1
    start = min(settings.view_index, last)
    end = max(0, min(start + by, last))
    settings.views.move(start, end)
    settings.view_index = end


def look_through(context: bpy.types.Context, camera: bpy.types.Object) -> None:
    """Make a camera the scene's, and look through it where there is a window."""
    scene = context.scene
    if scene.objects.get(camera.name) != camera:
        raise Refusal(
            f"Camera '{camera.name}' is not in this scene",
            "Pick another camera",
            fixes=other_cameras(scene),
        )
    scene.camera = camera
    area = view_area(context)
    if area is not None:
        area.spaces.active.use_local_camera = False
        area.spaces.active.region_3d.view_perspective = "CAMERA"


def view_area(context: bpy.types.Context) -> bpy.types.Area | None:
    """The 3D view that is used, else the first of the window; None without a window."""
    if bpy.app.background or context.window is None:
        return None
    areas = [context.area, *context.window.screen.areas]
    return next((area for area in areas if area is not None and area.type == "VIEW_3D"), None)


def _targets(settings: bpy.types.PropertyGroup) -> dict[str, object]:
    return {name: getattr(settings, name) for name in Targeted.__annotations__}


def _appended(scene: bpy.types.Scene, name: str) -> FitView:
    settings = scene.meshsdf
    taken = {view.name for view in settings.views}
    unique, number = name, 0
    while unique in taken:
        number += 1
        unique = f"{name}.{number:03}"
    view = settings.views.add()
    view.name = unique
    settings.view_index = len(settings.views) - 1
    return view


def _write(view: FitView, values: dict[str, object]) -> None:
    for name, value in values.items():
        setattr(view, name, value)
