"""How a shape in the world changes with what a fit is free to change.

The field of a placed shape is F(p; X) = f(z, T^-1 X) at world points X; its surface F = 0 moves by
dX/dp = -(grad F / |grad F|^2) dF/dp along its normal (:mod:`core.surface`), and with the transform
as a whole. One backward pass through the decoder, with a code of its own for each point, gives
dF/dz for all points and all numbers of the code at once.
"""

from __future__ import annotations

from time import perf_counter

import torch
from torch import Tensor

from ..pose import transformed
from ..surface import guarded_square
from .looking import Look, Looker
from .state import Freedom

# Points of one backward pass: each carries a code and its gradient.
CHUNK_POINTS = 2_048
# The place of log scale among move, turn and scale.
SCALE = 6


class Motion:
    """The derivatives of one look by the P free numbers of its state.

    Points are given in the cube, ``(N, 3)``; what comes back is in the world, in double precision.
    ``evaluations`` counts the decoder's, ``decoder_ms`` the time in it. ``lens`` is the point
    ``(3,)`` whose image a change of the lens leaves; None where that is not free.
    """

    def __init__(self, looker: Looker, look: Look, freedom: Freedom) -> None:
        self._space, self._statistics = looker.space, looker.statistics
        self._look, self._freedom = look, freedom
        self._free_pose = freedom.pose_places
        self.lens = looker.pivot[0] if freedom.lens and looker.pivot is not None else None
        self._by_pose: Tensor | None = None
        if self._free_pose and looker.pivot is not None:
            # To take a placed point: back to where it stood, then by the changed transform.
            back = torch.linalg.inv(look.state.similarity(looker.pivot))
            self._by_pose = look.state.similarity_by_pose(looker.pivot)[self._free_pose] @ back
        self.evaluations, self.decoder_ms = 0, 0.0

    def field(self, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """F ``(N,)``, grad F ``(N, 3)`` and dF/dp ``(N, P)`` at any points, in the world's unit."""
        size = torch.linalg.det(self._look.to_world[:3, :3]).abs() ** (1 / 3)
        value, slope, by_code = (size * each for each in self._decoded(points))
        parts = [by_code] if self._freedom.code else []
        if self._by_pose is not None:
            by_pose = -torch.einsum("nx,nxp->np", slope, self._carried(points))
            if SCALE in self._free_pose:  # distances grow with the shape
                by_pose[:, self._free_pose.index(SCALE)] += value
            parts.append(by_pose)
        # No lens moves a surface: what follows the views' images adds that itself.
        parts.append(slope.new_zeros(len(slope), int(self._freedom.lens)))
        return value, slope, torch.cat(parts, dim=1)

    def of(self, points: Tensor) -> Tensor:
        """dX/dp ``(N, 3, P)`` of points on the surface."""
        parts = []
        if self._freedom.code:
            _, slope, by_code = self._decoded(points)
            along = slope / guarded_square(slope)[:, None]
            parts.append(-along[:, :, None] * by_code[:, None, :])
        if self._by_pose is not None:
            parts.append(self._carried(points))
        parts.append(torch.zeros(len(points), 3, int(self._freedom.lens), dtype=torch.float64))
        return torch.cat(parts, dim=2)

    def least(self, rays: Tensor) -> Tensor:
        """Of points along rays ``(R, S, 3)`` the one on each ``(R, 3)`` where F is least."""
        field = self._space.fold(self._look.code)
        values = field.evaluate(rays.reshape(-1, 3).to(self._space.device)).cpu()
        self.evaluations += len(values)
        self.decoder_ms += field.seconds * 1e3
        place = values.view(rays.shape[:2]).argmin(dim=1)
        return rays[torch.arange(len(rays)), place]

    def placed(self, points: Tensor) -> Tensor:
        """Points in the world ``(N, 3)``."""
        return transformed(self._look.to_world, points.cpu().double())

    def _carried(self, points: Tensor) -> Tensor:
        """How the transform carries points along: ``(N, 3, p)``."""
        assert self._by_pose is not None
        at = self.placed(points)
        linear = torch.einsum("pxy,ny->nxp", self._by_pose[:, :3, :3], at)
        moved: Tensor = linear + self._by_pose[:, :3, 3].t()
        return moved

    def _decoded(self, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """F, grad F, and dF by the whitened code ``(N, L)``."""
        statistics, device = self._statistics, self._space.device
        values, slopes, codes = [], [], []
        began = perf_counter()
        for part in torch.split(points.float(), CHUNK_POINTS):
            at = part.to(device).detach().requires_grad_()
            # One code for each point: the gradient of the sum is then every point's own.
            spread = self._look.code.to(device).expand(len(at), -1).clone().requires_grad_()
            with torch.enable_grad():
                value = self._space.decoder(spread, at)
                slope, by_code = torch.autograd.grad(value.sum(), [at, spread])
            values.append(value.detach())
            slopes.append(slope)
            codes.append(by_code)
        self.evaluations += len(points)
        self.decoder_ms += (perf_counter() - began) * 1e3
        value, slope, by_code = (torch.cat(each).cpu().double() for each in (values, slopes, codes))
        whitening = (statistics.axes * statistics.deviations[:, None]).double()
        inverse = torch.linalg.inv(self._look.to_world[:3, :3])
        return value, slope @ inverse, by_code @ whitening.t()
