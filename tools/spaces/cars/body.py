"""The lower body: flanks, bonnet, boot, nose and tail; what is below the windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from tools.spaces.cars.fields import Field, Grid, both, either, ellipsoid, ramp
from tools.spaces.cars.styles import Car

BUMPER_HEIGHT = 0.09
SMOOTHING = 0.14
CROWN = 0.045
# Gap and sheet above a tyre.
HAUNCH = 0.20
BOTTOM_RADIUS = 0.07
RELIEF = 0.035
RELIEF_EDGE = 0.04
MIN_LAMPS = 0.008


@dataclass(frozen=True)
class Lines:
    """Curves along the car on a grid's u (U, 1, 1).

    Height of the top, half the width, height of the bottom; how much higher the top is over the
    wheels where a low bonnet would not cover them.
    """

    top: Field
    half_width: Field
    bottom: Field
    haunch: Field


def lines(car: Car, grid: Grid) -> Lines:
    """The lines a car is drawn from."""
    u = grid.u.ravel().astype(np.float64)
    step = u[1] - u[0]
    screen, rear = car.screen_at * car.length, car.rear_at * car.length
    rear = min(rear, car.length - 0.12)
    top = np.interp(
        u,
        [0, screen, (screen + rear) / 2, rear, car.length],
        [car.nose, car.cowl, (car.cowl + car.belt) / 2, car.belt, car.deck],
    )
    bonnet = np.clip(u / screen, 0, 1)
    top += car.bonnet * np.sin(np.pi * bonnet)
    lip = np.clip((u - car.length + 0.28) / 0.22, 0, 1)
    top += 0.8 * car.spoiler * lip**2 * (1 - car.rear_at) / 0.13 * (car.bed < 0.2)
    top = gaussian_filter1d(top, SMOOTHING / step, mode="nearest")
    haunch = np.zeros_like(u)
    for axle in (car.overhang, car.overhang + car.wheelbase):
        reach = car.wheel + HAUNCH
        over = car.wheel + np.sqrt(np.maximum(reach**2 - (u - axle) ** 2, 0))
        haunch = np.maximum(haunch, (over - top) * (np.abs(u - axle) < reach))
    haunch = gaussian_filter1d(haunch, 0.8 * SMOOTHING / step, mode="nearest")
    front = np.clip(1 - u / (car.overhang + 0.1), 0, 1)
    back = np.clip(1 - (car.length - u) / (car.length - car.overhang - car.wheelbase), 0, 1)
    narrowing = 0.25 * car.nose_bow * front**2 + 0.35 * car.tail_bow * back**2
    half_width = (car.width / 2 - narrowing) * (1 - 0.09 * car.wings)
    bottom = car.ride + 0.10 * front**2 + 0.14 * back**2

    def along(values: np.ndarray) -> Field:  # type: ignore[type-arg]
        return values.astype(np.float32)[:, None, None]

    return Lines(along(top), along(half_width), along(bottom), along(haunch))


def flank(car: Car, grid: Grid, curves: Lines) -> Field:
    """Half the width at every height (U, 1, Z): widest below the windows, tucked in at the sill."""
    widest = car.ride + 0.60 * (car.cowl - car.ride)
    above = np.maximum(grid.z - widest, 0) / (car.cowl - widest)
    below = np.maximum(widest - grid.z, 0) / (widest - car.ride)
    bulge = car.barrel * (above**2 + 1.1 * np.minimum(below, 1.2) ** 2)
    result: Field = curves.half_width - bulge
    return result


def outline(car: Car, grid: Grid, curves: Lines) -> Field:
    """The body seen from above, without top and bottom; negative inside (U, X, Z)."""
    side = grid.x - flank(car, grid, curves)
    for axle in (car.overhang, car.overhang + car.wheelbase):
        away = np.hypot(grid.u - axle, grid.z - car.wheel)
        side = side - car.flare * (1 - ramp(away - car.wheel - 0.08, 0.30))
    # Corners first: seen from above they are rounder than the edges of bonnet and boot.
    plan = both(side, nose(car, grid), car.corner)
    return both(plan, tail(car, grid), car.corner)


def lower_body(car: Car, grid: Grid, curves: Lines, plan: Field) -> Field:
    """The outline cut at its top and bottom, without wheel arches; negative inside (U, X, Z)."""
    across = grid.x / (car.width / 2)
    height = curves.top + curves.haunch * ramp(across - 0.25, 0.5)
    shell = both(plan, grid.z - height + np.float32(CROWN) * across**2, car.edge)
    shell = both(shell, curves.bottom - grid.z, BOTTOM_RADIUS)
    return either(shell, wings(car, grid), 0.05 + 0.08 * car.wings) if car.wings > 0 else shell


def nose(car: Car, grid: Grid) -> Field:
    """What is behind the front face: raked above the bumper, bowed, lamps and grille set back."""
    face = _face(car, grid, grid.u, car.nose_rake, car.nose_bow)
    across = grid.x / (car.width / 2)
    low, high = car.nose - 0.21, car.nose - 0.06
    band = ramp(grid.z - low, RELIEF_EDGE) * ramp(high - grid.z, RELIEF_EDGE)
    lamp = 1 - ramp(np.abs(across - 0.70) - 0.15, 0.05)
    grille = 1 - ramp(across - 0.38, 0.05)
    mouth = ramp(grid.z - car.ride - 0.08, RELIEF_EDGE) * ramp(
        car.ride + 0.22 - grid.z, RELIEF_EDGE
    )
    mouth = mouth * (1 - ramp(across - 0.52, 0.05))
    relief = band * np.maximum(lamp * (car.lamps < MIN_LAMPS), grille) + mouth
    result: Field = (face + RELIEF * relief).astype(np.float32)
    return result


def tail(car: Car, grid: Grid) -> Field:
    """What is in front of the rear face, lamps set back."""
    face = _face(car, grid, car.length - grid.u, car.tail_rake, car.tail_bow)
    across = grid.x / (car.width / 2)
    low, high = car.deck - 0.24, car.deck - 0.09
    band = ramp(grid.z - low, RELIEF_EDGE) * ramp(high - grid.z, RELIEF_EDGE)
    return face + RELIEF * band * (1 - ramp(np.abs(across - 0.72) - 0.14, 0.05))


def _face(car: Car, grid: Grid, inwards: Field, rake: float, bow: float) -> Field:
    height = grid.z - (car.ride + 0.28)
    lean = np.tan(np.radians(rake))
    back = np.maximum(height, 0) * lean + 0.25 * np.maximum(-height - 0.05, 0)
    ledge = ramp(height + BUMPER_HEIGHT + 0.03, 0.06) * (1 - ramp(height - BUMPER_HEIGHT, 0.06))
    across = np.minimum(grid.x / (car.width / 2), 1.2)
    depth = back + car.bumper * (1 - ledge) + bow * across**2.4
    result: Field = ((depth - inwards) / np.sqrt(1 + lean**2)).astype(np.float32)
    return result


def wings(car: Car, grid: Grid) -> Field:
    """Wings that stand apart from the body, over both axles."""
    size = 0.55 + 0.45 * car.wings
    front, rear = (
        ellipsoid(
            grid,
            (axle + shift, car.width / 2 - 0.62 * car.tyre, 1.05 * car.wheel),
            (
                car.wheel * (1.0 + stretch * size),
                car.tyre * (0.25 + 0.55 * size),
                car.wheel * (0.80 + 0.45 * size),
            ),
        )
        for axle, shift, stretch in (
            (car.overhang, 0.06, 0.95),
            (car.overhang + car.wheelbase, 0.02, 1.0),
        )
    )
    return both(np.minimum(front, rear), car.ride + 0.08 - grid.z, BOTTOM_RADIUS)
