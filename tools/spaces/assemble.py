"""From a training to the file that ships: sliders, examples, and what the card says."""

from __future__ import annotations

import importlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from core.shapes.family import Alignment
from core.sliders import SliderReport, find_sliders
from core.space import Frame, Space
from core.spacefile import write_space
from core.training.autodecoder import Training

from . import record, shapes
from .examples import examples
from .recipe import RADIUS, ROOT, Recipe
from .training import seconds

# What every recipe's meshes are brought to, so that a new mesh is brought there as well.
ALIGNMENT = Alignment(centre=True, normalise=True, radius=RADIUS)


def bare_space(recipe: Recipe, training: Training) -> Space:
    """The space of a training whose codes belong to the kept shapes, sorted by name."""
    names = recipe.kept(list(shapes.paths(recipe)))
    decoder = training.decoder.requires_grad_(False).eval()
    codes = training.codes.detach().clone()
    return Space(recipe.name, decoder, codes, tuple(names), Frame(scale=1 / RADIUS))


def sliders(recipe: Recipe, space: Space) -> SliderReport:
    """Named ones where ``data/NAME/attributes.json`` tells of the shapes, and principal axes."""
    attributes = read_json(recipe.data / "attributes.json")
    return find_sliders(space.codes, space.shape_names, attributes, names=recipe.slider_names)


def described(recipe: Recipe, space: Space, training: Training) -> Space:
    """``space`` with sliders, examples and card; the figures are those that were measured last."""
    # First: it brings sources.json and attributes.json up to what the recipe says today.
    files = shapes.paths(recipe)
    sources = read_json(recipe.data / "sources.json")
    report = sliders(recipe, space)
    kept = record.read(recipe, space) or {}
    took = seconds(recipe)
    card: dict[str, Any] = {
        "title": recipe.title,
        "summary": recipe.summary,
        "licence": str(sources.get("licence", "")),
        "origin": recipe.origin or str(sources.get("origin", "")),
        "credits": list(sources.get("credits", [])),
        "training_shapes": len(space.codes),
        "held_out_shapes": recipe.apart(list(files)),
        "recipe": recipe_file(recipe),
        "seed": recipe.seed,
        "alignment": asdict(ALIGNMENT),
        "fill_voids": recipe.solid,
        "steps": training.step,
        "seconds": took,
        "examples": examples(recipe, space.shape_names, space.codes),
        "slider_r2": {
            recipe.slider_names.get(a.name, a.name): round(a.r2, 3)
            for a in report.attributes
            if not a.reason
        },
        "quality": kept.get("quality", {}),
    }
    if not card["licence"]:
        raise SystemExit(f"{recipe.data / 'sources.json'} names no licence: nothing is written")
    return replace(space, card=card, sliders=report.sliders)


def write(recipe: Recipe, training: Training) -> Space:
    """Write ``spaces/NAME.safetensors``; the space in it."""
    space = described(recipe, bare_space(recipe, training), training)
    recipe.file.parent.mkdir(parents=True, exist_ok=True)
    write_space(recipe.file, space)
    print(f"wrote {recipe.file.name}, {recipe.file.stat().st_size:,} bytes", flush=True)
    return space


def recipe_file(recipe: Recipe) -> str:
    """The recipe's file, relative to the repository."""
    module = importlib.import_module(f"tools.spaces.{recipe.name}")
    return Path(str(module.__file__)).resolve().relative_to(ROOT).as_posix()


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object, empty where there is no such file."""
    if not path.exists():
        return {}
    value: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return value
