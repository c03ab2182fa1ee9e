"""Vases, all with the same number of flutes."""

from __future__ import annotations

from typing import Any

import numpy as np
from infinigen.assets.objects.table_decorations.vase import VaseFactory

FACTORY = VaseFactory
FLUTES = 8


def draw_anew(vase: Any, rng: np.random.Generator) -> None:
    """Give every vase the same number of flutes; their depth stays as it was drawn.

    Infinigen draws 16 to 32: between two numbers there is no vase, and the finest are a few cells.
    """
    vase.params["Profile Star Points"] = FLUTES


def attributes(vase: Any) -> dict[str, float]:
    """What a person would name of a vase: widths as shares of the belly's, places of the height."""
    found = vase.params
    return {
        "height": found["Height"] / found["Diameter"],
        "neck width": found["Neck Scale"],
        "neck place": found["Neck Position"],
        "mouth width": found["Top Scale"],
        "shoulder place": found["Shoulder Position"],
        "shoulder roundness": found["Shoulder Thickness"],
        "foot width": found["Foot Scale"],
        "foot height": found["Foot Height"],
        "flute depth": 1.0 - found["Profile Inner Radius"],
    }
