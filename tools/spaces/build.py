"""Rebuild a built-in space: meshes, training, file, figures, pictures, card.

    python3 dev.py spaces NAME ... [--threads N] [--shapes N] [--from STEP | --STEP-only]

Each step goes on where it was interrupted and can be run alone: meshes (data/NAME/meshes), train
(data/NAME/training.pt), write (spaces/NAME.safetensors), judge (data/NAME/verdict.json, then the
file again, with its figures), teach (data/NAME/encoder, spaces/encoders/NAME.safetensors, and its
figures in the card), sheets (docs/images/spaces, spaces/NAME.png, and the card NAME.md).
The exit status is 1 when a space misses one of its floors by more than its recipe accepts.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tools.spaces.judge import SHAPES  # noqa: E402
from tools.spaces.recipe import NAMES, Recipe, maker  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the steps asked for; the exit status."""
    parser = argparse.ArgumentParser(prog="dev.py spaces", description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="+", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--threads", type=int, default=1, metavar="N")
    parser.add_argument(
        "--shapes",
        type=int,
        default=SHAPES,
        metavar="N",
        help=f"training shapes, and held-out ones, to judge by (default {SHAPES}; 0: all)",
    )
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--from", dest="first", choices=STEPS, help="begin with this step")
    for step in STEPS:
        only.add_argument(
            f"--{step}-only", dest="only", action="store_const", const=step, help="this step alone"
        )
    options = parser.parse_args(arguments)
    # libigl reads it when it is first used.
    os.environ.setdefault("IGL_NUM_THREADS", str(options.threads))
    import torch

    torch.set_num_threads(options.threads)
    recipes = [maker(name).RECIPE for name in options.names]
    names = list(STEPS)
    chosen = [options.only] if options.only else names[names.index(options.first or names[0]) :]
    right = True
    for recipe in recipes:
        for step in chosen:
            print(f"{recipe.name}: {step}", flush=True)
            right &= STEPS[step](recipe, options)
    return 0 if right else 1


def meshes(recipe: Recipe, options: argparse.Namespace) -> bool:
    """Make what is missing of the training shapes."""
    recipe.meshes.mkdir(parents=True, exist_ok=True)
    maker(recipe.name).meshes(recipe.meshes)
    return True


def train(recipe: Recipe, options: argparse.Namespace) -> bool:
    """Train to the end."""
    from tools.spaces import training

    training.train(recipe)
    return True


def write(recipe: Recipe, options: argparse.Namespace) -> bool:
    """Write the space's file from the checkpoint, and the card."""
    from tools.spaces import assemble, training
    from tools.spaces.card import write_card

    trained = training.kept(recipe, training.identity(recipe))
    if trained is None:
        raise SystemExit(f"{recipe.checkpoint} is not of these meshes and options: train first")
    space = assemble.write(recipe, trained)
    write_card(recipe, space, trained.options, recipe.file.stat().st_size)
    return True


def judge(recipe: Recipe, options: argparse.Namespace) -> bool:
    """Measure the file, and write the figures into it; whether they are acceptable."""
    from tools import bench_spaces
    from tools.spaces.verdict import acceptable

    verdict = bench_spaces.one(recipe, shapes=options.shapes, keep=True)
    bench_spaces.show([verdict])
    write(recipe, options)
    return acceptable(recipe, verdict)


def teach(recipe: Recipe, options: argparse.Namespace) -> bool:
    """Teach the encoder of pictures, and tell of it in the card."""
    from core.reconstruction.teaching import teach as steps_of
    from core.reconstruction_commands import told
    from core.spacefile import read_space
    from tools.spaces.card import tell_of_encoder

    space = read_space(recipe.file)
    steps = steps_of(space, recipe.encoder, recipe.encoder_run, options=recipe.teaching)
    told(steps)
    tell_of_encoder(recipe, space)
    return True


def sheets(recipe: Recipe, options: argparse.Namespace) -> bool:
    """Draw the contact sheets and the thumbnail, and the card that points to them."""
    from core.spacefile import read_space
    from tools.spaces import record
    from tools.spaces import sheets as drawing

    space = read_space(recipe.file)
    codes = record.held_out_codes(recipe, space)
    drawing.sheets(recipe, space, codes, say=lambda text: print(text, flush=True))
    shown = drawing.example_codes(space, space.card.get("examples", [])) or [space.mean_code]
    drawing.thumbnail(recipe, space, shown[0])
    return write(recipe, options)


STEPS: dict[str, Callable[[Recipe, argparse.Namespace], bool]] = {
    "meshes": meshes,
    "train": train,
    "write": write,
    "judge": judge,
    "teach": teach,
    "sheets": sheets,
}


if __name__ == "__main__":
    sys.exit(main())
