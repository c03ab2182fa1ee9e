"""Render the photo of the example of a picture: a car before a wall, by Cycles on the processor.

    .venv/bin/python -m tools.example.car [--samples 128] [--look FILE.png]

The car is one that the space of cars was not trained on (data/cars, `python3 dev.py spaces cars
--meshes-only`). The photo is opaque, so its mask is guessed: the script refuses to write one of
which that is guessed badly, or that is too large.
"""

from __future__ import annotations

import argparse
import io
import math
import os
import sys
import tempfile
from pathlib import Path

import bpy
import numpy as np
import torch
from mathutils import Vector
from PIL import Image

from core.builtin import builtin_spaces
from core.loading import load_space
from core.reconstruction import find_encoder, masking
from meshsdf_blender.example import picture_scene
from tools.example import stage
from tools.spaces import shapes
from tools.spaces.recipe import maker

CAR = "car_1015"
SHARP = math.radians(32)  # edges that are
QUALITY, MOST_BYTES = 84, 60_000
LEAST_IOU = 0.93  # of the guessed mask and the car
PAINT, FLOOR, WALL = (0.55, 0.05, 0.03, 1.0), (0.30, 0.30, 0.31, 1.0), (0.34, 0.46, 0.50, 1.0)
LIGHTS = (
    (Vector((3.0, -3.6, 4.2)), Vector(), 2.6, 210.0, (1.0, 0.96, 0.90)),
    (Vector((-4.0, -1.6, 2.6)), Vector(), 3.0, 60.0, (0.86, 0.93, 1.0)),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=128)
    parser.add_argument("--look", type=Path, help="write here instead, whatever it is worth")
    options = parser.parse_args()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    build(scene, options.samples)
    with tempfile.TemporaryDirectory() as folder:
        photo = stage.rendered(scene, Path(folder) / "photo.png")[..., :3]
        car = stage.alone(scene, Path(folder) / "car.png")
    stream = io.BytesIO()
    Image.fromarray(photo).save(stream, "JPEG", quality=QUALITY, optimize=True)
    guessed = guessed_mask(Image.open(stream).convert("RGBA"))
    iou = (guessed & car).sum() / (guessed | car).sum()
    size = len(stream.getvalue())
    print(f"the guessed mask against the car: IoU {iou:.4f}; {size:,} bytes")
    if not options.look and (iou < LEAST_IOU or size > MOST_BYTES):
        print("The photo is no good example: nothing was written")
        return 1
    target = options.look or picture_scene.PHOTO
    target.write_bytes(stream.getvalue())
    print(target)
    return 0


def build(scene: bpy.types.Scene, samples: int) -> None:
    """Car, floor, wall and lights before the example's camera."""
    look = picture_scene.LOOK
    stage.cycles(scene, look, samples)
    foot = _car(scene)
    floor, wall = stage.material("Floor", FLOOR, 0.5), stage.material("Wall", WALL, 0.9)
    stage.plane(scene, stage.TABLE, (0, 0, foot), (0, 0, 0), floor)
    stage.wall(scene, look, 3.6, wall)
    stage.light(scene, LIGHTS, (0.85, 0.92, 1.0, 1.0), 0.16)


def _car(scene: bpy.types.Scene) -> float:
    """The car at the origin; the height of its foot."""
    recipe = maker("cars").RECIPE
    shape = shapes.read(shapes.paths(recipe)[CAR])
    data = bpy.data.meshes.new("Car")
    data.from_pydata(shape.vertices.tolist(), [], shape.faces.tolist())
    data.shade_smooth()
    data.set_sharp_from_angle(angle=SHARP)
    paint = stage.material("Paint", PAINT, 0.4)
    paint.node_tree.nodes["Principled BSDF"].inputs["Coat Weight"].default_value = 0.25
    data.materials.append(paint)
    scene.collection.objects.link(bpy.data.objects.new("Car", data))
    return float(shape.vertices[:, 2].min())


def guessed_mask(photo: Image.Image) -> np.ndarray:
    """What the encoder's masker makes of the photo: bool ``(H, W)``."""
    path = builtin_spaces()[picture_scene.SPACE.partition(":")[2]]
    masker = find_encoder(load_space(path), path).masker
    picture = torch.from_numpy(np.array(photo, np.float32).transpose(2, 0, 1) / 255)
    return np.asarray(masking.find(picture, masker).mask.numpy() > 0.5)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # the wheels of 4.2 and 4.5 may hang at exit
