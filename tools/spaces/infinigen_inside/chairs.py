"""Chairs whose bars and arms come and go by sliding and growing, never by breaking.

Infinigen gives a chair one of four backs, and arms and stretchers or none: between two kinds lies
no chair, and a shape space breaks the bars there. Here every chair has every part, and a part that
a chair does not show is where another hides it: stretchers in the seat, slats in the top board,
spindles in the posts, arms shrunk into the corner of seat and back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from infinigen.assets.objects.seating.chairs.chair import ChairFactory
from infinigen.assets.utils.decorate import read_co, remove_vertices, write_attribute, write_co
from infinigen.core.util.blender import deep_clone_obj

# Thicknesses in metres: the thinnest is two to three cells of 64.
SEAT, LEG, ARM, POST = (0.05, 0.08), (0.048, 0.062), (0.048, 0.06), (0.045, 0.055)
# A gap narrower than this, in metres, is closed.
LEAST_GAP = 0.016
# Shares of the back's height: the seat's upper side, half of a slat, the top board's lower edge.
SEAT_TOP, HALF_SLAT, TOP_BOARD = 0.07, (0.045, 0.075), (0.76, 0.9)
SLATS = 2
# Shares of chairs: with a top board alone, with a full back (the rest lies between); with a slat,
# each; with spindles; with arms; with stretchers.
OPEN, FULL, SLATTED, SPINDLED, ARMED, STRETCHED = 0.55, 0.15, 0.5, 0.6, 0.65, 0.75


class FACTORY(ChairFactory):
    """Infinigen's chair with a pair of spindles in its back, at ``spread`` of the half width."""

    spread = 1.0
    stretcher = arm_size = 0.0
    slats: tuple[float, ...] = ()

    def make_back_decors(self, backs: list[Any], finalize: bool = True) -> list[Any]:
        """Boards between the posts, and the spindles."""
        parts = list(super().make_back_decors(backs, finalize))
        left, right = (read_co(back) for back in backs)
        for share in ((1 - self.spread) / 2, (1 + self.spread) / 2):
            spindle = deep_clone_obj(backs[0])
            write_co(spindle, (1 - share) * left + share * right)
            remove_vertices(spindle, lambda x, y, z: z < -self.thickness / 2)
            top = self.back_height * (self.back_profile[-1][0] + 1) / 2
            remove_vertices(spindle, lambda x, y, z, top=top: z > top)
            self.solidify(spindle, 2, self.back_thickness)
            write_attribute(spindle, 1, "panel", "FACE")
            parts.append(spindle)
        return parts


def draw_anew(chair: Any, rng: np.random.Generator) -> None:
    """Draw everything that Infinigen has of several kinds, and what it makes too thin."""
    chair.thickness, chair.leg_thickness = rng.uniform(*SEAT), rng.uniform(*LEG)
    chair.arm_thickness, chair.back_thickness = rng.uniform(*ARM), rng.uniform(*POST)
    chair.arm_height = chair.arm_thickness * rng.uniform(0.8, 1)
    draw_stretchers(chair, rng)
    draw_arms(chair, rng)
    draw_back(chair, rng)


def draw_stretchers(chair: Any, rng: np.random.Generator) -> None:
    """All four at one height, a share of the legs' down from the seat: within it at 0."""
    chair.has_leg_x_bar = chair.has_leg_y_bar = True
    chair.stretcher = rng.uniform(0, 0.75) if rng.random() < STRETCHED else 0.0
    chair.leg_offset_bar = chair.stretcher, chair.stretcher


def draw_arms(chair: Any, rng: np.random.Generator) -> None:
    """Arms of every size, most of them large, down to where the post hides them."""
    chair.has_arm = bool(rng.random() < ARMED)
    chair.arm_size = rng.triangular(0.2, 1, 1) if chair.has_arm else 0.0
    chair.arm_y = chair.arm_size * chair.size * rng.uniform(0.8, 1)
    chair.arm_z = chair.arm_size * chair.back_height * rng.uniform(0.35, 0.6)
    chair.arm_mid = chair.arm_size * chair.arm_mid


def draw_back(chair: Any, rng: np.random.Generator) -> None:
    """A top board that reaches down to anywhere, slats at any height, spindles at any spread."""
    chair.back_type = "whole"
    board = rng.uniform(*TOP_BOARD)
    kind = rng.random()
    if kind > OPEN:
        board = 0.0 if kind > 1 - FULL else rng.uniform(0, TOP_BOARD[0])
    half = rng.uniform(*HALF_SLAT)
    chair.slats = tuple(
        sorted(rng.uniform(0, board) if rng.random() < SLATTED else 1.0 for _ in range(SLATS))
    )
    slats = [(place - half, place + half) for place in chair.slats]
    chair.back_profile = boards([*slats, (board, 1.0)], LEAST_GAP / chair.back_height)
    width = chair.seat_back * chair.width / 2
    chair.spread = rng.uniform(0, 1) if rng.random() < SPINDLED else 1.0
    if (1 - chair.spread) * width < chair.back_thickness + LEAST_GAP:
        chair.spread = 1.0
    if 2 * chair.spread * width < chair.back_thickness + LEAST_GAP:
        chair.spread = 0.0


def boards(spans: list[tuple[float, float]], least: float) -> list[tuple[float, float]]:
    """The spans from the seat's upper side to 1, those joined that ``least`` or less lies between.

    The last one ends at 1.
    """
    joined = [(0.0, SEAT_TOP)]
    for low, high in sorted(spans):
        if low - joined[-1][1] < least:
            joined[-1] = (joined[-1][0], min(1.0, max(high, joined[-1][1])))
        else:
            joined.append((low, min(1.0, high)))
    # What reaches no higher than the seat is within it.
    return [(low, high) for low, high in joined if high > SEAT_TOP]


def attributes(chair: Any) -> dict[str, float]:
    """What a person would name of a chair: lengths in its own height, and shares."""
    height = chair.leg_height + chair.back_height
    board = chair.back_profile[-1][0]
    return {
        "seat width": chair.width / height,
        "seat depth": chair.size / height,
        "seat thickness": chair.thickness / height,
        "round seat": float(chair.is_seat_round),
        "leg thickness": chair.leg_thickness / height,
        "leg spread": chair.leg_x_offset / height,
        "round legs": float(not chair.is_leg_round),
        "curved legs": float(chair.leg_type in ("up-curved", "down-curved")),
        "stretcher depth": chair.stretcher,
        "arm size": chair.arm_size,
        "back height": chair.back_height / height,
        "back lean": chair.back_y_offset / height,
        "back board": 1.0 - board,
        "slats": float(sum(place < board for place in chair.slats)),
        "spindle spread": chair.spread,
    }
