"""The cabin above the belt line: screens, side windows, roof."""

from __future__ import annotations

import numpy as np

from tools.spaces.cars.body import Lines
from tools.spaces.cars.fields import Field, Grid, both, ramp
from tools.spaces.cars.styles import Car

PANE_DEPTH = 0.028
PANE_EDGE = 0.035
PILLAR = 0.10
ROOF_CROWN = 0.05
SCREEN_BOW = 0.16
# Below the belt by this much the screens go straight down, inside the body.
FOOT = 0.04


def windscreen_at(car: Car, grid: Grid) -> Field:
    """Where the windscreen is along the car, at every height, in its middle (1, 1, Z)."""
    lean = np.tan(np.radians(car.screen_rake))
    result: Field = (
        car.screen_at * car.length + lean * np.maximum(grid.z - car.cowl, -FOOT)
    ).astype(np.float32)
    return result


def rear_screen_at(car: Car, grid: Grid) -> Field:
    """Where the rear screen is (1, 1, Z); a spoiler on the roof reaches over it."""
    lean = np.tan(np.radians(car.rear_rake))
    foot = car.rear_at * car.length
    over = car.spoiler * 2.2 * ramp(grid.z - (car.height - car.roof_fall - 0.15), 0.05)
    upright = max(0.0, 1 - car.rear_rake / 45)
    result: Field = (foot - lean * np.maximum(grid.z - car.belt, -FOOT) + over * upright).astype(
        np.float32
    )
    return result


def roof(car: Car, grid: Grid) -> Field:
    """The roof's height along its middle (U, 1, 1)."""
    rise = car.height - car.cowl
    start = car.screen_at * car.length + 0.8 * np.tan(np.radians(car.screen_rake)) * rise
    stop = max(car.rear_at * car.length, start + 0.5)
    peak = start + 0.22 * (stop - start)
    forward = np.maximum(peak - grid.u, 0) / max(peak - start, 0.3)
    back = np.maximum(grid.u - peak, 0) / (stop - peak)
    result: Field = (car.height - 0.035 * forward**2 - car.roof_fall * 1.2 * back**2).astype(
        np.float32
    )
    return result


def glasshouse(car: Car, grid: Grid, curves: Lines) -> Field:
    """The cabin with its panes set back; negative inside (U, X, Z)."""
    lean_front = np.tan(np.radians(car.screen_rake))
    lean_rear = np.tan(np.radians(car.rear_rake))
    front_at, rear_at, roof_at = (
        windscreen_at(car, grid),
        rear_screen_at(car, grid),
        roof(car, grid),
    )
    up = np.maximum(grid.z - car.cowl, 0)
    lean = np.tan(np.radians(car.tumblehome))
    middle = (car.screen_at + 0.5 * (car.rear_at - car.screen_at)) * car.length
    reach = car.rear_at * car.length - middle
    towards_rear = np.clip((grid.u - middle) / reach, 0, 1)
    half = car.width / 2 - car.barrel - car.shoulder - car.cabin_taper * towards_rear**2
    half = np.minimum(half, curves.half_width - car.shoulder)
    half = half - lean * up * (0.7 + 0.3 * up / (car.height - car.cowl))
    across = grid.x / (car.width / 2)

    sides = (grid.x - half) / np.sqrt(1 + lean**2)
    ceiling = grid.z - roof_at + np.float32(ROOF_CROWN) * across**2
    front = (front_at + SCREEN_BOW * across**2 - grid.u) / np.sqrt(1 + lean_front**2)
    rear = (grid.u - rear_at + 0.5 * SCREEN_BOW * across**2) / np.sqrt(1 + lean_rear**2)

    sides = sides + PANE_DEPTH * _side_panes(car, grid, curves)
    inner = ramp(half - PILLAR - grid.x, PANE_EDGE)
    height = ramp(grid.z - curves.top - 0.05, PANE_EDGE) * ramp(roof_at - 0.09 - grid.z, PANE_EDGE)
    front = front + PANE_DEPTH * inner * height
    closed = 1.0 if car.glazed > 0.5 else 0.0
    rear = rear + closed * PANE_DEPTH * inner * height * ramp(roof_at - 0.17 - grid.z, PANE_EDGE)

    cabin = both(ceiling, sides, car.roof_edge)
    cabin = both(cabin, front, car.roof_round)
    cabin = both(cabin, rear, car.roof_round)
    floor = np.float32(min(car.nose, car.deck, car.belt) - 0.15) - grid.z
    return np.maximum(cabin, floor)


def _side_panes(car: Car, grid: Grid, curves: Lines) -> Field:
    front_at, rear_at, roof_at = (
        windscreen_at(car, grid),
        rear_screen_at(car, grid),
        roof(car, grid),
    )
    first = front_at + 0.16
    last = np.minimum(
        rear_at - 0.16,
        (car.screen_at + car.glazed * (car.rear_at - car.screen_at)) * car.length,
    )
    door = car.overhang + 0.50 * car.wheelbase + 0.12
    inside = np.minimum(grid.u - first, last - grid.u)
    inside = np.minimum(inside, grid.z - curves.top - 0.04)
    inside = np.minimum(inside, roof_at - 0.11 - grid.z)
    pillars = [door, door + 1.0] if car.rear_at * car.length - door > 1.5 else [door]
    for pillar in pillars:
        inside = np.minimum(inside, np.abs(grid.u - pillar) - 0.05)
    return ramp(inside, PANE_EDGE)
