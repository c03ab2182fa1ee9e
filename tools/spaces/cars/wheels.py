"""Wheels with dished rims, and the arches they stand in."""

from __future__ import annotations

import numpy as np

from tools.spaces.cars.fields import Field, Grid, both, either, without
from tools.spaces.cars.styles import Car

ARCH_GAP = 0.075
ARCH_DEPTH = 0.11
TYRE_RADIUS = 0.045
RIM = 0.66
DISH = 0.05


def with_wheels(car: Car, grid: Grid, shell: Field) -> Field:
    """The shell with arches cut into its sides and the wheels fused into them."""
    outer = car.width / 2 + 0.5 * car.flare + 0.006
    for axle in (car.overhang, car.overhang + car.wheelbase):
        away = np.hypot(grid.u - axle, grid.z - car.wheel).astype(np.float32)
        beyond = np.float32(outer - ARCH_DEPTH) - grid.x
        shell = without(shell, both(away - (car.wheel + ARCH_GAP), beyond, 0.02), 0.03)
    for axle in (car.overhang, car.overhang + car.wheelbase):
        shell = either(shell, wheel(car, grid, axle, outer), 0.02)
    return shell


def wheel(car: Car, grid: Grid, axle: float, outer: float) -> Field:
    """One wheel; its outer wall at x = ``outer``."""
    away = np.hypot(grid.u - axle, grid.z - car.wheel).astype(np.float32)
    walls = np.abs(grid.x - np.float32(outer - car.tyre / 2)) - np.float32(car.tyre / 2)
    tyre = both(away - car.wheel, walls, TYRE_RADIUS)
    dish = both(away - RIM * car.wheel, np.float32(outer - DISH) - grid.x, 0.015)
    hub = both(away - 0.26 * car.wheel, grid.x - np.float32(outer - 0.01), 0.03)
    return either(without(tyre, dish, 0.02), np.maximum(hub, outer - 0.1 - grid.x), 0.03)
