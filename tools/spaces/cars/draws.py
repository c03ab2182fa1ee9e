"""Cars at random: a style, often mixed with one like it, and everything a little changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tools.spaces.cars.styles import NAMES, STYLES, Car

MIXED_SHARE = 0.6
FARTHEST_MIX = 0.5
# Styles this far apart (in deviations, root mean square over the measures) are seldom mixed.
LIKENESS = 0.8
# A style's weight among the draws, where it is not 1.
WEIGHTS = {"sedan": 1.6, "hatchback": 1.6, "suv": 1.5, "coupe": 1.3, "micro": 0.7, "bubble": 0.7}
# These stay as the first style has them: half of each would be neither.
KEPT = ("bed", "cockpit", "glazed")
# Standard deviations of independent changes: relative ones, and absolute ones (metres, degrees).
RELATIVE = {
    "length": 0.025,
    "width": 0.02,
    "height": 0.022,
    "wheelbase": 0.02,
    "overhang": 0.05,
    "ride": 0.10,
    "wheel": 0.045,
    "tyre": 0.06,
    "screen_rake": 0.06,
    "tumblehome": 0.15,
    "shoulder": 0.20,
    "cabin_taper": 0.30,
    "nose_rake": 0.30,
    "tail_rake": 0.30,
    "nose_bow": 0.20,
    "tail_bow": 0.20,
    "edge": 0.15,
    "corner": 0.15,
    "roof_edge": 0.12,
    "roof_round": 0.20,
    "bonnet": 0.35,
    "barrel": 0.20,
    "bumper": 0.40,
    "flare": 0.50,
    "wings": 0.15,
    "lamps": 0.40,
    "bed": 0.08,
}
ABSOLUTE = {
    "nose": 0.025,
    "cowl": 0.02,
    "belt": 0.02,
    "deck": 0.03,
    "screen_at": 0.012,
    "rear_at": 0.010,
    "rear_rake": 3.0,
    "roof_fall": 0.015,
    "spoiler": 0.025,
}
SHORTEST_ROOF = 0.45


def draw(seed: int) -> Car:
    """The car number ``seed``: always the same."""
    rng = np.random.default_rng(seed)
    styles = list(STYLES)
    weights = np.array([WEIGHTS.get(style, 1.0) for style in styles])
    first = STYLES[styles[rng.choice(len(styles), p=weights / weights.sum())]]
    table = np.array(list(STYLES.values()))
    apart = np.sqrt((((table - first) / table.std(axis=0)) ** 2).mean(axis=1))
    near = weights * np.exp(-0.5 * (apart / LIKENESS) ** 2) * (apart > 0)
    second = table[rng.choice(len(styles), p=near / near.sum())]
    share = rng.uniform(0, FARTHEST_MIX) * (rng.random() < MIXED_SHARE)
    values = dict(zip(NAMES, first + share * (second - first), strict=True))
    values |= {name: float(first[NAMES.index(name)]) for name in KEPT}

    for name, deviation in RELATIVE.items():
        values[name] *= 1 + deviation * float(np.clip(rng.normal(), -2, 2))
    for name, deviation in ABSOLUTE.items():
        values[name] += deviation * float(np.clip(rng.normal(), -2, 2))
    size, sport, softness = np.clip(rng.normal(size=3), -2, 2)
    for name in ("length", "wheelbase", "overhang"):
        values[name] *= 1 + 0.04 * size
    values["width"] *= 1 + 0.015 * size
    values["height"] *= 1 - 0.02 * sport
    values["ride"] *= 1 - 0.10 * sport
    values["wheel"] *= 1 + 0.02 * sport + 0.015 * size
    values["screen_rake"] *= 1 + 0.03 * sport
    values["spoiler"] += 0.015 * sport
    for name in ("edge", "corner", "roof_edge", "roof_round", "nose_bow", "tail_bow"):
        values[name] *= float(np.exp(0.2 * softness))
    return sound(Car(**{name: float(value) for name, value in values.items()}))


def sound(car: Car) -> Car:
    """The car with what cannot be put right: wheels inside the body, a roof, bonnet below cowl."""
    wheel = float(np.clip(car.wheel, 0.25, 0.43))
    overhang = max(car.overhang, wheel + 0.14)
    wheelbase = min(car.wheelbase, car.length - overhang - wheel - 0.14)
    cowl = min(car.cowl, car.height - 0.33)
    room = min(overhang, car.length - overhang - wheelbase) - wheel - 0.10
    tightness = float(np.clip(room / (max(car.nose_bow, car.tail_bow) + 0.7 * car.corner), 0.45, 1))
    car = replace(
        car,
        wheel=wheel,
        overhang=overhang,
        wheelbase=wheelbase,
        cowl=cowl,
        ride=float(np.clip(car.ride, 0.10, 0.8 * wheel)),
        nose=float(np.clip(car.nose, car.ride + 0.36, cowl - 0.03)),
        belt=float(np.clip(car.belt, cowl - 0.06, cowl + 0.10)),
        deck=min(car.deck, cowl + 0.12),
        screen_at=max(car.screen_at, 0.04),
        rear_at=min(car.rear_at, 0.988),
        rear_rake=max(car.rear_rake, 2.0),
        roof_fall=max(car.roof_fall, 0.0),
        spoiler=float(np.clip(car.spoiler, 0.0, 0.13)),
        flare=max(car.flare, 0.0),
        bumper=float(np.clip(car.bumper, 0.0, 0.11)),
        lamps=max(car.lamps, 0.0),
        nose_bow=car.nose_bow * tightness,
        tail_bow=car.tail_bow * tightness,
        corner=car.corner * tightness,
    )
    while roof_length(car) < SHORTEST_ROOF:
        car = replace(car, screen_rake=0.98 * car.screen_rake, rear_rake=0.98 * car.rear_rake)
    return car


def roof_length(car: Car) -> float:
    """From the windscreen's upper edge to the rear screen's, in metres, before rounding."""
    front = np.tan(np.radians(car.screen_rake)) * (car.height - car.cowl)
    rear = np.tan(np.radians(car.rear_rake)) * (car.height - car.roof_fall - car.belt)
    return float((car.rear_at - car.screen_at) * car.length - front - rear)


def attributes(car: Car) -> dict[str, float]:
    """What a person would name. Lengths as shares of the car's length; slopes in degrees."""
    shares = {
        "width": car.width,
        "height": car.height,
        "wheelbase": car.wheelbase,
        "ride_height": car.ride,
        "wheel_radius": car.wheel,
        "bonnet_length": car.screen_at * car.length,
        "boot_length": (1 - car.rear_at) * car.length,
        "roof_length": roof_length(car),
        "belt_height": (car.cowl + car.belt) / 2,
        "wheel_flares": car.flare,
        "bumpers": car.bumper,
        "spoiler": car.spoiler,
        "load_bed": car.bed,
    }
    values = {name: value / car.length for name, value in shares.items()} | {
        "length_metres": car.length,
        "windscreen_slope": car.screen_rake,
        "rear_slope": car.rear_rake,
        "nose_slope": car.nose_rake,
        "tumblehome": car.tumblehome,
        "roundness": (car.edge + car.corner + car.roof_edge + car.roof_round) / 4,
        "wings": car.wings,
        "open_top": car.cockpit,
    }
    return {name: round(value, 5) for name, value in values.items()}
