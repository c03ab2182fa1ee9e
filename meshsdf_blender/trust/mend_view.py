"""Mending what keeps a shape from being fitted: the camera and what to fit to."""

from __future__ import annotations

from itertools import product
from math import pi, sin

import bpy
from mathutils import Vector

from .. import naming
from ..errors import Refusal
from ..shapes import shape
from ..views import targets
from ..views.aims import Aim
from ..views.background import OPEN
from ..views.camera import cameras, frame_size, named_camera, other_cameras
from ..views.image_pixels import open_image, unreadable

CHOSEN = {"OBJECT", "IMAGE", "MASK"}  # targets that are something of the file
RENDERED = {"RENDER_RESULT", "COMPOSITING"}  # images whose pixels are closed
ROOM = 1.1  # around the shape, of what would just fit


def use_camera(scene: bpy.types.Scene, aim: Aim, name: str) -> None:
    """Let a camera object of the scene be the one that is looked through; by its name.

    Without a name it is the only one, or for a view the scene's. Raises Refusal.
    """
    _look_through(scene, aim, named_camera(scene, name) if name else _only_camera(scene, aim))


def _only_camera(scene: bpy.types.Scene, aim: Aim) -> bpy.types.Object:
    active = scene.camera
    if aim.index >= 0 and active is not None and active.type == "CAMERA":
        return active
    there = cameras(scene)
    if len(there) != 1:
        named = naming.listed(ob.name for ob in there)
        raise Refusal(
            f"{len(there) or 'No'} cameras could be used",
            f"Name one of them: {named}" if there else "Add one",
            fixes=other_cameras(scene),
        )
    return there[0]


def _look_through(scene: bpy.types.Scene, aim: Aim, camera: bpy.types.Object) -> None:
    if aim.index < 0:
        scene.camera = camera
    else:
        aim.settings.camera = camera


def add_camera(context: bpy.types.Context, aim: Aim) -> bpy.types.Object:
    """A new camera that sees the whole shape from the front, and is looked through.

    That is the active one, else the first of the scene; without any it is the cube in which shapes
    of a space lie, about the origin.
    """
    scene = context.scene
    data = bpy.data.cameras.new("Camera")
    camera = bpy.data.objects.new("Camera", data)
    try:
        scene.collection.objects.link(camera)
    except RuntimeError as error:  # a linked scene
        bpy.data.objects.remove(camera)
        bpy.data.cameras.remove(data)
        raise Refusal("Nothing can be added to this scene", "Make the scene local") from error
    corners = _corners(context)
    middle = sum(corners, Vector()) / len(corners)
    radius = max((corner - middle).length for corner in corners) or 1.0
    wide, high = frame_size(scene)
    narrow = data.angle * min(wide, high) / max(wide, high)
    camera.location = middle + Vector((0, -ROOM * radius / sin(narrow / 2), 0))
    camera.rotation_euler = (pi / 2, 0, 0)
    _look_through(scene, aim, camera)
    context.view_layer.update()
    return camera


def _corners(context: bpy.types.Context) -> list[Vector]:
    """Eight corners in the world of what a new camera is to see."""
    found = (ob for ob in (context.active_object, *context.scene.objects) if shape.is_shape(ob))
    ob = next(found, None)
    if ob is None:
        return [Vector(corner) for corner in product((-1.0, 1.0), repeat=3)]
    return [ob.matrix_world @ Vector(corner) for corner in ob.bound_box]


def show_background(camera: bpy.types.Object) -> None:
    """Turn the camera's background images on, and the first of them. Raises Refusal."""
    images = camera.data.background_images
    if not images:
        raise Refusal(f"Camera '{camera.name}' has no background image", "Open one", fixes=(OPEN,))
    camera.data.show_background_images = True
    if not any(image.show_background_image for image in images):
        images[0].show_background_image = True


def put_behind(camera: bpy.types.Object, image: bpy.types.Image) -> None:
    """Show an image behind what the camera sees, where no other is shown."""
    data = camera.data
    shown = next((b for b in data.background_images if b.show_background_image), None)
    background = shown or data.background_images.new()
    background.source, background.image = "IMAGE", image
    data.show_background_images = True


def find_image(name: str, path: str) -> None:
    """Let an image be read from where its file is now. Raises Refusal."""
    image: bpy.types.Image = bpy.data.images.get(name)
    if image is None:
        raise _no_image(name)
    found, before = open_image(path), image.filepath
    if found == image:
        return
    image.filepath = found.filepath
    image.reload()
    if not found.users:
        bpy.data.images.remove(found)
    if not len(image.pixels):  # type: ignore[arg-type]
        image.filepath = before
        raise Refusal(f"'{path}' cannot be read", "Choose an image file")


def take_proportions(scene: bpy.types.Scene, aim: Aim, name: str) -> None:
    """Render in an image's proportions: its own size. Without a name it is the target's.

    Raises Refusal.
    """
    image: bpy.types.Image | None = bpy.data.images.get(name) if name else aim.settings.image
    if image is None:
        raise _no_image(name) if name else targets.no_image()
    if not image.size[0]:
        raise unreadable(image)
    scene.render.resolution_x, scene.render.resolution_y = image.size


def choose_target(context: bpy.types.Context, settings: bpy.types.PropertyGroup) -> str:
    """Fit to something of the file: what else is selected, or the one that there is; its name.

    Of what kind, the target's settings say. Raises Refusal where nothing offers itself.
    """
    fitted, kind = context.active_object, settings.target
    if kind not in CHOSEN:
        name = settings.bl_rna.properties["target"].enum_items[kind].name
        raise Refusal(
            f"The target is {name}, of which there is nothing to choose",
            "Set Target to Object, Image or Mask first",
        )
    if kind == "IMAGE":
        settings.image = _only_image()
        return str(settings.image.name)
    if kind == "MASK":
        if not len(bpy.data.masks):
            raise Refusal("There is no mask in this file", "Draw one in the Image Editor")
        settings.mask = bpy.data.masks[0]
        return settings.mask.name
    selected = [ob for ob in context.selected_objects if _fits(ob, fitted)]
    there = selected or [ob for ob in context.scene.objects if _fits(ob, fitted)]
    if len(there) != 1:
        named = naming.listed(ob.name for ob in there)
        raise Refusal(
            f"{len(there) or 'No'} objects could be the target" + (f": {named}" if there else ""),
            "Select the one to follow as well, then the shape, and try again"
            if there
            else "Add one to follow, or show one that is hidden",
        )
    settings.object = there[0]
    return there[0].name


def _no_image(name: str) -> Refusal:
    there = naming.listed(each.name for each in bpy.data.images if each.type not in RENDERED)
    told = f"The images of this file are: {there}" if there else "Open one"
    return Refusal(f"There is no image '{name}'", told)


def _only_image() -> bpy.types.Image:
    there = [image for image in bpy.data.images if image.type not in RENDERED]
    if len(there) != 1:
        named = naming.listed(image.name for image in there)
        raise Refusal(
            f"{len(there) or 'No'} images could be the target" + (f": {named}" if there else ""),
            "Pick one under Fit > Image" if there else "Open one under Fit > Image",
            fixes=() if there else (targets.OPEN_IMAGE,),
        )
    return there[0]


def _fits(ob: bpy.types.Object, fitted: bpy.types.Object) -> bool:
    return ob != fitted and ob.type in targets.MESHABLE and ob.visible_get()
