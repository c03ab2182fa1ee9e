"""Photos of meshes by Cycles: materials, lamps, a floor and a wall, none of which encoders saw.

    .venv/bin/python -m tools.reconstruct.photos JOBS.json

JOBS.json is a list of ``{"mesh": ..., "photo": ..., "seed": ..., "pixels": ..., "samples": ...}``.
Each photo is an opaque PNG; beside it ``.mask.png`` has the object alone, and ``.json`` the camera:
camera to world and the focal length in pixels. What is there is not made again.
"""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

LENSES = (35.0, 85.0)  # mm, on a sensor of 36
FILLED = (0.45, 0.8)  # of the picture's side by the object
ELEVATIONS = (3.0, 40.0)
SENSOR = 36.0


def main(path: Path) -> None:
    for job in json.loads(path.read_text("utf-8")):
        photo = Path(job["photo"])
        if not photo.with_suffix(".json").exists():
            make(job, photo)
            print(photo.name, flush=True)


def make(job: dict[str, Any], photo: Path) -> None:
    """Render one photo, its mask and its camera."""
    rng = np.random.default_rng(job["seed"])
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    vertices, faces = mesh_of(Path(job["mesh"]))
    ob = placed(scene, vertices, faces)
    camera, focal = looked_at(scene, vertices, job["pixels"], rng)
    ob.data.materials.append(material(rng))
    surroundings(scene, float(vertices[:, 2].min()), camera, rng)
    lamps(scene, rng)
    render = scene.render
    render.engine, render.resolution_x, render.resolution_y = "CYCLES", job["pixels"], job["pixels"]
    scene.cycles.device, scene.cycles.samples = "CPU", job["samples"]
    scene.cycles.use_denoising, scene.cycles.max_bounces = False, 4
    scene.cycles.seed = int(job["seed"]) % 2**31
    render.threads_mode, render.threads = "FIXED", 1
    write(scene, photo)
    for other in scene.objects:
        if other.type == "MESH" and other != ob:
            other.hide_render = True
    render.film_transparent, render.image_settings.color_mode = True, "RGBA"
    scene.cycles.samples = 8
    write(scene, photo.with_suffix(".mask.png"))
    told = {"camera_to_world": [list(row) for row in camera.matrix_world], "focal": focal}
    photo.with_suffix(".json").write_text(json.dumps(told), encoding="utf-8")


