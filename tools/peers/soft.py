"""A soft silhouette, as the published MeshSDF is fitted by: SoftRas (Liu et al., ICCV 2019).

A pixel whose centre lies at squared distance d^2 from a triangle's border is covered by it with
probability sigmoid(s d^2 / sigma), s = 1 inside and -1 outside, and by the shape with 1 - prod(1 -
p) over its triangles (equations 1 and 4 there). As PyTorch3D does it (whose silhouettes MeshSDF was
fitted by): only triangles nearer than the blur radius count, and of these the ``faces_per_pixel``
nearest to the camera. Distances are in half sides of the image. Plain torch, for any device: pairs
of pixel and face, so that nothing is looped over; the gradient is torch's own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

SIGMA = 1e-4
FACES_PER_PIXEL = 25
# Squared length of a side below which it counts as a point, in squared half sides of the image.
POINT = 1e-20


@dataclass(frozen=True)
class Softness:
    """The width of the edges, and how many faces count in a pixel."""

    sigma: float = SIGMA
    faces_per_pixel: int = FACES_PER_PIXEL

    @property
    def blur_radius(self) -> float:
        """The squared distance up to which a face counts: where its probability is 1e-4."""
        return math.log(1 / 1e-4 - 1) * self.sigma


def soft_silhouette(
    pixels: Tensor, depths: Tensor, faces: Tensor, size: int, softness: Softness | None = None
) -> Tensor:
    """The coverage ``(size, size)`` in [0, 1] of a square image, differentiable in ``pixels``.

    pixels ``(V, 2)``: the vertices' image positions, column and row, pixel centres at +0.5; depths
    ``(V,)`` grow away from the camera and only choose faces; faces ``(F, 3)``.
    """
    softness = softness or Softness()
    corners = (pixels * (2.0 / size) - 1.0)[faces]
    with torch.no_grad():
        pixel, face = _chosen(corners, depths[faces], size, softness)
    inside, square = _distances(_centres(pixel, size), corners[face])
    signed = torch.where(inside, square, -square) / softness.sigma
    # log(1 - sigmoid(x)) = -softplus(x): products over faces are sums.
    bare = torch.nn.functional.softplus(signed)
    total = torch.zeros(size * size, dtype=bare.dtype, device=bare.device)
    return (1.0 - torch.exp(-total.index_add(0, pixel, bare))).view(size, size)


def _centres(pixel: Tensor, size: int) -> Tensor:
    """The centres of flat pixel indices ``(P,)``, in half sides from the middle: ``(P, 2)``."""
    return (torch.stack([pixel % size, pixel // size], dim=1) + 0.5) * (2.0 / size) - 1.0


def _chosen(
    corners: Tensor, depths: Tensor, size: int, softness: Softness
) -> tuple[Tensor, Tensor]:
    """The pairs of pixel and face that count, ``(P,)`` each, by pixel and then by depth."""
    pixel, face = _near(corners, size, math.sqrt(softness.blur_radius))
    at = _centres(pixel, size).to(corners)
    inside, square = _distances(at, corners[face])
    counts = inside | (square < softness.blur_radius)
    pixel, face, at = pixel[counts], face[counts], at[counts]
    depth = (_weights(at, corners[face]) * depths[face]).sum(dim=1)
    by_depth = depth.argsort()
    order = by_depth[pixel[by_depth].argsort(stable=True)]
    pixel, face = pixel[order], face[order]
    # The place of each pair among those of its pixel.
    counts = torch.bincount(pixel, minlength=size * size)
    place = torch.arange(len(pixel), device=pixel.device) - (counts.cumsum(0) - counts)[pixel]
    kept = place < softness.faces_per_pixel
    return pixel[kept], face[kept]


def _near(corners: Tensor, size: int, reach: float) -> tuple[Tensor, Tensor]:
    """Pairs of pixel and face where the face's box, wider by ``reach``, holds the centre."""
    low = ((corners.amin(dim=1) - reach + 1.0) * (size / 2) - 0.5).ceil().long().clamp(0, size)
    high = ((corners.amax(dim=1) + reach + 1.0) * (size / 2) - 0.5).floor().long().clamp(-1, size)
    wide, tall = (high.clamp(max=size - 1) - low + 1).clamp_min(0).unbind(dim=1)
    count = wide * tall
    face = torch.repeat_interleave(count)
    place = torch.arange(len(face), device=face.device) - (count.cumsum(0) - count)[face]
    across = wide[face]
    column = low[face, 0] + place % across
    row = low[face, 1] + torch.div(place, across, rounding_mode="floor")
    return row * size + column, face


def _distances(at: Tensor, corners: Tensor) -> tuple[Tensor, Tensor]:
    """Whether points ``(P, 2)`` lie in triangles ``(P, 3, 2)``; squared distances to the border."""
    # Side by side and number by number: torch is slow at rows of two or three.
    x, y = at.to(corners).unbind(dim=1)
    places = [corner.unbind(dim=1) for corner in corners.unbind(dim=1)]
    turns, squares = [], []
    for (from_x, from_y), (to_x, to_y) in zip(places, [*places[1:], places[0]], strict=True):
        along_x, along_y, away_x, away_y = to_x - from_x, to_y - from_y, x - from_x, y - from_y
        length = (along_x * along_x + along_y * along_y).clamp_min(POINT)
        share = ((away_x * along_x + away_y * along_y) / length).clamp(0.0, 1.0)
        left_x, left_y = away_x - share * along_x, away_y - share * along_y
        squares.append(left_x * left_x + left_y * left_y)
        turns.append(along_x * away_y - along_y * away_x)
    one, two, three = turns
    inside = (one > 0) & (two > 0) & (three > 0) | (one < 0) & (two < 0) & (three < 0)
    return inside, torch.minimum(torch.minimum(squares[0], squares[1]), squares[2])


def _weights(at: Tensor, corners: Tensor) -> Tensor:
    """Barycentric weights ``(P, 3)`` of points, outside of a triangle those of a point of it."""
    a, b, c = corners.unbind(dim=1)

    def area(one: Tensor, other: Tensor) -> Tensor:
        return one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]

    areas = torch.stack([area(b - at, c - at), area(c - at, a - at), area(a - at, b - at)], dim=1)
    whole = areas.sum(dim=1, keepdim=True)
    weights = (areas * whole.sign()).clamp_min(0.0)
    return weights / weights.sum(dim=1, keepdim=True).clamp_min(POINT)
