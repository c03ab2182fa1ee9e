"""How far a change of code moves the surface: what an encoder's error of a code is worth."""

from __future__ import annotations

import torch
from torch import Tensor

from ..extraction import extract
from ..space import Space
from ..surface import guarded_square, project

SHAPES, POINTS, CELLS = 48, 400, 32
# Directions that move no surface keep this share, so that each is told something.
EVERY_DIRECTION = 0.1
MOST = 4.0  # medians of motion


def surface_measure(space: Space, generator: torch.Generator) -> Tensor:
    """A matrix ``(L, L)`` that turns errors of whitened codes into motions of the surface.

    The squared length of ``error @ measure`` is the mean square of the surface's motion along its
    normal (see :mod:`core.surface`), to first order, over points of known shapes, each point's
    motion held below a few times the shape's median one; scaled so that the mean code is off by 1
    for codes of the space's normal distribution. A tenth of it is even in all directions.
    """
    statistics, length = space.statistics, space.code_length
    known = torch.randperm(len(space.codes), generator=generator)[:SHAPES]
    square = torch.zeros(length, length, dtype=torch.float64)
    # A whitened number's unit in the code.
    unit = statistics.deviations[:, None] * statistics.axes
    for code in (space.mean_code, *space.codes[known]):
        vertices = extract(space, code, CELLS, draft=True).vertices
        if not len(vertices):
            continue
        some = torch.randint(len(vertices), (POINTS,), generator=generator)
        points = project(space.fold(code), vertices[some.to(vertices.device)], steps=3)
        points = points.detach().clone().requires_grad_()
        codes = code.detach().expand(POINTS, -1).to(points).clone().requires_grad_()
        values = space.decoder(codes, points)
        by_code, slope = torch.autograd.grad(values.sum(), [codes, points])
        moved = (by_code / guarded_square(slope).sqrt()[:, None]).cpu() @ unit.t()
        # Where a thin part is about to appear a little code moves the surface a long way.
        far = moved.norm(dim=1, keepdim=True)
        moved = moved * (MOST * far.median() / far.clamp_min(1e-12)).clamp_max(1.0)
        square += moved.double().t() @ moved.double() / POINTS
    trace = float(square.trace())
    even = torch.eye(length, dtype=torch.float64) / length
    if not trace > 0:
        return even.sqrt().float()
    square = (1 - EVERY_DIRECTION) * square / trace + EVERY_DIRECTION * even
    values, vectors = torch.linalg.eigh(square)
    measure: Tensor = vectors * values.clamp_min(0).sqrt()
    return measure.float()
