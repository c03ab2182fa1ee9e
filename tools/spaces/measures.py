"""What the recipes share: meshes to samples, a run that resumes, and honest figures."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
import torch

from core.extraction import extract
from core.space import Space
from core.topology import topology
from core.training.autodecoder import Training, TrainingOptions
from core.training.sampling import (
    FloatArray,
    IntArray,
    Samples,
    outer_faces,
    sample_mesh,
    signed_distances,
    surface_points,
)

SECONDS_BETWEEN_CHECKPOINTS = 30.0
STEPS_BETWEEN_LINES = 500
# The measures: points a side of the surface error, points in the cube of the volume's overlap.
SURFACE_POINTS = 30_000
VOLUME_POINTS = 60_000
MEASURED_CELLS = 128
BOX_SIDE = 2.0


@dataclass(frozen=True)
class Shape:
    """A named training mesh in the cube; ``faces`` are those that count as its surface."""

    name: str
    vertices: FloatArray
    faces: IntArray


@dataclass(frozen=True)
class Quality:
    """How well a code gives a shape.

    Mean distance between the surfaces, both ways, in % of the box's side; intersection over union
    of the volumes; the mesh's components and genus; the median of |grad f| on it.
    """

    surface_error: float
    volume_iou: float
    components: int
    genus: int | None
    watertight: bool
    slope: float


def read_shape(path: Path, *, scale: float, fill_voids: bool = False) -> Shape:
    """A mesh file as a Shape, scaled about the origin; ``fill_voids`` drops inner linings."""
    import trimesh

    mesh = trimesh.load_mesh(path, process=True)
    vertices = np.asarray(mesh.vertices, np.float64) * scale
    faces = np.asarray(mesh.faces, np.int64)
    return Shape(path.stem, vertices, outer_faces(vertices, faces) if fill_voids else faces)


def cached_samples(
    path: Path,
    cache: Path,
    *,
    scale: float,
    near: int,
    volume: int,
    seed: Sequence[int],
    fill_voids: bool = False,
) -> Samples:
    """The samples of the mesh file ``path``, from ``cache`` if they were taken before."""
    kept = cache / f"{path.stem}.npz"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        shape = read_shape(path, scale=scale, fill_voids=fill_voids)
        rng = np.random.default_rng(seed)
        samples = sample_mesh(shape.vertices, shape.faces, near=near, volume=volume, rng=rng)
        partial = kept.with_suffix(".part.npz")
        np.savez(partial, points=samples.points, distances=samples.distances)
        partial.replace(kept)
        print(f"sampled {path.name}", flush=True)
    with np.load(kept) as data:
        return Samples(data["points"], data["distances"])


def train(
    options: TrainingOptions, shapes: Sequence[Samples], checkpoint: Path, *, seed: int
) -> Training:
    """Train to the end, or go on from ``checkpoint``; a line of progress now and then."""
    if checkpoint.exists():
        training = Training.load(checkpoint)
        print(f"going on at step {training.step} of {training.options.steps}", flush=True)
    else:
        generator = torch.Generator().manual_seed(seed)
        training = Training(options, len(shapes), generator=generator)
    started, saved, first, errors = time.monotonic(), time.monotonic(), training.step, []
    for step in training.run(shapes):
        errors.append(step.error)
        now = time.monotonic()
        if now - saved > SECONDS_BETWEEN_CHECKPOINTS:
            training.save(checkpoint)
            saved = now
        if step.step % STEPS_BETWEEN_LINES == 0:
            left = (now - started) / (step.step - first) * (step.steps - step.step)
            print(
                f"step {step.step} of {step.steps}: error {fmean(errors):.5f}, "
                f"codes {step.code_norm:.3f}, {left:.0f} s left",
                flush=True,
            )
            errors.clear()
    training.save(checkpoint)
    return training


def measure(space: Space, code: torch.Tensor, shape: Shape, *, rng: np.random.Generator) -> Quality:
    """Compare the surface of ``code`` with ``shape``: see Quality."""
    mesh = extract(space, code, MEASURED_CELLS, newton=1)
    report = topology(mesh.vertices, mesh.faces)
    vertices, faces = mesh.vertices.numpy().astype(np.float64), mesh.faces.numpy()
    there = signed_distances(
        shape.vertices, shape.faces, surface_points(vertices, faces, SURFACE_POINTS, rng=rng)
    )
    back = signed_distances(
        vertices, faces, surface_points(shape.vertices, shape.faces, SURFACE_POINTS, rng=rng)
    )
    error = float(np.abs(there).mean() + np.abs(back).mean()) / 2
    points = rng.uniform(-1, 1, (VOLUME_POINTS, 3))
    inside = signed_distances(shape.vertices, shape.faces, points) < 0
    field = space.fold(code)
    found = field.evaluate(torch.from_numpy(points).float()).numpy() < 0
    at_surface = mesh.vertices.clone().requires_grad_(True)
    (slope,) = torch.autograd.grad(field(at_surface).sum(), at_surface)
    return Quality(
        surface_error=100 * error / BOX_SIDE,
        volume_iou=float((inside & found).sum() / (inside | found).sum()),
        components=report.components,
        genus=report.genus,
        watertight=report.watertight,
        slope=float(slope.norm(dim=1).median()),
    )


def summary(qualities: Sequence[Quality]) -> dict[str, float | int]:
    """Mean and worst figures of many shapes, rounded, for the card."""
    return {
        "shapes": len(qualities),
        "surface_error_percent_mean": round(fmean(q.surface_error for q in qualities), 4),
        "surface_error_percent_worst": round(max(q.surface_error for q in qualities), 4),
        "volume_iou_mean": round(fmean(q.volume_iou for q in qualities), 4),
        "volume_iou_worst": round(min(q.volume_iou for q in qualities), 4),
        "one_component_and_watertight": sum(q.components == 1 and q.watertight for q in qualities),
        "slope_median": round(fmean(q.slope for q in qualities), 3),
    }


def line(name: str, quality: Quality) -> str:
    """One shape's figures as a line of text."""
    figures = asdict(quality)
    return f"{name}: " + ", ".join(
        f"{key} {value:.4f}" if isinstance(value, float) else f"{key} {value}"
        for key, value in figures.items()
    )
