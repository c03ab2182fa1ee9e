"""Cameras around a shape at the origin, for benchmarks."""

from __future__ import annotations

import math

import torch

from core.camera import View, lens_view

ELEVATION, DISTANCE = 20.0, 4.0


def camera(pixels: int, *, around: float) -> View:
    """The view from an azimuth, counted from the space's front, a little above."""
    around, up = math.radians(around), math.radians(ELEVATION)
    back = torch.tensor(
        [math.sin(around) * math.cos(up), -math.cos(around) * math.cos(up), math.sin(up)]
    )
    right = torch.linalg.cross(torch.tensor([0.0, 0.0, 1.0]), back)
    right = right / right.norm()
    pose = torch.eye(4, dtype=torch.float64)
    pose[:3, 0], pose[:3, 1], pose[:3, 2] = right, torch.linalg.cross(back, right), back
    pose[:3, 3] = DISTANCE * back
    return lens_view(pose, pixels, pixels)
