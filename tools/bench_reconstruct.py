"""Reconstructions from photos that Cycles took of shapes no space was trained on.

    python3 dev.py bench reconstruct [SPACE ...] [--shapes N] [--views N] [--processes N]

Each held-out shape is photographed from cameras of its own: materials, lamps, floors, walls and
things that no encoder has seen (tools/reconstruct/photos.py); the photos are kept in data/. Five
kinds of pictures are made of each: the photo as it is, whose mask is predicted; the photo cut out;
the same with its lens told, as photos note it; the silhouette alone; and a sketch, the silhouette
with a wavering, smoothed outline. The camera is guessed every time. Baselines
(tools/reconstruct/baselines.py), each with its pose fitted to the true mask from where the encoder
sees the object: the mean shape, and the known shape whose silhouette is then most like the mask;
and that known shape for which the true camera is given.
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
from zlib import crc32

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
from core.reconstruction.placing import SENSOR, picture_view
from core.silhouette import intersection_over_union
from core.space import Space
from tools.reconstruct import baselines, judge
from tools.reconstruct.judge import Verdict
from tools.spaces import shapes
from tools.spaces.recipe import DATA, NAMES, maker

ROOT = Path(__file__).resolve().parents[1]
PIXELS, SAMPLES = 224, 16
KINDS = ("photo", "cut out", "lens told", "silhouette", "sketch")
# A sketch's outline wavers by so many pixels, in waves of so many.
WAVER, WAVE, SMOOTH = 1.8, 9.0, 1.5
HEAD = (
    *("space", "picture", "pictures", "mask IoU", "first mesh, s", "all, s"),
    *("distance: mean shape", "nearest known", "with the true camera", "encoder", "refined"),
    *("refined less by, mean", "worse", "normals: encoder", "refined"),
    *("IoU: mean shape", "nearest known", "encoder", "refined"),
    *("degrees off: mean shape", "nearest known", "encoder", "refined"),
)


@dataclass(frozen=True)
class Task:
    """A photo, and which kinds of pictures are made of it."""

    space: str
    mesh: str
    photo: str
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """What came of a picture."""

    mask_iou: float
    first: float
    seconds: float
    mean: Verdict
    known: Verdict
    given: Verdict
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
            tasks = [Task(name, *pair, tuple(options.kinds)) for pair in photos]
            found = list(pool.map(one, tasks))
            for kind, column in zip(options.kinds, zip(*found, strict=True), strict=True):
                tell(name, kind, list(column))
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


def one(task: Task) -> list[Found]:
    """Reconstruct from each kind of picture of a photo, and judge what came of it."""
    torch.set_num_threads(1)
    space, encoder = space_of(task.space), encoder_of(task.space)
    with np.load(task.mesh) as data:
        true = data["vertices"].astype(np.float64), data["faces"].astype(np.int64)
    camera = json.loads(Path(task.photo).with_suffix(".json").read_text("utf-8"))
    to_world = torch.tensor(camera["camera_to_world"], dtype=torch.float64)
    mask = read_picture(Path(task.photo).with_suffix(".mask.png"))[3]
    view = picture_view(to_world, camera["focal"], PIXELS, PIXELS)
    covered = (mask > 0.5).numpy()
    turn = torch.linalg.inv(to_world)[:3, :3]

    def judged(step: Reconstruction) -> Verdict:
        assert step.camera is not None
        found = torch.linalg.inv(step.camera)[:3, :3]
        angle = judge.turned(found, turn, azimuth=encoder.azimuth)
        return judge.verdict(space, step.code, step.view, covered, true, degrees=angle)

    known = known_meshes_of(task.space)
    fitted = baselines.fitted(space, encoder, read_picture(Path(task.photo)), mask, known)
    poor = [judged(each) for each in fitted]
    nearest = space.codes[baselines.most_alike(known, view, covered)[0]]
    given = judge.verdict(space, nearest, view, covered, true)
    every = []
    for kind in task.kinds:
        picture, drawn = picture_of(task, kind, mask)
        started = perf_counter()
        lens = camera["focal"] / PIXELS * SENSOR if kind == "lens told" else None
        steps = reconstruct(
            space, encoder, picture, mask=drawn, lens=lens, options=ReconstructOptions()
        )
        first = next(steps)
        # The mesh of the encoder's word, as a user sees it.
        judge.surface(space, first.code, 64)
        first_at = perf_counter() - started
        *_, last = steps
        seconds = perf_counter() - started
        overlap = intersection_over_union((first.mask > 0.5).numpy(), covered)
        every.append(Found(overlap, first_at, seconds, *poor, given, judged(first), judged(last)))
    return every


def picture_of(task: Task, kind: str, mask: Tensor) -> tuple[Tensor, Tensor | None]:
    """The picture of that kind, and the mask where it is given."""
    picture = read_picture(Path(task.photo))
    if kind == "photo":
        return picture, None
    if kind in ("cut out", "lens told"):
        return picture, mask
    if kind == "sketch":
        mask = sketched(mask, seed=crc32(Path(task.photo).name.encode()))
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
    return baselines.known_meshes(space_of(name))


@cache
def encoder_of(name: str) -> SpaceEncoder:
    return find_encoder(space_of(name), builtin_spaces()[name])


def tell(space: str, kind: str, found: list[Found]) -> None:
    """One row."""
    names = ("mean", "known", "given", "encoder", "refined")
    of = {name: judge.means([getattr(each, name) for each in found]) for name in names}
    mean_shape, known, given, raw, refined = (of[name] for name in names)
    worse = mean(each.refined.chamfer > each.encoder.chamfer for each in found)
    posed = (mean_shape, known, raw, refined)
    cells = [
        *(space, kind, len(found), f"{mean(f.mask_iou for f in found):.3f}"),
        *(f"{median(f.first for f in found):.2f}", f"{median(f.seconds for f in found):.2f}"),
        *(f"{each[0]:.4f}" for each in (mean_shape, known, given, raw, refined)),
        *(f"{1 - refined[0] / raw[0]:.0%}", f"{worse:.0%}"),
        *(f"{raw[1]:.3f}", f"{refined[1]:.3f}"),
        *(f"{each[2]:.3f}" for each in posed),
        *(f"{each[3]:.1f}" for each in posed),
    ]
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)
