"""The silhouette of a mesh: which pixels it covers, and the exact derivative of an image loss.

**Coverage.** The front faces of a mesh cover a pixel as often as the boundary of their union winds
around it; sides between two front faces cancel. So only contour edges need to be drawn: each adds
+1 or -1 to a row's pixels right of where it crosses the row's centre line, and a running sum along
the row counts the layers. A pixel is covered where its centre lies under a front or a back face.
For a closed mesh both count the same, and the front is enough.

**Derivative.** For the indicator S of the covered region and weights w that are constant on each
pixel, the derivative of the integral of S w is a boundary integral: over the visible contour, w
times length times outward normal speed (Reynolds' transport theorem). The squared difference to a
target T is such an integral, (S - T)^2 = S (1 - 2 T) + T^2. Contour edges are cut at the pixels'
borders and where they cross, so that w is constant, speed linear and each piece in sight or
not as a whole: the sum is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .camera import NEAREST_DEPTH, View
from .topology import Edges
from .zbuffer import cross, ragged

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# A distance in pixels that no picture shows and double precision tells from nothing.
HAIR = 1e-7


@dataclass(frozen=True)
class Silhouette:
    """What a view sees of a mesh.

    layers ``(H, W)`` int: how many front (for open meshes: front and back) faces cover each pixel's
    centre. ``begin``, ``end`` ``(C,)``: vertices of the contour edges, directed as the front faces'
    sides are; a quarter turn (x, y) to (-y, x) of their direction leads out. ``pixels`` ``(V, 2)``
    are the image positions of all vertices, 0 for those behind the camera. ``cut`` tells that faces
    behind the camera are left out.
    """

    layers: NDArray[np.int32]
    begin: Ints
    end: Ints
    pixels: Floats
    cut: bool = False

    @property
    def mask(self) -> NDArray[np.bool_]:
        """The covered pixels ``(H, W)``, row 0 on top."""
        return self.layers > 0


def see(view: View, vertices: Tensor, faces: Ints, *, edges: Edges | None = None) -> Silhouette:
    """The silhouette in ``view`` of world ``vertices`` ``(V, 3)`` and ``faces`` ``(F, 3)``.

    Faces with a vertex behind the camera are left out; clip distances are not looked at. Not
    differentiable: see :func:`pull_loss`.
    """
    with torch.no_grad():
        image, w = view.project(vertices.detach().cpu().double())
    in_front = w.numpy() > NEAREST_DEPTH
    # A point in the camera's own plane has no finite image; none of its faces is drawn.
    pixels = np.where(in_front[:, None], image.numpy(), 0.0)
    edges = edges or Edges.of(faces)
    a, b, c = (pixels[faces[:, i]] for i in range(3))
    turn = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    visible = in_front[faces].all(axis=1)
    layers = np.zeros((view.height, view.width), dtype=np.int32)
    begin: list[Ints] = []
    end: list[Ints] = []
    for side in (turn < 0, turn > 0):
        chain = edges.boundary(side & visible)
        used = np.flatnonzero(chain)
        forward = chain[used] > 0
        start = np.where(forward, edges.low[used], edges.high[used])
        stop = np.where(forward, edges.high[used], edges.low[used])
        if begin:  # back faces run the other way round
            start, stop = stop, start
        begin.append(start)
        end.append(stop)
        layers += _count(pixels[start], pixels[stop], view.width, view.height)
        if visible.all() and edges.closed:
            break
    ends = np.concatenate(begin), np.concatenate(end)
    return Silhouette(layers, *ends, pixels, cut=not bool(visible.all()))


def _count(start: Floats, stop: Floats, width: int, height: int) -> NDArray[np.int32]:
    """Winding numbers at the pixels' centres of closed chains of directed edges ``(C, 2)``."""
    down = stop[:, 1] > start[:, 1]
    top = np.where(down[:, None], start, stop)
    bottom = np.where(down[:, None], stop, start)
    # Row r is crossed where its centre line r + 0.5 lies in [top, bottom).
    first = np.clip(np.ceil(top[:, 1] - 0.5), 0, height).astype(np.int64)
    last = np.clip(np.ceil(bottom[:, 1] - 0.5), 0, height).astype(np.int64)
    edge, offset = ragged(last - first)
    row = first[edge] + offset
    slope = (bottom[edge, 0] - top[edge, 0]) / (bottom[edge, 1] - top[edge, 1])
    x = top[edge, 0] + (row + 0.5 - top[edge, 1]) * slope
    column = np.clip(np.ceil(x - 0.5), 0, width).astype(np.int64)
    # Seen with rows down, front faces run clockwise in y-up, so edges going down open a region.
    steps = np.bincount(
        row * (width + 1) + column,
        weights=np.where(down[edge], 1.0, -1.0),
        minlength=height * (width + 1),
    )
    layers: NDArray[np.int32] = np.cumsum(
        steps.astype(np.int32).reshape(height, width + 1), axis=1, dtype=np.int32
    )
    return layers[:, :width]


