"""Chairs whose bars and arms come and go by sliding and growing, never by breaking.

Infinigen gives a chair one of four backs, and arms and stretchers or none: between two kinds lies
no chair, and a shape space breaks the bars there. Here every part is there in every size down to
nothing, and is held by what it grows out of: stretchers come down from within the seat, arms grow
from the corner of seat and back, the back's board reaches down from its top, spindles hang from the
board until they reach the seat, and slats grow from both posts until they meet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from infinigen.assets.objects.seating.chairs.chair import ChairFactory
from infinigen.assets.utils.decorate import read_co, remove_vertices, write_attribute, write_co
from infinigen.assets.utils.draw import bezier_curve
from infinigen.core.util.blender import deep_clone_obj

# Thicknesses in metres: the thinnest is two to three cells of 64.
SEAT, LEG, ARM, POST = (0.05, 0.08), (0.048, 0.062), (0.048, 0.06), (0.045, 0.055)
# A gap narrower than this, in metres, is closed.
LEAST_GAP = 0.016
# Shares of the back's height: the board's lower edge where it is a top rail, the slats.
TOP_RAIL, SLATS = (0.76, 0.88), (0.3, 0.54)
# Shares of half the back's width: where spindles stand.
SPINDLES = (0.3, 0.38)
# Shares of chairs: with a top rail alone, with a full back (the others lie between); without bars
# in the back, with whole ones; with spindles alone, with slats alone; with arms; with stretchers.
RAIL, FULL, BARE, WHOLE, SPINDLED, SLATTED = 0.65, 0.15, 0.3, 0.45, 0.45, 0.4
ARMED, STRETCHED = 0.65, 0.75


class FACTORY(ChairFactory):
    """Infinigen's chair, its back a board, two slats and two spindles, as far as they reach.

    board
        The board's lower edge, a share of the back's height.
    slat, spindle
        How far they have grown, 0 to 1, and ``spread``: where spindles stand, a share of half the
        back's width.
    """

    board, slat, spindle, spread = 0.8, 0.0, 0.0, 0.34
    stretcher = arm_size = 0.0

    def make_back_decors(self, backs: list[Any], finalize: bool = True) -> list[Any]:
        """The board between the posts, slats and spindles."""
        parts = list(super().make_back_decors(backs, finalize))
        left, right = (read_co(back) for back in backs)
        bars = [*self.make_spindles(backs[0], left, right), *self.make_slats(left, right)]
        for bar in bars:
            write_attribute(bar, 1, "panel", "FACE")
        return parts + bars

    def make_spindles(self, post: Any, left: np.ndarray, right: np.ndarray) -> Iterator[Any]:
        """Two that stand as the posts do, from within the board down."""
        if not self.spindle:
            return
        top = self.back_height * (self.board + 1) / 2
        end = self.back_height * self.board * (1 - self.spindle)
        if end < self.thickness / 2 + LEAST_GAP:
            end = -self.thickness / 2
        for share in ((1 - self.spread) / 2, (1 + self.spread) / 2):
            bar = deep_clone_obj(post)
            write_co(bar, (1 - share) * left + share * right)
            remove_vertices(bar, lambda x, y, z: (z < end) | (z > top))
            yield self.solidify(bar, 2, self.back_thickness)

    def make_slats(self, left: np.ndarray, right: np.ndarray) -> Iterator[Any]:
        """Pairs of bars from both posts towards each other; one bar where they meet."""
        if not self.slat:
            return
        for place in SLATS:
            height = place * self.back_height
            ends = [post[np.abs(post[:, 2] - height).argmin()] for post in (left, right)]
            middle = (ends[0] + ends[1]) / 2
            gap = (1 - self.slat) * np.linalg.norm(ends[1] - ends[0])
            spans = [ends]
            if gap > LEAST_GAP:
                spans = [(end, end + self.slat * (middle - end)) for end in ends]
            for span in spans:
                yield self.solidify(bezier_curve(np.stack(span, -1)), 0, self.back_thickness)


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
    """A board that reaches down to anywhere, slats and spindles of every length."""
    chair.back_type = "whole"
    chair.board = rng.uniform(*TOP_RAIL)
    kind = rng.random()
    if kind > RAIL:
        chair.board = 0.0 if kind > 1 - FULL else rng.uniform(0, TOP_RAIL[0])
    # No slit between the board and a slat or the seat.
    slit = (chair.back_thickness / 2 + LEAST_GAP) / chair.back_height
    for place in (0.0, *SLATS):
        if place < chair.board < place + 2 * slit:
            chair.board = place
    chair.back_profile = [(chair.board, 1.0)]
    chair.slat, chair.spindle = bars(rng)
    chair.spread = rng.uniform(*SPINDLES)


def bars(rng: np.random.Generator) -> tuple[float, float]:
    """How far slats and spindles have grown: one kind or none in most chairs, else some of each.

    Both whole would be a lattice, too fine for a small network.
    """
    kind = rng.random()
    grown = 0.0 if kind < BARE else 1.0 if kind < BARE + WHOLE else rng.uniform(0.15, 1)
    kind = rng.random()
    slats = 0.0 if kind < SPINDLED else 1.0 if kind < SPINDLED + SLATTED else rng.random()
    return grown * slats, grown * (1 - slats)


def attributes(chair: Any) -> dict[str, float]:
    """What a person would name of a chair: lengths in its own height, and shares."""
    height = chair.leg_height + chair.back_height
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
        "back board": 1.0 - chair.board,
        "slats": chair.slat,
        "spindles": chair.spindle,
    }
