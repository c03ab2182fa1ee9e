"""Making ready to draw an outline: a layer of its own, and Blender's tool that draws into it."""

from __future__ import annotations

import bpy
from mathutils import Vector

from .. import compat
from .camera import check_camera
from .strokes import layer_names
from .view_list import active_target, active_view, look_through, view_area

TOOL = "builtin.annotate"
COLOUR = (0.0, 0.8, 1.0)  # a script's layer is black, and what is selected has orange edges


def prepare(context: bpy.types.Context) -> str:
    """Aim the chosen view, or the scene, at a layer to draw in; the layer's name. Raises Refusal.

    In a window, look through the camera with the tool Annotate in hand.
    """
    scene = context.scene
    view, settings = active_view(scene), active_target(scene)
    camera = check_camera(scene, view.camera if view else None)
    look_through(context, camera)
    name = view.name if view else "Outline"
    settings.target, settings.outline, settings.layer = "OUTLINE", None, name
    _choose_layer(scene, name)
    scene.tool_settings.annotation_stroke_placement_view3d = "CURSOR"
    _put_cursor_before(camera, context)
    _take_tool(context)
    return name


def _choose_layer(scene: bpy.types.Scene, name: str) -> None:
    data = compat.annotation(scene) or compat.new_annotation(scene, "Annotations")
    if name not in layer_names(data):
        data.layers.new(name).color = COLOUR
    data.layers.active_index = layer_names(data).index(name)
    data.layers[data.layers.active_index].annotation_hide = False


def _put_cursor_before(camera: bpy.types.Object, context: bpy.types.Context) -> None:
    """Strokes are drawn at the 3D cursor's depth, which must not be behind the camera."""
    to_camera = camera.matrix_world.normalized().inverted()
    cursor, active = context.scene.cursor, context.active_object
    near = -camera.data.clip_start
    ahead = camera.matrix_world.normalized() @ Vector((0.0, 0.0, -max(4.0, -2.0 * near)))
    places = [cursor.location.copy(), *([active.matrix_world.translation] if active else []), ahead]
    cursor.location = next(place for place in places if (to_camera @ place).z < near)


def _take_tool(context: bpy.types.Context) -> None:
    area = view_area(context)
    if area is None:
        return
    region = next(region for region in area.regions if region.type == "WINDOW")
    with context.temp_override(area=area, region=region):
        bpy.ops.wm.tool_set_by_id(name=TOOL)
