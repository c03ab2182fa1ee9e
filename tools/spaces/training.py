"""A recipe's training: samples, steps, checkpoints. Interrupted, it goes on where it was.

``data/NAME/training.pt`` is the state; ``data/NAME/training.json`` the seconds that it took, and a
digest of the meshes and options that it is of: the state of another training is put aside.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from hashlib import sha256
from statistics import fmean
from typing import Any

import torch

from core.files import write_whole
from core.training.autodecoder import Training

from . import shapes
from .recipe import Recipe

SECONDS_BETWEEN_CHECKPOINTS = 45.0
STEPS_BETWEEN_LINES = 500
FORMER = ".former"


def train(recipe: Recipe) -> Training:
    """Train on all shapes but the held-out ones, to the end; a line of progress now and then."""
    of = identity(recipe)
    training = kept(recipe, of)
    if training is None and recipe.checkpoint.exists():
        aside = recipe.checkpoint.with_suffix(FORMER)
        recipe.checkpoint.replace(aside)
        print(f"other meshes or options than before: begun anew, see {aside.name}", flush=True)
    if training is not None and training.step >= training.options.steps:
        return training
    files = shapes.paths(recipe)
    names = recipe.kept(list(files))
    samples = []
    for number, name in enumerate(names, 1):
        samples.append(shapes.samples(recipe, files[name]))
        if number % 20 == 0 or number == len(names):
            print(f"samples of {number} of {len(names)} shapes", flush=True)
    before = 0.0
    if training is None:
        generator = torch.Generator().manual_seed(recipe.seed)
        training = Training(recipe.training, len(names), generator=generator)
    else:
        before = seconds(recipe) or 0.0
        print(f"going on at step {training.step} of {training.options.steps}", flush=True)
    started, saved, first, errors = time.monotonic(), time.monotonic(), training.step, []
    for step in training.run(samples):
        errors.append(step.error)
        now = time.monotonic()
        if now - saved > SECONDS_BETWEEN_CHECKPOINTS or step.step == step.steps:
            keep(recipe, training, before + now - started, of)
            saved = now
        if step.step % STEPS_BETWEEN_LINES == 0:
            left = (now - started) / (step.step - first) * (step.steps - step.step)
            print(
                f"step {step.step} of {step.steps}: error {fmean(errors):.5f}, "
                f"codes {step.code_norm:.3f}, {left:.0f} s left",
                flush=True,
            )
            errors.clear()
    return training


def keep(recipe: Recipe, training: Training, took: float, of: str) -> None:
    """Write the state, and the identity that it is ``of``, of the meshes when they were read."""
    training.save(recipe.checkpoint)
    note = {"of": of, "seconds": round(took, 1)}
    write_whole(recipe.data / "training.json", json.dumps(note).encode())


def kept(recipe: Recipe, of: str) -> Training | None:
    """The state of the training of that identity; None where there is none, or another one's."""
    if not recipe.checkpoint.exists() or _note(recipe).get("of") != of:
        return None
    return Training.load(recipe.checkpoint)


def identity(recipe: Recipe) -> str:
    """A digest of the options and of the shapes that are trained on."""
    files = shapes.paths(recipe)
    of = [(name, shapes.key(recipe, files[name])) for name in recipe.kept(list(files))]
    return sha256(json.dumps([asdict(recipe.training), of]).encode()).hexdigest()


def seconds(recipe: Recipe) -> float | None:
    """How long the training took, all its parts together, where that was noted."""
    took = _note(recipe).get("seconds")
    return None if took is None else float(took)


def _note(recipe: Recipe) -> dict[str, Any]:
    path = recipe.data / "training.json"
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}
