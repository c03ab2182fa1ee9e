"""A decoder of the published models' size that nobody has to publish: a sphere, from a seed.

The network is DeepSDF's own (Park et al., CVPR 2019, section 4 and its published specs.json): 8
hidden layers of 512 with ReLU, the code of 256 and the point seen again by the fifth, tanh at the
end. Random weights are trained to the distance to a sphere, clamped as DeepSDF clamps it. What is
measured on it is the arithmetic of that size, on a surface of known size. It takes a minute or two
of one core, and is kept in ``data/peers``.
"""

from __future__ import annotations

import math
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor

from core.decoder import Architecture, Decoder
from core.space import Space
from core.spacefile import write_space

NAME = "8x512 sphere"
FOLDER = Path(__file__).resolve().parents[2] / "data" / "peers"
CODE_LENGTH, WIDTH, SKIP = 256, 512, 4
# A layer before a skip leaves room for the code and the point: the skip's input is 512 wide.
BEFORE_SKIP = WIDTH - CODE_LENGTH - 3
PUBLISHED = Architecture(
    CODE_LENGTH, (*[WIDTH] * (SKIP - 1), BEFORE_SKIP, *[WIDTH] * 4), skips=(SKIP,)
)
RADIUS, CLAMP, SEED = 0.6, 0.1, 0
STEPS, BATCH, RATE = 250, 2048, 5e-4
# Half of the points lie about the surface, within about this.
NEAR = 0.05
JUDGED_POINTS = 20_000


def sphere_decoder(*, seed: int = SEED, steps: int = STEPS, folder: Path = FOLDER) -> Path:
    """The file of that decoder, made where it is missing."""
    recipe = repr((PUBLISHED, RADIUS, CLAMP, seed, steps, BATCH, RATE, NEAR))
    path = folder / f"sphere_{sha256(recipe.encode()).hexdigest()[:12]}.safetensors"
    if not path.exists():
        print(f"training {NAME}: {steps} steps", flush=True)
        space = trained(seed, steps)
        print(f"mean error {mean_error(space):.5f} of the cube's half side", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        write_space(path, space)
    return path


def trained(seed: int, steps: int) -> Space:
    """The decoder as a space of one shape, the code drawn as DeepSDF draws its first codes."""
    generator = torch.Generator().manual_seed(seed)
    decoder = Decoder(PUBLISHED, generator=generator).requires_grad_(True)
    code = torch.randn(CODE_LENGTH, generator=generator) / math.sqrt(CODE_LENGTH)
    optimiser = torch.optim.Adam(decoder.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        points = points_about(generator, BATCH)
        loss = errors(decoder(code, points), points).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return Space(NAME, decoder.requires_grad_(False).eval(), code[None], ("sphere",))


def points_about(generator: torch.Generator, count: int) -> Tensor:
    """Points ``(count, 3)``: half of them anywhere in the cube, half near the sphere."""
    points = 2 * torch.rand(count, 3, generator=generator) - 1
    near = torch.nn.functional.normalize(torch.randn(count // 2, 3, generator=generator), dim=1)
    points[::2] = near * (RADIUS + NEAR * torch.randn(count // 2, 1, generator=generator))
    return points


def errors(values: Tensor, points: Tensor) -> Tensor:
    """|f - distance| ``(N,)``, both clamped."""
    distance = points.norm(dim=1) - RADIUS
    return (values.clamp(-CLAMP, CLAMP) - distance.clamp(-CLAMP, CLAMP)).abs()


def mean_error(space: Space) -> float:
    """The mean of :func:`errors` over points that no training saw."""
    points = points_about(torch.Generator().manual_seed(SEED + 1), JUDGED_POINTS)
    return float(errors(space.fold(space.codes[0]).evaluate(points), points).mean())
