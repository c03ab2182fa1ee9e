"""What is added to a car's shell and cut from it: mirrors, lamps, a load bed, an open cockpit."""

from __future__ import annotations

import numpy as np

from tools.spaces.cars.body import MIN_LAMPS, Lines
from tools.spaces.cars.fields import Field, Grid, both, either, ellipsoid, without
from tools.spaces.cars.glasshouse import windscreen_at
from tools.spaces.cars.styles import Car
from tools.spaces.cars.wheels import ARCH_DEPTH, ARCH_GAP

WALL = 0.15
MIN_BED = 0.08
MIRROR_HEIGHT = 0.085
SCREEN_THICKNESS = 0.17
COCKPIT_DEPTH = 0.30
LAMP_RADIUS = 0.12
SEAT = (0.13, 0.21, 0.36)


def with_bed(car: Car, grid: Grid, plan: Field, shell: Field) -> Field:
    """A load bed between the cabin and the tail, ``car.bed`` deep, inside the outline ``plan``."""
    if car.bed < MIN_BED:
        return shell
    start = car.rear_at * car.length + WALL
    hollow = both(start - grid.u, plan + np.float32(WALL), 0.06)
    hollow = both(hollow, car.deck - car.bed - grid.z, 0.06)
    # Boxes over the wheels, so that the arches do not break through the walls.
    away = np.hypot(grid.u - (car.overhang + car.wheelbase), grid.z - car.wheel).astype(np.float32)
    inner = np.float32(car.width / 2 - ARCH_DEPTH - WALL)
    box = both(away - (car.wheel + ARCH_GAP + WALL), inner - grid.x, 0.05)
    hollow = both(hollow, -box, 0.05)
    return without(shell, hollow, 0.05)


def with_cockpit(car: Car, grid: Grid, curves: Lines, shell: Field) -> Field:
    """An open cockpit behind the windscreen."""
    if car.cockpit < 0.5:
        return shell
    lean = np.sqrt(1 + np.tan(np.radians(car.screen_rake)) ** 2)
    first = windscreen_at(car, grid) + SCREEN_THICKNESS * lean
    first = np.maximum(first, car.screen_at * car.length + 0.08)
    stop = car.overhang + car.wheelbase - car.wheel - 0.15
    front = (first - grid.u) / lean
    ends = np.maximum(front, grid.u - stop)
    walls = grid.x - (curves.half_width - car.barrel - 0.13)
    hollow = both(both(ends, walls, 0.10), car.belt - COCKPIT_DEPTH - grid.z, 0.08)
    above = np.maximum(front, curves.top + curves.haunch + 0.01 - grid.z)
    shell = without(np.maximum(shell, -above), hollow, 0.05)
    seat = ellipsoid(grid, (stop - 0.20, 0.36, car.belt - 0.08), SEAT)
    return either(shell, seat, 0.05)


def with_mirrors(car: Car, grid: Grid, shell: Field) -> Field:
    """A mirror at the foot of each windscreen pillar."""
    lean = np.tan(np.radians(car.screen_rake))
    at = car.screen_at * car.length + MIRROR_HEIGHT * lean + 0.28
    height = car.cowl + MIRROR_HEIGHT
    edge = _outermost(grid, shell, at, height - 0.03)
    below = _outermost(grid, shell, at, car.cowl - 0.06) - 0.05
    edge = max(edge, below - 0.08)
    housing = ellipsoid(grid, (at, edge + 0.07, height), (0.08, 0.125, 0.08))
    return either(shell, housing, 0.09)


def _outermost(grid: Grid, shell: Field, at: float, height: float) -> float:
    """The largest x inside the shell on the line across the car at ``at``, ``height``; or 0."""
    u, x, z = grid.u.ravel(), grid.x.ravel(), grid.z.ravel()
    row = shell[np.abs(u - at).argmin(), :, np.abs(z - height).argmin()]
    inside = np.flatnonzero(row < 0)
    if not inside.size:
        return 0.0
    last = inside[-1]
    share = row[last] / (row[last] - row[last + 1])
    return float(x[last] + share * (x[last + 1] - x[last]))


def with_lamps(car: Car, grid: Grid, shell: Field) -> Field:
    """Round lamps that stand out of the nose by ``car.lamps``."""
    if car.lamps < MIN_LAMPS:
        return shell
    across = 0.70 * car.width / 2
    height = car.nose - 0.09
    back = max(height - car.ride - 0.28, 0) * np.tan(np.radians(car.nose_rake))
    at = back + car.bumper + car.nose_bow * 0.70**2.4 + LAMP_RADIUS - car.lamps
    lamp = ellipsoid(grid, (at, across, height), (LAMP_RADIUS * 1.3, LAMP_RADIUS, LAMP_RADIUS))
    return either(shell, lamp, 0.03)
