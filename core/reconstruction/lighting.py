"""Pictures of reliefs to learn from: any material, any light, before any background.

What an encoder has to see through is drawn at random for each picture of a batch: colours in waves
or rings through the object, matt, glossy or metallic, one to four lights and a sky, crevices that
darken, and behind it walls, floors, stripes, boxes, grain, and the object's own shadow. Far from a
photograph; variety is what carries over (Tobin et al., IROS 2017).

Within, pictures are ``(B, C, N)``, N pixels in a row.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, normalize, pad

from .drawing import COVER, CREVICE, NORMAL, PLACE

WAVES, LIGHTS, BOXES = 3, 4, 5
# Waves a unit, of materials and of what stands behind.
FREQUENCIES, BEHIND_FREQUENCIES = (2.0, 25.0), (3.0, 40.0)


class Chances:
    """Draws from one generator for each picture of a batch of ``count``."""

    def __init__(self, count: int, generator: torch.Generator) -> None:
        self.count, self.generator = count, generator

    def numbers(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Numbers ``(B, *shape)`` between ``low`` and ``high``."""
        drawn = torch.rand(self.count, *shape, generator=self.generator)
        return low + (high - low) * drawn

    def one(self, low: float = 0.0, high: float = 1.0) -> Tensor:
        """A number for each picture, ``(B, 1, 1)``."""
        return self.numbers(1, 1, low=low, high=high)

    def happen(self, share: float, count: int = 1) -> Tensor:
        """1 with that probability, else 0: ``(B, count, 1)``."""
        return (self.numbers(count, 1) < share).float()

    def normal(self, *shape: int) -> Tensor:
        """Numbers ``(B, *shape)`` of the normal distribution."""
        return torch.randn(self.count, *shape, generator=self.generator)

    def directions(self, count: int, size: int) -> Tensor:
        """Unit vectors ``(B, count, size)``."""
        return normalize(self.normal(count, size), dim=2)

    def colours(self, count: int = 1) -> Tensor:
        """Colours ``(B, 3, count)``: as often pale or dark as bright."""
        grey = self.numbers(1, count, low=0.05, high=0.95)
        strength = self.numbers(1, count).square()
        return torch.lerp(grey, self.numbers(3, count), strength)


