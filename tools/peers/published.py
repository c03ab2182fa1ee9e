"""The published recipe of fitting, and ours in place of its parts, one by one.

MeshSDF's published demo (Remelli et al., NeurIPS 2020) fits a code to a silhouette by Adam on the
mean squared difference between two soft silhouettes, its own and the target's; the mesh is that of
a dense grid of 64 nodes a side, and its gradient goes to the code through the surface normal,
divided by |grad f| once. This is written from that description, on this project's decoder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import process_time

import torch
from torch import Tensor

from core.camera import View
from core.extraction import Extraction, extract
from core.pose import transformed
from core.silhouette import image_loss_weights, pull_loss, see
from core.space import Space
from core.surface import follow

from .soft import soft_silhouette

# 64 nodes a side.
CELLS = 63
STEPS, RATE = 100, 5e-2


@dataclass(frozen=True)
class Parts:
    """Which of the recipe's parts are the published ones."""

    dense_grid: bool = True
    one_division: bool = True
    soft_edges: bool = True


@dataclass(frozen=True)
class Step:
    """A code, its mesh if it has one at hand, and what was spent since the step before.

    ``evaluations`` are the decoder's: those of the grid, and one a point of the derivative.
    """

    code: Tensor
    mesh: Extraction | None
    evaluations: int
    seconds: float


def descend(
    parts: Parts, space: Space, start: Tensor, view: View, wanted: tuple[Tensor, Tensor]
) -> Iterator[Step]:
    """The steps of a fit of ``start`` ``(L,)`` to the silhouette of ``wanted``: the vertices
    ``(V, 3)``, in the world, and faces ``(F, 3)`` of a mesh.

    The first step is the start. A code without a surface ends it.
    """
    image = silhouette_of(parts, view, *wanted)
    code = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([code], lr=RATE)
    spent, seconds = 0, 0.0
    for _ in range(STEPS + 1):
        began = process_time()
        at = code.detach().clone()
        mesh = extract(space, at, CELLS, dense=parts.dense_grid)
        yield Step(at, mesh, spent + mesh.evaluations, seconds + process_time() - began)
        if not len(mesh.vertices):
            return
        began = process_time()
        gradient = image_gradient(parts, space, view, mesh, image)
        carries = gradient.abs().sum(dim=1) > 0
        optimiser.zero_grad()
        pull = one_division if parts.one_division else exact
        pull(space, code, mesh.vertices[carries], gradient[carries]).backward()
        optimiser.step()
        spent, seconds = int(carries.sum()), process_time() - began


def placed(space: Space, vertices: Tensor) -> Tensor:
    """From the cube to the world, in double precision, as everywhere."""
    return transformed(space.frame.matrix(), vertices.double())


def silhouette_of(parts: Parts, view: View, vertices: Tensor, faces: Tensor) -> Tensor:
    """The target's image ``(H, W)``: each way of seeing has its own."""
    if not parts.soft_edges:
        return torch.from_numpy(see(view, vertices, faces.numpy()).mask).float()
    pixels, depths = view.project(vertices)
    return soft_silhouette(pixels.float(), depths.float(), faces, view.width)


def image_gradient(
    parts: Parts, space: Space, view: View, mesh: Extraction, image: Tensor
) -> Tensor:
    """The gradient ``(V, 3)``, in the cube, of the mean of (S - T)^2."""
    vertices = mesh.vertices.clone().requires_grad_()
    world = placed(space, vertices)
    pixels, depths = view.project(world)
    if parts.soft_edges:
        soft = soft_silhouette(pixels.float(), depths.float(), mesh.faces, view.width)
        loss = (soft - image).square().mean()
    else:
        seen = see(view, world, mesh.faces.numpy())
        loss = pull_loss(seen, image_loss_weights(image), pixels)
    (gradient,) = torch.autograd.grad(loss, vertices)
    return gradient


def one_division(space: Space, code: Tensor, points: Tensor, gradient: Tensor) -> Tensor:
    """A scalar whose gradient by ``code`` is MeshSDF's: points move by -n df/dz."""
    at = points.clone().requires_grad_()
    values = space.decoder(code, at)
    (slope,) = torch.autograd.grad(values.sum(), at, retain_graph=True)
    normal = torch.nn.functional.normalize(slope, dim=1)
    return (-(gradient * normal).sum(dim=1) * values).sum()


def exact(space: Space, code: Tensor, points: Tensor, gradient: Tensor) -> Tensor:
    """The same by the exact derivative of the surface: divided by |grad f| twice."""
    return (follow(space.decoder, code, points, newton=0) * gradient).sum()
