"""A recipe's training: samples, steps, checkpoints. Interrupted, it goes on where it was."""

from __future__ import annotations

import json
import time
from statistics import fmean

import torch

from core.files import write_whole
from core.training.autodecoder import Training

from . import shapes
from .recipe import Recipe

SECONDS_BETWEEN_CHECKPOINTS = 45.0
STEPS_BETWEEN_LINES = 500


def train(recipe: Recipe) -> Training:
    """Train on all shapes but the held-out ones, to the end; a line of progress now and then.

    ``data/NAME/training.pt`` is the state, ``data/NAME/training.json`` the seconds that it took.
    """
    if recipe.checkpoint.exists():
        training = Training.load(recipe.checkpoint)
        if training.step >= training.options.steps:
            return training
        print(f"going on at step {training.step} of {training.options.steps}", flush=True)
    files = shapes.paths(recipe)
    kept = recipe.kept(list(files))
    samples = []
    for number, name in enumerate(kept, 1):
        samples.append(shapes.samples(recipe, files[name]))
        if number % 20 == 0 or number == len(kept):
            print(f"samples of {number} of {len(kept)} shapes", flush=True)
    if not recipe.checkpoint.exists():
        generator = torch.Generator().manual_seed(recipe.seed)
        training = Training(recipe.training, len(kept), generator=generator)
    before = seconds(recipe) or 0.0
    started, saved, first, errors = time.monotonic(), time.monotonic(), training.step, []
    for step in training.run(samples):
        errors.append(step.error)
        now = time.monotonic()
        if now - saved > SECONDS_BETWEEN_CHECKPOINTS or step.step == step.steps:
            training.save(recipe.checkpoint)
            note = json.dumps({"seconds": round(before + now - started, 1)})
            write_whole(recipe.data / "training.json", note.encode())
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


def seconds(recipe: Recipe) -> float | None:
    """How long the training took, all its parts together, where that was noted."""
    path = recipe.data / "training.json"
    return float(json.loads(path.read_text("utf-8"))["seconds"]) if path.exists() else None
