"""What is wrong now, found by the very checks that the operators make: for drawing, so no disk.

Each ladder stops at its first problem. A problem is a Refusal: what is wrong, what to do, and the
buttons that do it.
"""

from __future__ import annotations

from collections.abc import Callable

import bpy

from .. import blend_path, door, running
from ..blending import standing
from ..errors import Fix, Refusal
from ..fitting import handles
from ..identity import preferences
from ..shapes import codes, mesh_upload, shape
from ..spaces import catalogue
from ..views import targets
from ..views.camera import check_camera
from ..views.image_pixels import unreadable
from . import presence, told


def shown(context: bpy.types.Context) -> list[Refusal]:
    """What the top of the tab shows: the worker, the active shape, renders, the last refusal."""
    if running.current() is not None:
        return []
    every = of_worker(), of_shape(context.active_object), of_render(context.scene)
    found = [problem for problem in every if problem]
    last = told.last()
    if last is None:
        return found
    of_fitting = of_fit(context)
    if str(last) in {str(problem) for problem in (*found, of_fitting) if problem}:
        # It lasts, so it is found each time; and it goes when it is mended, by whatever means.
        told.forget()
        return found
    return [*found, last]


def of_worker() -> Refusal | None:
    """Why there is no worker, if it failed."""
    status = door.status
    if status.state != "failed":
        return None
    settings = preferences()
    fixes = [Fix("meshsdf.choose_python", "Choose Python", icon="PREFERENCES")]
    if status.command:
        fixes.append(Fix("meshsdf.copy_command", "Copy Install Command", icon="CONSOLE"))
    if settings is not None and settings.interpreter:
        fixes.append(Fix("meshsdf.fix_python", "Find Another Python", icon="VIEWZOOM"))
    fixes.append(Fix("meshsdf.worker_check", "Check Again", icon="FILE_REFRESH"))
    return Refusal(status.problem, status.remedy, fixes=tuple(fixes))


def of_shape(ob: bpy.types.Object | None) -> Refusal | None:
    """What keeps the active shape from being changed, unless the artist chose that: Show Before."""
    if not shape.is_shape(ob):
        return None
    return _first(
        lambda: mesh_upload.check_own(ob),
        lambda: mesh_upload.check_replaceable(ob),
        lambda: _check_space(ob),
        lambda: _check_code(ob),
    )


def of_render(scene: bpy.types.Scene) -> Refusal | None:
    """What renders would show wrongly."""
    if not standing.in_renders(scene):
        return None
    return Refusal(
        "Renders show animated shapes standing still",
        "Lock the interface while Blender renders, or bake the frames (panel Blend)",
        fixes=(Fix("meshsdf.lock_interface", "Lock Interface", icon="LOCKED"),),
    )


def of_fit(context: bpy.types.Context) -> Refusal | None:
    """What keeps the active shape from being fitted, as the scene is set up."""
    ob = context.active_object
    if not shape.is_shape(ob):
        return None
    return _first(lambda: handles.check(context.scene, ob), lambda: _check_aims(context.scene, ob))


def _first(*checks: Callable[[], object]) -> Refusal | None:
    for check in checks:
        try:
            check()
        except Refusal as refusal:
            return refusal
    return None


def _check_space(ob: bpy.types.Object) -> None:
    space = ob.meshsdf.space
    blend_path.check(space, ob.library)
    if presence.is_missing(catalogue.location(space, ob.library)):
        raise catalogue.gone(space, ob.library)


def _check_code(ob: bpy.types.Object) -> None:
    known = catalogue.known(ob.meshsdf.space, ob.meshsdf.up, ob.library)
    codes.check(codes.read(ob), ob, known.code_length if known else None)


def _check_aims(scene: bpy.types.Scene, ob: bpy.types.Object) -> None:
    for aim in handles.aims(scene, ob):
        try:
            camera = check_camera(scene, aim.camera)
            target = targets.chosen(aim.settings, camera, ob)
            if isinstance(target, bpy.types.Image):
                _check_file(target)
        except Refusal as refusal:
            raise aim.named(refusal) from refusal


def _check_file(image: bpy.types.Image) -> None:
    """That an image from a file has one, or is in memory already."""
    if image.source != "FILE" or image.packed_file or image.has_data or not image.filepath:
        return
    if presence.is_missing(bpy.path.abspath(image.filepath, library=image.library)):
        raise unreadable(image)
