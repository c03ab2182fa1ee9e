"""The outlines as residuals: the shape's to the target's, and the target's to the shape's.

Three kinds, in pixels. The shape's contour has a signed distance to the target's outline. The
target's outline has a distance along the normal to the nearest contour that faces the same way. And
where no contour is near, as in a hole that the shape has not got yet, or along a limb that it has
to grow, the ray of the outline's pixel has to touch the surface: the least F on it has to be zero,
and its derivative is F's where that least is, whichever way the least moves (envelope theorem).
That is what makes topology change on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor

from ..camera import NEAREST_DEPTH, View
from ..silhouette import Silhouette, contour
from .goal import Goal
from .looking import Look
from .motion import Motion
from .rows import Rows
from .zoom import moved_by_zoom

Floats = NDArray[np.float64]

# Pixels count as in an image of this size, so that the same picture, larger, fits as well.
USUAL_PIXELS = 256.0
# Samples of a view's contour, at most.
MOST_SAMPLES = 600
# So many square pixels along so many pixels of outline weigh as much as one deviation of the code.
NOISE = 20.0
# Two outlines that face opposite ways count as this many pixels apart.
ACROSS = 20.0
# Beyond this share of the image, or where it faces another way, a contour is not meant.
UNMATCHED, FACING = 0.04, 0.5
RAY_SAMPLES = 48
FLATTEST = 0.2  # |grad F| of a ray's residual counts as no less


@dataclass(frozen=True)
class Samples:
    """Samples of a contour: ``points`` ``(N, 3)`` in the cube, ``pixels`` ``(N, 2)``, ``outward``
    ``(N, 2)`` unit normals in the image, ``length`` ``(N,)`` in pixels that each stands for.
    """

    points: Tensor
    pixels: Floats
    outward: Floats
    length: Floats


def rows(look: Look, goals: Sequence[Goal], motion: Motion, *, tolerance: float) -> Iterator[Rows]:
    """The residuals of all views. Those beyond ``tolerance``, in usual pixels, count less and less
    (Cauchy's weights); where most are beyond, their own median takes its place.
    """
    weights = [goal.view.weight for goal in goals]
    for place, goal in enumerate(goals):
        share = goal.view.weight * len(goals) / sum(weights)
        yield from _View(look, goal, place, motion, share=share, tolerance=tolerance).rows()


class _View:
    """The residuals of one view."""

    def __init__(
        self,
        look: Look,
        goal: Goal,
        place: int,
        motion: Motion,
        *,
        share: float,
        tolerance: float,
    ) -> None:
        self._look, self._goal, self._motion = look, goal, motion
        self._view = look.views[place]
        self._unit = USUAL_PIXELS / max(goal.mask.shape)
        self._share, self._tolerance = share * self._unit / NOISE, tolerance
        self._samples = sampled(look, look.seen[place])

    def rows(self) -> Iterator[Rows]:
        goal, samples = self._goal, self._samples
        matched = np.zeros(len(goal.outline), dtype=bool)
        if len(samples.points):
            by = along(self._view, self._motion, samples) * self._unit
            off = goal.distance_at(samples.pixels) * self._unit
            facing = (goal.outward_at(samples.pixels) * samples.outward).sum(axis=1)
            yield self._rows(off, facing.clip(0.0) * samples.length, by)
            nearest, apart, facing = self._nearest()
            facing = facing * (samples.length[nearest] > 0)  # what follows no field meets nothing
            matched = (apart < UNMATCHED * USUAL_PIXELS) & (facing > FACING)
            off = -(goal.outline - samples.pixels[nearest]) * samples.outward[nearest]
            weights = facing.clip(0.0) * goal.outline_step
            yield self._rows(off.sum(axis=1) * self._unit, weights, by[nearest], size=apart)
        unmatched = goal.outline[~matched]
        some = unmatched[:: max(1, -(-len(unmatched) // MOST_SAMPLES))]
        yield from self._rays(some, len(unmatched))

    def _rows(
        self, off: Floats, weights: Floats, by: Tensor, *, size: Floats | None = None
    ) -> Rows:
        size = np.abs(off) if size is None else size
        tolerance = max(self._tolerance, float(np.median(size)) if len(size) else 0.0)
        robust = tolerance**2 / (tolerance**2 + size**2)
        return Rows(
            torch.from_numpy(off), torch.from_numpy(self._share * weights * robust), lambda: by
        )

    def _nearest(self) -> tuple[NDArray[np.int64], Floats, Floats]:
        """For each sample of the target's outline the contour's nearest, and how far and how."""
        goal, samples = self._goal, self._samples
        across = ACROSS / self._unit
        tree = cKDTree(np.concatenate([samples.pixels, across * samples.outward], axis=1))
        wanted = np.concatenate([goal.outline, across * goal.outline_outward], axis=1)
        nearest = tree.query(wanted)[1]
        apart = np.linalg.norm(goal.outline - samples.pixels[nearest], axis=1) * self._unit
        return nearest, apart, (goal.outline_outward * samples.outward[nearest]).sum(axis=1)

    def _rays(self, pixels: Floats, count: int) -> Iterator[Rows]:
        """Those of outline samples ``(N, 2)``, of ``count``, that no contour is near to."""
        along = _through_cube(self._view, pixels, self._look.to_world)
        if not len(along):
            return
        least = self._motion.least(along)
        value, slope, by = self._motion.field(least)
        world = self._motion.placed(least)
        if self._motion.lens is not None:
            _, moved = moved_by_zoom(self._view, self._motion.lens, world)
            by[:, -1] += (slope * moved).sum(dim=1)
        focal, depth = _scale(self._view, world)
        unit = self._unit * focal / depth / slope.norm(dim=1).clamp_min(FLATTEST)
        weights = np.full(len(least), self._goal.outline_step * count / len(pixels))
        yield self._rows((value * unit).numpy(), weights, by * unit[:, None])


def sampled(look: Look, silhouette: Silhouette) -> Samples:
    """One sample on each edge of the visible contour, or on some where there are many."""
    pieces = contour(silhouette)
    length = np.linalg.norm(pieces.normal, axis=1)
    key = pieces.begin * len(silhouette.pixels) + pieces.end
    _, first, edge = np.unique(key, return_index=True, return_inverse=True)
    total = np.bincount(edge, length, len(first))
    some = np.flatnonzero(total > 0)
    some = some[:: max(1, -(-len(some) // MOST_SAMPLES))]
    place = (np.bincount(edge, pieces.place * length, len(first))[some] / total[some])[:, None]
    outward = np.stack([np.bincount(edge, part, len(first)) for part in pieces.normal.T], axis=1)
    outward = outward[some] / np.linalg.norm(outward[some], axis=1, keepdims=True).clip(1e-12)
    begin, end = pieces.begin[first[some]], pieces.end[first[some]]
    vertices, pixels = look.mesh.vertices, silhouette.pixels
    points = torch.lerp(vertices[begin], vertices[end], torch.from_numpy(place).float())
    stands_for = total[some] * (total.sum() / total[some].sum() if len(some) else 1.0)
    # What lies on the cube's wall or on a cap follows no field.
    stands_for = stands_for * (points.abs() < 1.0).all(dim=1).numpy()
    return Samples(points, pixels[begin] * (1 - place) + pixels[end] * place, outward, stands_for)


def along(view: View, motion: Motion, samples: Samples) -> Tensor:
    """How fast contour samples move outwards in the image: ``(N, P)``, in pixels."""
    world = motion.placed(samples.points)
    matrix = view.matrix
    image = world @ matrix[:, :3].t() + matrix[:, 3]
    pixels, w = image[:, :2] / image[:, 3:], image[:, 3]
    outward = torch.from_numpy(samples.outward)
    # d(pixel)/d(world), taken along the outward normal: (N, 3).
    across = outward @ matrix[:2, :3] - (outward * pixels).sum(dim=1)[:, None] * matrix[3, :3]
    by = torch.einsum("nx,nxp->np", across / w[:, None], motion.of(samples.points))
    if motion.lens is not None:
        moved, _ = moved_by_zoom(view, motion.lens, world)
        by[:, -1] += (outward * moved).sum(dim=1)
    return by


def _scale(view: View, world: Tensor) -> tuple[float, Tensor]:
    """The view's focal length in pixels, and the depths ``(N,)`` that divide it."""
    across, ahead = view.matrix[0, :3], view.matrix[3, :3]
    w = world @ ahead + view.matrix[3, 3]
    # A perspective row also holds the image's middle, times the way ahead.
    length = float(ahead.square().sum())
    across = across - (across @ ahead) / length * ahead if length > 0 else across
    return float(across.norm()), w.abs().clamp_min(1e-6)


def _through_cube(view: View, pixels: Floats, to_world: Tensor) -> Tensor:
    """Points along the rays of ``pixels`` ``(N, 2)`` that meet the cube: ``(R, S, 3)`` in it."""
    image = (view.matrix @ to_world).numpy()
    # The ray of a pixel is where two planes meet.
    planes = image[None, :2] - pixels[:, :, None] * image[None, 3:]
    normals, offsets = planes[:, :, :3], planes[:, :, 3]
    direction = np.cross(normals[:, 0], normals[:, 1])
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    gram = normals @ normals.transpose(0, 2, 1)
    foot = np.linalg.solve(gram, -offsets[:, :, None])
    origin = (normals.transpose(0, 2, 1) @ foot)[:, :, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = (np.array([-1.0, 1.0])[:, None, None] - origin) / direction
    low, high = np.nanmax(ends.min(axis=0), axis=1), np.nanmin(ends.max(axis=0), axis=1)
    # Only what is in front of the camera: w falls or rises evenly along a line.
    w, slope = origin @ image[3, :3] + image[3, 3], direction @ image[3, :3]
    with np.errstate(divide="ignore", invalid="ignore"):
        at_camera = (NEAREST_DEPTH - w) / slope
    low = np.where(slope > 0, np.maximum(low, at_camera), low)
    high = np.where(slope < 0, np.minimum(high, at_camera), high)
    meets = high > low
    share = (np.arange(RAY_SAMPLES) + 0.5) / RAY_SAMPLES
    way = low[meets, None] + (high - low)[meets, None] * share
    points = origin[meets, None] + direction[meets, None] * way[:, :, None]
    return torch.from_numpy(points).float()
