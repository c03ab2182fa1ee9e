"""The iso-surface f(z, .) = 0 as a mesh, from as few evaluations as it takes.

The field is evaluated on a coarse grid, then on grids of twice the resolution, each only at the
nodes whose sign the grid before leaves open. The rest is filled with values of the right sign, and
the last grid goes to scikit-image's marching cubes, as a dense one would.

Why the result is the dense grid's, and what could differ. After every level the evaluated set is
*closed*: each cell whose corners differ in sign has all eight corners evaluated (:func:`_close`).
Marching cubes reads only such cells, so every piece of surface that is found at all comes out
exactly as from a dense grid, and a component of the solid or of a cavity is either found whole or
missed whole. What can be missed is a component that shows at no evaluated node. Three things guard
against it: the band of :func:`_uncertain`, the search for hidden minima of |f|
(:func:`_hidden_minima`), and at the end a sample of the nodes that were filled, evaluated and
compared (:func:`_audit`); one wrong sign there and the grid is evaluated densely.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil, gcd

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.measure import marching_cubes
from torch import Tensor

from . import thin
from .errors import MeshSDFError
from .folded import FoldedDecoder
from .space import Space
from .specks import without_specks
from .surface import project
from .topology import Topology, topology

# The first grid has at least this many cells a side, and fewer than twice as many.
COARSEST = 16
# Half width of the band of nodes whose sign is open, in cells of the grid that is being made, for
# a field of slope 1. Coarse grids see little and cost little: there the band is wider.
BAND_CELLS = 0.75
WIDE_BAND_CELLS, WIDE_BAND_UP_TO = 1.5, 32
# Mean of |n_x| + |n_y| + |n_z| over all directions: what a unit slope rises across a unit cell.
MEAN_CELL_RISE = 1.5
# One evaluation in about this many is spent again, on checking nodes that were filled.
AUDIT_SHARE = 20
# Dense grids are evaluated in slabs of about this many nodes.
SLAB_NODES = 1 << 20
SMALLEST_RESOLUTION, LARGEST_RESOLUTION = 4, 1024


@dataclass(frozen=True)
class Extraction:
    """A mesh of f = 0 in the cube [-1, 1]^3 and what it took.

    vertices ``(V, 3)`` float32, faces ``(F, 3)`` int64, counter-clockwise seen from outside.
    ``evaluations`` counts decoder evaluations, ``dense`` tells that the whole grid was evaluated
    (asked for, or because the audit failed), ``open_at_wall`` that the surface leaves the cube and
    was not capped. ``specks`` counts pieces of less volume than a cell: they are left out, see
    :mod:`core.specks`. ``message`` says what a user should know, or is empty.
    """

    vertices: Tensor
    faces: Tensor
    resolution: int
    evaluations: int
    dense: bool = False
    open_at_wall: bool = False
    specks: int = 0
    message: str = ""


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
    grid = (_dense if dense else _coarse_to_fine)(field, resolution, way=way)
    mesh = _polygonise(grid, cap=cap)
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
        vertices[free] = project(field, at, steps=newton, cell=2.0 / resolution).cpu()
        mesh = replace(mesh, vertices=vertices)
    return mesh


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


@dataclass
class _Grid:
    """Values at the nodes of a grid: ``values`` and ``known`` are ``(n, n, n)``, x first.

    Nodes are spaced ``step`` from -1 on; a padded grid reaches beyond +1. ``level`` is what was
    taken off all values: zero is where the field is ``level``.
    """

    values: Tensor
    known: Tensor
    step: float
    evaluations: int = 0
    dense: bool = False
    level: float = 0.0

    def sample(self, field: FoldedDecoder, where: Tensor) -> Tensor:
        """The field at node indices ``where`` ``(M, 3)``."""
        self.evaluations += len(where)
        return field.evaluate(where * self.step - 1.0) - self.level

    def raise_by(self, way: float) -> None:
        """Take off what the field rises within ``way`` of the surface, if one is seen."""
        crossed = _crossed_cells(self.values < 0)
        if bool(crossed.any()):
            self.level = way * _slope(self, crossed, share=thin.STEEP_SHARE)
            self.values -= self.level

    def evaluate(self, field: FoldedDecoder, mask: Tensor) -> None:
        """Evaluate the field at the nodes of ``mask`` and remember it."""
        where = mask.nonzero()
        if len(where):
            i, j, k = where.unbind(dim=1)
            flat = (i * mask.shape[1] + j) * mask.shape[2] + k
            self.values.view(-1)[flat] = self.sample(field, where)
            self.known |= mask


def _dense(field: FoldedDecoder, resolution: int, *, way: float = 0.0) -> _Grid:
    """Every node evaluated: the reference. ``way`` as in :meth:`_Grid.raise_by`."""
    grid = _full(field, resolution, 2.0 / resolution)
    if way:
        grid.raise_by(way)
    return grid


def _full(field: FoldedDecoder, cells: int, step: float) -> _Grid:
    values = torch.empty((cells + 1,) * 3, device=field.device)
    grid = _Grid(values, torch.zeros_like(values, dtype=torch.bool), step, dense=True)
    slab = torch.zeros_like(grid.known)
    thickness = max(1, SLAB_NODES // (cells + 1) ** 2)
    for start in range(0, cells + 1, thickness):
        slab[start : start + thickness] = True
        grid.evaluate(field, slab)
        slab[start : start + thickness] = False
    return grid


def _coarse_to_fine(field: FoldedDecoder, resolution: int, *, way: float = 0.0) -> _Grid:
    """Nested grids down to ``resolution``, audited; the dense grid where the audit fails."""
    halvings = 0
    while ceil(resolution / 2 ** (halvings + 1)) >= COARSEST:
        halvings += 1
    # Resolutions that do not halve evenly get a margin beyond the cube, cut off in the end.
    grid = _full(field, ceil(resolution / 2**halvings), 2.0 / resolution * 2**halvings)
    if way:
        grid.raise_by(way)
    if not halvings:
        return grid
    for _ in range(halvings):
        grid = _refine(field, grid)
    inside = (slice(0, resolution + 1),) * 3
    grid.values, grid.known = grid.values[inside].contiguous(), grid.known[inside].contiguous()
    if _audit(field, grid):
        return grid
    fallback = _dense(field, resolution, way=way)
    fallback.evaluations += grid.evaluations
    return fallback


def _refine(field: FoldedDecoder, coarse: _Grid) -> _Grid:
    """The grid of twice the resolution: interpolated, evaluated near the surface, closed."""
    known = torch.zeros([2 * n - 1 for n in coarse.known.shape], dtype=torch.bool)
    known = known.to(coarse.known.device)
    known[::2, ::2, ::2] = coarse.known
    fine = _Grid(
        _upsample(coarse.values), known, coarse.step / 2, coarse.evaluations, level=coarse.level
    )
    crossed = _crossed_cells(coarse.values < 0)
    slope = _slope(coarse, crossed)
    cells = len(known) - 1
    width = WIDE_BAND_CELLS if cells <= WIDE_BAND_UP_TO else BAND_CELLS
    open_nodes = fine.values.abs() < width * fine.step * slope
    _mark_hidden_minima(open_nodes, coarse.values, crossed, reach=coarse.step * slope)
    fine.evaluate(field, open_nodes & ~fine.known)
    _close(field, fine)
    return fine


def _upsample(coarse: Tensor) -> Tensor:
    """Trilinear values on the grid of twice the resolution.

    Signs are right wherever no crossed cell is near: means of one sign keep it.
    """
    values = coarse
    for axis in range(3):
        size = values.shape[axis]
        shape = [2 * size - 1 if a == axis else n for a, n in enumerate(values.shape)]
        finer = torch.empty(shape, device=values.device)
        even = finer[(slice(None),) * axis + (slice(0, None, 2),)]
        odd = finer[(slice(None),) * axis + (slice(1, None, 2),)]
        even.copy_(values)
        torch.add(values.narrow(axis, 0, size - 1), values.narrow(axis, 1, size - 1), out=odd)
        odd *= 0.5
        values = finer
    return values


def _crossed_cells(inside: Tensor) -> Tensor:
    """Cells whose corners differ in sign, ``(n - 1,) * 3``, from the nodes' ``inside``."""
    some = every = inside
    for axis in range(3):
        size = some.shape[axis] - 1
        some = some.narrow(axis, 0, size) | some.narrow(axis, 1, size)
        every = every.narrow(axis, 0, size) & every.narrow(axis, 1, size)
    return some ^ every


