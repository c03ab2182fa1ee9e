"""Silhouettes and their gradients: DEODR and ours, against finite differences of exact coverage.

The mesh is Bob, at two resolutions; the target is Spot. Time is of one look with its gradient by
the vertices' image positions. The gradient is compared along smooth motions of the image: with
central differences of the area that the union of all front faces covers, and of the pixel loss, by
polygons clipped at every pixel (shapely). Each is held to its own loss: ours is the integral of
(S - T)^2 for the silhouette S itself, DEODR's the sum of (C - T)^2 of anti-aliased coverage C.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
import torch
from numpy.typing import NDArray

from core.camera import View
from core.extraction import extract
from core.loading import load_space
from core.pose import transformed
from core.silhouette import contour, image_loss_weights, see, surrogate
from tools.around import camera

from .decoders import SPACES
from .ladder import timed

Floats = NDArray[np.float64]
# Cells that give Bob about 10,000 and about 100,000 faces.
CELLS, PIXELS = (60, 188), (256, 512)
STEP = 1e-3  # of the differences, in pixels
MOTIONS = 3
HEAD = (
    *("faces", "pixels", "DEODR, ms", "ours, ms", "times as fast"),
    *("area's gradient off, DEODR", "ours", "pixel loss's, DEODR", "ours"),
)


@dataclass(frozen=True)
class Stage:
    """A mesh in front of a camera; ``pixels`` ``(V, 2)`` are its vertices' image positions."""

    view: View
    vertices: torch.Tensor
    faces: NDArray[np.int64]
    pixels: Floats
    target: NDArray[np.bool_]


def table() -> Iterator[tuple[str, ...]]:
    """Rows for both sizes of mesh and of image."""
    for cells in CELLS:
        for size in PIXELS:
            yield row(staged(cells, size))


def staged(cells: int, size: int) -> Stage:
    space, view = (
        load_space(SPACES / "bob_and_spot.safetensors"),
        camera(size, around=40.0),
    )
    placed = []
    for code in space.codes:
        mesh = extract(space, code, cells)
        placed.append(
            (transformed(space.frame.matrix(), mesh.vertices.double()), mesh.faces.numpy())
        )
    (vertices, faces), other = placed
    pixels = view.project(vertices)[0].numpy()
    return Stage(view, vertices, faces, pixels, see(view, *other).mask)


def row(stage: Stage) -> tuple[str, ...]:
    size = stage.view.width
    ones, target = torch.ones(size, size), torch.from_numpy(stage.target).float()
    mine = {
        "area": lambda: our_gradient(stage, ones),
        "loss": lambda: our_gradient(stage, image_loss_weights(target)),
    }
    theirs = {
        "area": lambda: deodr_gradient(stage, None),
        "loss": lambda: deodr_gradient(stage, target),
    }
    gradients = {name: (theirs[name](), mine[name]()) for name in mine}
    errors: dict[str, list[tuple[float, float]]] = {"area": [], "loss": []}
    for number in range(MOTIONS):
        motion = smooth_motion(stage, number)
        true = differences(stage, motion)
        for name, (deodr, ours) in gradients.items():
            wanted = true["area"], true["area"]
            if name == "loss":
                wanted = true["anti-aliased"], true["exact"]
            errors[name].append(
                tuple(
                    abs((gradient * motion).sum() - value) / abs(value)
                    for gradient, value in zip((deodr, ours), wanted, strict=True)
                )
            )
    times = timed(theirs["loss"])[1], timed(mine["loss"])[1]
    worst = [f"{max(each[who] for each in errors[what]):.2%}" for what in errors for who in (0, 1)]
    return (
        *(f"{len(stage.faces):,}", str(size)),
        *(f"{1e3 * each:.1f}" for each in times),
        *(f"{times[0] / times[1]:.1f}", *worst),
    )