def mesh_of(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with np.load(path) as data:
        return data["vertices"], data["faces"]


def placed(scene: bpy.types.Scene, vertices: np.ndarray, faces: np.ndarray) -> bpy.types.Object:
    data = bpy.data.meshes.new("Shape")
    data.from_pydata(vertices.tolist(), [], faces.tolist())
    data.shade_smooth()
    # Sharp edges stay sharp.
    data.set_sharp_from_angle(angle=math.radians(35))
    ob = bpy.data.objects.new("Shape", data)
    scene.collection.objects.link(ob)
    return ob


def looked_at(
    scene: bpy.types.Scene, vertices: np.ndarray, pixels: int, rng: np.random.Generator
) -> tuple[bpy.types.Object, float]:
    """A camera from anywhere around and a little above, the object not quite in the middle."""
    around, up = rng.uniform(-math.pi, math.pi), math.radians(rng.uniform(*ELEVATIONS))
    lens, filled = rng.uniform(*LENSES), rng.uniform(*FILLED)
    back = Vector((math.sin(around) * math.cos(up), -math.cos(around) * math.cos(up), math.sin(up)))
    data = bpy.data.cameras.new("Camera")
    data.lens, data.sensor_width = lens, SENSOR
    camera = bpy.data.objects.new("Camera", data)
    scene.collection.objects.link(camera)
    scene.camera = camera
    focal = lens / SENSOR * pixels
    middle = Vector((vertices.min(axis=0) + vertices.max(axis=0)) / 2)
    distance = 4.0
    for _ in range(6):  # until the object fills what it is to fill
        turn = (-back).to_track_quat("-Z", "Y").to_matrix().to_4x4()
        pose = Matrix.Translation(middle + back * distance) @ turn
        seen = project(np.array(pose.inverted()), focal, vertices)
        distance *= float(np.ptp(seen, axis=0).max()) / (filled * pixels)
    off = rng.uniform(-0.1, 0.1, 2) * distance * pixels / focal
    tilt = Matrix.Rotation(math.radians(rng.normal(0, 2)), 4, "Z")
    pose = Matrix.Translation(pose.to_3x3() @ Vector((off[0], off[1], 0))) @ pose @ tilt
    camera.matrix_world = pose
    bpy.context.view_layer.update()
    return camera, focal


def project(to_camera: np.ndarray, focal: float, vertices: np.ndarray) -> np.ndarray:
    points = vertices @ to_camera[:3, :3].T + to_camera[:3, 3]
    return np.asarray(focal * points[:, :2] / -points[:, 2:])


def material(rng: np.random.Generator) -> bpy.types.Material:
    """Paint, metal, glazed or rough, plain or with a grain through the object."""
    made = bpy.data.materials.new("Material")
    made.use_nodes = True
    tree = made.node_tree
    shader = tree.nodes["Principled BSDF"]
    colour = (*rng.uniform(0.03, 0.85, 3), 1.0)
    shader.inputs["Base Color"].default_value = colour
    shader.inputs["Roughness"].default_value = rng.uniform(0.15, 0.9)
    shader.inputs["Metallic"].default_value = float(rng.random() < 0.25)
    if rng.random() < 0.5:
        noise = tree.nodes.new("ShaderNodeTexNoise" if rng.random() < 0.5 else "ShaderNodeTexWave")
        noise.inputs["Scale"].default_value = rng.uniform(1.0, 6.0)
        place = tree.nodes.new("ShaderNodeTexCoord")
        ramp = tree.nodes.new("ShaderNodeValToRGB")
        ramp.color_ramp.elements[0].color = colour
        ramp.color_ramp.elements[1].color = (*rng.uniform(0.03, 0.85, 3), 1.0)
        tree.links.new(place.outputs["Object"], noise.inputs["Vector"])
        output = next(o for o in noise.outputs if o.name in ("Fac", "Factor"))
        tree.links.new(output, ramp.inputs["Fac"])
        tree.links.new(ramp.outputs["Color"], shader.inputs["Base Color"])
    return made


def surroundings(
    scene: bpy.types.Scene, foot: float, camera: bpy.types.Object, rng: np.random.Generator
) -> None:
    """A floor under the object, a wall behind it or the open sky, and now and then things."""
    plane(scene, (0, 0, foot), (0, 0, 0), rng)
    sight = camera.matrix_world.translation
    away = -Vector((sight.x, sight.y, 0)).normalized()
    if rng.random() < 0.7:
        upright = (math.pi / 2, 0, math.atan2(away.x, -away.y))
        plane(scene, tuple(away * rng.uniform(2.0, 5.0)), upright, rng)
    for _ in range(rng.integers(0, 3)):
        aside = away * rng.uniform(1.6, 3.0) + Vector((away.y, -away.x, 0)) * rng.uniform(-2.5, 2.5)
        bpy.ops.mesh.primitive_cube_add(
            size=rng.uniform(0.3, 1.2), location=(aside.x, aside.y, foot + 0.3)
        )
        bpy.context.active_object.data.materials.append(material(rng))


def plane(scene: bpy.types.Scene, place: tuple, turn: tuple, rng: np.random.Generator) -> None:
    data = bpy.data.meshes.new("Plane")
    data.from_pydata([(-15, -15, 0), (15, -15, 0), (15, 15, 0), (-15, 15, 0)], [], [(0, 1, 2, 3)])
    data.materials.append(material(rng))
    ob = bpy.data.objects.new("Plane", data)
    ob.location, ob.rotation_euler = place, turn
    scene.collection.objects.link(ob)


def lamps(scene: bpy.types.Scene, rng: np.random.Generator) -> None:
    scene.world = bpy.data.worlds.new("World")
    scene.world.use_nodes = True
    sky = scene.world.node_tree.nodes["Background"]
    sky.inputs["Color"].default_value = (*rng.uniform(0.5, 1.0, 3), 1.0)
    sky.inputs["Strength"].default_value = rng.uniform(0.15, 0.9)
    for _ in range(rng.integers(1, 4)):
        data = bpy.data.lights.new("Lamp", "AREA")
        data.size, data.energy = rng.uniform(0.3, 3.0), rng.uniform(60, 500)
        lamp = bpy.data.objects.new("Lamp", data)
        around, up = rng.uniform(-math.pi, math.pi), rng.uniform(0.3, 1.4)
        lamp.location = Vector(
            (math.sin(around) * math.cos(up), -math.cos(around) * math.cos(up), math.sin(up))
        ) * rng.uniform(3, 6)
        lamp.rotation_euler = (-lamp.location).to_track_quat("-Z", "Y").to_euler()
        scene.collection.objects.link(lamp)


def write(scene: bpy.types.Scene, path: Path) -> None:
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    sys.stdout.flush()
    os._exit(0)  # the wheels of 4.2 and 4.5 may hang at exit
