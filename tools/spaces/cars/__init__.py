"""Cars, drawn by this project's own rules: no measured car is among them."""

from __future__ import annotations

from pathlib import Path

from core.training.autodecoder import TrainingOptions
from core.training.presets import architecture_for
from tools.spaces.cars.draws import attributes, draw
from tools.spaces.cars.shape import surface
from tools.spaces.collection import check_same_program, drawn_by, write_json, write_ply
from tools.spaces.recipe import Floors, Recipe

COUNT = 240
FIRST_SEED = 1000
SOURCES = {
    "licence": "CC0-1.0",
    "origin": "This project's own parametric generator, tools/spaces/cars (CC0-1.0).",
    "credits": [],
}

RECIPE = Recipe(
    name="cars",
    count=COUNT,
    training=TrainingOptions(
        architecture=architecture_for(code_length=32, layers=6, width=128),
        steps=6_000,
    ),
    near=40_000,
    volume=10_000,
    examples={
        "Saloon": "car_1053",
        "Estate": "car_1016",
        "Coupe": "car_1013",
        "Roadster": "car_1060",
        "Pickup": "car_1020",
        "Off-roader": "car_1000",
        "Van": "car_1018",
        "Bubble car": "car_1017",
    },
    slider_names={"length_metres": "Length"},
    floors=Floors(training_iou=0.985, held_out_iou=0.97),
    title="Cars",
    summary="Saloons, hatchbacks, estates, off-roaders, pickups, vans, coupes, roadsters and the "
    "rounded cars of former days, each with its wheels, as one solid body.",
    origin="Drawn by this project's own parametric generator: 20 styles over 38 measures, mixed "
    "and varied. No measured car is among them, and none is meant.",
    limits="One solid: no doors, no interior but the open cars' seats; windows are set back, not "
    "open. Halfway between an open car and a closed one the roof is ragged. Lamps and grille are "
    "rounded where they are finer than about 0.02.",
)


def meshes(folder: Path, *, count: int | None = None) -> None:
    """Make what is missing of ``count`` cars in ``folder``; attributes and sources beside it."""
    here = Path(__file__)
    check_same_program(folder, drawn_by(set(here.parent.glob("*.py")) - {here}))
    cars = {f"car_{seed}": draw(seed) for seed in range(FIRST_SEED, FIRST_SEED + (count or COUNT))}
    for name, car in cars.items():
        path = folder / f"{name}.ply"
        if not path.exists():
            made = surface(car)
            write_ply(path, made.vertices, made.faces)
    named = {name: attributes(car) for name, car in cars.items()}
    write_json(folder.parent / "attributes.json", named)
    write_json(folder.parent / "sources.json", SOURCES)