def _corner_nodes(cells: Tensor) -> Tensor:
    """The nodes that are corners of ``cells``, as a mask over all nodes."""
    nodes = cells
    for axis in range(3):
        shape = [n + 1 if a == axis else n for a, n in enumerate(nodes.shape)]
        wider = torch.zeros(shape, dtype=torch.bool, device=cells.device)
        size = nodes.shape[axis]
        wider.narrow(axis, 0, size).copy_(nodes)
        wider.narrow(axis, 1, size).logical_or_(nodes)
        nodes = wider
    return nodes


def _slope(grid: _Grid, crossed: Tensor, *, share: float = 0.5) -> float:
    """How fast the field changes, per unit length: the median over crossed cells, or over all.

    ``share`` of them change more slowly.

    Models differ: |grad f| near the surface is 0.03 in one public file and 2 in another.
    """
    low = high = grid.values
    for axis in range(3):
        size = low.shape[axis] - 1
        low = torch.minimum(low.narrow(axis, 0, size), low.narrow(axis, 1, size))
        high = torch.maximum(high.narrow(axis, 0, size), high.narrow(axis, 1, size))
    rise = high - low
    rise = rise[crossed] if bool(crossed.any()) else rise.reshape(-1)
    middle = rise.median() if share == 0.5 else rise.quantile(share)
    return float(middle) / (MEAN_CELL_RISE * grid.step)


