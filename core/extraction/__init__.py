"""The iso-surface f(z, .) = 0 as a mesh, from as few evaluations as it takes.

A grid from coarse to fine (:mod:`core.extraction.refining`), kept in bricks where the surface is
(:mod:`core.extraction.bricks`), and marching cubes over them (:mod:`core.extraction.polygons`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter

import torch
from torch import Tensor

from .. import thin
from ..errors import MeshSDFError
from ..space import Space
from ..specks import without_specks
from ..surface import project
from ..topology import Topology, topology
from .capping import capped, reaches_wall
from .grid import Grid
from .polygons import polygonise
from .refining import coarse_to_fine
from .refining import dense as every_node

SMALLEST_RESOLUTION, LARGEST_RESOLUTION = 4, 1024


@dataclass(frozen=True)
class Extraction:
    """A mesh of f = 0 in the cube [-1, 1]^3 and what it took.

    vertices ``(V, 3)`` float32, faces ``(F, 3)`` int64, counter-clockwise seen from outside.
    ``evaluations`` counts decoder evaluations, ``dense`` tells that the whole grid was evaluated
    (asked for, or because the audit failed), ``open_at_wall`` that the surface leaves the cube and
    was not capped. ``specks`` counts pieces of less volume than a cell: they are left out, see
    :mod:`core.specks`. ``message`` says what a user should know, or is empty. ``decoder_ms`` are
    milliseconds in the decoder.
    """

    vertices: Tensor
    faces: Tensor
    resolution: int
    evaluations: int = 0
    dense: bool = False
    open_at_wall: bool = False
    specks: int = 0
    message: str = ""
    decoder_ms: float = 0.0


def extract(
    space: Space,
    code: Tensor,
    resolution: int,
    *,
    cap: bool = False,
    newton: int = 0,
    dense: bool = False,
    keep_thin: bool = False,
    draft: bool = False,
    check: Callable[[], object] | None = None,
) -> Extraction:
    """The iso-surface of ``code`` ``(L,)`` at ``resolution`` cells a side.

    ``cap`` closes the surface where it reaches the cube's wall; ``newton`` projects the vertices
    onto f = 0 by that many steps; ``dense`` evaluates every node. ``keep_thin`` keeps parts whole
    that are thinner than a cell, ``draft`` too, faster and less exactly: see :mod:`core.thin`. A
    field without a zero gives an empty mesh and a message. Not differentiable: see
    :func:`core.surface.follow`. ``check`` is called every few milliseconds; what it raises ends the
    work, for whoever does not want the mesh any more.

    Raises CodeError for a code that does not fit, MeshSDFError for a resolution out of range.
    """
    if not SMALLEST_RESOLUTION <= resolution <= LARGEST_RESOLUTION:
        raise MeshSDFError(
            f"A resolution of {resolution} cells is out of range",
            f"Use {SMALLEST_RESOLUTION} to {LARGEST_RESOLUTION}",
        )
    field = space.fold(code)
    field.check = check
    way = thin.LEVEL_CELLS * 2.0 / resolution if keep_thin or draft else 0.0
    grid = (every_node if dense else coarse_to_fine)(field, resolution, way=way)
    mesh = _mesh(grid, resolution, cap=cap)
    if grid.level and len(mesh.vertices):
        back = thin.drawn_back(
            field, mesh.vertices, mesh.faces, level=grid.level, cell=grid.step, draft=draft
        )
        mesh = replace(mesh, vertices=back)
    if newton and len(mesh.vertices):
        vertices = mesh.vertices.clone()
        # A cap lies on the wall, not on f = 0.
        free = (
            (vertices.abs() < 1.0).all(dim=1)
            if cap
            else torch.ones(len(vertices), dtype=torch.bool)
        )
        at = vertices[free].to(field.device)
        began = perf_counter()
        vertices[free] = project(field, at, steps=newton, cell=2.0 / resolution).cpu()
        field.seconds += perf_counter() - began
        mesh = replace(mesh, vertices=vertices)
    return replace(mesh, evaluations=field.evaluations, decoder_ms=field.seconds * 1e3)


def torn_remark(
    space: Space,
    code: Tensor,
    mesh: Extraction,
    shape: Topology,
    *,
    check: Callable[[], object] | None = None,
) -> str:
    """What to say of a ``mesh`` of ``code``, whose topology is ``shape``, if its cells tear it.

    Costs another extraction where that cannot be told from ``shape`` alone; ``check`` as there.
    """
    if not thin.may_be_torn(shape) or mesh.resolution > thin.FINE_RESOLUTION:
        return ""
    kept = extract(space, code, mesh.resolution, keep_thin=True, check=check)
    return thin.REMARK if thin.torn(shape, topology(kept.vertices, kept.faces)) else ""


def _mesh(grid: Grid, resolution: int, *, cap: bool) -> Extraction:
    """The grid's zero as triangles."""
    at_wall = reaches_wall(grid)
    vertices, faces = polygonise(capped(grid) if cap and at_wall else grid)
    message = ""
    if not len(faces):
        where = "inside" if at_wall else "outside"
        message = f"No surface: the whole cube is {where} the shape. Choose another code"
    if cap:  # the border's share of an edge is drawn back onto the wall
        vertices = vertices.clamp(-1.0, 1.0)
    kept, triangles, specks = without_specks(
        vertices.cpu().numpy(), faces.cpu().numpy(), grid.step**3
    )
    is_open = at_wall and not cap and bool((abs(kept) >= 1.0).any())
    if is_open:
        message = "The surface leaves the cube and is open there"
    return Extraction(
        torch.from_numpy(kept),
        torch.from_numpy(triangles),
        resolution,
        dense=grid.dense,
        open_at_wall=is_open,
        specks=specks,
        message=message,
    )
