"""Mending what keeps a shape from being fitted: the camera and what to fit to."""

from __future__ import annotations

from math import pi, sin

import bpy
from mathutils import Vector

from .. import blend_path
from ..errors import Refusal
from ..views import targets
from ..views.camera import frame_size

ROOM = 1.1  # around the shape, of what would just fit


def use_camera(scene: bpy.types.Scene, name: str) -> None:
    """Make a camera object of the scene its active one. Raises Refusal."""
    camera: bpy.types.Object = scene.objects.get(name)
    if camera is None or camera.type != "CAMERA":
        raise Refusal(f"There is no camera '{name}' in this scene", "Add one")
    scene.camera = camera


def add_camera(context: bpy.types.Context, ob: bpy.types.Object) -> bpy.types.Object:
    """A new active camera that sees the whole object from the front."""
    scene = context.scene
    data = bpy.data.cameras.new("Camera")
    camera = bpy.data.objects.new("Camera", data)
    try:
        scene.collection.objects.link(camera)
    except RuntimeError as error:  # a linked scene
        bpy.data.objects.remove(camera)
        bpy.data.cameras.remove(data)
        raise Refusal("Nothing can be added to this scene", "Make the scene local") from error
    corners = [ob.matrix_world @ Vector(corner) for corner in ob.bound_box]
    middle = sum(corners, Vector()) / len(corners)
    radius = max((corner - middle).length for corner in corners) or 1.0
    wide, high = frame_size(scene)
    narrow = data.angle * min(wide, high) / max(wide, high)
    camera.location = middle + Vector((0, -ROOM * radius / sin(narrow / 2), 0))
    camera.rotation_euler = (pi / 2, 0, 0)
    scene.camera = camera
    context.view_layer.update()
    return camera


def show_background(camera: bpy.types.Object) -> None:
    """Turn the camera's background images on, and the first of them. Raises Refusal."""
    images = camera.data.background_images
    if not images:
        raise Refusal(f"Camera '{camera.name}' has no background image", "Open one")
    camera.data.show_background_images = True
    if not any(image.show_background_image for image in images):
        images[0].show_background_image = True


def read_image(path: str) -> bpy.types.Image:
    """An image from a file. Raises Refusal."""
    blend_path.check(path)
    try:
        image = bpy.data.images.load(path, check_existing=True)
    except RuntimeError as error:
        raise Refusal(f"'{path}' is not there", "Choose an image file") from error
    if not len(image.pixels):  # type: ignore[arg-type]  # touching pixels loads the file
        if not image.users:
            bpy.data.images.remove(image)
        raise Refusal(f"'{path}' is no image", "Choose an image file")
    return image


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
        raise Refusal(f"There is no image '{name}' any more", "Open another one")
    found, before = read_image(path), image.filepath
    if found == image:
        return
    image.filepath = found.filepath
    image.reload()
    if not found.users:
        bpy.data.images.remove(found)
    if not len(image.pixels):  # type: ignore[arg-type]
        image.filepath = before
        raise Refusal(f"'{path}' cannot be read", "Choose an image file")


def take_proportions(scene: bpy.types.Scene, image: bpy.types.Image) -> None:
    """Render in the image's proportions: its own size."""
    scene.render.resolution_x, scene.render.resolution_y = image.size


def choose_target(context: bpy.types.Context) -> str:
    """Fit to something of the file: what else is selected, or the one that there is; its name.

    Raises Refusal where nothing offers itself.
    """
    settings, fitted = context.scene.meshsdf, context.active_object
    if settings.target == "MASK":
        if not len(bpy.data.masks):
            raise Refusal("There is no mask in this file", "Draw one in the Image Editor")
        settings.mask = bpy.data.masks[0]
        return settings.mask.name
    selected = [ob for ob in context.selected_objects if _fits(ob, fitted)]
    there = selected or [ob for ob in context.scene.objects if _fits(ob, fitted)]
    if len(there) != 1:
        raise Refusal(
            f"{len(there) or 'No'} objects could be the target",
            "Select the one to follow as well, then the shape, and try again",
        )
    settings.object = there[0]
    return there[0].name


def _fits(ob: bpy.types.Object, fitted: bpy.types.Object) -> bool:
    return ob != fitted and ob.type in targets.MESHABLE and ob.visible_get()
