"""Reconstructions from photos that Cycles took of shapes no space was trained on.

    python3 dev.py bench reconstruct [SPACE ...] [--shapes N] [--views N] [--processes N]

Each held-out shape is photographed from cameras of its own: materials, lamps, floors, walls and
things that no encoder has seen (tools/reconstruct/photos.py); the photos are kept in data/. Four
kinds of pictures are made of each: the photo as it is, whose mask is predicted; the photo cut out;
the silhouette alone; and a sketch, the silhouette with a wavering, smoothed outline. The camera is
guessed every time. Baselines: the mean shape, and the known shape whose silhouette from the true
camera is most like the true mask: both are given the true camera.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from statistics import mean, median
from time import perf_counter

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from core.builtin import builtin_spaces
from core.loading import load_space
from core.reconstruction import (
    Reconstruction,
    ReconstructOptions,
    SpaceEncoder,
    find_encoder,
    read_picture,
    reconstruct,
)
from core.reconstruction.placing import picture_view
from core.space import Space
from tools.reconstruct import judge
from tools.reconstruct.judge import Verdict
from tools.spaces import shapes
from tools.spaces.recipe import DATA, NAMES, maker

ROOT = Path(__file__).resolve().parents[1]
PIXELS, SAMPLES = 224, 16
KINDS = ("photo", "cut out", "silhouette", "sketch")
# A sketch's outline wavers by so many pixels, in waves of so many.
WAVER, WAVE, SMOOTH = 1.8, 9.0, 1.5
HEAD = (
    *("space", "picture", "pictures", "mask IoU", "first mesh, s", "all, s"),
    *("distance: mean shape", "nearest known", "encoder", "refined"),
    *("refined less by, mean", "worse", "normals: encoder", "refined"),
    *("IoU: encoder", "refined", "degrees off: encoder", "refined"),
)


@dataclass(frozen=True)
class Task:
    """A photo, and what kind of picture is made of it."""

    space: str
    mesh: str
    photo: str
    kind: str


@dataclass(frozen=True)
class Found:
    """What came of a picture."""

    mask_iou: float
    first: float
    seconds: float
    mean: Verdict
    known: Verdict
    encoder: Verdict
    refined: Verdict


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a row for each space and kind of picture."""
    parser = argparse.ArgumentParser(prog="dev.py bench reconstruct", description=__doc__)
    parser.add_argument("spaces", nargs="*", metavar="SPACE", help=", ".join(NAMES))
    parser.add_argument("--shapes", type=int, default=50, help="held-out shapes, at the most (50)")
    parser.add_argument("--views", type=int, default=2, help="photos of each (2)")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args(arguments)
    print("| " + " | ".join(HEAD) + " |\n" + "|---" * len(HEAD) + "|", flush=True)
    with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool:
        for name in options.spaces or NAMES:
            photos = photographed(name, options.shapes, options.views)
            for kind in options.kinds:
                tasks = [Task(name, *pair, kind) for pair in photos]
                tell(tasks[0], list(pool.map(one, tasks)))
    return 0


