"""A shape space in memory: the decoder, the codes of known shapes, its place in the world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from .decoder import Decoder
from .errors import CodeError
from .folded import FoldedDecoder

# The axes of the cube that can point up.
UPS = ("Z", "Y")
# Directions with less than this share of the largest deviation were not measured by the codes.
UNMEASURED = 1e-4
# They count as this much less free than the stiffest measured one: the codes know nothing of them.
UNMEASURED_SHARE = 0.1


@dataclass(frozen=True)
class CodeStatistics:
    """Where the codes of the known shapes lie: ``code = mean + (whitened * deviations) @ axes``.

    mean ``(L,)``; axes ``(L, L)``, orthonormal rows by falling variance; deviations ``(L,)``,
    one standard deviation along each axis. N codes measure N - 1 directions at the most; the others
    take a tenth of the smallest deviation that was measured.
    """

    mean: Tensor
    axes: Tensor
    deviations: Tensor

    @staticmethod
    def of(codes: Tensor, code_length: int) -> CodeStatistics:
        """Principal axes of ``codes`` ``(N, L)``; without spread, unit deviations."""
        mean = codes.mean(dim=0) if len(codes) else torch.zeros(code_length)
        axes, deviations = torch.eye(code_length), torch.ones(code_length)
        if len(codes) > 1 and code_length:
            centred = (codes - mean).double()
            # Few codes leave axes that they do not span: those are asked for as well.
            few = len(codes) < code_length
            _, singular, basis = torch.linalg.svd(centred, full_matrices=few)
            spread = torch.zeros(code_length, dtype=torch.float64)
            spread[: len(singular)] = singular[:code_length] / (len(codes) - 1) ** 0.5
            if spread[0] > 0:
                axes = basis.float()
                measured = spread > spread[0] * UNMEASURED
                rest = spread[measured].min() * UNMEASURED_SHARE
                deviations = torch.where(measured, spread, rest).float()
        return CodeStatistics(mean, axes, deviations)

    def whiten(self, code: Tensor) -> Tensor:
        """Coordinates of ``code`` ``(..., L)`` in deviations along the axes. Differentiable."""
        return ((code - self.mean) @ self.axes.t()) / self.deviations

    def distance(self, code: Tensor) -> float:
        """How far ``code`` ``(L,)`` lies from the mean, in deviations: root mean square over the
        axes, about 1 for codes of known shapes.
        """
        return float(self.whiten(code).square().mean().sqrt())

    def unwhiten(self, whitened: Tensor) -> Tensor:
        """The inverse of :meth:`whiten`. Differentiable."""
        return self.mean + (whitened * self.deviations) @ self.axes


@dataclass(frozen=True)
class Frame:
    """The similarity from the cube [-1, 1]^3 to the shape's own Z-up coordinates.

    ``up`` names the cube's axis that points up: "Z", or "Y", which is turned as Blender's importers
    do it, (x, y, z) to (x, -z, y). ``scale`` and ``offset`` are applied after the turn.
    """

    up: str = "Z"
    scale: float = 1.0
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def matrix(self) -> Tensor:
        """The similarity as ``(4, 4)``, double precision."""
        turn = torch.eye(3, dtype=torch.float64)
        if self.up == "Y":
            turn = torch.tensor([[1, 0, 0], [0, 0, -1], [0, 1, 0]], dtype=torch.float64)
        matrix = torch.eye(4, dtype=torch.float64)
        matrix[:3, :3] = turn * self.scale
        matrix[:3, 3] = torch.tensor(self.offset, dtype=torch.float64)
        return matrix


@dataclass(frozen=True)
class Slider:
    """A direction of the code that has a name: ``code + position * offset``.

    ``offset`` ``(L,)`` is the change of the code for one standard deviation of what is named;
    ``low`` and ``high`` are the ends of the range that the known shapes cover, in deviations.
    """

    name: str
    offset: Tensor
    low: float = -2.0
    high: float = 2.0

    def moved(self, code: Tensor, position: float) -> Tensor:
        """``code`` ``(..., L)`` with the slider moved by ``position``, in deviations."""
        return code + position * self.offset.to(code.device)


@dataclass(frozen=True)
class Space:
    """A loaded shape space.

    codes ``(N, L)`` of the known shapes (N may be 0) with their ``shape_names``; ``card`` holds
    origin, licence and quality as read from the file; ``warnings`` what a user should know;
    ``sliders`` are the named directions, if any.
    """

    name: str
    decoder: Decoder
    codes: Tensor
    shape_names: tuple[str, ...] = ()
    frame: Frame = Frame()
    card: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    sliders: tuple[Slider, ...] = ()

    @property
    def code_length(self) -> int:
        """L, how many numbers make a code."""
        return self.decoder.architecture.code_length

    @property
    def device(self) -> torch.device:
        """Where the decoder runs."""
        return self.decoder.device

    @property
    def statistics(self) -> CodeStatistics:
        """Mean, principal axes and deviations of the codes, on the CPU."""
        return CodeStatistics.of(self.codes, self.code_length)

    @property
    def mean_code(self) -> Tensor:
        """The mean of the known codes ``(L,)``: the usual place to start from."""
        return self.statistics.mean

    def check_code(self, code: Tensor) -> Tensor:
        """``code`` as float ``(L,)`` on the space's device.

        Raises CodeError for another length and for values that are not finite.
        """
        code = torch.as_tensor(code, dtype=torch.float32)
        if code.shape != (self.code_length,):
            raise CodeError(
                f"A code of shape {tuple(code.shape)} does not fit space '{self.name}', "
                f"whose codes have {self.code_length} values",
                "Use a code of this space, or load the space that the code came from",
            )
        if not bool(torch.isfinite(code).all()):
            at = int((~torch.isfinite(code)).nonzero()[0])
            raise CodeError(
                f"The code for space '{self.name}' holds {float(code[at])} at index {at}",
                "Reset that value, or start from the mean code",
            )
        return code.to(self.device)

    def fold(self, code: Tensor) -> FoldedDecoder:
        """f(code, .), checked. See :meth:`Decoder.fold`."""
        return self.decoder.fold(self.check_code(code))
