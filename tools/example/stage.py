"""What both photos are taken of besides their object: planes, materials, lamps; and the taking."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import bpy
import numpy as np
from mathutils import Vector
from PIL import Image

from meshsdf_blender.example import photographed
from meshsdf_blender.example.photographed import Look

Colour = tuple[float, float, float, float]
# Where from, where to, how large, how bright in watts, colour.
Lamp = tuple[Vector, Vector, float, float, tuple[float, float, float]]
TABLE, WALL = "Table", "Wall"


def cycles(scene: bpy.types.Scene, look: Look, samples: int) -> None:
    """Render what the example's camera sees by Cycles on the processor, as the colours are."""
    photographed.place_camera(scene, look)
    scene.render.resolution_x, scene.render.resolution_y = look.width, look.height
    scene.render.engine = "CYCLES"
    scene.cycles.device, scene.cycles.samples = "CPU", samples
    scene.cycles.use_denoising = False
    scene.view_settings.view_transform = "Standard"


def plane(
    scene: bpy.types.Scene,
    name: str,
    place: tuple[float, float, float],
    turn: tuple[float, float, float],
    made_of: bpy.types.Material,
) -> None:
    """A large square."""
    data = bpy.data.meshes.new(name)
    corners = [(-9, -9, 0), (9, -9, 0), (9, 9, 0), (-9, 9, 0)]
    data.from_pydata(corners, [], [(0, 1, 2, 3)])
    data.materials.append(made_of)
    ob = bpy.data.objects.new(name, data)
    ob.location, ob.rotation_euler = place, turn
    scene.collection.objects.link(ob)


def wall(scene: bpy.types.Scene, look: Look, away: float, made_of: bpy.types.Material) -> None:
    """A wall behind the object, which the camera sees straight on."""
    behind = Vector((-math.sin(look.azimuth), math.cos(look.azimuth), 0)) * away
    plane(scene, WALL, tuple(behind), (math.pi / 2, 0, look.azimuth), made_of)


def material(name: str, colour: Colour, roughness: float) -> bpy.types.Material:
    """A plain one."""
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    shader = made.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = colour
    shader.inputs["Roughness"].default_value = roughness
    return made


def light(scene: bpy.types.Scene, lamps: Iterable[Lamp], sky: Colour, strength: float) -> None:
    """The lamps, and what comes from everywhere."""
    for place, towards, size, power, colour in lamps:
        data = bpy.data.lights.new("Light", "AREA")
        data.size, data.energy, data.color = size, power, colour
        lamp = bpy.data.objects.new("Light", data)
        lamp.location = place
        lamp.rotation_euler = (towards - place).to_track_quat("-Z", "Y").to_euler()
        scene.collection.objects.link(lamp)
    scene.world = bpy.data.worlds.new("World")
    scene.world.use_nodes = True
    everywhere = scene.world.node_tree.nodes["Background"]
    everywhere.inputs["Color"].default_value = sky
    everywhere.inputs["Strength"].default_value = strength


def rendered(scene: bpy.types.Scene, path: Path) -> np.ndarray:
    """The scene's picture ``(H, W, 3 or 4)``, 0 to 255."""
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    return np.array(Image.open(path))


def alone(scene: bpy.types.Scene, path: Path) -> np.ndarray:
    """Where the object is, without table and wall: bool ``(H, W)``."""
    for name in (TABLE, WALL):
        bpy.data.objects[name].hide_render = True
    scene.render.film_transparent = True
    scene.render.image_settings.color_mode = "RGBA"
    scene.cycles.samples = 16
    return np.asarray(rendered(scene, path)[..., 3] > 127)
