"""Cups whose handles come and go: none, one or two, down to a knob on the wall."""

from __future__ import annotations

from typing import Any

import numpy as np
from infinigen.assets.objects.tableware.cup import CupFactory

FACTORY = CupFactory
# Shares of those with no handle, one and two; radii as shares of the height; the largest taper, an
# angle; the thinnest handle's radius, where a mouth's radius is 0.25.
HANDLE_SHARES, HANDLE_RADII, MOST_TAPER = (0.3, 0.5, 0.2), (0.06, 0.36), 0.8
THINNEST_HANDLE = 0.018
# At radius 1: a cell of 64 and a seventh. Thinner ones would be full of holes.
THINNEST_WALL = 0.042


def draw_anew(cup: Any, rng: np.random.Generator) -> None:
    """Draw a cup's handles anew: on tall cups too, and of every size.

    Infinigen gives only low cups a handle, and none that is small. With those alone nothing lies
    between a cup with a handle and one without. Its larger and more tapered ones reach over the
    rim and leave slivers between themselves and the wall.
    """
    cup.handles = int(rng.choice(3, p=HANDLE_SHARES))
    cup.has_guard = cup.handles > 0
    cup.handle_radius = min(cup.depth, 2 * cup.x_end) * rng.uniform(*HANDLE_RADII)
    cup.handle_inner_radius = max(THINNEST_HANDLE, cup.handle_radius * rng.uniform(0.25, 0.36))
    cup.handle_taper_x, cup.handle_taper_y = rng.uniform(0, MOST_TAPER, 2)
    radius = float(np.hypot(cup.depth / 2, cup.x_end))
    cup.thickness = max(THINNEST_WALL * radius, cup.thickness)


def attributes(cup: Any) -> dict[str, float]:
    """What a person would name of a cup; lengths in radii of its mouth."""
    return {
        "height": cup.depth / cup.x_end,
        "base width": cup.x_lowest,
        "wall thickness": cup.thickness / cup.x_end,
        "straight side": float(cup.is_profile_straight),
        "handles": float(cup.handles),
        "handle size": cup.handle_radius / cup.x_end if cup.has_guard else 0.0,
        "handle thickness": cup.handle_inner_radius / cup.x_end if cup.has_guard else 0.0,
    }
