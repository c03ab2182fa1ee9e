"""Paths through codes: linear, spherical, and smooth through any number of them."""

from __future__ import annotations

import torch
from torch import Tensor

from .errors import CodeError

METHODS = ("linear", "spherical", "smooth")
# Codes nearer than this angle (radians) to a line through the origin are blended linearly.
SMALLEST_ANGLE = 1e-4


def interpolate(codes: Tensor, factor: float, method: str = "linear") -> Tensor:
    """The code ``(L,)`` at ``factor`` in [0, 1] of the way through ``codes`` ``(M, L)``, M >= 1.

    The path passes each code at an equal share of the way. ``spherical`` turns from code to code
    along great circles while the length goes over linearly (Shoemake 1985); ``smooth`` is a
    Catmull-Rom spline, without a kink at the codes. Differentiable in ``codes``. Raises CodeError.
    """
    if codes.ndim != 2 or not len(codes):
        raise CodeError(f"Cannot interpolate codes of shape {tuple(codes.shape)}", "Give M x L")
    if method not in METHODS:
        raise CodeError(f"Unknown interpolation {method!r}", f"Use one of {', '.join(METHODS)}")
    if not 0.0 <= factor <= 1.0:
        raise CodeError(f"An interpolation factor of {factor} is out of range", "Use 0 to 1")
    if len(codes) == 1:
        return codes[0]
    at = factor * (len(codes) - 1)
    segment = min(int(at), len(codes) - 2)
    local = at - segment
    a, b = codes[segment], codes[segment + 1]
    if method == "spherical":
        return _spherical(a, b, local)
    if method == "smooth":
        before = codes[segment - 1] if segment else 2 * a - b
        after = codes[segment + 2] if segment + 2 < len(codes) else 2 * b - a
        return _catmull_rom(before, a, b, after, local)
    return torch.lerp(a, b, local)


def _spherical(a: Tensor, b: Tensor, t: float) -> Tensor:
    length_a, length_b = a.norm(), b.norm()
    if not bool(length_a * length_b):
        return torch.lerp(a, b, t)
    unit_a, unit_b = a / length_a, b / length_b
    angle = torch.acos((unit_a @ unit_b).clamp(-1.0, 1.0))
    if not SMALLEST_ANGLE < float(angle.detach()) < torch.pi - SMALLEST_ANGLE:
        return torch.lerp(a, b, t)
    along_a, along_b = torch.sin((1 - t) * angle), torch.sin(t * angle)
    turned: Tensor = (along_a * unit_a + along_b * unit_b) / angle.sin()
    return turned * torch.lerp(length_a, length_b, t)


def _catmull_rom(before: Tensor, a: Tensor, b: Tensor, after: Tensor, t: float) -> Tensor:
    slope_a, slope_b = (b - before) / 2, (after - a) / 2
    return (
        (2 * t**3 - 3 * t**2 + 1) * a
        + (t**3 - 2 * t**2 + t) * slope_a
        + (3 * t**2 - 2 * t**3) * b
        + (t**3 - t**2) * slope_b
    )