def lit(reliefs: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """``reliefs`` ``(B, 8, S, S)``, bytes, of random material under random light.

    Returns rgb ``(B, 3, S, S)`` in [0, 1], before black, and coverage ``(B, 1, S, S)``.
    """
    chances = Chances(len(reliefs), generator)
    shares = reliefs.flatten(2).float() / 255
    normals, places = shares[:, NORMAL] * 2 - 1, shares[:, PLACE] * 2 - 1
    light, gloss = _lights(normals, chances)
    light = light * (1 - chances.one(high=0.7) * shares[:, CREVICE])
    rgb = (_material(places, chances) * light + gloss).clamp(0, 1) * shares[:, COVER]
    square = reliefs.shape[-2:]
    cover: Tensor = shares[:, COVER]
    return rgb.unflatten(2, square), cover.unflatten(2, square)


def _material(places: Tensor, chances: Chances) -> Tensor:
    """Colours ``(B, 3, N)`` at ``places`` of the objects: one, or two in waves or rings."""
    # The distance from the upright axis is one more direction, along which rings go.
    along = torch.cat([places, places[:, :2].norm(dim=1, keepdim=True)], dim=1)
    rings = chances.happen(0.35)
    directions = chances.directions(WAVES, 4)
    directions[..., :2] *= 1 - rings
    loudness = torch.ones(chances.count, WAVES, 1)
    loudness[:, 1:] -= rings
    share = _waves(along, directions, FREQUENCIES, loudness, chances)
    colours = chances.colours(2)
    strength = chances.happen(0.65) * chances.one()
    return torch.lerp(colours[..., :1], colours[..., 1:], share * strength)


def _waves(
    along: Tensor,
    directions: Tensor,
    frequencies: tuple[float, float],
    loudness: Tensor,
    chances: Chances,
) -> Tensor:
    """Waves through each other, as in marble and wood, flat or sharp: ``(B, 1, N)`` in [0, 1].

    ``along`` ``(B, D, N)`` are places, ``directions`` ``(B, W, D)`` and ``loudness`` ``(B, W, 1)``
    those of the waves.
    """
    count = directions.shape[1]
    low, high = frequencies
    directions = directions * chances.numbers(count, 1, low=low, high=high)
    phases = chances.numbers(count, 1, high=math.tau)
    waves = (torch.baddbmm(phases, directions, along).sin() * loudness).sum(1, keepdim=True)
    return (waves * chances.one(0.5, 8.0)).sigmoid()


def _lights(normals: Tensor, chances: Chances) -> tuple[Tensor, Tensor]:
    """What lights and sky make of the normals: light and gloss ``(B, 3, N)``."""
    towards = chances.directions(LIGHTS, 3)
    before = chances.happen(0.8, LIGHTS)[..., 0] > 0  # most stand on the camera's side
    towards[..., 2] = torch.where(before, towards[..., 2].abs(), towards[..., 2])
    there = chances.happen(0.5, LIGHTS)
    there[:, 0] = 1.0
    strengths = there * chances.numbers(LIGHTS, 1, low=0.1, high=0.9)
    coloured = strengths * (1 + 0.25 * chances.normal(LIGHTS, 3))
    sky = chances.one(0.1, 0.7) * (1 + chances.one(high=0.5) * normals[:, 1:2])
    light = sky + torch.bmm(coloured.mT, torch.bmm(towards, normals).relu())
    half = normalize(towards + torch.tensor([0.0, 0.0, 1.0]), dim=2)
    sharpness = chances.one(5.0, 80.0)
    shine = chances.one().square() * 0.6 * strengths.mT
    gloss = torch.bmm(shine, ((torch.bmm(half, normals) - 1) * sharpness).exp())
    # A metal mirrors what is around it: here a horizon somewhere.
    metal = chances.happen(0.25) * chances.one()
    edge = torch.bmm(chances.directions(1, 3), normals) + chances.one(-0.5, 0.5)
    around = chances.colours(2)
    mirrored = torch.lerp(around[..., :1], around[..., 1:], (edge * sharpness / 6).sigmoid())
    return light * (1 - metal), gloss + 0.7 * metal * mirrored


def backgrounds(count: int, side: int, generator: torch.Generator) -> Tensor:
    """What may stand behind objects: ``(count, 3, side, side)`` in [0, 1]."""
    chances = Chances(count, generator)
    at = (torch.arange(side) + 0.5) / side
    rows, columns = (each.flatten() for each in torch.meshgrid(at, at, indexing="ij"))
    places = torch.stack([columns, rows]).expand(count, -1, -1)
    aslant = chances.directions(1, 2)
    image = _plane(places, aslant, chances)
    # A floor, whose far edge is sharp, blurred or aslant.
    horizon = chances.one(0.2, 0.95) + chances.one(-0.1, 0.1) * columns
    floor = _plane(places, aslant.flip(2), chances) * (0.8 + 0.4 * chances.one() * rows)
    below = ((rows - horizon) * chances.one(20.0, 400.0)).sigmoid()
    image = torch.lerp(image, floor, below * chances.happen(0.65))
    across = torch.bmm(aslant, places)
    corners = chances.numbers(4, BOXES, 1, low=-0.2, high=1.2)
    inside = ((across - corners[:, 0]).abs() < corners[:, 1] / 3) & (
        (rows - corners[:, 2]).abs() < corners[:, 3] / 3
    )
    inside &= chances.happen(0.5, BOXES) > 0
    colours = chances.colours(BOXES)
    for box in range(BOXES):
        image = torch.where(inside[:, box : box + 1], colours[..., box : box + 1], image)
    square = (side, side)
    fine, coarse = chances.normal(3, *square), chances.normal(3, side // 8, side // 8)
    coarse = interpolate(coarse, size=square, mode="bilinear", align_corners=False)
    grain = torch.lerp(coarse, fine, chances.numbers(1, 1, 1)) * chances.numbers(1, 1, 1) ** 3
    grained: Tensor = image.unflatten(2, square) + 0.3 * grain
    return grained.clamp(0, 1)


def _plane(places: Tensor, aslant: Tensor, chances: Chances) -> Tensor:
    """A wall or a floor ``(B, 3, N)``: shaded along ``aslant``, plain or striped."""
    colours = chances.colours(3)
    first, second, stripes = (colours[..., number : number + 1] for number in range(3))
    plain = (first + 0.15 * chances.normal(3, 1)).clamp(0, 1)
    second = torch.where(chances.happen(0.4) > 0, plain, second)
    image = torch.lerp(first, second, (torch.bmm(aslant, places) + 1) / 2)
    loudness = torch.ones(chances.count, 2, 1)
    share = _waves(places, chances.directions(2, 2), BEHIND_FREQUENCIES, loudness, chances)
    return torch.lerp(image, stripes, chances.happen(0.5) * chances.one() * share)


def shadowed(behind: Tensor, cover: Tensor, generator: torch.Generator) -> Tensor:
    """``behind`` ``(B, 3, S, S)`` with shadows of what covers it ``(B, 1, S, S)`` on two in three.

    A shadow here is the object's outline, blurred, where both touch, below it or beside it.
    """
    chances = Chances(len(behind), generator)
    side = cover.shape[-1]
    soft = avg_pool2d(cover, 5, stride=1, padding=2)
    softer = avg_pool2d(soft, 9, stride=1, padding=4)
    down = max(1, side // 12)
    moves = ((down, 0), (down // 2, 2 * down), (down // 2, -2 * down))
    # Cut where it leaves the picture, at the right by as much as it is moved in from the left.
    moved = (pad(softer, (right, -right, low, -low)) for low, right in moves)
    kinds = torch.stack([soft, *moved])
    kind = torch.randint(len(kinds), (len(behind),), generator=generator)
    shade = kinds[kind, torch.arange(len(behind))]
    # The light comes from above: the shadow lies about the lower half.
    rows = ((torch.arange(side) + 0.5) / side)[:, None]
    below = ((rows - chances.numbers(1, 1, 1, low=0.3, high=0.8)) * 12).sigmoid()
    strength = chances.happen(0.67) * chances.one(0.2, 1.0)
    dark: Tensor = strength[..., None] * (1.5 * shade * below).clamp(0, 1)
    return behind * (1 - dark)
