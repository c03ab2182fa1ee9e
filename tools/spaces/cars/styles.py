"""A car as numbers, and the styles: points among which cars are drawn."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Car:
    """Every measure of a car. Metres, degrees from the vertical, or shares (0 to 1)."""

    length: float
    width: float
    height: float
    wheelbase: float
    overhang: float  # nose to front axle
    ride: float  # ground to underbody
    wheel: float  # radius
    tyre: float  # width
    nose: float  # height of the bonnet's front edge
    cowl: float  # height of the windscreen's foot
    belt: float  # height of the windows' lower edge, at the rear
    deck: float  # height of the boot's rear edge
    screen_at: float  # windscreen's foot, share of the length
    screen_rake: float
    rear_at: float  # rear screen's foot, share of the length
    rear_rake: float
    roof_fall: float  # how much lower the roof is at its rear
    tumblehome: float  # lean of the side windows
    shoulder: float  # how much narrower the windows' foot is than the body, a side
    cabin_taper: float  # narrowing of the cabin to the rear, a side
    nose_rake: float
    tail_rake: float
    nose_bow: float  # how far the nose's middle is in front of its corners
    tail_bow: float
    edge: float  # radius of the bonnet's and boot's edges
    corner: float  # radius of the body's corners, seen from above
    roof_edge: float  # radius between roof and side
    roof_round: float  # radius between roof and screens
    bonnet: float  # bulge of the bonnet
    barrel: float  # bulge of the flanks
    bumper: float
    flare: float
    wings: float  # 0: none, 1: wings that stand apart as on cars of the 1940s
    lamps: float  # how far round lamps stand out
    spoiler: float
    glazed: float  # share of the cabin's sides that has windows
    bed: float  # depth of a load bed behind the cabin
    cockpit: float  # 0: roof, 1: open


NAMES = tuple(field.name for field in fields(Car))
# Positions of the rows below in NAMES: three lines a style, as long as a line can be read.
_STYLES: dict[str, tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]] = {
    # length width height wheelbase overhang ride wheel tyre nose cowl belt deck
    # screen_at screen_rake rear_at rear_rake roof_fall tumblehome shoulder cabin_taper
    #   nose_rake tail_rake nose_bow tail_bow
    # edge corner roof_edge roof_round bonnet barrel bumper flare wings lamps spoiler glazed bed
    #   cockpit
    "sedan": (
        (4.70, 1.82, 1.45, 2.76, 0.90, 0.17, 0.33, 0.22, 0.70, 0.97, 1.00, 1.02),
        (0.27, 60, 0.87, 63, 0.05, 20, 0.06, 0.06, 14, 8, 0.22, 0.16),
        (0.09, 0.26, 0.13, 0.21, 0.04, 0.05, 0.03, 0.015, 0, 0, 0.01, 1, 0, 0),
    ),
    "saloon_1980": (
        (4.55, 1.70, 1.41, 2.66, 0.84, 0.17, 0.31, 0.19, 0.78, 0.92, 0.92, 0.95),
        (0.31, 50, 0.82, 46, 0.02, 19, 0.06, 0.02, 4, 3, 0.06, 0.05),
        (0.05, 0.10, 0.09, 0.084, 0.015, 0.035, 0.07, 0.005, 0, 0, 0, 1, 0, 0),
    ),
    "saloon_1950": (
        (4.75, 1.80, 1.55, 2.85, 0.84, 0.20, 0.34, 0.18, 0.88, 1.06, 1.02, 0.88),
        (0.34, 40, 0.80, 52, 0.05, 17, 0.09, 0.06, 6, 14, 0.16, 0.16),
        (0.20, 0.34, 0.22, 0.27, 0.05, 0.06, 0.09, 0, 0.35, 0.05, 0, 1, 0, 0),
    ),
    "hatchback": (
        (4.22, 1.78, 1.47, 2.60, 0.85, 0.17, 0.32, 0.21, 0.72, 0.99, 1.02, 0.98),
        (0.26, 59, 0.97, 34, 0.07, 19, 0.06, 0.06, 12, 4, 0.20, 0.13),
        (0.09, 0.25, 0.13, 0.18, 0.04, 0.05, 0.03, 0.015, 0, 0, 0.06, 1, 0, 0),
    ),
    "hatchback_1980": (
        (3.80, 1.62, 1.41, 2.40, 0.76, 0.17, 0.29, 0.18, 0.76, 0.93, 0.94, 0.90),
        (0.29, 46, 0.97, 28, 0.03, 16, 0.05, 0.02, 5, 3, 0.06, 0.05),
        (0.05, 0.11, 0.09, 0.078, 0.015, 0.035, 0.07, 0.01, 0, 0, 0, 1, 0, 0),
    ),
    "city": (
        (3.50, 1.63, 1.52, 2.38, 0.68, 0.17, 0.29, 0.185, 0.76, 1.02, 1.05, 1.00),
        (0.21, 51, 0.97, 18, 0.05, 14, 0.05, 0.05, 11, 3, 0.15, 0.08),
        (0.11, 0.27, 0.15, 0.168, 0.05, 0.05, 0.03, 0.015, 0, 0.01, 0.03, 1, 0, 0),
    ),
    "micro": (
        (2.72, 1.60, 1.55, 1.85, 0.44, 0.17, 0.29, 0.19, 0.80, 1.05, 1.06, 1.02),
        (0.16, 44, 0.965, 15, 0.05, 13, 0.05, 0.05, 10, 3, 0.09, 0.07),
        (0.12, 0.22, 0.17, 0.192, 0.06, 0.06, 0.02, 0.015, 0, 0.02, 0.02, 1, 0, 0),
    ),
    "estate": (
        (4.75, 1.82, 1.47, 2.78, 0.91, 0.17, 0.33, 0.22, 0.71, 0.98, 1.02, 0.98),
        (0.265, 60, 0.975, 36, 0.06, 19, 0.06, 0.05, 12, 4, 0.21, 0.12),
        (0.08, 0.25, 0.12, 0.168, 0.035, 0.045, 0.03, 0.015, 0, 0, 0.07, 1, 0, 0),
    ),
    "suv": (
        (4.60, 1.90, 1.70, 2.70, 0.88, 0.25, 0.375, 0.25, 0.96, 1.14, 1.19, 1.14),
        (0.27, 52, 0.965, 30, 0.06, 18, 0.07, 0.06, 7, 4, 0.17, 0.12),
        (0.10, 0.24, 0.13, 0.156, 0.03, 0.05, 0.04, 0.035, 0, 0, 0.07, 1, 0, 0),
    ),
    "off_roader": (
        (4.35, 1.82, 1.86, 2.58, 0.76, 0.29, 0.40, 0.25, 1.06, 1.17, 1.18, 1.16),
        (0.32, 24, 0.98, 4, 0.01, 8, 0.05, 0.01, 2, 1, 0.04, 0.03),
        (0.05, 0.09, 0.08, 0.054, 0.01, 0.02, 0.08, 0.05, 0, 0.015, 0, 1, 0, 0),
    ),
    "pickup": (
        (5.25, 1.88, 1.80, 3.15, 0.90, 0.28, 0.39, 0.25, 1.00, 1.16, 1.17, 1.13),
        (0.26, 50, 0.62, 12, 0.03, 15, 0.06, 0.02, 5, 2, 0.14, 0.04),
        (0.07, 0.20, 0.11, 0.108, 0.03, 0.035, 0.06, 0.035, 0, 0, 0, 1, 0.40, 0),
    ),
    "van": (
        (5.10, 1.94, 2.08, 3.15, 0.95, 0.20, 0.34, 0.22, 0.92, 1.20, 1.18, 1.15),
        (0.15, 46, 0.985, 5, 0.0, 8, 0.03, 0.01, 14, 2, 0.20, 0.05),
        (0.10, 0.20, 0.14, 0.132, 0.03, 0.03, 0.04, 0.01, 0, 0, 0, 0.34, 0, 0),
    ),
    "people_carrier": (
        (4.70, 1.84, 1.70, 2.85, 0.93, 0.17, 0.34, 0.22, 0.78, 1.06, 1.06, 1.04),
        (0.19, 60, 0.975, 20, 0.05, 14, 0.05, 0.05, 14, 4, 0.22, 0.12),
        (0.10, 0.26, 0.14, 0.192, 0.04, 0.04, 0.03, 0.01, 0, 0, 0.05, 1, 0, 0),
    ),
    "microbus": (
        (4.35, 1.76, 1.94, 2.45, 0.92, 0.21, 0.33, 0.19, 1.08, 1.16, 1.12, 1.12),
        (0.045, 17, 0.98, 8, 0.0, 10, 0.04, 0.01, 5, 4, 0.16, 0.10),
        (0.12, 0.30, 0.22, 0.156, 0.02, 0.04, 0.06, 0, 0, 0.03, 0, 1, 0, 0),
    ),
    "coupe": (
        (4.50, 1.86, 1.31, 2.62, 0.92, 0.135, 0.34, 0.25, 0.63, 0.88, 0.93, 0.95),
        (0.31, 63, 0.93, 71, 0.06, 25, 0.08, 0.12, 16, 10, 0.26, 0.20),
        (0.10, 0.30, 0.15, 0.3, 0.05, 0.06, 0.02, 0.035, 0, 0.01, 0.03, 1, 0, 0),
    ),
    "supercar": (
        (4.48, 1.96, 1.16, 2.64, 1.02, 0.115, 0.345, 0.28, 0.50, 0.78, 0.88, 0.92),
        (0.24, 67, 0.92, 75, 0.04, 28, 0.14, 0.16, 26, 4, 0.24, 0.10),
        (0.09, 0.28, 0.15, 0.27, 0.05, 0.05, 0.01, 0.045, 0, 0, 0.05, 0.6, 0, 0),
    ),
    "muscle": (
        (4.80, 1.90, 1.34, 2.75, 0.93, 0.155, 0.35, 0.26, 0.80, 0.94, 0.96, 0.98),
        (0.34, 55, 0.86, 64, 0.04, 24, 0.09, 0.06, -4, 3, 0.08, 0.06),
        (0.06, 0.14, 0.11, 0.144, 0.03, 0.05, 0.05, 0.02, 0, 0.01, 0.04, 1, 0, 0),
    ),
    "rounded_classic": (
        (4.05, 1.58, 1.50, 2.40, 0.76, 0.20, 0.33, 0.17, 0.78, 1.00, 0.97, 0.74),
        (0.34, 38, 0.93, 58, 0.07, 16, 0.09, 0.10, 20, 26, 0.22, 0.22),
        (0.24, 0.40, 0.26, 0.372, 0.07, 0.04, 0.07, 0, 1.0, 0.06, 0, 1, 0, 0),
    ),
    "bubble": (
        (3.10, 1.40, 1.38, 1.95, 0.56, 0.17, 0.27, 0.15, 0.74, 0.94, 0.92, 0.76),
        (0.26, 38, 0.86, 48, 0.05, 14, 0.06, 0.08, 14, 18, 0.16, 0.16),
        (0.18, 0.34, 0.22, 0.27, 0.05, 0.05, 0.05, 0, 0.25, 0.05, 0, 1, 0, 0),
    ),
    "roadster": (
        (4.02, 1.74, 1.22, 2.34, 0.80, 0.14, 0.315, 0.21, 0.64, 0.87, 0.88, 0.86),
        (0.35, 50, 0.80, 60, 0.0, 16, 0.09, 0.06, 14, 12, 0.22, 0.20),
        (0.14, 0.34, 0.10, 0.05, 0.05, 0.06, 0.02, 0.02, 0.05, 0.02, 0.01, 1, 0, 1),
    ),
}
STYLES: dict[str, NDArray[np.float64]] = {
    name: np.array([value for row in rows for value in row], np.float64)
    for name, rows in _STYLES.items()
}