def photographed(name: str, count: int, views: int) -> list[tuple[str, str]]:
    """Mesh and photo files of held-out shapes; photos that are missing are taken."""
    folder = DATA / name / "photos"
    folder.mkdir(parents=True, exist_ok=True)
    recipe, space = maker(name).RECIPE, space_of(name)
    jobs, pairs = [], []
    if recipe.held_out:
        files = shapes.paths(recipe)
        true = {each: shapes.read(files[each]) for each in recipe.apart(list(files))[:count]}
    else:  # a family of two has nothing to spare: its own shapes, as they are known
        true = {each: known(space, number) for number, each in enumerate(space.shape_names)}
    for number, (each, shape) in enumerate(true.items()):
        mesh = folder / f"{each}.npz"
        if not mesh.exists():
            vertices = shape.vertices.astype(np.float32)
            np.savez(mesh, vertices=vertices, faces=shape.faces.astype(np.int32))
        for view in range(views if recipe.held_out else views * 5):
            photo = folder / f"{each}_{view}.png"
            seed = 1000 * number + view
            jobs.append(
                {"mesh": str(mesh), "photo": str(photo), "seed": seed}
                | {"pixels": PIXELS, "samples": SAMPLES}
            )
            pairs.append((str(mesh), str(photo)))
    if not all(Path(photo).with_suffix(".json").exists() for _, photo in pairs):
        list_of = folder / "jobs.json"
        list_of.write_text(json.dumps(jobs), encoding="utf-8")
        program = [sys.executable, "-m", "tools.reconstruct.photos", str(list_of)]
        subprocess.run(program, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return pairs


def known(space: Space, number: int) -> shapes.Shape:
    vertices, faces = judge.surface(space, space.codes[number])
    return shapes.Shape(space.shape_names[number], vertices, faces)


def one(task: Task) -> Found:
    """Reconstruct from one picture, and judge what came of it."""
    torch.set_num_threads(1)
    space, encoder = space_of(task.space), encoder_of(task.space)
    with np.load(task.mesh) as data:
        true = data["vertices"].astype(np.float64), data["faces"].astype(np.int64)
    camera = json.loads(Path(task.photo).with_suffix(".json").read_text("utf-8"))
    to_world = torch.tensor(camera["camera_to_world"], dtype=torch.float64)
    mask = read_picture(Path(task.photo).with_suffix(".mask.png"))[3]
    view = picture_view(to_world, camera["focal"], PIXELS, PIXELS)
    picture, given = picture_of(task, mask)
    started = perf_counter()
    steps = reconstruct(space, encoder, picture, mask=given, options=ReconstructOptions())
    first = next(steps)
    # The mesh of the encoder's word, as a user sees it.
    judge.surface(space, first.code, 64)
    first_at = perf_counter() - started
    *_, last = steps
    seconds = perf_counter() - started
    covered = (mask > 0.5).numpy()
    overlap = judge.intersection_over_union((first.mask > 0.5).numpy(), covered)
    turn = torch.linalg.inv(to_world)[:3, :3]

    def judged(step: Reconstruction) -> Verdict:
        assert step.camera is not None
        found = torch.linalg.inv(step.camera)[:3, :3]
        angle = judge.turned(found, turn, azimuth=encoder.azimuth)
        return judge.verdict(space, step.code, step.view, covered, true, degrees=angle)

    nearest = space.codes[judge.most_alike(known_meshes_of(task.space), view, covered)]
    return Found(
        mask_iou=overlap,
        first=first_at,
        seconds=seconds,
        mean=judge.verdict(space, space.mean_code, view, covered, true),
        known=judge.verdict(space, nearest, view, covered, true),
        encoder=judged(first),
        refined=judged(last),
    )


def picture_of(task: Task, mask: Tensor) -> tuple[Tensor, Tensor | None]:
    """The picture of the task's kind, and the mask where it is given."""
    picture = read_picture(Path(task.photo))
    if task.kind == "photo":
        return picture, None
    if task.kind == "cut out":
        return picture, mask
    if task.kind == "sketch":
        mask = sketched(mask, seed=len(task.photo))
    grey = torch.full_like(picture, 0.5)
    grey[3] = 1.0
    return grey, mask


def sketched(mask: Tensor, *, seed: int) -> Tensor:
    """A mask as a hand draws it: its outline wavers, and corners are rounded."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0 : mask.shape[0], 0 : mask.shape[1]].astype(np.float64)
    off = [ndimage.gaussian_filter(rng.normal(size=mask.shape), WAVE) for _ in range(2)]
    off = [each / each.std() * WAVER for each in off]
    moved = ndimage.map_coordinates(mask.numpy(), [rows + off[0], columns + off[1]], order=1)
    smooth = ndimage.gaussian_filter(moved, SMOOTH)
    return torch.from_numpy((smooth > 0.4).astype(np.float32))


@cache
def space_of(name: str) -> Space:
    return load_space(builtin_spaces()[name])


@cache
def known_meshes_of(name: str) -> list[judge.Mesh]:
    return judge.known_meshes(space_of(name))


@cache
def encoder_of(name: str) -> SpaceEncoder:
    return find_encoder(space_of(name), builtin_spaces()[name])


def tell(task: Task, found: list[Found]) -> None:
    """One row."""
    raw, refined = (judge.means([getattr(f, key) for f in found]) for key in ("encoder", "refined"))
    less = [1 - f.refined.chamfer / f.encoder.chamfer for f in found]
    cells = [
        *(task.space, task.kind, len(found), f"{mean(f.mask_iou for f in found):.3f}"),
        *(f"{median(f.first for f in found):.2f}", f"{median(f.seconds for f in found):.2f}"),
        *(f"{mean(getattr(f, key).chamfer for f in found):.4f}" for key in ("mean", "known")),
        *(f"{raw[0]:.4f}", f"{refined[0]:.4f}"),
        *(f"{1 - refined[0] / raw[0]:.0%}", f"{mean(each < 0 for each in less):.0%}"),
        *(f"{raw[1]:.3f}", f"{refined[1]:.3f}", f"{raw[2]:.3f}", f"{refined[2]:.3f}"),
        *(f"{raw[3]:.1f}", f"{refined[3]:.1f}"),
    ]
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)
