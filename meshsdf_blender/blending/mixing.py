"""Codes between codes. Pure arithmetic: it runs at every frame and every move of the mouse."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Codes nearer than this angle (radians) to a line through the origin are blended linearly.
SMALLEST_ANGLE = 1e-4


def between(first: np.ndarray, second: np.ndarray, factor: float, method: str) -> np.ndarray:
    """The code ``(L,)`` float32 at ``factor`` in [0, 1] of the way from one code to the other.

    ``method`` is LINEAR; SPHERICAL, which turns the code while its length goes over linearly
    (Shoemake 1985); or SMOOTH, straight with a gentle start and end.
    """
    a, b = first.astype(np.float64), second.astype(np.float64)
    t = float(np.clip(factor, 0.0, 1.0))
    if method == "SMOOTH":
        t = t * t * (3.0 - 2.0 * t)
    code = _spherical(a, b, t) if method == "SPHERICAL" else a + t * (b - a)
    return np.asarray(code, dtype=np.float32)


def weighted(codes: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray | None:
    """The weighted mean ``(L,)`` float32: sum of w z over sum of w; None where all w are zero.

    A weight below zero counts as zero.
    """
    shares = np.maximum(np.asarray(weights, dtype=np.float64), 0.0)
    whole = shares.sum()
    if not whole > 0.0:
        return None
    return np.asarray((shares / whole) @ np.stack(codes), dtype=np.float32)


def _spherical(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    length_a, length_b = np.linalg.norm(a), np.linalg.norm(b)
    straight: np.ndarray = a + t * (b - a)
    if not length_a * length_b:
        return straight
    unit_a, unit_b = a / length_a, b / length_b
    angle = np.arccos(np.clip(unit_a @ unit_b, -1.0, 1.0))
    if not SMALLEST_ANGLE < angle < np.pi - SMALLEST_ANGLE:
        return straight
    turned = (np.sin((1 - t) * angle) * unit_a + np.sin(t * angle) * unit_b) / np.sin(angle)
    return np.asarray(turned * (length_a + t * (length_b - length_a)))