@dataclass(frozen=True)
class Contour:
    """The visible contour, cut at pixel borders and where contours cross.

    Piece p lies on the edge from ``begin`` to ``end`` ``(P,)``, its middle at ``place`` of the way;
    ``normal`` ``(P, 2)`` points out of the silhouette and is as long as the piece, in pixels;
    ``pixel`` ``(P,)`` is the flat index of the pixel it crosses.
    """

    begin: Ints
    end: Ints
    place: Floats
    normal: Floats
    pixel: Ints


def contour(silhouette: Silhouette) -> Contour:
    """The pieces of contour inside the image that separate covered from uncovered ground."""
    height, width = silhouette.layers.shape
    start, stop = silhouette.pixels[silhouette.begin], silhouette.pixels[silhouette.end]
    near = ((np.maximum(start, stop) > 0) & (np.minimum(start, stop) < (width, height))).all(axis=1)
    begin, end, start, stop = silhouette.begin[near], silhouette.end[near], start[near], stop[near]
    owners, places = _border_cuts(start, stop)
    edge, low, high = _between(owners, places)
    first, last, pixel, kept = _inside(start, stop, (edge, low, high), (width, height))
    # Where contours cross, one of them goes out of sight: in the middle of a pixel, as a rule.
    crossed, at = _crossings(first, last, pixel)
    if len(crossed):
        at = low[kept][crossed] + at * (high - low)[kept][crossed]
        owners = np.concatenate([owners, edge[kept][crossed]])
        edge, low, high = _between(owners, np.concatenate([places, at]))
        first, last, pixel, kept = _inside(start, stop, (edge, low, high), (width, height))
    # Turning a side's direction by a quarter leads out of the covered ground.
    normal = np.stack([first[:, 1] - last[:, 1], last[:, 0] - first[:, 0]], axis=1)
    free = _layers_outside(silhouette.layers, first, last, normal, pixel) == 0
    # An open mesh has its contour from the front and from the back: once is enough.
    single = np.zeros(len(begin), dtype=bool)
    single[np.unique(begin * len(silhouette.pixels) + end, return_index=True)[1]] = True
    owner = edge[kept]
    free &= single[owner]
    place = (low + high)[kept][free] / 2
    return Contour(begin[owner[free]], end[owner[free]], place, normal[free], pixel[free])


def _inside(
    start: Floats, stop: Floats, pieces: tuple[Ints, Floats, Floats], size: tuple[int, int]
) -> tuple[Floats, Floats, Ints, NDArray[np.bool_]]:
    """Ends ``(P, 2)`` and pixels ``(P,)`` of those pieces in the image; which these are."""
    edge, low, high = pieces
    width, height = size
    direction = (stop - start)[edge]
    first = start[edge] + low[:, None] * direction
    last = start[edge] + high[:, None] * direction
    column, row = np.floor((first + last) / 2).astype(np.int64).T
    kept = (column >= 0) & (column < width) & (row >= 0) & (row < height) & (high > low + HAIR)
    return first[kept], last[kept], (row * width + column)[kept], kept


def _pairs(pixel: Ints) -> tuple[Ints, Ints]:
    """All ordered pairs of pieces in one pixel, each with itself too."""
    order = np.argsort(pixel, kind="stable")
    arranged = pixel[order]
    begins = np.flatnonzero(np.diff(arranged, prepend=-1))
    size = np.diff(begins, append=len(pixel))
    one, offset = ragged(np.repeat(size, size))
    return order[one], order[np.repeat(begins, size)[one] + offset]


def _crossings(first: Floats, last: Floats, pixel: Ints) -> tuple[Ints, Floats]:
    """The pieces that others cross, once for each, and at what share of their length."""
    one, other = _pairs(pixel)
    along, across = (last - first)[one], (last - first)[other]
    between = first[other] - first[one]
    turn = cross(along, across)
    with np.errstate(divide="ignore", invalid="ignore"):
        here, there = cross(between, across) / turn, cross(between, along) / turn
    inside = (here > HAIR) & (here < 1 - HAIR) & (there > HAIR) & (there < 1 - HAIR)
    return one[inside], here[inside]