def _mark_hidden_minima(
    open_nodes: Tensor, values: Tensor, crossed: Tensor, *, reach: float
) -> None:
    """Open the fine nodes around a coarse local minimum of |f| that lies off the surface.

    The magnitude of a distance has local minima on its surface only, so one at a node that no
    crossed cell touches is the trace of a part that is smaller than a cell.
    """
    size = values.abs()
    inner = (slice(1, -1),) * 3
    centre = size[inner]
    suspect = (centre < reach) & ~_corner_nodes(crossed)[inner]
    least, most = torch.full_like(centre, torch.inf), torch.zeros_like(centre)
    for axis in range(3):
        for start in (0, 2):
            window = list(inner)
            window[axis] = slice(start, start + centre.shape[axis])
            neighbour = size[tuple(window)]
            least, most = torch.minimum(least, neighbour), torch.maximum(most, neighbour)
    suspect &= (centre <= least) & (centre < most)
    for i, j, k in (2 * (suspect.nonzero() + 1)).tolist():
        open_nodes[i - 2 : i + 3, j - 2 : j + 3, k - 2 : k + 3] = True


def _close(field: FoldedDecoder, grid: _Grid) -> None:
    """Evaluate until every cell with a sign change has all of its corners known."""
    while True:
        needed = _corner_nodes(_crossed_cells(grid.values < 0)) & ~grid.known
        if not bool(needed.any()):
            return
        grid.evaluate(field, needed)


def _audit(field: FoldedDecoder, grid: _Grid) -> bool:
    """Whether an even sample of the filled nodes has the signs that it was given."""
    nodes, known = len(grid.values), grid.known.reshape(-1)
    stride = max(1, len(known) * AUDIT_SHARE // grid.evaluations)
    while gcd(stride, nodes) != 1:  # else the sample keeps to a few planes
        stride += 1
    flat = torch.arange(0, len(known), stride, device=known.device)
    flat = flat[~known[flat]]
    i, rest = flat // nodes**2, flat % nodes**2
    truth = grid.sample(field, torch.stack([i, rest // nodes, rest % nodes], dim=1))
    return bool(((truth < 0) == (grid.values.reshape(-1)[flat] < 0)).all())


def _polygonise(grid: _Grid, *, cap: bool) -> Extraction:
    """Marching cubes (Lewiner et al. 2003, scikit-image) of the grid's values."""
    values = grid.values.cpu().numpy()
    # A node exactly on the surface counts as outside; left at zero it would tear the mesh.
    values = np.where(values == 0.0, np.finfo(np.float32).tiny, values)
    resolution = len(values) - 1
    walls = np.concatenate(
        [values.take(end, axis=axis).ravel() for axis in range(3) for end in (0, -1)]
    )
    reaches_wall = bool((walls < 0).any())
    origin = -1.0
    if cap and reaches_wall:
        values = np.pad(values, 1, constant_values=max(float(np.abs(values).max()), 1e-6))
        origin -= grid.step
    if not (values < 0).any() or not (values >= 0).any():
        where = "inside" if (values < 0).any() else "outside"
        return Extraction(
            torch.empty(0, 3),
            torch.empty(0, 3, dtype=torch.long),
            resolution,
            grid.evaluations,
            grid.dense,
            message=f"No surface: the whole cube is {where} the shape. Choose another code",
        )
    box, corner = _inside_box(values)
    nodes, faces, _, _ = marching_cubes(values[box], 0.0)
    vertices = (nodes.astype(np.float32) + corner) * np.float32(grid.step) + np.float32(origin)
    if cap:  # the padding's share of an edge is drawn back onto the wall
        vertices = np.clip(vertices, -1.0, 1.0)
    vertices, faces, specks = without_specks(vertices, faces.astype(np.int64), grid.step**3)
    message = "The surface leaves the cube and is open there" if reaches_wall and not cap else ""
    return Extraction(
        torch.from_numpy(vertices),
        torch.from_numpy(faces),
        resolution,
        grid.evaluations,
        grid.dense,
        open_at_wall=reaches_wall and not cap,
        specks=specks,
        message=message,
    )


def _inside_box(values: NDArray[np.float32]) -> tuple[tuple[slice, ...], NDArray[np.float32]]:
    """The block of nodes around all that are inside, a node wider, and its first node.

    Marching cubes passes over every cell, also over those that a shape leaves empty.
    """
    inside = values < 0
    hits = [np.flatnonzero(inside.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
    first = [max(int(hit[0]) - 1, 0) for hit in hits]
    box = tuple(slice(low, int(hit[-1]) + 2) for low, hit in zip(first, hits, strict=True))
    return box, np.array(first, dtype=np.float32)
