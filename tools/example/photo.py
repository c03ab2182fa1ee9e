"""Render the photo of the example scene: a white vase before a dark wall, by Cycles on the CPU.

    .venv/bin/python -m tools.example.photo [--samples 192] [--look FILE.png]

The vase is a code between shapes of the space of vases, so no shape that the space knows. Its
brightness is what a fit reads: what is brighter than a threshold must be the vase, and the script
refuses to write a photo of which that is not true.
"""

from __future__ import annotations

import argparse
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
from core.extraction import extract
from core.loading import load_space
from meshsdf_blender.example import example_scene
from tools.example import stage

# The vase: shares of known shapes. A long neck on a wide body, far from the mean.
SHARES = {"vase_1044": 0.7, "vase_1022": 0.3}
CELLS = 160
QUALITY = 86
LEAST_IOU = 0.985  # of the bright pixels and the vase
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
PORCELAIN = (0.92, 0.90, 0.86, 1.0)
WALL, TABLE = (0.020, 0.045, 0.060, 1.0), (0.050, 0.026, 0.014, 1.0)
# (where from, where to, how large, how bright in watts, colour)
LIGHTS = (
    (Vector((-3.2, -3.6, 2.6)), Vector(), 2.4, 165.0, (1.0, 0.94, 0.86)),
    (Vector((4.0, -2.2, 1.2)), Vector(), 2.6, 150.0, (0.84, 0.92, 1.0)),
    (Vector((0.4, -5.2, 0.3)), Vector((0, 0, -0.4)), 2.4, 95.0, (1.0, 1.0, 1.0)),
    # One that grazes the wall, so that it is not uniform.
    (Vector((-2.4, 1.4, 2.4)), Vector((-0.6, 3.4, 0.6)), 0.8, 26.0, (1.0, 0.80, 0.60)),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=192)
    parser.add_argument("--look", type=Path, help="write here instead, whatever it is worth")
    options = parser.parse_args()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    build(scene, options.samples)
    with tempfile.TemporaryDirectory() as folder:
        photo = stage.rendered(scene, Path(folder) / "photo.png")
        vase = stage.alone(scene, Path(folder) / "vase.png")
    grey = photo[..., :3] / 255.0 @ LUMINANCE
    bright = grey > example_scene.THRESHOLD
    iou = (bright & vase).sum() / (bright | vase).sum()
    darkest, brightest = grey[vase].min(), grey[~vase].max()
    print(
        f"bright pixels against the vase: IoU {iou:.4f}; darkest {darkest:.2f} of the vase, "
        f"brightest {brightest:.2f} beside it"
    )
    if iou < LEAST_IOU and not options.look:
        print("The vase is not told from the rest by its brightness: nothing was written")
        return 1
    target = options.look or example_scene.PHOTO
    Image.fromarray(photo[..., :3]).save(target, quality=QUALITY, optimize=True)
    print(f"{target}: {target.stat().st_size:,} bytes")
    return 0


def build(scene: bpy.types.Scene, samples: int) -> None:
    """Vase, table, wall and lights before the example's camera."""
    look = example_scene.LOOK
    stage.cycles(scene, look, samples)
    foot = _vase(scene)
    table, wall = stage.material("Table", TABLE, 0.35), stage.material("Wall", WALL, 0.9)
    stage.plane(scene, stage.TABLE, (0, 0, foot), (0, 0, 0), table)
    stage.wall(scene, look, 3.2, wall)
    stage.light(scene, LIGHTS, (0.8, 0.9, 1.0, 1.0), 0.03)


def _vase(scene: bpy.types.Scene) -> float:
    """The vase at the origin; the height of its foot."""
    space = load_space(builtin_spaces()[example_scene.SPACE.partition(":")[2]])
    known = dict(zip(space.shape_names, space.codes, strict=True))
    code = torch.stack([share * known[name] for name, share in SHARES.items()]).sum(0)
    with torch.no_grad():
        mesh = extract(space, code, CELLS, newton=1)
    matrix = space.frame.matrix().numpy()
    vertices = mesh.vertices.double().numpy() @ matrix[:3, :3].T + matrix[:3, 3]
    data = bpy.data.meshes.new("Vase")
    data.from_pydata(vertices.tolist(), [], mesh.faces.tolist(), shade_flat=False)
    data.materials.append(stage.material("Porcelain", PORCELAIN, 0.22))
    scene.collection.objects.link(bpy.data.objects.new("Vase", data))
    return float(vertices[:, 2].min())


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # the wheels of 4.2 and 4.5 may hang at exit