def _layers_outside(
    layers: NDArray[np.int32], first: Floats, last: Floats, normal: Floats, pixel: Ints
) -> Ints:
    """How many layers lie just outside of each contour piece, exactly.

    The count at the pixel's centre is known. On the way from there to the middle of the piece it
    rises by one for each piece of this pixel that is crossed inwards and falls for each crossed
    outwards. Contours of meshes fold over themselves within a pixel, so nothing less will do.
    """
    width = layers.shape[1]
    one, other = _pairs(pixel)
    centre = np.stack([pixel % width, pixel // width], axis=1) + 0.5
    middle = (first + last) / 2

    # A hair outside, so that pieces of front and back that coincide are crossed as well.
    target = middle + normal * (HAIR / np.linalg.norm(normal, axis=1))[:, None]
    way = (target - centre)[one]
    straddles = (cross(way, first[other] - centre[one]) > 0) != (
        cross(way, last[other] - centre[one]) > 0
    )
    from_outside = _dot(normal[other], centre[one] - middle[other]) > 0
    to_outside = _dot(normal[other], target[one] - middle[other]) > 0
    crossed = straddles & (from_outside != to_outside)
    steps = np.where(from_outside, 1, -1) * crossed
    outside: Ints = layers.reshape(-1)[pixel] + np.bincount(one, steps, len(pixel)).astype(np.int64)
    return outside


def _dot(a: Floats, b: Floats) -> Floats:
    product: Floats = np.add(a[:, 0] * b[:, 0], a[:, 1] * b[:, 1])
    return product


def _border_cuts(start: Floats, stop: Floats) -> tuple[Ints, Floats]:
    """Where segments ``(C, 2)`` begin, end and cross integer coordinates: owner, and share."""
    count = len(start)
    owners = [np.arange(count), np.arange(count)]
    places = [np.zeros(count), np.ones(count)]
    for axis in range(2):
        a, b = start[:, axis], stop[:, axis]
        lowest = np.floor(np.minimum(a, b)) + 1
        crossings = np.maximum(np.ceil(np.maximum(a, b)) - lowest, 0).astype(np.int64)
        owner, offset = ragged(crossings)
        owners.append(owner)
        places.append((lowest[owner] + offset - a[owner]) / (b[owner] - a[owner]))
    return np.concatenate(owners), np.clip(np.concatenate(places), 0.0, 1.0)


def _between(owner: Ints, place: Floats) -> tuple[Ints, Floats, Floats]:
    """The pieces between cuts: owner, and from where to where, in [0, 1]."""
    order = np.lexsort((place, owner))
    owner, place = owner[order], place[order]
    same = owner[1:] == owner[:-1]
    return owner[1:][same], place[:-1][same], place[1:][same]


def pull_loss(silhouette: Silhouette, weights: Tensor, pixels: Tensor) -> Tensor:
    """The integral over the covered ground of ``weights`` ``(H, W)``, per pixel of the image.

    ``pixels`` ``(V, 2)`` are the vertices' image positions that the gradient goes to; only contour
    vertices get one. The value is the sum over covered pixels' centres, the gradient the exact
    boundary integral. With weights 1 - 2 T the loss is the mean of (S - T)^2, less that of T^2.
    """
    return surrogate(contour(silhouette), weights, pixels, torch.from_numpy(silhouette.mask))


def surrogate(pieces: Contour, weights: Tensor, pixels: Tensor, mask: Tensor) -> Tensor:
    """:func:`pull_loss` for a contour that is known already."""
    force = weights.reshape(-1)[torch.from_numpy(pieces.pixel)].to(pixels)
    outward = torch.from_numpy(pieces.normal).to(pixels) * force[:, None]
    place = torch.from_numpy(pieces.place).to(pixels)[:, None]
    begin, end = torch.from_numpy(pieces.begin), torch.from_numpy(pieces.end)
    middle = torch.lerp(pixels[begin], pixels[end], place)
    moved = (middle * outward).sum() / weights.numel()
    value = weights[mask].sum() / weights.numel()
    return value.to(moved) + moved - moved.detach()


def image_loss_weights(target: Tensor) -> Tensor:
    """Weights that make :func:`pull_loss` the mean squared difference to ``target`` ``(H, W)``."""
    return 1.0 - 2.0 * target


def intersection_over_union(mask: NDArray[np.bool_], target: NDArray[np.bool_]) -> float:
    """|A and B| / |A or B| of two masks; 1 where both are empty."""
    union = int((mask | target).sum())
    return float((mask & target).sum()) / union if union else 1.0
