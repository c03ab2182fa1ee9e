"""The demo's scene: a silhouette rendered by Cycles, the shape, and pictures of its steps."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
from mathutils import Vector

from .words import picture_line

SILHOUETTE_PIXELS = 512
STEP_PIXELS = 360
SILHOUETTE_SAMPLES = 16
STEP_SAMPLES = 10
# A picture costs one to three seconds; a fit has more steps than an eye needs.
MOST_PICTURES = 16
# Heads look along -Y; a profile tells most about a face.
CAMERA = Vector((4.6, -1.6, 0.25))
CLAY = (0.78, 0.42, 0.26, 1.0)
# (where from, how large, how bright in watts, colour)
LIGHTS = (
    (Vector((3.0, -4.5, 3.5)), 1.2, 260.0, (1.0, 0.95, 0.88)),
    (Vector((5.0, 2.5, 0.5)), 2.0, 90.0, (0.75, 0.86, 1.0)),
    (Vector((-3.0, 3.0, 3.0)), 1.2, 240.0, (0.85, 0.92, 1.0)),
)


@dataclass(frozen=True)
class Picture:
    """A rendered step; ``best`` marks the one that the fit kept."""

    step: int
    iou: float
    path: Path
    best: bool


def empty_scene() -> None:
    """A camera, three lights, and nothing else; Cycles, with a transparent film."""
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing)
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.data.lens = 70
    look(camera, CAMERA)
    scene.collection.objects.link(camera)
    scene.camera = camera
    for place, size, power, colour in LIGHTS:
        light = bpy.data.objects.new("Light", bpy.data.lights.new("Light", "AREA"))
        light.data.size, light.data.energy, light.data.color = size, power, colour
        look(light, place)
        scene.collection.objects.link(light)
    scene.world = scene.world or bpy.data.worlds.new("World")
    scene.world.use_nodes = True
    background = scene.world.node_tree.nodes["Background"]
    background.inputs["Color"].default_value = (0.5, 0.56, 0.65, 1.0)
    background.inputs["Strength"].default_value = 0.35
    render = scene.render
    # Cycles draws on the processor, so that no graphics driver is needed.
    render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.max_bounces = 1
    render.film_transparent = True
    render.resolution_x = render.resolution_y = SILHOUETTE_PIXELS
    render.image_settings.file_format = "PNG"
    render.image_settings.color_mode = "RGBA"
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - Medium High Contrast"


def look(thing: bpy.types.Object, place: Vector) -> None:
    """Put something somewhere, looking at the middle of the scene."""
    thing.location = place
    thing.rotation_euler = (-place).to_track_quat("-Z", "Y").to_euler()


def import_target(path: Path) -> bpy.types.Object:
    """The head that the space has never seen."""
    bpy.ops.wm.ply_import(filepath=str(path))
    target = bpy.context.active_object
    target.name = "Target"
    target.data.shade_smooth()
    return target


def render_silhouette(target: bpy.types.Object, path: Path) -> None:
    """What the camera sees of the target, its alpha the silhouette; then it is hidden."""
    render(path, SILHOUETTE_PIXELS, SILHOUETTE_SAMPLES)
    target.hide_render = True
    target.hide_set(True)


def dress(shape: bpy.types.Object) -> None:
    """Give the shape a material like clay."""
    material = bpy.data.materials.new("Clay")
    material.use_nodes = True
    shader = material.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = CLAY
    shader.inputs["Roughness"].default_value = 0.75
    shape.data.materials.append(material)


def aim(silhouette: Path, steps: int) -> None:
    """Name the rendered picture as what to fit to."""
    settings = bpy.context.scene.meshsdf
    settings.target = "IMAGE"
    settings.image = bpy.data.images.load(str(silhouette))
    settings.channel = "ALPHA"
    settings.steps = steps


def save(path: Path, silhouette: Path) -> None:
    """A .blend that opens anywhere: the picture inside, also behind the camera's view."""
    image = bpy.context.scene.meshsdf.image
    image.name = silhouette.stem
    image.pack()
    camera = bpy.context.scene.camera.data
    camera.show_background_images = True
    camera.background_images.new().image = image
    # No demo.blend1 of an earlier run.
    bpy.context.preferences.filepaths.save_version = 0
    bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True)


def render_steps(shape: bpy.types.Object, mean: list[float], folder: Path, fit_run: Any) -> list:
    """Fit once more from the same code, and draw a choice of the steps as a window would show them.

    The fit is deterministic: these are the steps that the operator took.
    """
    shape["meshsdf_code"][:] = mean
    bpy.ops.meshsdf.shape_update()
    run = fit_run.FitRun(bpy.context, shape)
    steps = []
    while not steps or not steps[-1].done:
        step = run.advance(0.1)
        if step is not None:
            steps.append(step)
    pictures = []
    # The last frame is the best step once more.
    for step in chosen(steps):
        run.write(bpy.context, step)
        shape.data.shade_smooth()
        path = folder / "demo_steps" / f"{len(pictures):03d}.png"
        render(path, STEP_PIXELS, STEP_SAMPLES)
        iou = step.best_iou if step.done else step.iou
        pictures.append(Picture(step.step, iou, path, step.done))
        print(picture_line(len(pictures), step.step, best=step.done), flush=True)
    run.finish(bpy.context, steps[-1])
    return pictures


def chosen(steps: list) -> list:
    """First and last, and between them more of the early steps, where more happens."""
    count = min(MOST_PICTURES, len(steps))
    last = len(steps) - 1
    places = {round(last * (i / max(count - 1, 1)) ** 1.6) for i in range(count)}
    return [steps[i] for i in sorted(places)]


def render(path: Path, pixels: int, samples: int) -> None:
    """One still to a PNG, quietly."""
    scene = bpy.context.scene
    scene.render.resolution_x = scene.render.resolution_y = pixels
    scene.cycles.samples = samples
    # Without it: more samples cost less than cleaning up.
    scene.cycles.use_denoising = False
    scene.render.filepath = str(path)
    with silence():
        bpy.ops.render.render(write_still=True)
    if not path.exists():
        raise RuntimeError(f"Blender wrote no {path}")


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Keep Cycles' own lines, which it writes past Python, out of the demo's."""
    sys.stdout.flush()
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