def our_gradient(stage: Stage, weights: torch.Tensor) -> Floats:
    """By the image positions, of the integral of ``weights`` over the silhouette, in pixels."""
    seen = see(stage.view, stage.vertices, stage.faces)
    pixels = torch.from_numpy(stage.pixels).requires_grad_()
    value = surrogate(contour(seen), weights, pixels, torch.from_numpy(seen.mask))
    (gradient,) = torch.autograd.grad(value * weights.numel(), pixels)
    return gradient.numpy()


def deodr_gradient(stage: Stage, target: torch.Tensor | None) -> Floats:
    """The same of DEODR's anti-aliased image of a white shape: of its sum, or of (C - T)^2."""
    from deodr.differentiable_renderer import Scene2D
    from deodr.triangulated_mesh import TriMeshAdjacencies

    size, count = stage.view.width, len(stage.faces)
    faces = stage.faces.astype(np.uint32)
    depths = (stage.vertices.numpy() @ stage.view.matrix[3, :3].numpy()) + 10.0
    scene = Scene2D(
        faces=faces,
        faces_uv=faces,
        ij=stage.pixels.copy(),
        depths=depths,
        textured=np.zeros(count, dtype=bool),
        uv=np.zeros((len(depths), 2)),
        shade=np.zeros(len(depths)),
        colors=np.ones((len(depths), 1)),
        shaded=np.zeros(count, dtype=bool),
        edgeflags=TriMeshAdjacencies(faces, clockwise=False).edge_on_silhouette(stage.pixels),
        height=size,
        width=size,
        nb_colors=1,
        texture=np.zeros((0, 0)),
        background_color=np.zeros(1),
        clockwise=False,
        backface_culling=True,
        integer_pixel_centers=False,
    )
    image, _ = scene.render(sigma=1.0)
    wanted = np.ones_like(image) if target is None else 2 * (image - target.numpy()[:, :, None])
    scene.clear_gradients()
    scene.render_backward(wanted)
    return scene.ij_b.copy()


def smooth_motion(stage: Stage, number: int) -> Floats:
    """A motion of the image ``(V, 2)``: waves as long as the shape, of about a pixel."""
    rng = np.random.default_rng(number)
    at = stage.pixels / stage.view.width
    waves = [rng.normal() * np.sin(at @ rng.normal(0, 4, 2) + rng.uniform(0, 6)) for _ in range(6)]
    return np.stack([sum(waves[:3]), sum(waves[3:])], axis=1)


def differences(stage: Stage, motion: Floats) -> dict[str, float]:
    """Central differences along a motion, of exact coverage."""
    ahead, behind = (measured(stage, stage.pixels + way * STEP * motion) for way in (1, -1))
    return {name: (ahead[name] - behind[name]) / (2 * STEP) for name in ahead}


def measured(stage: Stage, pixels: Floats) -> dict[str, float]:
    """Area, and both pixel losses, of the union of the front faces in the image."""
    size, corners = stage.view.width, pixels[stage.faces]
    edge, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    front = edge[:, 0] * other[:, 1] - edge[:, 1] * other[:, 0] < 0
    shape = shapely.union_all(shapely.polygons(corners[front]))
    coverage = exact_coverage(shape, size)
    target = stage.target.astype(float)
    return {
        "area": float(shape.area),
        "exact": float((coverage * (1 - 2 * target)).sum()),
        "anti-aliased": float(((coverage - target) ** 2).sum()),
    }


def exact_coverage(shape: shapely.Geometry, size: int) -> Floats:
    """Which share of each pixel ``(H, W)`` a polygon covers: clipped by rows, then by pixels."""
    coverage = np.zeros((size, size))
    rows = np.arange(size)
    strips = shapely.intersection(shape, shapely.box(0, rows, size, rows + 1))
    for number, strip in zip(rows, strips, strict=True):
        if not strip.is_empty:
            boxes = shapely.box(rows, number, rows + 1, number + 1)
            coverage[number] = shapely.area(shapely.intersection(strip, boxes))
    return coverage
